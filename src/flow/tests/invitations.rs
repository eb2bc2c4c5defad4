use std::time::Duration;

use super::mail::{secret, successes, token_of};
use crate::flow::invitations::{InvitationView, NewInvitation};
use crate::flow::joining::{Acceptance, Accepted};
use crate::flow::members::MemberChanges;
use crate::flow::page::PageQuery;
use crate::flow::sign_in::{Opening, SignedIn};
use crate::flow::sign_up::SignedUp;
use crate::invitation::InvitationState;
use crate::member::Role;
use crate::settings::{Registration, Transport};
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, through, visitor};
use crate::{Actor, Error};

const THREE_DAYS: Duration = Duration::from_secs(3 * 24 * 60 * 60);

fn here(actor: &Actor) -> String {
    actor.principal().organization_id().expect("a place").to_string()
}

fn invite(email: &str, role: Role) -> NewInvitation {
    NewInvitation { email: Some(email.to_owned()), role: Some(role.as_str().to_owned()) }
}

fn acceptance() -> Acceptance {
    Acceptance { name: Some("Grace Hopper".to_owned()), password: Some(secret(PASSWORD)) }
}

pub(super) fn open(made: Result<SignedUp, Error>) -> Result<SignedIn, Error> {
    match made? {
        SignedUp::Open(signed_in) => Ok(*signed_in),
        SignedUp::ToVerify(_) => Err(Error::Forbidden(crate::error::Code::EmailNotVerified)),
    }
}

fn accepted(done: Result<Accepted, Error>) -> Result<SignedIn, Error> {
    match done? {
        Accepted::SignedUp(made) => open(Ok(made)),
        Accepted::Entered(entered) => through(Ok(entered)),
    }
}

impl TestCore {
    async fn invites(&self, actor: &Actor, name: &str, role: Role) -> Result<InvitationView, Error> {
        self.latchkey.invite(actor, &here(actor), invite(&address(name), role)).await
    }

    /// The token of the newest invitation that was mailed to somebody.
    pub(super) async fn invitation_to(&self, name: &str) -> String {
        token_of(&self.mail(name, "/invite/").await, "/invite/")
    }

    pub(super) async fn accepts(&self, token: &str) -> Result<SignedIn, Error> {
        accepted(self.latchkey.accept_invitation(&visitor(), token, acceptance(), Opening::api()).await)
    }

    async fn state(&self, token: &str) -> InvitationState {
        self.latchkey.invitation(&visitor(), token).await.expect("known").state
    }
}

on_both_engines! {
    async fn an_invitation_makes_an_account_with_a_confirmed_address_and_a_place(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        core.invites(&olivia, "GRACE", Role::Manager).await.expect("invited");
        let mail = core.mail("grace", "/invite/").await;
        assert_eq!(mail.written.subject, "You are invited to Olivia Works");
        assert!(mail.written.text.contains("Olivia invites you to join Olivia Works as a manager."));
        let token = token_of(&mail, "/invite/");
        let preview = core.latchkey.invitation(&visitor(), &token).await.expect("known");
        assert_eq!((preview.organization_name.as_str(), preview.inviter_name.as_str()), ("Olivia Works", "Olivia"));
        assert_eq!((preview.email, preview.role, preview.has_account), (address("grace"), Role::Manager, false));
        let signed_in = core.accepts(&token).await.expect("joined");
        assert!(signed_in.view.user.email_verified, "whoever reads the mail has the address");
        assert_eq!(signed_in.view.organization.as_ref().map(|place| place.role), Some(Role::Manager));
        assert_eq!(core.actor(access(&signed_in)).await.principal().organization_id(), olivia.principal().organization_id());
        assert_eq!(core.latchkey.my_organizations(&core.actor(access(&signed_in)).await, &PageQuery::default()).await.expect("read").total, 1);
        assert_eq!(core.state(&token).await, InvitationState::Accepted);
        assert_eq!(code(core.accepts(&token).await), "gone");
    }

    async fn somebody_with_an_account_accepts_when_signed_in_to_it(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let grace = core.founder("Grace").await;
        let mallory = core.founder("Mallory").await;
        core.invites(&olivia, "Grace", Role::Admin).await.expect("invited");
        let token = core.invitation_to("Grace").await;
        assert!(core.latchkey.invitation(&visitor(), &token).await.expect("known").has_account);
        assert_eq!(code(core.accepts(&token).await), "email_taken", "a link alone opens no account");
        assert_eq!(code(core.latchkey.accept_invitation_as(&mallory, &token).await), "invitation_for_another");
        let key = core.key(&grace, &["read", "admin"]).await;
        let program = core.actor(&key.key).await;
        assert_eq!(code(core.latchkey.accept_invitation_as(&program, &token).await), "insufficient_scope");
        assert_eq!(core.state(&token).await, InvitationState::Pending, "whoever was refused spent nothing");
        let joined = core.latchkey.accept_invitation_as(&grace, &token).await.expect("joined");
        assert!(joined.view.user.email_verified);
        let there = core.actor(access(&joined)).await;
        assert_eq!((there.principal().organization_id(), there.principal().role()), (olivia.principal().organization_id(), Some(Role::Admin)));
        assert_eq!(core.latchkey.my_organizations(&there, &PageQuery::default()).await.expect("read").total, 2);
        assert_eq!(code(core.invites(&olivia, "Grace", Role::Member).await), "already_member");
    }

    async fn somebody_with_an_account_accepts_with_its_password_and_its_second_factor_stays_due(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        core.founder("Grace").await;
        core.guarded("Ben").await;
        let by_password = |password: &str| Acceptance { name: None, password: Some(secret(password)) };
        core.invites(&olivia, "Grace", Role::Member).await.expect("invited");
        let token = core.invitation_to("Grace").await;
        let wrong = core.latchkey.accept_invitation(&visitor(), &token, by_password("not hers at all"), Opening::api()).await;
        assert_eq!(code(accepted(wrong)), "invalid_credentials");
        assert_eq!(core.state(&token).await, InvitationState::Pending);
        let joined = core.latchkey.accept_invitation(&visitor(), &token, by_password(PASSWORD), Opening::api()).await;
        let joined = accepted(joined).expect("joined");
        assert_eq!(joined.view.organization.map(|place| place.id.to_string()), Some(here(&olivia)));

        core.invites(&olivia, "Ben", Role::Member).await.expect("invited");
        let token = core.invitation_to("Ben").await;
        let due = core.latchkey.accept_invitation(&visitor(), &token, by_password(PASSWORD), Opening::api()).await;
        assert_eq!(code(accepted(due)), "two_factor_required", "the password alone opens nothing");
    }

    async fn of_200_acceptances_at_once_one_succeeds(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        core.invites(&olivia, "Grace", Role::Member).await.expect("invited");
        let token = core.invitation_to("Grace").await;
        let tries = (0..200).map(|_| {
            let (latchkey, token) = (core.latchkey.clone(), token.clone());
            tokio::spawn(async move {
                accepted(latchkey.accept_invitation(&visitor(), &token, acceptance(), Opening::api()).await).is_ok()
            })
        });
        assert_eq!(successes(tries.collect()).await, 1);
        let members = core.latchkey.members(&olivia, &here(&olivia), &PageQuery::default()).await.expect("read");
        assert_eq!(members.total, 2);
    }

    async fn m09_of_200_acceptances_at_once_by_one_account_one_succeeds(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let grace = core.founder("Grace").await;
        core.invites(&olivia, "Grace", Role::Member).await.expect("invited");
        let token = core.invitation_to("Grace").await;
        let tries = (0..200).map(|_| {
            let (latchkey, token, grace) = (core.latchkey.clone(), token.clone(), grace.clone());
            tokio::spawn(async move { latchkey.accept_invitation_as(&grace, &token).await.map_or_else(|error| error.code().as_str(), |_| "joined") })
        });
        let mut outcomes = Vec::new();
        for tried in tries.collect::<Vec<_>>() {
            outcomes.push(tried.await.expect("an answer"));
        }
        outcomes.sort_unstable();
        let (gone, joined) = outcomes.split_at(199);
        assert!(gone.iter().all(|outcome| *outcome == "gone"), "the invitation itself is spent once: {gone:?}");
        assert_eq!(joined, ["joined"]);
        let members = core.latchkey.members(&olivia, &here(&olivia), &PageQuery::default()).await.expect("read");
        assert_eq!(members.total, 2);
    }

    async fn sending_again_and_showing_the_link_kill_the_link_before(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let invitation = core.invites(&olivia, "Grace", Role::Member).await.expect("invited").id.to_string();
        let first = core.invitation_to("Grace").await;
        core.pass(Duration::from_secs(60));
        let again = core.latchkey.resend_invitation(&olivia, &here(&olivia), &invitation).await.expect("sent");
        assert_eq!(again.expires_at, core.latchkey.now().plus(THREE_DAYS));
        let second = core.invitation_to("Grace").await;
        assert_eq!(code(core.accepts(&first).await), "invalid_token");
        let shown = core.latchkey.show_invitation_link(&olivia, &here(&olivia), &invitation).await.expect("shown");
        let third = shown.link.rsplit('/').next().expect("a token").to_owned();
        assert_eq!(code(core.accepts(&second).await), "invalid_token");
        assert!(core.accepts(&third).await.is_ok());
    }

    async fn a_link_that_was_handed_over_confirms_no_address(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let invitation = core.invites(&olivia, "Grace", Role::Member).await.expect("invited").id.to_string();
        let shown = core.latchkey.show_invitation_link(&olivia, &here(&olivia), &invitation).await.expect("shown");
        let token = shown.link.rsplit('/').next().expect("a token");
        let strict = TestCore::over(core.reopened(|settings| settings.require_verified_email = true).await.expect("opens"));
        let signed_in = core.accepts(token).await.expect("joined");
        assert!(!signed_in.view.user.email_verified);
        assert!(core.subjects("Grace").await.iter().any(|subject| subject.starts_with("Confirm your address")));
        let invitation = core.invites(&olivia, "Ben", Role::Member).await.expect("invited").id.to_string();
        let shown = strict.latchkey.show_invitation_link(&olivia, &here(&olivia), &invitation).await.expect("shown");
        let made = strict.accepts(shown.link.rsplit('/').next().expect("a token")).await;
        assert_eq!(code(made), "email_not_verified", "where addresses must be confirmed, this one must too");
    }

    async fn what_is_withdrawn_or_over_is_gone(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let withdrawn = core.invites(&olivia, "Grace", Role::Member).await.expect("invited").id.to_string();
        let grace = core.invitation_to("Grace").await;
        core.latchkey.withdraw_invitation(&olivia, &here(&olivia), &withdrawn).await.expect("withdrawn");
        assert_eq!((core.state(&grace).await, code(core.accepts(&grace).await)), (InvitationState::Withdrawn, "gone"));
        assert_eq!(code(core.latchkey.withdraw_invitation(&olivia, &here(&olivia), &withdrawn).await), "gone");
        assert_eq!(code(core.latchkey.resend_invitation(&olivia, &here(&olivia), &withdrawn).await), "gone");

        let over = core.invites(&olivia, "Ben", Role::Member).await.expect("invited").id.to_string();
        let ben = core.invitation_to("Ben").await;
        core.pass(Duration::from_secs(3 * 24 * 60 * 60 - 1));
        assert_eq!(core.state(&ben).await, InvitationState::Pending);
        core.pass(Duration::from_secs(1));
        assert_eq!((core.state(&ben).await, code(core.accepts(&ben).await)), (InvitationState::Expired, "gone"));
        core.latchkey.resend_invitation(&core.again(&olivia).await, &here(&olivia), &over).await.expect("sent again");
        assert!(core.accepts(&core.invitation_to("Ben").await).await.is_ok());
    }

    async fn there_is_one_open_invitation_for_an_address(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        core.invites(&olivia, "Grace", Role::Member).await.expect("invited");
        let first = core.invitation_to("Grace").await;
        core.pass(Duration::from_secs(1));
        core.invites(&olivia, "Grace", Role::Admin).await.expect("invited again");
        assert_eq!(core.state(&first).await, InvitationState::Withdrawn);
        let joined = core.accepts(&core.invitation_to("Grace").await).await.expect("joined");
        assert_eq!(joined.view.organization.map(|place| place.role), Some(Role::Admin));
        for strange in ["graﬁce@example.org", "grace\u{200b}@example.org", "grace@İxample.org", "grace", ""] {
            let refused = core.latchkey.invite(&olivia, &here(&olivia), invite(strange, Role::Member)).await;
            assert_eq!(code(refused), "validation_failed", "{strange:?}");
        }
    }

    async fn nobody_gives_more_than_they_have(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        for (number, own) in Role::ALL.into_iter().enumerate() {
            let actor = core.colleague(&olivia, &format!("Colleague{number}"), own).await;
            for (other, role) in Role::ALL.into_iter().enumerate() {
                let invited = core.invites(&actor, &format!("guest{number}{other}"), role).await;
                assert_eq!(invited.is_ok(), own.may_invite(role), "{own:?} invites {role:?}");
            }
        }
        let key = core.key(&olivia, &["admin"]).await;
        let program = core.actor(&key.key).await;
        assert!(core.invites(&program, "guest", Role::Admin).await.is_ok());
        assert_eq!(code(core.invites(&program, "other", Role::Owner).await), "insufficient_scope", "owners are made in person");
        let weak = core.actor(&core.key(&olivia, &["read", "write"]).await.key).await;
        assert_eq!(code(core.invites(&weak, "another", Role::Member).await), "insufficient_scope");
    }

    async fn the_link_of_a_stronger_invitation_is_not_shown_to_weaker_people(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let mary = core.colleague(&olivia, "Mary", Role::Manager).await;
        let strong = core.invites(&olivia, "Grace", Role::Admin).await.expect("invited").id.to_string();
        let home = here(&olivia);
        assert_eq!(code(core.latchkey.show_invitation_link(&mary, &home, &strong).await), "insufficient_role");
        assert_eq!(code(core.latchkey.resend_invitation(&mary, &home, &strong).await), "insufficient_role");
        assert_eq!(code(core.latchkey.withdraw_invitation(&mary, &home, &strong).await), "insufficient_role");
        assert_eq!(core.latchkey.invitations(&mary, &home, &PageQuery::default()).await.expect("listed").total, 1);
        let foreign = core.founder("Mallory").await;
        assert_eq!(code(core.latchkey.show_invitation_link(&foreign, &here(&foreign), &strong).await), "not_found");
    }

    async fn whoever_was_removed_or_may_less_now_has_invited_nobody(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let home = here(&olivia);
        let demoted = MemberChanges { role: Some("MANAGER".to_owned()), is_active: None };
        let suspended = MemberChanges { role: None, is_active: Some(false) };
        for (number, change) in [None, Some(demoted), Some(suspended)].into_iter().enumerate() {
            let (admin, guest) = (format!("Admin{number}"), format!("Guest{number}"));
            let mallory = core.colleague(&olivia, &admin, Role::Admin).await;
            core.invites(&mallory, &guest, Role::Admin).await.expect("invited");
            core.invites(&olivia, &format!("Kept{number}"), Role::Member).await.expect("invited");
            let token = core.invitation_to(&guest).await;
            let whose = mallory.principal().user_id().to_string();
            match change {
                None => core.latchkey.remove_member(&olivia, &home, &whose).await.map(|_| ()).expect("removed"),
                Some(change) => core.latchkey.update_member(&olivia, &home, &whose, change).await.map(|_| ()).expect("changed"),
            }
            assert_eq!(core.state(&token).await, InvitationState::Withdrawn);
            let kept = core.invitation_to(&format!("Kept{number}")).await;
            assert_eq!(core.state(&kept).await, InvitationState::Pending);
        }
    }

    async fn a_link_is_of_whoever_showed_it_last(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let bob = core.colleague(&olivia, "Bob", Role::Admin).await;
        let (home, whose) = (here(&olivia), bob.principal().user_id().to_string());
        let invitation = core.invites(&olivia, "Grace", Role::Admin).await.expect("invited").id.to_string();
        let shown = core.latchkey.show_invitation_link(&bob, &home, &invitation).await.expect("shown");
        core.latchkey.remove_member(&olivia, &home, &whose).await.expect("removed");
        assert_eq!(code(core.accepts(shown.link.rsplit('/').next().expect("a token")).await), "gone");
        assert_eq!(code(core.latchkey.show_invitation_link(&bob, &home, &invitation).await), "insufficient_role", "read anew");
    }

    async fn without_mail_a_link_can_be_handed_over(core: TestCore) {
        let core = TestCore::over(core.reopened(|settings| settings.mail.transport = Transport::None).await.expect("opens"));
        let olivia = core.founder("Olivia").await;
        let invitation = core.invites(&olivia, "Grace", Role::Member).await.expect("invited").id.to_string();
        assert_eq!(code(core.latchkey.resend_invitation(&olivia, &here(&olivia), &invitation).await), "mail_not_configured");
        let shown = core.latchkey.show_invitation_link(&olivia, &here(&olivia), &invitation).await.expect("shown");
        assert!(core.accepts(shown.link.rsplit('/').next().expect("a token")).await.is_ok());
    }

    async fn names_that_look_like_links_are_not_mailed_to_strangers(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let changes = crate::flow::organizations::OrganizationChanges { name: Some("Win at evil.test/now".to_owned()), contact_email: None };
        core.latchkey.update_organization(&olivia, &here(&olivia), changes).await.expect("renamed");
        core.invites(&olivia, "Grace", Role::Member).await.expect("invited");
        let mail = core.mail("Grace", "/invite/").await;
        assert_eq!(mail.written.subject, "You are invited to an organization");
        assert!(!mail.written.text.contains("evil.test") && !mail.written.html.contains("evil.test"));
    }

    async fn where_registration_is_closed_an_invitation_makes_no_account_but_takes_one_in(core: TestCore) {
        let (olivia, grace) = (core.founder("Olivia").await, core.founder("Grace").await);
        let closed = core.reopened(|settings| settings.registration = Registration::Closed).await.expect("opens");
        let closed = TestCore::over(closed);
        for name in ["Ben", "Grace"] {
            core.invites(&olivia, name, Role::Member).await.expect("invited");
        }
        assert_eq!(code(closed.accepts(&core.invitation_to("Ben").await).await), "registration_closed");
        let token = core.invitation_to("Grace").await;
        closed.latchkey.accept_invitation_as(&grace, &token).await.expect("joined");
    }

    async fn the_secret_of_an_invitation_is_nowhere_in_the_database(core: TestCore) {
        let olivia = core.founder("Olivia").await;
        let invitation = core.invites(&olivia, "Grace", Role::Member).await.expect("invited");
        let token = core.invitation_to("Grace").await;
        let dump = core.latchkey.dump_for_test().await;
        assert!(dump.contains(&invitation.id.to_string()), "the table was looked at");
        assert!(!dump.contains(&token));
    }
}
