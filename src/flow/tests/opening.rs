use crate::testing::{PASSWORD, TestCore, access, on_both_engines};

on_both_engines! {
    async fn a_restart_changes_nothing_for_those_signed_in(core: TestCore) {
        let ada = core.owner("Ada").await;
        let again = TestCore::over(core.reopened(|_| ()).await.expect("opens"));
        assert!(again.bearer(access(&ada)).await.is_ok());
        assert!(again.sign_in("Ada", PASSWORD).await.is_ok());
    }

    async fn a_lost_master_key_is_a_clear_refusal(core: TestCore) {
        let path = core.latchkey.settings().storage.master_key_file.clone();
        let kept = std::fs::read(&path).expect("a key file");
        std::fs::remove_file(&path).expect("lost");
        let refused = core.reopened(|_| ()).await.err().expect("refused").to_string();
        assert!(refused.contains("made with a master key that is not here"), "{refused}");
        assert!(!path.exists(), "no new key was made");
        std::fs::write(&path, &kept).expect("brought back");
        set_mode(&path, 0o600);
        assert!(core.reopened(|_| ()).await.is_ok());
    }

    async fn another_master_key_is_a_clear_refusal(core: TestCore) {
        let other = "bHVDSm9XbUE4c0x0cVlRdk5rUjJ4ZUgzYkZwVHlHMWk=".to_owned();
        let refused = core.reopened(|settings| settings.storage.master_key = Some(other)).await.err().expect("refused");
        assert!(refused.to_string().contains("another master key"), "{refused}");
    }

    async fn a_key_file_that_others_may_read_is_refused(core: TestCore) {
        let path = core.latchkey.settings().storage.master_key_file.clone();
        set_mode(&path, 0o644);
        let refused = core.reopened(|_| ()).await.err().expect("refused").to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }

    async fn a_database_of_a_newer_version_is_refused(core: TestCore) {
        core.latchkey.pretend_newer_schema().await;
        let refused = core.reopened(|_| ()).await.err().expect("refused").to_string();
        assert!(refused.contains("newer version"), "{refused}");
    }

    async fn nothing_secret_is_stored_in_the_clear(core: TestCore) {
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        let key = core.key(&actor, &["read"]).await;
        let dump = core.latchkey.dump_for_test().await;
        let secrets = [
            PASSWORD,
            ada.cookie.as_ref().expect("a cookie").value.reveal(),
            crate::testing::refresh(&ada),
            access(&ada),
            &key.key[17..],
        ];
        for secret in secrets {
            assert!(!dump.contains(secret));
        }
        assert!(dump.contains("$argon2id$") && dump.contains("ada@example.org"), "the dump shows what is there");
    }
}

fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("mode set");
}
