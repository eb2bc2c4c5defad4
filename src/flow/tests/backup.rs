use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::MultiGzDecoder;

use super::phone::Guarded;
use crate::Latchkey;
use crate::backup::BackupError;
use crate::crypto::master_key::MasterKey;
use crate::flow::backup::{back_up, back_up_to, restore};
use crate::flow::sign_in::SecretText;
use crate::flow::tokens::Refresh;
use crate::settings::{Settings, Storage};
use crate::store::Db;
use crate::testing::{PASSWORD, TestCore, access, on_both_engines, refresh, visitor};

async fn backed_up(core: &TestCore, name: &str) -> PathBuf {
    backed_up_from(core, &core.latchkey.settings().storage, name).await
}

async fn backed_up_from(core: &TestCore, storage: &Storage, name: &str) -> PathBuf {
    let path = core.file(name);
    back_up_to(storage, core.latchkey.now(), &path, false).await.expect("backed up");
    path
}

/// The lines between the first and the last, in an order of their own: rows have none.
fn rows(backup: &Path) -> BTreeSet<String> {
    let mut text = String::new();
    MultiGzDecoder::new(std::fs::File::open(backup).expect("a file")).read_to_string(&mut text).expect("unpacked");
    text.lines().filter(|line| line.starts_with('[')).map(str::to_owned).collect()
}

async fn open(core: &TestCore, storage: &Storage) -> TestCore {
    let settings = Settings { storage: storage.clone(), ..core.latchkey.settings().clone() };
    TestCore::over(Latchkey::open(settings, core.latchkey.clock().clone()).await.expect("opens"))
}

/// Whether nothing was ever written there.
async fn is_untouched(storage: &Storage) -> bool {
    if !Db::is_there(storage) {
        return true;
    }
    let db = Db::open(storage).await.expect("opens");
    let schema = db.read().await.expect("reads").store().find_schema(db.catalog()).await.expect("read");
    let mut empty = true;
    for table in &schema.tables {
        empty &= !db.read().await.expect("reads").store().has_rows(table).await.expect("read");
    }
    db.close().await;
    empty
}

async fn refused(storage: &Storage, path: &Path) -> BackupError {
    let refused = restore(storage, path).await.err().expect("refused");
    assert!(is_untouched(storage).await, "{refused}");
    refused
}

/// People and things of many kinds.
async fn furnished(core: &TestCore) -> Guarded {
    core.owner("Grace").await;
    let ada = core.guarded("Ada").await;
    core.key(&ada.actor, &["read"]).await;
    ada
}

on_both_engines! {
    async fn after_a_restore_into_either_engine_people_go_on_as_if_nothing_had_been(core: TestCore) {
        let grace = core.owner("Grace").await;
        let ada = core.guarded("Ada").await;
        let key = core.key(&ada.actor, &["read"]).await;
        let path = backed_up(&core, "all.backup").await;
        for storage in core.empty_databases().await {
            let restored = restore(&storage, &path).await.expect("restored");
            assert!(restored.master_key);
            assert_eq!(restored.audit.map(|chains| chains.len()), Ok(2));
            let there = open(&core, &storage).await;
            there.cookie(grace.cookie.as_ref().expect("a cookie").value.reveal()).await.expect("a session");
            there.bearer(access(&grace)).await.expect("an access token");
            there.bearer(&ada.token).await.expect("another");
            there.bearer(&key.key).await.expect("an API key");
            let input = Refresh { refresh_token: Some(SecretText(refresh(&grace).to_owned())), ..Refresh::default() };
            there.latchkey.refresh(&visitor(), input).await.expect("a refresh token");
            there.finish(&there.half("Ada").await, &there.shown(&ada.phone)).await.expect("a code of the phone");
            there.finish(&there.half("Ada").await, &ada.codes[0]).await.expect("a backup code");
            assert_eq!(there.latchkey.published_keys(), core.latchkey.published_keys());
        }
    }

    async fn rows_are_the_same_from_engine_to_engine_and_back(core: TestCore) {
        furnished(&core).await;
        let first = backed_up(&core, "first.backup").await;
        let wanted = rows(&first);
        assert!(wanted.len() > 30, "{}", wanted.len());
        let mut path = first;
        for round in 0..2 {
            for (number, storage) in core.empty_databases().await.into_iter().enumerate() {
                restore(&storage, &path).await.expect("restored");
                path = backed_up_from(&core, &storage, &format!("{round}-{number}.backup")).await;
                assert_eq!(rows(&path), wanted);
            }
        }
    }

    async fn every_table_there_is_is_in_a_backup(core: TestCore) {
        let counts = back_up(&core.latchkey.settings().storage, core.latchkey.now(), std::io::sink()).await.expect("made");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations");
        let texts = std::fs::read_dir(folder).expect("migrations").map(|file| std::fs::read_to_string(file.expect("a file").path()));
        let texts: String = texts.map(|text| text.expect("read")).collect();
        let made = texts.split("CREATE TABLE ").skip(1).map(|rest| rest.split_whitespace().next().expect("a name"));
        let made: BTreeSet<&str> = made.filter(|table| !["leases", "counts"].contains(table)).collect();
        assert_eq!(counts.keys().map(String::as_str).collect::<BTreeSet<_>>(), made);
    }

    async fn a_backup_made_while_people_sign_up_is_of_one_moment(core: TestCore) {
        for name in ["Ada", "Grace"] {
            core.owner(name).await;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4).map(|writer| {
            let (there, stop) = (TestCore::over(core.latchkey.clone()), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    there.owner(&format!("p{writer}x{number}")).await;
                    number += 1;
                }
                number
            })
        }).collect();
        let mut paths = Vec::new();
        for number in 0..3 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            paths.push(backed_up(&core, &format!("{number}.backup")).await);
        }
        stop.store(true, Ordering::Relaxed);
        let mut written = 0;
        for writer in writers {
            written += writer.await.expect("ran");
        }
        assert!(written > 4, "they went on meanwhile");
        for path in paths {
            for storage in core.empty_databases().await {
                let restored = restore(&storage, &path).await.expect("what refers to something finds it");
                assert!(restored.audit.is_ok(), "every chain is whole");
                let there = open(&core, &storage).await;
                assert!(there.sign_in("Ada", PASSWORD).await.is_ok() && there.sign_in("Grace", PASSWORD).await.is_ok());
            }
        }
    }

    async fn a_file_that_was_cut_or_changed_writes_nothing(core: TestCore) {
        furnished(&core).await;
        let path = backed_up(&core, "whole.backup").await;
        let whole = std::fs::read(&path).expect("read");
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        for bytes in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], changed.as_slice()] {
            std::fs::write(&path, bytes).expect("written");
            for storage in core.empty_databases().await {
                assert!(matches!(refused(&storage, &path).await, BackupError::Damaged));
            }
        }
    }

    async fn a_database_that_holds_anything_is_left_alone(core: TestCore) {
        let path = backed_up(&core, "all.backup").await;
        core.owner("Ada").await;
        let before = core.latchkey.dump_for_test().await;
        let refused = restore(&core.latchkey.settings().storage, &path).await.err().expect("refused");
        assert!(matches!(&refused, BackupError::NotEmpty(_)), "{refused}");
        assert_eq!(core.latchkey.dump_for_test().await, before);
    }

    async fn another_master_key_is_refused_and_none_is_missed_aloud(core: TestCore) {
        furnished(&core).await;
        let path = backed_up(&core, "all.backup").await;
        for storage in core.empty_databases().await {
            let wrong = Storage { master_key: Some(MasterKey::generate().text().to_string()), ..storage.clone() };
            assert!(matches!(refused(&wrong, &path).await, BackupError::MasterKey(_)));
            let none = Storage { master_key_file: core.file("nowhere.key"), ..storage.clone() };
            assert!(!restore(&none, &path).await.expect("restored").master_key);
            assert!(!core.file("nowhere.key").exists(), "no new key is made for it");
            assert!(open(&core, &storage).await.sign_in("Grace", PASSWORD).await.is_ok());
        }
    }

    async fn a_backup_of_an_older_schema_is_brought_up_to_date(core: TestCore) {
        for (number, storage) in core.empty_databases().await.into_iter().enumerate() {
            let db = Db::open(&storage).await.expect("opens");
            db.migrate_to(5).await.expect("migrated");
            let sealed = db.write().await.expect("writes");
            let mut writing = sealed;
            let master = MasterKey::read(&storage.master_key_file).expect("read").expect("a key");
            let root = master.seal_root(&crate::crypto::master_key::RootKey::generate()).expect("sealed");
            writing.store().insert_fact(crate::fitting::ROOT, &root).await.expect("inserted");
            writing.commit().await.expect("committed");
            db.close().await;
            let path = backed_up_from(&core, &storage, &format!("old{number}.backup")).await;
            for empty in core.empty_databases().await {
                let restored = restore(&empty, &path).await.expect("restored");
                assert_eq!((restored.head.schema, restored.rows["facts"]), (5, 1));
                open(&core, &empty).await.owner("Ada").await;
            }
            for ahead in core.empty_databases().await {
                let db = Db::open(&ahead).await.expect("opens");
                db.migrate().await.expect("migrated");
                db.close().await;
                assert!(matches!(refused(&ahead, &path).await, BackupError::AheadOfBackup(5, _)));
            }
        }
    }

    async fn what_cannot_be_backed_up_or_understood_is_said(core: TestCore) {
        let now = core.latchkey.now();
        for storage in core.empty_databases().await {
            assert!(matches!(back_up(&storage, now, std::io::sink()).await, Err(BackupError::NoDatabase)));
        }
        let path = backed_up(&core, "all.backup").await;
        let own = &core.latchkey.settings().storage;
        assert!(matches!(back_up_to(own, now, &path, false).await, Err(BackupError::Exists)));
        back_up_to(own, now, &path, true).await.expect("replaced");
        let nowhere = core.file("none/all.backup");
        assert!(matches!(back_up_to(own, now, &nowhere, false).await, Err(BackupError::File(_))));
        core.latchkey.pretend_newer_schema().await;
        assert!(matches!(back_up(own, now, std::io::sink()).await, Err(BackupError::Store(_))));
    }

    async fn a_chain_that_was_broken_before_the_backup_is_told_of(core: TestCore) {
        core.owner("Ada").await;
        core.latchkey.tamper_for_test(crate::store::Tampering::Backdate).await;
        let path = backed_up(&core, "all.backup").await;
        for storage in core.empty_databases().await {
            assert!(restore(&storage, &path).await.expect("restored").audit.is_err());
        }
    }
}
