use std::path::PathBuf;
use std::time::Duration;

use crate::crypto::master_key::{KeyFiles, MasterKey, RootKey};
use crate::crypto::vault::{Purpose, Vault};
use crate::fitting::{CHECK, Place};
use crate::flow::keys::{SigningRotated, SigningRotation};
use crate::flow::sign_in::SecretText;
use crate::flow::tokens::Refresh;
use crate::settings::Tokens;
use crate::store::Db;
use crate::testing::{PASSWORD, TestCore, access, code, on_both_engines, refresh, visitor};
use crate::{Latchkey, inspect};

fn kids(latchkey: &Latchkey) -> Vec<String> {
    let keys = latchkey.published_keys();
    let keys = keys["keys"].as_array().expect("keys").iter();
    keys.map(|key| key["kid"].as_str().expect("a name").to_owned()).collect()
}

fn signed_by(token: &str) -> String {
    jsonwebtoken::decode_header(token).expect("a header").kid.expect("a name")
}

async fn rotate(latchkey: &Latchkey, how: SigningRotation) -> SigningRotated {
    latchkey.rotate_signing_key(&visitor(), how).await.expect("rotated")
}

async fn renewed(core: &TestCore, token: &str) -> String {
    let input = Refresh { refresh_token: Some(SecretText(token.to_owned())), ..Refresh::default() };
    let renewed = core.latchkey.refresh(&visitor(), input).await.expect("refreshed");
    renewed.tokens.expect("a pair").access_token
}

fn files(core: &TestCore) -> KeyFiles {
    KeyFiles::of(&core.latchkey.settings().storage.master_key_file)
}

fn refusal(opened: Result<Latchkey, crate::OpenError>) -> String {
    opened.err().expect("refused").to_string()
}

on_both_engines! {
    async fn a_planned_signing_key_is_published_first_and_signs_when_its_time_has_come(core: TestCore) {
        let ada = core.owner("Ada").await;
        let former = kids(&core.latchkey);
        let SigningRotated::Made(next) = rotate(&core.latchkey, SigningRotation::Planned).await else { panic!("made") };
        assert_eq!(kids(&core.latchkey), [former[0].clone(), next.kid.clone()]);
        assert_eq!(next.signs_at, core.latchkey.now().plus(Tokens::default().prepublish));
        assert_eq!(signed_by(access(&core.sign_in("Ada", PASSWORD).await.expect("in"))), former[0]);
        core.pass(Duration::from_secs(2 * 86_400));
        core.latchkey.keep_signing_keys().await.expect("kept");
        assert_eq!(signed_by(access(&core.sign_in("Ada", PASSWORD).await.expect("in"))), next.kid);
        assert_eq!(kids(&core.latchkey).len(), 2, "the former one is there while its tokens are");
        assert_eq!(code(core.bearer(access(&ada)).await), "token_expired");
        let again = rotate(&core.latchkey, SigningRotation::Planned).await;
        assert!(matches!(&again, SigningRotated::Made(after) if after.kid != next.kid));
        assert!(matches!(rotate(&core.latchkey, SigningRotation::Planned).await, SigningRotated::Awaited(_)));
    }

    async fn a_signing_key_for_now_signs_in_five_seconds_and_everybody_stays_signed_in(core: TestCore) {
        let ada = core.owner("Ada").await;
        let node = TestCore::over(core.reopened(|_| ()).await.expect("opens"));
        rotate(&core.latchkey, SigningRotation::Planned).await;
        let former = signed_by(access(&ada));
        let SigningRotated::Made(next) = rotate(&core.latchkey, SigningRotation::AtOnce).await else { panic!("made") };
        assert_eq!(kids(&core.latchkey), [former, next.kid.clone()], "one that was to sign later is gone");
        core.pass(Duration::from_secs(5));
        let token = renewed(&core, refresh(&ada)).await;
        assert_eq!(signed_by(&token), next.kid);
        assert_eq!(code(node.bearer(&token).await), "invalid_token", "the other node has not looked yet");
        node.latchkey.keep_signing_keys().await.expect("kept");
        assert!(node.bearer(&token).await.is_ok());
        assert_eq!(kids(&node.latchkey), kids(&core.latchkey));
        let cookie = ada.cookie.expect("a cookie").value;
        assert!(core.cookie(cookie.reveal()).await.is_ok());
    }

    async fn withdrawn_keys_end_their_tokens_on_every_node_and_no_session(core: TestCore) {
        let ada = core.owner("Ada").await;
        let node = TestCore::over(core.reopened(|_| ()).await.expect("opens"));
        for place in [&core, &node] {
            assert!(place.bearer(access(&ada)).await.is_ok(), "both remember it");
        }
        rotate(&core.latchkey, SigningRotation::Alone).await;
        assert_eq!(kids(&core.latchkey).len(), 1);
        assert_eq!(code(core.bearer(access(&ada)).await), "invalid_token");
        node.latchkey.keep_signing_keys().await.expect("kept");
        assert_eq!(code(node.bearer(access(&ada)).await), "invalid_token", "what was remembered is forgotten");
        let token = renewed(&core, refresh(&ada)).await;
        assert!(node.bearer(&token).await.is_ok());
    }

    async fn where_a_file_decides_what_signs_no_key_is_made(core: TestCore) {
        let der = crate::crypto::signing::generate(crate::settings::SigningAlgorithm::Es256).expect("made");
        let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der.as_slice());
        let file = core.file("signing.pem");
        std::fs::write(&file, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")).expect("written");
        let other = core.reopened(|settings| settings.tokens.signing_key_file = Some(file.clone())).await.expect("opens");
        let before = kids(&other);
        assert_eq!(rotate(&other, SigningRotation::Alone).await, SigningRotated::FileDecides(file));
        assert_eq!(kids(&other), before);
    }

    async fn an_exchanged_master_key_opens_everything_and_the_former_one_nothing(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let key = core.key(&ada.actor, &["read"]).await;
        let files = files(&core);
        let former = std::fs::read(&files.present).expect("a key");
        assert_eq!(core.latchkey.exchange_master_key_file(&visitor()).await.expect("exchanged"), files.former);
        assert_eq!(std::fs::read(&files.former).expect("kept"), former);
        assert!(!files.coming.exists());
        core.bearer(&key.key).await.expect("the running server goes on");

        core.finish(&core.half("Ada").await, &core.shown(&ada.phone)).await.expect("and reads sealed secrets");
        let again = TestCore::over(core.reopened(|_| ()).await.expect("opens with the new key"));
        core.next_step();
        again.finish(&again.half("Ada").await, &again.shown(&ada.phone)).await.expect("signed in");
        again.bearer(&ada.token).await.expect("a token of before");
        again.bearer(&key.key).await.expect("a key of before");
        let text = String::from_utf8(former).expect("text");
        let refused = refusal(core.reopened(|settings| settings.storage.master_key = Some(text)).await);
        assert!(refused.contains("another master key"), "{refused}");
    }

    async fn a_master_key_is_exchanged_again_and_again(core: TestCore) {
        let ada = core.owner("Ada").await;
        for _ in 0..3 {
            core.latchkey.exchange_master_key_file(&visitor()).await.expect("exchanged");
        }
        let again = TestCore::over(core.reopened(|_| ()).await.expect("opens"));
        again.bearer(access(&ada)).await.expect("good");
        assert_eq!(again.latchkey.verify_audit_log().await.expect("read").map(|chains| chains.len()), Ok(2));
    }

    async fn a_master_key_from_the_settings_is_exchanged_for_one_that_is_told(core: TestCore) {
        let text = std::fs::read_to_string(files(&core).present).expect("a key");
        let set = |text: String| move |settings: &mut crate::settings::Settings| settings.storage.master_key = Some(text);
        let other = core.reopened(set(text.clone())).await.expect("opens");
        let new = MasterKey::generate();
        other.exchange_master_key(&visitor(), &new).await.expect("exchanged");
        assert!(core.reopened(set(new.text().to_string())).await.is_ok());
        assert!(refusal(core.reopened(set(text)).await).contains("another master key"));
        assert!(refusal(core.reopened(|_| ()).await).contains("another master key"));
    }

    async fn an_exchange_that_was_cut_short_finds_a_key_at_the_next_start_wherever_it_was(core: TestCore) {
        let files = files(&core);
        let storage = core.latchkey.settings().storage.clone();
        let new = MasterKey::generate();
        files.prepare(&new).expect("prepared");
        assert!(core.reopened(|_| ()).await.is_ok(), "cut before the database was changed");
        assert_eq!(inspect(&storage).await.expect("read").master_key.expect("fits"), Some(Place::File));
        let refused = core.latchkey.exchange_master_key_file(&visitor()).await.expect_err("refused").to_string();
        assert!(refused.contains("master.key.new is there already"), "{refused}");
        core.latchkey.exchange_master_key(&visitor(), &new).await.expect("exchanged");
        assert!(core.reopened(|_| ()).await.is_ok(), "cut after it");
        assert_eq!(inspect(&storage).await.expect("read").master_key.expect("fits"), Some(Place::Unfinished(files.coming.clone())));
        assert!(core.latchkey.exchange_master_key_file(&visitor()).await.is_err(), "the key that fits is not written over");
        files.complete().expect("completed by hand");
        assert!(core.reopened(|_| ()).await.is_ok());
        assert!(core.latchkey.exchange_master_key_file(&visitor()).await.is_ok());
    }

    async fn an_exchange_that_the_database_refuses_leaves_the_files_as_they_were(core: TestCore) {
        let files = files(&core);
        let before = std::fs::read(&files.present).expect("a key");
        let new = MasterKey::generate();
        core.latchkey.exchange_master_key(&visitor(), &new).await.expect("by somebody else");
        assert!(core.latchkey.exchange_master_key_file(&visitor()).await.is_err());
        assert_eq!(std::fs::read(&files.present).expect("a key"), before);
        assert!(!files.coming.exists());
    }

    async fn a_database_older_than_the_exchange_says_which_key_it_wants(core: TestCore) {
        let files = files(&core);
        core.latchkey.exchange_master_key_file(&visitor()).await.expect("exchanged");
        std::fs::rename(&files.present, core.file("newer.key")).expect("moved");
        let stranger = MasterKey::generate().text().to_string();
        std::fs::rename(core.file("newer.key"), &files.former).expect("moved");
        std::fs::write(&files.present, stranger).expect("written");
        private(&files.present);
        let refused = refusal(core.reopened(|_| ()).await);
        assert!(refused.contains("master.key.previous fits it"), "{refused}");
    }

    async fn a_database_from_before_root_keys_goes_on_with_all_it_had(core: TestCore) {
        without_signing_keys(&core.latchkey).await;
        without_root(&core.latchkey).await;
        let before = TestCore::over(core.reopened(|_| ()).await.expect("opens"));
        let ada = before.guarded("Ada").await;
        let key = before.key(&ada.actor, &["read"]).await;
        without_root(&before.latchkey).await;
        assert_eq!(inspect(&core.latchkey.settings().storage).await.expect("read").master_key.expect("fits"), Some(Place::File));
        let stranger = MasterKey::generate().text().to_string();
        let refused = refusal(core.reopened(|settings| settings.storage.master_key = Some(stranger)).await);
        assert!(refused.contains("another master key"), "{refused}");
        let after = TestCore::over(before.reopened(|_| ()).await.expect("upgrades"));
        after.bearer(&ada.token).await.expect("a token of before");
        after.bearer(&key.key).await.expect("a key of before");
        after.finish(&after.half("Ada").await, &after.shown(&ada.phone)).await.expect("a phone of before");
        after.latchkey.exchange_master_key_file(&visitor()).await.expect("exchanged");
        let later = TestCore::over(after.reopened(|_| ()).await.expect("opens"));
        later.bearer(&ada.token).await.expect("a token of before");
        assert!(later.latchkey.0.db.read().await.expect("reads").store().find_fact(CHECK).await.expect("read").is_none());
    }

    async fn nodes_that_start_first_together_hold_one_root(core: TestCore) {
        for storage in core.empty_databases().await {
            let db = Db::open(&storage).await.expect("opens");
            db.migrate().await.expect("migrated");
            db.close().await;
            let start = || {
                let core = core.latchkey.clone();
                let storage = storage.clone();
                tokio::spawn(async move {
                    let settings = crate::settings::Settings { storage, ..core.settings().clone() };
                    Latchkey::open(settings, core.clock().clone()).await.expect("opens")
                })
            };
            let nodes = [start(), start(), start(), start()];
            let mut sealed = Vec::new();
            let mut opened = Vec::new();
            for node in nodes {
                let node = node.await.expect("ran");
                sealed.push(node.seal("test", b"ours").expect("sealed"));
                opened.push(node);
            }
            for node in &opened {
                assert!(sealed.iter().all(|sealed| node.unseal("test", sealed).is_some()));
            }
        }
    }
}

fn private(path: &PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("mode set");
}

/// Leaves the facts as the version before root keys did.
async fn without_root(latchkey: &Latchkey) {
    use crate::fitting::ROOT;
    let master = MasterKey::read(&latchkey.settings().storage.master_key_file).expect("read").expect("a key");
    let sealed = Vault::new(&RootKey::before_roots(&master)).seal(Purpose::Check, CHECK, b"it fits").expect("sealed");
    let mut writing = latchkey.0.db.write().await.expect("writes");
    writing.store().delete_fact(ROOT).await.expect("deleted");
    writing.store().delete_fact(CHECK).await.expect("deleted");
    writing.store().insert_fact(CHECK, &sealed).await.expect("inserted");
    writing.commit().await.expect("committed");
}

/// Those of the new root would not open for the root that the master key is.
async fn without_signing_keys(latchkey: &Latchkey) {
    let mut writing = latchkey.0.db.write().await.expect("writes");
    for key in writing.store().list_signing_keys().await.expect("listed") {
        writing.store().delete_signing_key(&key.kid).await.expect("deleted");
    }
    writing.commit().await.expect("committed");
}
