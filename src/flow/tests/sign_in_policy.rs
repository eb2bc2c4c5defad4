use std::time::Duration;

use super::mail::{by_token, secret, token_of};
use crate::Actor;
use crate::flow::invitation_codes::{CodeToValidate, NewInvitationCode};
use crate::flow::invitations::NewInvitation;
use crate::flow::page::PageQuery;
use crate::flow::policy::PolicyChanges;
use crate::flow::tokens::Refresh;
use crate::member::Role;
use crate::settings::Transport;
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, refresh, strings, visitor};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn here(actor: &Actor) -> String {
    actor.principal().organization_id().expect("a place").to_string()
}

on_both_engines! {
    async fn where_only_mail_is_taken_a_password_lets_nobody_in(core: TestCore) {
        let owner = core.owner("Olivia").await;
        let by_password = core.actor(access(&owner)).await;
        let place = here(&by_password);
        let ada = core.colleague(&by_password, "Ada", Role::Member).await;
        let key = core.key(&ada, &["read"]).await;
        let elsewhere = core.owner("Ben").await;
        let ben = core.actor(access(&elsewhere)).await;
        core.latchkey.add_member_for_test(&by_password, ben.principal().user_id(), Role::Member).await;
        let only_mail = || PolicyChanges { sign_in_methods: Some(strings(&["email"])), ..PolicyChanges::default() };
        let refused = core.latchkey.update_policy(&by_password, &place, only_mail()).await;
        assert_eq!(code(refused), "sign_in_method_not_allowed", "nobody locks themselves out");

        let token = token_of(&core.magic_link("Olivia").await, "/magic-link");
        let by_mail = core.by_mail(by_token(&token)).await.expect("signed in");
        let olivia = core.actor(access(&by_mail)).await;
        let policy = core.latchkey.update_policy(&olivia, &place, only_mail()).await.expect("set");
        assert_eq!(policy.sign_in_methods, ["email"]);
        let password = core.sign_in("Ada", PASSWORD).await;
        assert_eq!(code(password), "sign_in_method_not_allowed");
        core.pass(Duration::from_secs(1));
        assert_eq!(code(core.bearer(access(&owner)).await), "sign_in_method_not_allowed", "a session by password ends");
        let again = Refresh { refresh_token: Some(secret(refresh(&owner))), ..Refresh::default() };
        assert_eq!(code(core.latchkey.refresh(&visitor(), again).await), "sign_in_method_not_allowed", "and is not renewed");
        assert!(core.bearer(&key.key).await.is_ok(), "a key is no sign-in");
        assert_eq!(code(core.latchkey.switch_organization(&ben, &place).await), "sign_in_method_not_allowed");
        assert_eq!(code(core.latchkey.members(&ben, &place, &PageQuery::default()).await), "sign_in_method_not_allowed");
        assert!(core.bearer(access(&elsewhere)).await.is_ok(), "elsewhere they act as before");
        assert!(core.sign_in("Ben", PASSWORD).await.is_ok(), "and sign in as before");

        let token = token_of(&core.magic_link("Ada").await, "/magic-link");
        assert!(core.by_mail(by_token(&token)).await.is_ok());
        core.latchkey.invite(&olivia, &place, NewInvitation { email: Some(address("Grace")), role: None }).await.expect("invited");
        let joined = core.accepts(&core.invitation_to("Grace").await).await;
        assert!(joined.is_ok(), "the link of an invitation came by mail");
        let made = core.latchkey.create_invitation_code(&olivia, &place, NewInvitationCode::default()).await.expect("made");
        let joined = core.joins_with("Cleo", &made.code.expect("a code")).await;
        assert_eq!(code(joined), "email_not_verified", "whoever brings no mail is sent one");
    }

    async fn where_only_passwords_are_taken_an_invitation_is_accepted_with_one(core: TestCore) {
        let signed_in = core.owner("Olivia").await;
        let olivia = core.actor(access(&signed_in)).await;
        let only = PolicyChanges { sign_in_methods: Some(strings(&["password"])), ..PolicyChanges::default() };
        core.latchkey.update_policy(&olivia, &here(&olivia), only).await.expect("set");
        let invited = NewInvitation { email: Some(address("Grace")), role: None };
        core.latchkey.invite(&olivia, &here(&olivia), invited).await.expect("invited");
        let joined = core.accepts(&core.invitation_to("Grace").await).await.expect("joined");
        assert!(core.bearer(access(&joined)).await.is_ok());
    }

    async fn whoever_belongs_to_several_comes_in_where_their_way_is_taken(core: TestCore) {
        let signed_in = core.owner("Olivia").await;
        let olivia = core.actor(access(&signed_in)).await;
        let ada = core.owner("Ada").await;
        core.latchkey.add_member_for_test(&olivia, ada.view.user.id, Role::Member).await;
        let adas = core.actor(access(&ada)).await;
        let token = token_of(&core.magic_link("Ada").await, "/magic-link");
        let by_mail = core.by_mail(by_token(&token)).await.expect("signed in");
        let only = PolicyChanges { sign_in_methods: Some(strings(&["email"])), ..PolicyChanges::default() };
        core.latchkey.update_policy(&core.actor(access(&by_mail)).await, &here(&adas), only).await.expect("set");
        let again = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        assert_eq!(again.view.organization.map(|place| place.id.to_string()), Some(here(&olivia)));
    }

    async fn without_mail_the_password_stays(core: TestCore) {
        let core = TestCore::over(core.reopened(|settings| settings.mail.transport = Transport::None).await.expect("opens"));
        let signed_in = core.owner("Olivia").await;
        let olivia = core.actor(access(&signed_in)).await;
        for (methods, refusal) in [(&["email"][..], "mail_not_configured"), (&[], "validation_failed"), (&["pigeon"], "validation_failed")] {
            let changes = PolicyChanges { sign_in_methods: Some(strings(methods)), ..PolicyChanges::default() };
            assert_eq!(code(core.latchkey.update_policy(&olivia, &here(&olivia), changes).await), refusal);
        }
    }

    async fn an_organization_shortens_the_life_of_its_tokens_and_never_lengthens_it(core: TestCore) {
        let signed_in = core.owner("Olivia").await;
        let olivia = core.actor(access(&signed_in)).await;
        let life = |seconds| PolicyChanges { access_token_seconds: Some(seconds), ..PolicyChanges::default() };
        for wrong in [59, 86_401, -1] {
            assert_eq!(code(core.latchkey.update_policy(&olivia, &here(&olivia), life(wrong)).await), "validation_failed");
        }
        core.latchkey.update_policy(&olivia, &here(&olivia), life(600)).await.expect("set");
        let short = core.sign_in("Olivia", PASSWORD).await.expect("signed in");
        assert_eq!(short.view.tokens.as_ref().expect("tokens").expires_in, 600);
        let again = Refresh { refresh_token: Some(secret(refresh(&short))), ..Refresh::default() };
        let again = core.latchkey.refresh(&visitor(), again).await.expect("refreshed");
        assert_eq!(again.tokens.as_ref().expect("tokens").expires_in, 600);
        let hour = core.reopened(|settings| settings.tokens.access_life = HOUR).await.expect("opens");
        let hour = TestCore::over(hour);
        hour.latchkey.update_policy(&olivia, &here(&olivia), life(86_400)).await.expect("set");
        let long = hour.sign_in("Olivia", PASSWORD).await.expect("signed in");
        assert_eq!(long.view.tokens.as_ref().expect("tokens").expires_in, 3600);
        let policy = core.latchkey.policy(&olivia, &here(&olivia)).await.expect("read");
        assert_eq!(policy.access_token_seconds, None, "the most takes the limit back");
    }

    async fn where_people_come_by_invitation_only_no_code_works(core: TestCore) {
        let signed_in = core.owner("Olivia").await;
        let olivia = core.actor(access(&signed_in)).await;
        let place = here(&olivia);
        let made = core.latchkey.create_invitation_code(&olivia, &place, NewInvitationCode::default()).await.expect("made");
        let only = |only| PolicyChanges { invitation_only: Some(only), ..PolicyChanges::default() };
        core.latchkey.update_policy(&olivia, &place, only(true)).await.expect("set");
        let another = core.latchkey.create_invitation_code(&olivia, &place, NewInvitationCode::default()).await;
        assert_eq!(code(another), "invitation_only");
        let asked = || CodeToValidate { code: made.code.clone() };
        assert!(!core.latchkey.validate_code(&visitor(), asked()).await.expect("answered").valid);
        core.latchkey.update_policy(&olivia, &place, only(false)).await.expect("set");
        assert!(core.latchkey.validate_code(&visitor(), asked()).await.expect("answered").valid);
    }
}
