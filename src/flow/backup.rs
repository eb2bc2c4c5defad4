//! Backup and restore: the operator's, without a master key, beside servers that run.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use crate::backup::{BackupError, Counts, Head, Reader, Writer};
use crate::clock::Timestamp;
use crate::crypto::master_key::MasterKeyError;
use crate::error::Error;
use crate::fitting::{CHECK, Lock, ROOT};
use crate::private_file::PrivateFile;
use crate::settings::Storage;
use crate::store::{Db, Fields, OpenError, Schema, Store, Tampered};

use super::audit_log::verify_chains;

/// How many rows are written by one statement.
const ROWS_AT_ONCE: usize = 100;

/// What a restore did.
pub struct Restored {
    /// What the backup says of itself.
    pub head: Head,
    /// What was written.
    pub rows: Counts,
    /// Whether the master key that opens it is here.
    pub master_key: bool,
    /// How many entries the audit log has in each chain, or where it is not what was written: before the backup was made,
    /// for the backup itself is proven.
    pub audit: Result<Vec<(String, i64)>, Tampered>,
}

/// What is known of a backup once all of it was read.
struct Proven {
    head: Head,
    lock: Lock,
}

/// Writes all there is, as of one moment, while servers go on. Gives the number of rows of each table.
pub async fn back_up(storage: &Storage, now: Timestamp, out: impl Write) -> Result<Counts, BackupError> {
    if !Db::is_there(storage) {
        return Err(BackupError::NoDatabase);
    }
    let db = Db::open(storage).await?;
    let written = write_all(&db, now, out).await;
    db.close().await;
    written
}

/// The same into a file that only its owner may read, and that is there whole or not at all.
pub async fn back_up_to(storage: &Storage, now: Timestamp, path: &Path, replace: bool) -> Result<Counts, BackupError> {
    if !replace && path.exists() {
        return Err(BackupError::Exists);
    }
    let mut file = PrivateFile::beside(path)?;
    let counts = back_up(storage, now, BufWriter::new(&mut file)).await?;
    let kept = if replace { file.keep() } else { file.keep_unless_there() };
    match kept {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(BackupError::Exists),
        kept => Ok(kept.map(|()| counts)?),
    }
}

async fn write_all(db: &Db, now: Timestamp, out: impl Write) -> Result<Counts, BackupError> {
    let mut snapshot = db.snapshot().await?;
    let mut store = snapshot.store();
    let schema = store.find_schema(db.catalog()).await?;
    let version = schema.version.ok_or(BackupError::NoDatabase)?;
    if version > Db::newest_schema() {
        return Err(OpenError::Newer(version).into());
    }
    let mut writer = Writer::begin(out, &Head::new(version, now.rfc3339()))?;
    for table in &schema.tables {
        writer.table(&table.name);
        store.each_row(table, |fields| writer.row(&table.name, fields)).await?;
    }
    let (mut out, counts) = writer.finish()?;
    out.flush()?;
    Ok(counts)
}

/// Writes a backup into an empty database: all of it or nothing.
pub async fn restore(storage: &Storage, path: &Path) -> Result<Restored, BackupError> {
    let Proven { head, lock } = prove(path)?;
    let master_key = master_key_fits(&lock, storage)?;
    let db = Db::open(storage).await?;
    let restored = restore_into(&db, path, &head).await;
    db.close().await;
    let (rows, audit) = restored?;
    Ok(Restored { head, rows, master_key, audit })
}

type Outcome = (Counts, Result<Vec<(String, i64)>, Tampered>);

async fn restore_into(db: &Db, path: &Path, head: &Head) -> Result<Outcome, BackupError> {
    make_room(db, head.schema).await?;
    let rows = write_rows(db, path).await?;
    db.migrate().await?;
    let audit = verify_chains(&mut db.read().await?.store()).await?;
    Ok((rows, audit))
}

/// Reads all of it before anything is written: whether it is whole, and what it says of its keys.
fn prove(path: &Path) -> Result<Proven, BackupError> {
    let mut reader = Reader::open(File::open(path)?)?;
    let mut lock = Lock::default();
    while let Some((table, fields)) = reader.next_row()? {
        if table == "facts" {
            note_key(&mut lock, &fields);
        }
    }
    let head = reader.head().clone();
    if head.schema > Db::newest_schema() {
        return Err(BackupError::NewerSchema(head.schema));
    }
    Ok(Proven { head, lock })
}

fn note_key(lock: &mut Lock, fact: &Fields) {
    use base64::Engine as _;
    let text = |column: &str| fact.get(column).and_then(serde_json::Value::as_str).unwrap_or_default();
    let value = base64::engine::general_purpose::STANDARD.decode(text("value")).ok();
    match text("name") {
        ROOT => lock.root = value,
        CHECK => lock.check = value,
        _ => {}
    }
}

/// Whether the master key is here; another one than that of the backup is an error.
fn master_key_fits(lock: &Lock, storage: &Storage) -> Result<bool, BackupError> {
    if lock.is_new() {
        return Ok(true);
    }
    match lock.fit(storage) {
        Ok(_) => Ok(true),
        Err(MasterKeyError::Missing) => Ok(false),
        Err(error) => Err(BackupError::MasterKey(error)),
    }
}

/// Refuses a database that holds anything, and gives an empty one the schema of the backup.
async fn make_room(db: &Db, version: i64) -> Result<(), BackupError> {
    let schema = schema_of(db).await?;
    let mut reading = db.read().await?;
    for table in &schema.tables {
        if reading.store().has_rows(table).await? {
            return Err(BackupError::NotEmpty(table.name.clone()));
        }
    }
    drop(reading);
    match schema.version {
        Some(present) if present > Db::newest_schema() => Err(OpenError::Newer(present).into()),
        Some(present) if present > version => Err(BackupError::AheadOfBackup(version, present)),
        _ => Ok(db.migrate_to(version).await?),
    }
}

async fn schema_of(db: &Db) -> Result<Schema, Error> {
    db.read().await?.store().find_schema(db.catalog()).await
}

/// One transaction for all rows. The file is proven once more on the way, and what stands in the database is counted.
async fn write_rows(db: &Db, path: &Path) -> Result<Counts, BackupError> {
    let schema = schema_of(db).await?;
    let mut reader = Reader::open(BufReader::new(File::open(path)?))?;
    let mut writing = db.write().await?;
    let mut batch = Batch::default();
    while let Some((table, fields)) = reader.next_row()? {
        if batch.table != table || batch.rows.len() == ROWS_AT_ONCE {
            batch.write(&mut writing.store(), &schema).await?;
            batch.table = table;
        }
        batch.rows.push(fields);
    }
    batch.write(&mut writing.store(), &schema).await?;
    for (table, rows) in reader.counts() {
        let table = schema.table(table).ok_or(BackupError::Damaged)?;
        if writing.store().count_rows(table).await? != *rows {
            return Err(Error::internal(format!("{} has other rows than were written", table.name)).into());
        }
    }
    writing.commit().await?;
    Ok(reader.counts().clone())
}

/// Rows of one table that are to be written together.
#[derive(Default)]
struct Batch {
    table: String,
    rows: Vec<Fields>,
}

impl Batch {
    async fn write(&mut self, store: &mut Store<'_>, schema: &Schema) -> Result<(), BackupError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let table = schema.table(&self.table);
        let table = table.ok_or_else(|| Error::internal(format!("there is no table {} to restore", self.table)))?;
        store.insert_rows(table, &self.rows).await?;
        self.rows.clear();
        Ok(())
    }
}
