use crate::flow::account::ProfileChanges;
use crate::flow::sign_in::{Opening, SecretText};
use crate::flow::sign_up::{SignUp, SignedUp};
use crate::settings::{Hashing, Limits, Registration};
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, visitor};

on_both_engines! {
    async fn two_hundred_sign_ups_with_one_address_make_one_account(core: TestCore) {
        let core = std::sync::Arc::new(core);
        let tries: Vec<_> = (0..200).map(|_| {
            let core = std::sync::Arc::clone(&core);
            tokio::spawn(async move { core.sign_up("Ada").await.map(|_| ()) })
        }).collect();
        let mut made = 0;
        for tried in tries {
            match tried.await.expect("ran") {
                Ok(()) => made += 1,
                refused => assert_eq!(code(refused), "email_taken"),
            }
        }
        assert_eq!(made, 1);
        let ada = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        let actor = core.actor(access(&ada)).await;
        assert_eq!(core.latchkey.organizations(&actor).await.expect("listed").len(), 1, "no organization was left over");
    }

    async fn a_new_person_owns_a_new_organization(core: TestCore) {
        let ada = core.owner("Ada").await;
        assert_eq!(ada.view.organization.as_ref().map(|place| place.role.as_str()), Some("OWNER"));
        assert_eq!((ada.view.user.role, ada.view.user.organization_slug.as_deref()), ("ADMIN", Some("ada-works")));
    }

    async fn organizations_of_one_name_have_different_slugs(core: TestCore) {
        let named = |person: &str| SignUp {
            email: Some(address(person)),
            password: Some(SecretText(PASSWORD.to_owned())),
            name: Some(person.to_owned()),
            company: Some("Harbour".to_owned()),
            ..SignUp::default()
        };
        let mut slugs = Vec::new();
        for person in ["Ada", "Grace", "Mary"] {
            let made = core.latchkey.sign_up(&visitor(), named(person), Opening::api()).await.expect("made");
            let SignedUp::Open(made) = made else { panic!("no confirmation is asked for") };
            slugs.push(made.view.organization.expect("an organization").slug);
        }
        slugs.sort();
        slugs.dedup();
        assert_eq!(slugs.len(), 3);
    }

    async fn unknown_wrong_and_empty_are_told_apart_from_nothing(core: TestCore) {
        core.owner("Ada").await;
        assert_eq!(code(core.sign_in("Ada", "not the password").await), "invalid_credentials");
        assert_eq!(code(core.sign_in("Nobody", PASSWORD).await), "invalid_credentials");
        assert_eq!(code(core.sign_in("Ada", "").await), "validation_failed");
        assert!(core.sign_in("ADA", PASSWORD).await.is_ok(), "addresses compare without case");
    }

    async fn failures_count_by_account_and_successes_do_not(core: TestCore) {
        let strict = core.reopened(|settings| settings.limits = Limits::default()).await.expect("opens");
        let core = TestCore::over(strict);
        core.owner("Ada").await;
        for _ in 0..20 {
            assert!(core.sign_in("Ada", PASSWORD).await.is_ok());
        }
        for _ in 0..5 {
            assert_eq!(code(core.sign_in("Ada", "not the password").await), "invalid_credentials");
        }
        assert_eq!(code(core.sign_in("Ada", PASSWORD).await), "rate_limited");
        assert_eq!(code(core.sign_in("Grace", PASSWORD).await), "rate_limited", "the address has had its five too");
        core.pass(std::time::Duration::from_secs(60));
        assert!(core.sign_in("Ada", PASSWORD).await.is_ok(), "the wait ends by itself");
    }

    async fn fifty_wrong_passwords_at_once_do_not_pass_the_limit(core: TestCore) {
        let strict = core.reopened(|settings| settings.limits = Limits::default()).await.expect("opens");
        let core = std::sync::Arc::new(TestCore::over(strict));
        core.owner("Ada").await;
        let tries: Vec<_> = (0..50).map(|_| {
            let core = std::sync::Arc::clone(&core);
            tokio::spawn(async move { code(core.sign_in("Ada", "not the password").await) })
        }).collect();
        let mut checked = 0;
        for tried in tries {
            checked += usize::from(tried.await.expect("ran") == "invalid_credentials");
        }
        assert_eq!(checked, 5);
    }

    async fn closed_registration_is_closed(core: TestCore) {
        for closed in [Registration::Invite, Registration::Closed] {
            let core = TestCore::over(core.reopened(|settings| settings.registration = closed).await.expect("opens"));
            assert_eq!(code(core.sign_up("Ada").await), "registration_closed");
        }
    }

    async fn stronger_hashing_is_taken_up_at_the_next_sign_in(core: TestCore) {
        core.owner("Ada").await;
        let stronger = Hashing { memory_kib: 128, ..core.latchkey.settings().hashing.clone() };
        let core = TestCore::over(core.reopened(|settings| settings.hashing = stronger).await.expect("opens"));
        for _ in 0..2 {
            assert!(core.sign_in("Ada", PASSWORD).await.is_ok());
        }
        assert!(core.password_hash("Ada").await.contains("m=128,"));
    }

    async fn a_profile_changes_only_where_it_is_told_to(core: TestCore) {
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        let changes = ProfileChanges { first_name: Some("Augusta".to_owned()), ..ProfileChanges::default() };
        let view = core.latchkey.update_profile(&actor, changes).await.expect("changed");
        assert_eq!((view.name.as_str(), view.first_name.as_str(), view.last_name.as_str()), ("Ada", "Augusta", ""));
        let bad = ProfileChanges { avatar_url: Some("javascript:alert(1)".to_owned()), ..ProfileChanges::default() };
        assert_eq!(code(core.latchkey.update_profile(&actor, bad).await), "validation_failed");
        assert_eq!(core.latchkey.me(&actor).await.expect("me").avatar_url, None);
    }

    async fn the_setup_link_has_one_winner(core: TestCore) {
        let link = core.latchkey.setup_link().await.expect("asked").expect("no landlord yet");
        let token = link.split_once("token=").expect("a token").1.to_owned();
        let core = std::sync::Arc::new(core);
        let tries: Vec<_> = (0..50).map(|number| {
            let (latchkey, token) = (core.latchkey.clone(), token.clone());
            tokio::spawn(async move {
                let input = SignUp {
                    email: Some(address(&format!("landlord{number}"))),
                    password: Some(SecretText(PASSWORD.to_owned())),
                    name: Some("Grace Hopper".to_owned()),
                    ..SignUp::default()
                };
                latchkey.set_up(&visitor(), &token, input, Opening::page(None, None)).await.is_ok()
            })
        }).collect();
        let mut winners = 0;
        for tried in tries {
            winners += usize::from(tried.await.expect("ran"));
        }
        assert_eq!(winners, 1);
        assert!(core.latchkey.setup_link().await.expect("asked").is_none(), "there is a landlord now");
        assert!(!core.latchkey.setup_is_open(&token).await.expect("asked"));
    }
}
