use std::time::Duration;

use super::mail::secret;
use super::phone::Guarded;
use crate::clock::Timestamp;
use crate::flow::enrol::EndFactor;
use crate::flow::links::MailTo;
use crate::flow::policy::PolicyChanges;
use crate::flow::reset_factor::ResetFactor;
use crate::flow::sign_up::SignUp;
use crate::member::Role;
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, visitor};
use crate::{Actor, Error};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn here(actor: &Actor) -> String {
    actor.principal().organization_id().expect("a place").to_string()
}

fn because(reason: &str) -> ResetFactor {
    ResetFactor { reason: Some(reason.to_owned()) }
}

impl TestCore {
    pub(super) async fn demands_second_factor(&self, admin: &Actor, from: Option<Timestamp>) -> Result<(), Error> {
        let changes = PolicyChanges {
            require_two_factor: Some(true),
            two_factor_grace_until: from.map(Timestamp::rfc3339),
            ..PolicyChanges::default()
        };
        self.latchkey.update_policy(admin, &here(admin), changes).await.map(|_| ())
    }

    /// Somebody with a place in the organization of `owner` and in no other.
    pub(super) async fn member(&self, owner: &Actor, name: &str, role: Role) -> Actor {
        let signed_in = self.owner(name).await;
        let actor = self.actor(access(&signed_in)).await;
        self.latchkey.set_role_for_test(&actor, None).await;
        self.latchkey.add_member_for_test(owner, actor.principal().user_id(), role).await;
        self.again(&actor).await
    }
}

async fn owner(core: &TestCore) -> Guarded {
    core.guarded("Olivia").await
}

on_both_engines! {
    async fn who_has_no_second_factor_cannot_demand_one(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        assert_eq!(code(core.demands_second_factor(&ada, None).await), "two_factor_enrolment_required");
        assert!(!core.latchkey.policy(&ada, &here(&ada)).await.expect("read").require_two_factor);
    }

    async fn members_without_one_can_do_nothing_but_set_it_up_once_the_day_has_come(core: TestCore) {
        let olivia = owner(&core).await;
        let ada = core.member(&olivia.actor, "Ada", Role::Member).await;
        let key = core.key(&ada, &["read"]).await;
        let due = core.latchkey.now().plus(HOUR);
        core.demands_second_factor(&olivia.actor, Some(due)).await.expect("demanded");
        let session = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        let told = session.view.two_factor_enrolment.expect("told at sign-in");
        assert_eq!((told.required, told.from), (true, Timestamp::from_seconds(due.seconds())));
        assert!(core.bearer(access(&session)).await.is_ok(), "there is time");
        core.pass(HOUR);
        assert_eq!(code(core.bearer(access(&session)).await), "two_factor_enrolment_required");
        assert_eq!(code(core.bearer(&key.key).await), "two_factor_enrolment_required", "a key may no more than its owner");
        let late = core.sign_in("Ada", PASSWORD).await.expect("signed in, to set it up");
        assert_eq!(code(core.bearer(access(&late)).await), "two_factor_enrolment_required");
        let barred = core.barred(access(&late)).await;
        let guarded = core.enrol(&barred).await;
        assert!(core.bearer(access(&late)).await.is_ok(), "free again at once");
        assert!(core.bearer(&key.key).await.is_ok());
        let end = EndFactor { password: Some(secret(PASSWORD)), code: None };
        assert_eq!(code(core.latchkey.end_factor(&guarded.actor, end).await), "two_factor_mandatory");
    }

    async fn members_do_not_set_the_policy_and_no_other_organizations(core: TestCore) {
        let olivia = owner(&core).await;
        let ada = core.member(&olivia.actor, "Ada", Role::Manager).await;
        assert_eq!(code(core.demands_second_factor(&ada, None).await), "insufficient_role");
        let grace = core.guarded("Grace").await;
        for foreign in [here(&olivia.actor), "org_x".to_owned()] {
            let changed = core.latchkey.update_policy(&grace.actor, &foreign, PolicyChanges::default()).await;
            assert_eq!(code(changed), "not_found");
            assert_eq!(code(core.latchkey.policy(&grace.actor, &foreign).await), "not_found");
        }
    }

    async fn a_policy_is_checked_and_what_is_not_named_stays(core: TestCore) {
        let olivia = owner(&core).await;
        let set = async |changes: PolicyChanges| core.latchkey.update_policy(&olivia.actor, &here(&olivia.actor), changes).await;
        let bad = PolicyChanges { two_factor_grace_until: Some("tomorrow".to_owned()), trusted_device_days: Some(0), ..PolicyChanges::default() };
        assert_eq!(code(set(bad).await), "validation_failed");
        set(PolicyChanges { trusted_device_days: Some(7), ..PolicyChanges::default() }).await.expect("set");
        let view = set(PolicyChanges { require_two_factor: Some(true), ..PolicyChanges::default() }).await.expect("set");
        assert_eq!((view.require_two_factor, view.trusted_device_days), (true, Some(7)));
        let view = set(PolicyChanges { trusted_devices: Some(false), ..PolicyChanges::default() }).await.expect("set");
        assert_eq!((view.trusted_devices, view.trusted_device_days, view.require_two_factor), (false, None, true));
        let view = set(PolicyChanges { require_two_factor: Some(false), ..PolicyChanges::default() }).await.expect("set");
        assert_eq!((view.require_two_factor, view.two_factor_grace_until), (false, None));
    }

    async fn an_administrator_takes_the_factor_of_a_member_away(core: TestCore) {
        let olivia = owner(&core).await;
        let ada = core.member(&olivia.actor, "Ada", Role::Member).await;
        let ada = core.enrol(&ada).await;
        let whose = ada.actor.principal().user_id().to_string();
        let place = here(&olivia.actor);
        let again = core.latchkey.step_up(&olivia.actor, Some(secret(&core.shown(&olivia.phone)))).await.expect("shown");
        let olivia_now = core.actor(&again.access_token).await;
        let reset = async |by: &Actor, user: &str, reason: ResetFactor| code(core.latchkey.reset_member_factor(by, &place, user, reason).await);
        assert_eq!(reset(&olivia_now, &whose, ResetFactor::default()).await, "validation_failed", "a reason is needed");
        let own = olivia_now.principal().user_id().to_string();
        assert_eq!(reset(&olivia_now, &own, because("me")).await, "insufficient_role", "not on oneself");
        assert_eq!(reset(&ada.actor, &own, because("them")).await, "insufficient_role", "members cannot");
        assert_eq!(reset(&olivia_now, "usr_x", because("x")).await, "not_found");
        assert!(core.latchkey.factor_status(&ada.actor).await.expect("read").enabled);
        assert_eq!(reset(&olivia_now, &whose, because("Lost the phone")).await, "it succeeded");
        assert_eq!(code(core.bearer(&ada.token).await), "token_revoked");
        core.sign_in("Ada", PASSWORD).await.expect("the password is enough");
        let mails = core.mails("Ada").await;
        let told = mails.iter().find(|mail| mail.written.subject.contains("was reset")).expect("told");
        assert!(told.written.html.contains("Lost the phone"));
        assert!(core.latchkey.dump_for_test().await.contains("two_factor.reset"));
        assert_eq!(reset(&olivia_now, &whose, because("again")).await, "two_factor_not_enabled");
    }

    async fn a_reset_needs_a_second_factor_of_ones_own_and_a_recent_one(core: TestCore) {
        let olivia = owner(&core).await;
        let ada = core.member(&olivia.actor, "Ada", Role::Member).await;
        let ada = core.enrol(&ada).await;
        let bob = core.member(&olivia.actor, "Bob", Role::Admin).await;
        let (whose, place) = (ada.actor.principal().user_id().to_string(), here(&olivia.actor));
        assert_eq!(code(core.latchkey.reset_member_factor(&bob, &place, &whose, because("x")).await), "two_factor_enrolment_required");
        core.pass(Duration::from_secs(600));
        assert_eq!(code(core.latchkey.reset_member_factor(&olivia.actor, &place, &whose, because("x")).await), "reauthentication_required");
        let bob = core.enrol(&core.again(&bob).await).await;
        let own = olivia.actor.principal().user_id().to_string();
        assert_eq!(code(core.latchkey.reset_member_factor(&bob.actor, &place, &own, because("x")).await), "insufficient_role", "not of a stronger role");
    }

    async fn people_whom_others_rely_on_elsewhere_are_for_landlords(core: TestCore) {
        let olivia = owner(&core).await;
        let ada = core.guarded("Ada").await;
        let place = here(&olivia.actor);
        core.latchkey.add_member_for_test(&olivia.actor, ada.actor.principal().user_id(), Role::Member).await;
        let whose = ada.actor.principal().user_id().to_string();
        let bob = core.owner("Bob").await;
        core.latchkey.add_member_for_test(&ada.actor, bob.view.user.id, Role::Member).await;
        let fresh = core.latchkey.step_up(&olivia.actor, Some(secret(&core.shown(&olivia.phone)))).await.expect("shown");
        let olivia_now = core.actor(&fresh.access_token).await;
        assert_eq!(code(core.latchkey.reset_member_factor(&olivia_now, &place, &whose, because("x")).await), "belongs_elsewhere");
        assert!(core.latchkey.factor_status(&ada.actor).await.expect("read").enabled);
        let input = SignUp { email: Some(address("Lea")), password: Some(secret(PASSWORD)), name: Some("Lea".to_owned()), ..SignUp::default() };
        core.latchkey.create_landlord(&visitor(), input).await.expect("made");
        let lea = core.sign_in("Lea", PASSWORD).await.expect("signed in");
        let lea = core.enrol(&core.actor(access(&lea)).await).await;
        assert_eq!(code(core.latchkey.reset_factor(&olivia_now, &whose, because("x")).await), "insufficient_role");
        core.latchkey.reset_factor(&lea.actor, &whose, because("Came in person")).await.expect("reset");
        let own = lea.actor.principal().user_id().to_string();
        assert_eq!(code(core.latchkey.reset_factor(&lea.actor, &own, because("me")).await), "insufficient_role");
        core.latchkey.reset_factor_by_operator(&visitor(), MailTo { email: Some(address("Lea")) }).await.expect("reset");
        core.sign_in("Lea", PASSWORD).await.expect("the password is enough");
    }
}

impl TestCore {
    /// Who holds this token, though they may do nothing but set up a second factor.
    pub(super) async fn barred(&self, token: &str) -> Actor {
        let authorization = format!("Bearer {token}");
        let headers = crate::flow::authenticate::CredentialHeaders {
            authorization: Some(&authorization),
            ..crate::flow::authenticate::CredentialHeaders::default()
        };
        let presented = crate::flow::authenticate::Presented::read(headers).expect("read");
        let (principal, _) = self.latchkey.authenticate_barred(&visitor(), &presented).await.expect("good");
        Actor::new(visitor(), principal)
    }
}
