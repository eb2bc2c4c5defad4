use std::time::Duration;

use super::invitations::open;
use super::mail::{by_token, secret, successes, token_of};
use crate::flow::invitation_codes::{CodeToValidate, InvitationCodeView, NewInvitationCode};
use crate::flow::members::MemberChanges;
use crate::flow::page::PageQuery;
use crate::flow::sign_in::{Opening, SignedIn};
use crate::flow::sign_up::SignUp;
use crate::member::Role;
use crate::settings::{Limits, Registration, Transport};
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, visitor};
use crate::{Actor, Error};

fn here(actor: &Actor) -> String {
    actor.principal().organization_id().expect("a place").to_string()
}

fn with_code(name: &str, text: &str) -> SignUp {
    SignUp {
        email: Some(address(name)),
        password: Some(secret(PASSWORD)),
        name: Some(name.to_owned()),
        organization_code: Some(text.to_owned()),
        ..SignUp::default()
    }
}

fn code_for(role: Role, uses: i64) -> NewInvitationCode {
    NewInvitationCode { role: Some(role.as_str().to_owned()), max_uses: Some(uses), ..NewInvitationCode::default() }
}

impl TestCore {
    async fn makes_code(&self, actor: &Actor, input: NewInvitationCode) -> Result<InvitationCodeView, Error> {
        self.latchkey.create_invitation_code(actor, &here(actor), input).await
    }

    pub(super) async fn joins_with(&self, name: &str, text: &str) -> Result<SignedIn, Error> {
        open(self.latchkey.sign_up(&visitor(), with_code(name, text), Opening::api()).await)
    }

    async fn is_valid(&self, text: &str) -> bool {
        let asked = CodeToValidate { code: Some(text.to_owned()) };
        self.latchkey.validate_code(&visitor(), asked).await.expect("answered").valid
    }

    async fn listed(&self, actor: &Actor) -> Vec<InvitationCodeView> {
        self.latchkey.invitation_codes(actor, &here(actor), &PageQuery::default()).await.expect("listed").items
    }
}

fn text(made: &InvitationCodeView) -> String {
    made.code.clone().expect("the text of a code")
}

on_both_engines! {
    async fn whoever_signs_up_with_a_code_joins_where_it_leads(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let made = core.makes_code(&olivia, code_for(Role::Manager, 1)).await.expect("made");
        let typed = format!(" {} ", text(&made).replace('-', " ").to_lowercase());
        assert!(core.is_valid(&typed).await);
        let joined = core.joins_with("Grace", &typed).await.expect("joined");
        let place = joined.view.organization.as_ref().expect("a place");
        assert_eq!((place.id.to_string(), place.role), (here(&olivia), Role::Manager));
        let grace = core.actor(access(&joined)).await;
        assert_eq!(core.latchkey.my_organizations(&grace, &PageQuery::default()).await.expect("read").total, 1, "and nowhere else");
        assert!(!core.is_valid(&text(&made)).await);
        assert_eq!(code(core.joins_with("Ben", &text(&made)).await), "invalid_invitation_code");
        assert_eq!(core.listed(&olivia).await[0].status, "used_up");
    }

    async fn m09_of_200_people_at_once_as_many_join_as_the_code_has_uses(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let made = core.makes_code(&olivia, code_for(Role::Member, 7)).await.expect("made");
        let tries = (0..200).map(|number| {
            let (latchkey, text) = (core.latchkey.clone(), text(&made));
            tokio::spawn(async move {
                let input = with_code(&format!("guest{number}"), &text);
                open(latchkey.sign_up(&visitor(), input, Opening::api()).await).is_ok()
            })
        });
        assert_eq!(successes(tries.collect()).await, 7);
        let members = core.latchkey.members(&olivia, &here(&olivia), &PageQuery::default()).await.expect("read");
        assert_eq!((members.total, core.listed(&olivia).await[0].uses), (8, 7));
    }

    async fn a_use_is_taken_only_by_an_account_that_is_made(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        core.owner("Grace").await;
        let made = core.makes_code(&olivia, code_for(Role::Member, 1)).await.expect("made");
        assert_eq!(code(core.joins_with("Grace", &text(&made)).await), "email_taken");
        assert!(core.is_valid(&text(&made)).await);
    }

    async fn where_registration_is_by_invitation_a_code_lets_in_and_where_it_is_closed_nothing(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let made = core.makes_code(&olivia, code_for(Role::Member, 2)).await.expect("made");
        let at = async |registration| {
            TestCore::over(core.reopened(|settings| settings.registration = registration).await.expect("opens"))
        };
        let invite = at(Registration::Invite).await;
        assert_eq!(code(invite.sign_up("Ben").await), "registration_closed");
        assert!(invite.joins_with("Ben", &text(&made)).await.is_ok());
        let closed = at(Registration::Closed).await;
        assert_eq!(code(closed.joins_with("Cleo", &text(&made)).await), "registration_closed");
    }

    async fn a_code_is_revoked_brought_back_and_ends_on_its_day(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let end = core.latchkey.now().plus(Duration::from_secs(3600)).rfc3339();
        let input = NewInvitationCode { expires_at: Some(end), ..code_for(Role::Member, 3) };
        let made = core.makes_code(&olivia, input).await.expect("made");
        let (home, id) = (here(&olivia), made.id.to_string());
        assert_eq!(core.latchkey.revoke_invitation_code(&olivia, &home, &id).await.expect("revoked").status, "revoked");
        assert_eq!(code(core.joins_with("Grace", &text(&made)).await), "invalid_invitation_code");
        assert_eq!(core.latchkey.reactivate_invitation_code(&olivia, &home, &id).await.expect("back").status, "active");
        assert!(core.joins_with("Grace", &text(&made)).await.is_ok());
        core.pass(Duration::from_secs(3600));
        assert_eq!(code(core.joins_with("Ben", &text(&made)).await), "invalid_invitation_code");
        assert_eq!(core.listed(&core.again(&olivia).await).await[0].status, "expired");
    }

    async fn a_code_for_a_domain_lets_in_once_the_address_is_confirmed(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let input = NewInvitationCode { email_domain: Some("@Example.ORG".to_owned()), ..code_for(Role::Admin, 9) };
        let made = core.makes_code(&olivia, input).await.expect("made");
        let elsewhere = SignUp { email: Some("grace@elsewhere.test".to_owned()), ..with_code("Grace", &text(&made)) };
        let refused = core.latchkey.sign_up(&visitor(), elsewhere, Opening::api()).await;
        assert_eq!(refused.err().map(|error| error.code().as_str()), Some("invalid_invitation_code"));

        assert_eq!(code(core.joins_with("Grace", &text(&made)).await), "email_not_verified");
        let early = core.sign_in("Grace", PASSWORD).await.expect("the account is there");
        assert!(early.view.organization.is_none(), "whoever only says that the address is theirs is not in");
        let early = core.actor(access(&early)).await;
        assert_eq!(code(core.latchkey.switch_organization(&early, &here(&olivia)).await), "not_found");
        assert_eq!(code(core.latchkey.members(&early, &here(&olivia), &PageQuery::default()).await), "not_found");

        let token = token_of(&core.mail("Grace", "/verify-email").await, "/verify-email");
        let verified = core.latchkey.verify_address(&visitor(), by_token(&token), Opening::api()).await.expect("confirmed");
        let signed_in = verified.signed_in.expect("signed in");
        assert_eq!(signed_in.view.organization.map(|place| (place.id.to_string(), place.role)), Some((here(&olivia), Role::Admin)));
    }

    async fn without_mail_there_are_no_codes_for_a_domain(core: TestCore) {
        let core = TestCore::over(core.reopened(|settings| settings.mail.transport = Transport::None).await.expect("opens"));
        let olivia = core.founder("Olivia").await;
        let input = NewInvitationCode { email_domain: Some("example.org".to_owned()), ..NewInvitationCode::default() };
        assert_eq!(code(core.makes_code(&olivia, input).await), "mail_not_configured");
    }

    async fn nobody_makes_or_sees_a_code_that_gives_more_than_they_have(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        assert_eq!(code(core.makes_code(&olivia, code_for(Role::Owner, 1)).await), "validation_failed", "nobody owns by a code");
        let strong = core.makes_code(&olivia, code_for(Role::Admin, 1)).await.expect("made");
        let mary = core.colleague(&olivia, "Mary", Role::Manager).await;
        for role in [Role::Admin, Role::Manager] {
            assert_eq!(code(core.makes_code(&mary, code_for(role, 1)).await), "insufficient_role");
        }
        core.makes_code(&mary, code_for(Role::Member, 1)).await.expect("made");
        let seen: Vec<_> = core.listed(&mary).await.into_iter().map(|code| (code.role, code.code.is_some())).collect();
        assert!(seen.contains(&(Role::Admin, false)) && seen.contains(&(Role::Member, true)), "{seen:?}");
        let (home, id) = (here(&olivia), strong.id.to_string());
        assert_eq!(code(core.latchkey.revoke_invitation_code(&mary, &home, &id).await), "insufficient_role");
        let ben = core.colleague(&olivia, "Ben", Role::Member).await;
        assert_eq!(code(core.latchkey.invitation_codes(&ben, &home, &PageQuery::default()).await), "insufficient_role");
    }

    async fn a_code_ends_with_the_rights_of_whoever_made_it(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let mallory = core.colleague(&olivia, "Mallory", Role::Admin).await;
        let made = core.makes_code(&mallory, code_for(Role::Admin, 9)).await.expect("made");
        let kept = core.makes_code(&olivia, code_for(Role::Member, 9)).await.expect("made");
        let whose = mallory.principal().user_id().to_string();
        core.latchkey.remove_member(&olivia, &here(&olivia), &whose).await.expect("removed");
        assert_eq!(code(core.joins_with("Again", &text(&made)).await), "invalid_invitation_code");
        assert!(core.joins_with("Grace", &text(&kept)).await.is_ok());
    }

    async fn what_an_administrator_decided_is_not_undone_by_confirming_an_address(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let input = NewInvitationCode { email_domain: Some("example.org".to_owned()), ..code_for(Role::Member, 9) };
        let made = core.makes_code(&olivia, input).await.expect("made");
        assert_eq!(code(core.joins_with("Grace", &text(&made)).await), "email_not_verified");
        let grace = core.sign_in("Grace", PASSWORD).await.expect("signed in").view.user.id.to_string();
        let suspend = MemberChanges { role: None, is_active: Some(false) };
        core.latchkey.update_member(&olivia, &here(&olivia), &grace, suspend).await.expect("suspended");
        let token = token_of(&core.mail("Grace", "/verify-email").await, "/verify-email");
        core.latchkey.verify_address(&visitor(), by_token(&token), Opening::api()).await.expect("confirmed");
        let back = core.sign_in("Grace", PASSWORD).await.expect("signed in");
        assert!(back.view.organization.is_none(), "still suspended");
    }

    async fn trying_codes_is_limited(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let made = core.makes_code(&olivia, code_for(Role::Member, 1)).await.expect("made");
        let strict = TestCore::over(core.reopened(|settings| settings.limits = Limits::default()).await.expect("opens"));
        for number in 0..50 {
            let asked = CodeToValidate { code: Some(format!("AAAA-AAAA-{number:02}")) };
            let limited = code(strict.latchkey.validate_code(&visitor(), asked).await) == "rate_limited";
            assert_eq!(limited, number >= 5, "try {number}");
        }
        let asked = CodeToValidate { code: Some(text(&made)) };
        assert_eq!(code(strict.latchkey.validate_code(&visitor(), asked).await), "rate_limited");
    }

    async fn a_code_is_sealed_in_the_database(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let made = core.makes_code(&olivia, code_for(Role::Member, 1)).await.expect("made");
        let dump = core.latchkey.dump_for_test().await;
        assert!(dump.contains(&made.id.to_string()), "the table was looked at");
        assert!(!dump.contains(&text(&made)) && !dump.contains(&text(&made).replace('-', "")));
    }
}
