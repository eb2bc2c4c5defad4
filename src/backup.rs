//! The form of a backup: lines of JSON, compressed (gzip), the same whatever engine they come from or go to.
//!
//! The first line is the [`Head`]. Then comes every row, as `["table",{"column":value}]`, tables in the order in which
//! they can be written. The last line has the number of rows of each table and the SHA-256 of all lines before it, so that
//! a file that was cut or changed is known before anything is written.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::crypto::RunningHash;
use crate::crypto::master_key::MasterKeyError;
use crate::error::Error;
use crate::store::{Fields, OpenError};

/// The form that this program writes and reads.
const FORMAT: u32 = 1;
/// A line longer than this is none of ours.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// How many rows of each table.
pub type Counts = BTreeMap<String, i64>;

/// What a backup says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// The form of the file.
    #[serde(rename = "latchkey_backup")]
    pub format: u32,
    /// The version of the schema that the rows have.
    pub schema: i64,
    /// When it was made.
    pub made_at: String,
    /// The version of the program that made it.
    pub program: String,
}

impl Head {
    /// Of a backup made now.
    pub fn new(schema: i64, made_at: String) -> Self {
        Self { format: FORMAT, schema, made_at, program: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

#[derive(Deserialize)]
struct Mark {
    #[serde(rename = "latchkey_backup")]
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct End {
    rows: Counts,
    sha256: String,
}

/// Why a backup cannot be made, or not be restored.
#[derive(Debug)]
pub enum BackupError {
    /// There is nothing to back up.
    NoDatabase,
    /// The file cannot be read or written.
    File(std::io::Error),
    /// There is such a file.
    Exists,
    /// The file is none of ours.
    NotABackup,
    /// It has a form that is not known here.
    UnknownFormat(u32),
    /// It was cut short or changed.
    Damaged,
    /// A newer version made it.
    NewerSchema(i64),
    /// The database holds something already.
    NotEmpty(String),
    /// The empty database has a newer schema than the backup: the file's, and the database's.
    AheadOfBackup(i64, i64),
    /// The master key that is here is another one.
    MasterKey(MasterKeyError),
    /// The database.
    Store(OpenError),
    /// Anything else.
    Other(Error),
}

impl std::fmt::Display for BackupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoDatabase => f.write_str("there is no database yet, so there is nothing to back up"),
            Self::File(error) => write!(f, "the backup file: {error}"),
            Self::Exists => f.write_str("there is a file of this name; choose another, or say --force"),
            Self::NotABackup => f.write_str("this file is not a backup of Latchkey, or only the beginning of one"),
            Self::UnknownFormat(format) => write!(
                f,
                "the backup has the form {format}, and this version of Latchkey knows form {FORMAT} only: restore it with \
                 the version that made it, or a newer one"
            ),
            Self::Damaged => f.write_str("the backup was cut short or changed: nothing of it was restored"),
            Self::NewerSchema(schema) => write!(
                f,
                "the backup was made by a newer version of Latchkey (schema {schema}): restore it with that version"
            ),
            Self::NotEmpty(table) => write!(
                f,
                "the database is not empty (there is something in {table}): a backup is restored into an empty database \
                 only; nothing was changed"
            ),
            Self::AheadOfBackup(backup, database) => write!(
                f,
                "the empty database has the schema {database} already, the backup the older schema {backup}: restore it \
                 into a database without any tables; it is brought up to date afterwards"
            ),
            Self::MasterKey(error) => write!(f, "the master key that is here does not open this backup: {error}"),
            Self::Store(error) => error.fmt(f),
            Self::Other(Error::Internal(source) | Error::Unavailable(source)) => source.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BackupError {}

impl From<std::io::Error> for BackupError {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

impl From<OpenError> for BackupError {
    fn from(error: OpenError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for BackupError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Writes a backup.
pub struct Writer<W: Write> {
    out: GzEncoder<W>,
    hash: RunningHash,
    counts: Counts,
}

impl<W: Write> Writer<W> {
    /// Begins with the head.
    pub fn begin(out: W, head: &Head) -> Result<Self, BackupError> {
        let out = GzEncoder::new(out, Compression::default());
        let mut writer = Self { out, hash: RunningHash::default(), counts: Counts::new() };
        writer.line(head)?;
        Ok(writer)
    }

    /// The rows of this table follow, if it has any.
    pub fn table(&mut self, name: &str) {
        self.counts.insert(name.to_owned(), 0);
    }

    /// One row of the table.
    pub fn row(&mut self, table: &str, fields: &Fields) -> Result<(), BackupError> {
        self.line(&(table, fields))?;
        *self.counts.entry(table.to_owned()).or_default() += 1;
        Ok(())
    }

    /// Ends with counts and hash.
    pub fn finish(mut self) -> Result<(W, Counts), BackupError> {
        let end = End { rows: self.counts, sha256: self.hash.hexadecimal() };
        self.out.write_all(&json_line(&end)?)?;
        Ok((self.out.finish()?, end.rows))
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), BackupError> {
        let line = json_line(line)?;
        self.hash.update(&line);
        Ok(self.out.write_all(&line)?)
    }
}

fn json_line(value: &impl Serialize) -> Result<Vec<u8>, BackupError> {
    let mut line = serde_json::to_vec(value).map_err(Error::internal)?;
    line.push(b'\n');
    Ok(line)
}

/// Reads a backup. Only when [`Reader::next_row`] has said that there is no more is all of it known to be as written.
pub struct Reader<R> {
    lines: BufReader<MultiGzDecoder<R>>,
    hash: RunningHash,
    counts: Counts,
    head: Head,
}

impl<R: Read> Reader<R> {
    /// Reads the head.
    pub fn open(input: R) -> Result<Self, BackupError> {
        let mut lines = BufReader::new(MultiGzDecoder::new(input));
        let line = match read_line(&mut lines) {
            Err(BackupError::Damaged) => None,
            read => read?,
        };
        let line = line.ok_or(BackupError::NotABackup)?;
        let mark: Mark = serde_json::from_slice(&line).map_err(|_| BackupError::NotABackup)?;
        if mark.format != FORMAT {
            return Err(BackupError::UnknownFormat(mark.format));
        }
        let head = serde_json::from_slice(&line).map_err(|_| BackupError::Damaged)?;
        let mut hash = RunningHash::default();
        hash.update(&line);
        Ok(Self { lines, hash, counts: Counts::new(), head })
    }

    /// What it says of itself.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next row and its table; `None` when that was all, and all as it was written.
    pub fn next_row(&mut self) -> Result<Option<(String, Fields)>, BackupError> {
        let line = read_line(&mut self.lines)?.ok_or(BackupError::Damaged)?;
        if line.first() != Some(&b'[') {
            return self.check_end(&line).map(|()| None);
        }
        self.hash.update(&line);
        let row: (String, Fields) = serde_json::from_slice(&line).map_err(|_| BackupError::Damaged)?;
        *self.counts.entry(row.0.clone()).or_default() += 1;
        Ok(Some(row))
    }

    /// How many rows of each table have been read.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn check_end(&mut self, line: &[u8]) -> Result<(), BackupError> {
        let end: End = serde_json::from_slice(line).map_err(|_| BackupError::Damaged)?;
        let empty = end.rows.iter().filter(|(_, rows)| **rows == 0).map(|(table, _)| (table.clone(), 0));
        self.counts.extend(empty);
        let sound = std::mem::take(&mut self.hash).hexadecimal() == end.sha256 && self.counts == end.rows;
        let last = read_line(&mut self.lines)?.is_none();
        if sound && last { Ok(()) } else { Err(BackupError::Damaged) }
    }
}

/// A line with its end; `None` at the end of the file.
fn read_line(lines: &mut impl BufRead) -> Result<Option<Vec<u8>>, BackupError> {
    let mut line = Vec::new();
    let read = lines.take(LONGEST_LINE).read_until(b'\n', &mut line);
    match read {
        Ok(0) => Ok(None),
        Ok(_) if line.ends_with(b"\n") => Ok(Some(line)),
        Ok(_) => Err(BackupError::Damaged),
        Err(error) => Err(unreadable(error)),
    }
}

/// What does not unpack was cut or changed; anything else is the disk's trouble.
fn unreadable(error: std::io::Error) -> BackupError {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    if matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof) {
        BackupError::Damaged
    } else {
        BackupError::File(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(number: i64) -> Fields {
        let serde_json::Value::Object(fields) = serde_json::json!({ "id": number, "name": "Ada\n", "none": null })
        else {
            panic!("an object")
        };
        fields
    }

    fn written() -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), &Head::new(6, "2026-11-21T09:30:00Z".to_owned())).expect("begun");
        writer.table("people");
        for number in 0..50 {
            writer.row("people", &fields(number)).expect("written");
        }
        writer.table("empty");
        writer.finish().expect("finished").0
    }

    fn read(file: &[u8]) -> Result<(Vec<(String, Fields)>, Counts), BackupError> {
        let mut reader = Reader::open(file)?;
        let mut rows = Vec::new();
        while let Some(row) = reader.next_row()? {
            rows.push(row);
        }
        Ok((rows, reader.counts().clone()))
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(text.as_bytes()).expect("written");
        out.finish().expect("finished")
    }

    #[test]
    fn what_was_written_is_read() {
        let (rows, counts) = read(&written()).expect("read");
        assert_eq!(rows.len(), 50);
        assert_eq!(rows[7], ("people".to_owned(), fields(7)));
        assert_eq!(counts, Counts::from([("people".to_owned(), 50), ("empty".to_owned(), 0)]));
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_refused() {
        let file = written();
        for length in 0..file.len() {
            assert!(read(&file[..length]).is_err(), "cut after {length} of {}", file.len());
        }
        assert!(read(&[file.as_slice(), b"more"].concat()).is_err());
        assert!(read(&[file.as_slice(), &packed("{}\n")].concat()).is_err());
    }

    #[test]
    fn no_changed_byte_changes_what_is_read() {
        let (mut file, sound) = (written(), read(&written()).expect("read"));
        for place in 0..file.len() {
            file[place] ^= 0x10;
            if let Ok(changed) = read(&file) {
                assert!(changed == sound && place < 10, "only what the packer says of itself may change: {place}");
            }
            file[place] ^= 0x10;
        }
    }

    #[test]
    fn a_changed_line_is_noticed_although_it_is_packed_well() {
        let mut text = String::new();
        MultiGzDecoder::new(written().as_slice()).read_to_string(&mut text).expect("unpacked");
        assert!(read(&packed(&text)).is_ok());
        for (from, to) in
            [("\"id\":7,", "\"id\":8,"), ("\"people\":50", "\"people\":49"), ("\"schema\":6", "\"schema\":5")]
        {
            assert!(matches!(read(&packed(&text.replacen(from, to, 1))), Err(BackupError::Damaged)), "{from}");
        }
    }

    #[test]
    fn what_is_no_backup_or_of_another_form_is_named() {
        assert!(matches!(read(b"PRAGMA foreign_keys=OFF;"), Err(BackupError::NotABackup)));
        assert!(matches!(read(&packed("{\"a\":1}\n")), Err(BackupError::NotABackup)));
        assert!(matches!(read(&packed("{\"latchkey_backup\":2}\n")), Err(BackupError::UnknownFormat(2))));
    }
}
