use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::mail::{by_token, secret, successes, token_of};
use super::phone::{half, password};
use super::trusted_devices::by_header;
use crate::flow::account::ChangePassword;
use crate::flow::gate::Entered;
use crate::flow::handoff::{Brought, HandOff, HandoffView, RedeemHandoff};
use crate::flow::landlord::UserChanges;
use crate::flow::policy::PolicyChanges;
use crate::flow::sign_in::{Opening, SignedIn};
use crate::flow::tokens::Refresh;
use crate::handoff::Origin;
use crate::member::Role;
use crate::settings::Settings;
use crate::testing::{PASSWORD, TestCore, access, code, on_both_engines, refresh, strings, through, visitor};
use crate::{Actor, Error, Latchkey};

const APP: &str = "https://app.example.org";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn to(target: Option<&str>) -> HandOff {
    HandOff { target: target.map(str::to_owned) }
}

fn with(ticket: &str) -> RedeemHandoff {
    RedeemHandoff { ticket: Some(secret(ticket)) }
}

/// A session as Salesflow's clients hand it on.
fn raw(signed_in: &SignedIn) -> Value {
    let view = &signed_in.view;
    json!({
        "email": view.user.email, "expiresIn": 3600, "accessToken": access(signed_in),
        "localId": view.user.id, "refreshToken": refresh(signed_in),
    })
}

impl TestCore {
    /// The same with a site that people may be handed on to.
    async fn with_a_site(&self) -> Self {
        let site = |settings: &mut Settings| settings.handoff.targets = Origin::parse(APP).into_iter().collect();
        Self::over(self.reopened(site).await.expect("opens"))
    }

    async fn ticket(&self, actor: &Actor) -> String {
        self.latchkey.hand_off(actor, to(None)).await.expect("made").ticket
    }

    async fn come_with(&self, ticket: &str) -> Result<Entered, Error> {
        let opening = Opening { cookie: true, tokens: true, ..Opening::default() };
        self.latchkey.take_over(&visitor(), Brought::Ticket(ticket), opening).await
    }

    async fn come_with_tokens(&self, tokens: &Value) -> Result<SignedIn, Error> {
        let opening = Opening { cookie: true, tokens: true, ..Opening::default() };
        through(self.latchkey.take_over(&visitor(), Brought::Tokens(&tokens.to_string()), opening).await)
    }

    async fn looks_at(&self, ticket: &str) -> &'static str {
        code(self.latchkey.preview_handoff(&visitor(), Brought::Ticket(ticket)).await)
    }

    async fn count_sessions(&self, actor: &Actor) -> usize {
        self.latchkey.sessions(actor).await.expect("read").len()
    }
}

on_both_engines! {
    async fn a_ticket_opens_a_session_of_its_own_once(core: TestCore) {
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        let HandoffView { url, ticket, expires_in } = core.latchkey.hand_off(&actor, HandOff::default()).await.expect("made");
        assert_eq!((url, expires_in), (format!("http://localhost:3000/auth/thirdPartySignIn?ticket={ticket}"), 60));
        let seen = core.latchkey.preview_handoff(&visitor(), Brought::Ticket(&ticket)).await.expect("good");
        assert_eq!((seen.email.as_str(), seen.name.as_str()), ("ada@example.org", "Ada"));
        let there = through(core.come_with(&ticket).await).expect("signed in");
        let principal = core.bearer(access(&there)).await.expect("good");
        assert!(principal.was_handed_off() && !actor.principal().was_handed_off());
        assert_ne!(principal.session_id(), actor.principal().session_id());
        assert_eq!(principal.organization_id(), actor.principal().organization_id());
        for spent in [core.looks_at(&ticket).await, code(core.come_with(&ticket).await)] {
            assert_eq!(spent, "invalid_token");
        }
        assert_eq!(core.count_sessions(&actor).await, 2);
        core.latchkey.sign_out(&actor).await.expect("signed out");
        assert!(core.bearer(access(&there)).await.is_ok(), "it is a session like any other");
    }

    async fn of_two_hundred_redemptions_at_once_one_succeeds(core: TestCore) {
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        let ticket = core.ticket(&actor).await;
        let core = Arc::new(core);
        let tries: Vec<_> = (0..200).map(|_| {
            let (core, ticket) = (Arc::clone(&core), ticket.clone());
            tokio::spawn(async move { core.come_with(&ticket).await.is_ok() })
        }).collect();
        assert_eq!(successes(tries).await, 1);
        assert_eq!(core.count_sessions(&actor).await, 2);
    }

    async fn a_ticket_lives_a_minute(core: TestCore) {
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        let (first, second) = (core.ticket(&actor).await, core.ticket(&actor).await);
        core.pass(Duration::from_secs(59));
        through(core.come_with(&first).await).expect("just in time");
        core.pass(Duration::from_secs(1));
        assert_eq!((core.looks_at(&second).await, code(core.come_with(&second).await)), ("gone", "gone"));
        core.pass(Duration::from_secs(3601));
        core.latchkey.clean_up().await.expect("cleaned");
        assert_eq!(core.looks_at(&second).await, "invalid_token");
    }

    async fn a_ticket_dies_with_its_session(core: TestCore) {
        for end in ["signed out", "ended", "everywhere", "password", "suspended"] {
            let name = end.replace(' ', "");
            let ada = core.owner(&name).await;
            let actor = core.actor(access(&ada)).await;
            let other = core.again(&actor).await;
            let ticket = core.ticket(&actor).await;
            end_by(&core.latchkey, end, (&actor, &other)).await;
            let expected = if end == "suspended" { "organization_suspended" } else { "invalid_token" };
            assert_eq!((core.looks_at(&ticket).await, code(core.come_with(&ticket).await)), (expected, expected), "{end}");
            let made = code(core.latchkey.hand_off(&actor, HandOff::default()).await);
            assert_eq!(made, if end == "suspended" { expected } else { "token_revoked" }, "{end}");
        }
    }

    async fn a_ticket_of_a_disabled_account_is_dead(core: TestCore) {
        let (landlord, ada) = (core.landlord().await, core.owner("Ada").await);
        let ticket = core.ticket(&core.actor(access(&ada)).await).await;
        let (whose, off) = (ada.view.user.id.to_string(), UserChanges { status: Some("disabled".to_owned()) });
        core.latchkey.update_user(&landlord, &whose, off).await.expect("off");
        assert_eq!((core.looks_at(&ticket).await, code(core.come_with(&ticket).await)), ("invalid_token", "invalid_token"));
    }

    async fn a_ticket_is_redeemed_where_it_was_made_for(core: TestCore) {
        let core = core.with_a_site().await;
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        let made = core.latchkey.hand_off(&actor, to(Some(APP))).await.expect("made");
        assert_eq!(made.url, format!("{APP}/auth/thirdPartySignIn?ticket={}", made.ticket));
        assert_eq!((core.looks_at(&made.ticket).await, code(core.come_with(&made.ticket).await)), ("invalid_token", "invalid_token"));
        let redeemed = through(core.latchkey.redeem_handoff(&visitor(), with(&made.ticket), Opening::api()).await);
        assert!(core.bearer(access(&redeemed.expect("signed in"))).await.expect("good").was_handed_off());
        assert_eq!(code(core.latchkey.redeem_handoff(&visitor(), with(&made.ticket), Opening::api()).await), "invalid_token");

        let own = core.ticket(&actor).await;
        assert_eq!(code(core.latchkey.redeem_handoff(&visitor(), with(&own), Opening::api()).await), "invalid_token");
        through(core.come_with(&own).await).expect("not spent by that");
        assert_eq!(code(core.latchkey.redeem_handoff(&visitor(), RedeemHandoff::default(), Opening::api()).await), "validation_failed");
    }

    async fn nobody_is_handed_on_to_a_site_that_is_not_allowed(core: TestCore) {
        let core = core.with_a_site().await;
        let actor = core.actor(access(&core.owner("Ada").await)).await;
        for target in ["https://app.example.org.evil.test", "https://evil.test", "http://app.example.org", "https://app.example.org:444", ""] {
            let Err(Error::Invalid(errors)) = core.latchkey.hand_off(&actor, to(Some(target))).await else { panic!("{target}") };
            assert_eq!(errors[0].sentence(), "target must be an allowed origin or a page below one");
        }
    }

    async fn keys_and_people_who_are_barred_hand_nothing_on(core: TestCore) {
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        let key = core.key(&actor, &["admin"]).await;
        let holder = core.actor(&key.key).await;
        assert_eq!(code(core.latchkey.hand_off(&holder, HandOff::default()).await), "insufficient_scope");
        let olivia = core.guarded("Olivia").await;
        let grace = core.member(&olivia.actor, "Grace", Role::Member).await;
        core.demands_second_factor(&olivia.actor, None).await.expect("demanded");
        let grace = core.sign_in(grace.principal().email().local_part(), PASSWORD).await.expect("signed in");
        let barred = core.barred(access(&grace)).await;
        assert_eq!(code(core.latchkey.hand_off(&barred, HandOff::default()).await), "two_factor_enrolment_required");
        let there = core.come_with_tokens(&raw(&grace)).await.expect("in, as by a password");
        assert_eq!(code(core.bearer(access(&there)).await), "two_factor_enrolment_required", "and barred as before");
    }

    async fn a_second_factor_counts_where_it_was_proven(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let there = through(core.come_with(&core.ticket(&ada.actor).await).await).expect("proven before");
        let principal = core.bearer(access(&there)).await.expect("good");
        assert!(core.latchkey.verify(&principal, None).expect("verified").contains(r#""amr":["pwd","otp","mfa"]"#));
    }

    async fn switching_a_second_factor_on_ends_the_tickets_of_other_sessions(core: TestCore) {
        let grace = core.actor(access(&core.owner("Grace").await)).await;
        let ticket = core.ticket(&grace).await;
        core.enrol(&core.again(&grace).await).await;
        assert_eq!(code(core.come_with(&ticket).await), "invalid_token");
    }

    async fn a_trusted_device_does_not_travel_with_the_ticket(core: TestCore) {
        let ada = core.guarded("Ada").await;
        let device = core.trusts("Ada", &ada).await;
        let source = through(core.latchkey.sign_in(&visitor(), password("Ada"), by_header(&device)).await).expect("let in");
        let actor = core.actor(access(&source)).await;
        let due = half(core.come_with(&core.ticket(&actor).await).await);
        core.next_step();
        let there = core.finish(&due, &core.shown(&ada.phone)).await.expect("signed in");
        let principal = core.bearer(access(&there)).await.expect("good");
        assert!(principal.was_handed_off(), "the mark outlives the second step");
    }

    async fn a_session_that_was_handed_on_is_no_fresher_and_lives_no_longer(core: TestCore) {
        core.owner("Ada").await;
        core.pass(DAY * 13);
        let actor = core.actor(access(&core.sign_in("Ada", PASSWORD).await.expect("in"))).await;
        let ends_at = core.latchkey.sessions(&actor).await.expect("read")[0].expires_at;
        core.pass(Duration::from_secs(599));
        let there = through(core.come_with(&core.ticket(&actor).await).await).expect("signed in");
        let there = core.actor(access(&there)).await;
        assert_eq!(core.latchkey.sessions(&there).await.expect("read")[0].expires_at, ends_at);
        assert!(there.fresh(core.latchkey.now(), Duration::from_secs(600)).is_ok());
        core.pass(Duration::from_secs(1));
        assert_eq!(code(there.fresh(core.latchkey.now(), Duration::from_secs(600))), "reauthentication_required");
    }

    async fn what_an_organization_takes_holds_for_handoffs(core: TestCore) {
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        let (ticket, tokens) = (core.ticket(&actor).await, raw(&ada));
        let mailed = token_of(&core.magic_link("Ada").await, "/magic-link");
        let by_mail = core.actor(access(&core.by_mail(by_token(&mailed)).await.expect("signed in"))).await;
        let only_mail = PolicyChanges { sign_in_methods: Some(strings(&["email"])), ..PolicyChanges::default() };
        let place = actor.principal().organization_id().expect("a place").to_string();
        core.latchkey.update_policy(&by_mail, &place, only_mail).await.expect("set");
        assert_eq!(code(core.come_with(&ticket).await), "sign_in_method_not_allowed");
        assert_eq!(code(core.come_with_tokens(&tokens).await), "sign_in_method_not_allowed");
    }

    async fn an_unconfirmed_address_comes_in_nowhere(core: TestCore) {
        let ada = core.owner("Ada").await;
        let ticket = core.ticket(&core.actor(access(&ada)).await).await;
        let strict = TestCore::over(core.reopened(|settings| settings.require_verified_email = true).await.expect("opens"));
        assert_eq!(code(strict.come_with(&ticket).await), "email_not_verified");
        assert_eq!(code(strict.come_with_tokens(&raw(&ada)).await), "email_not_verified");
    }

    async fn the_tokens_of_a_live_session_open_another(core: TestCore) {
        let ada = core.owner("Ada").await;
        let tokens = raw(&ada);
        let seen = core.latchkey.preview_handoff(&visitor(), Brought::Tokens(&tokens.to_string())).await.expect("good");
        assert_eq!(seen.user, ada.view.user.id);
        let there = core.come_with_tokens(&tokens).await.expect("signed in");
        let principal = core.bearer(access(&there)).await.expect("good");
        assert!(principal.was_handed_off() && principal.session_id() != core.bearer(access(&ada)).await.expect("good").session_id());
        let mut loud = raw(&ada);
        loud["email"] = json!("ADA@Example.ORG");
        loud["refreshToken"] = Value::Null;
        core.come_with_tokens(&loud).await.expect("addresses have no case, and a refresh token may be left out");
    }

    async fn tokens_that_do_not_fit_are_refused_alike_and_nothing_is_stored(core: TestCore) {
        let (ada, grace) = (core.owner("Ada").await, core.owner("Grace").await);
        let actor = core.actor(access(&ada)).await;
        let again = core.sign_in("Ada", PASSWORD).await.expect("signed in");
        let key = core.key(&actor, &["admin"]).await;
        let cookie = ada.cookie.as_ref().expect("a cookie").value.reveal().to_owned();
        let tampered = format!("{}x", access(&ada));
        let used = refresh(&again).to_owned();
        core.latchkey.refresh(&visitor(), Refresh { refresh_token: Some(secret(&used)), ..Refresh::default() }).await.expect("refreshed");
        let before = core.count_sessions(&actor).await;
        let bad = [
            ("email", json!("grace@example.org")),
            ("localId", json!(grace.view.user.id)),
            ("accessToken", json!(access(&grace))),
            ("accessToken", json!(tampered)),
            ("accessToken", json!(key.key)),
            ("accessToken", json!(refresh(&ada))),
            ("accessToken", json!(cookie)),
            ("accessToken", json!("")),
            ("accessToken", json!("a b")),
            ("refreshToken", json!(refresh(&grace))),
            ("refreshToken", json!(refresh(&again))),
            ("refreshToken", json!(used)),
            ("refreshToken", json!("lkr_nonsense")),
            ("refreshToken", json!(access(&ada))),
        ];
        for (name, value) in bad {
            let mut tokens = raw(&ada);
            tokens[name] = value;
            assert_eq!(code(core.come_with_tokens(&tokens).await), "invalid_token", "{name}");
            assert_eq!(code(core.latchkey.preview_handoff(&visitor(), Brought::Tokens(&tokens.to_string())).await), "invalid_token", "{name}");
        }
        core.pass(DAY);
        assert_eq!(code(core.come_with_tokens(&raw(&ada)).await), "invalid_token", "expired");
        let actor = core.again(&actor).await;
        assert_eq!(core.count_sessions(&actor).await, before + 1);
    }

    async fn tokens_of_a_session_that_ended_are_refused(core: TestCore) {
        let ada = core.owner("Ada").await;
        core.latchkey.sign_out(&core.actor(access(&ada)).await).await.expect("signed out");
        assert_eq!(code(core.come_with_tokens(&raw(&ada)).await), "invalid_token");
    }

    async fn the_raw_form_can_be_switched_off(core: TestCore) {
        let ada = core.owner("Ada").await;
        let ticket = core.ticket(&core.actor(access(&ada)).await).await;
        let strict = TestCore::over(core.reopened(|settings| settings.handoff.raw = false).await.expect("opens"));
        assert_eq!(code(strict.come_with_tokens(&raw(&ada)).await), "invalid_token");
        through(strict.come_with(&ticket).await).expect("tickets go on");
    }

    async fn only_a_session_that_was_handed_on_keeps_tokens_for_scripts(core: TestCore) {
        let ada = core.owner("Ada").await;
        let actor = core.actor(access(&ada)).await;
        assert_eq!(code(core.latchkey.session_tokens(&actor).await), "insufficient_scope");
        let there = core.actor(access(&core.come_with_tokens(&raw(&ada)).await.expect("in"))).await;
        let (first, second) = (core.latchkey.session_tokens(&there).await.expect("a pair"), core.latchkey.session_tokens(&there).await.expect("another"));
        for pair in [&first, &second] {
            assert_eq!((pair.email.as_str(), pair.expires_in), ("ada@example.org", 3600));
            assert_eq!(core.bearer(&pair.access_token).await.expect("good").session_id(), there.principal().session_id());
            let input = Refresh { refresh_token: Some(secret(&pair.refresh_token)), ..Refresh::default() };
            core.latchkey.refresh(&visitor(), input).await.expect("each tab refreshes its own");
        }
    }

    async fn both_steps_stand_in_the_audit_log_and_no_ticket_does(core: TestCore) {
        let ada = core.owner("Ada").await;
        let ticket = core.ticket(&core.actor(access(&ada)).await).await;
        through(core.come_with(&ticket).await).expect("signed in");
        let dump = core.latchkey.dump_for_test().await;
        assert!(dump.contains("handoff.created") && dump.contains("handoff.redeemed"));
        assert!(!dump.contains(&ticket) && !dump.contains(access(&ada)));
    }
}

async fn end_by(latchkey: &Latchkey, end: &str, (actor, other): (&Actor, &Actor)) {
    let id = actor.principal().session_id().expect("a session").to_string();
    let password = ChangePassword {
        current_password: Some(secret(PASSWORD)),
        new_password: Some(secret("lantern over quiet water")),
        ..ChangePassword::default()
    };
    match end {
        "signed out" => latchkey.sign_out(actor).await.expect("done"),
        "ended" => latchkey.end_session(other, &id).await.expect("done"),
        "everywhere" => latchkey.sign_out_everywhere(other).await.expect("done"),
        "password" => drop(latchkey.change_password(other, password).await.expect("done")),
        _ => latchkey.suspend_for_test(actor.principal().organization_id().expect("a place")).await,
    }
}
