use std::time::Duration;

use crate::Error;
use crate::flow::account::ChangePassword;
use crate::flow::address::ChangeEmail;
use crate::flow::links::{MailProof, MailTo};
use crate::flow::magic_link::MagicLinkState;
use crate::flow::mail::MailView;
use crate::flow::recovery::ResetPassword;
use crate::flow::secure::Secured;
use crate::flow::sign_in::{Opening, SecretText, SignedIn};
use crate::flow::sign_up::{SignUp, SignedUp};
use crate::flow::tokens::Refresh;
use crate::settings::Transport;
use crate::testing::{PASSWORD, TestCore, access, address, code, on_both_engines, refresh, through, visitor};

const TEN_MINUTES: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn to(name: &str) -> MailTo {
    MailTo { email: Some(address(name)) }
}

pub(super) fn secret(text: &str) -> SecretText {
    SecretText(text.to_owned())
}

pub(super) fn by_token(token: &str) -> MailProof {
    MailProof { token: Some(secret(token)), ..MailProof::default() }
}

pub(super) fn by_code(name: &str, digits: &str) -> MailProof {
    MailProof { email: Some(address(name)), code: Some(secret(digits)), ..MailProof::default() }
}

pub(super) fn reset(token: &str, new: &str) -> ResetPassword {
    ResetPassword { token: Some(secret(token)), new_password: Some(secret(new)), password: None }
}

/// The token of the first link to this page.
pub(super) fn token_of(mail: &MailView, page: &str) -> String {
    let (_, rest) = mail.written.text.split_once(page).expect("a link");
    rest.trim_start_matches("?token=").trim_start_matches('/').split_whitespace().next().expect("a token").to_owned()
}

pub(super) fn code_of(mail: &MailView) -> String {
    let is_code = |line: &&str| {
        let digits = line.replace(' ', "");
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    mail.written.text.lines().map(str::trim).find(is_code).expect("a code").to_owned()
}

impl TestCore {
    /// What has been mailed to somebody, newest first.
    pub(super) async fn mails(&self, name: &str) -> Vec<MailView> {
        self.latchkey.deliver_mail(|| true).await.expect("delivered");
        let all = self.latchkey.mailbox().await.expect("a mailbox");
        all.into_iter().filter(|mail| mail.to == address(name)).collect()
    }

    /// The newest mail to somebody with a link to this page.
    pub(super) async fn mail(&self, name: &str, page: &str) -> MailView {
        let mails = self.mails(name).await;
        mails.into_iter().find(|mail| mail.written.text.contains(page)).expect("a mail")
    }

    pub(super) async fn subjects(&self, name: &str) -> Vec<String> {
        self.mails(name).await.into_iter().map(|mail| mail.written.subject).collect()
    }

    pub(super) async fn magic_link(&self, name: &str) -> MailView {
        self.pass(Duration::from_secs(1));
        self.latchkey.ask_magic_link(&visitor(), to(name), Some("first browser")).await.expect("asked");
        self.mail(name, "/magic-link").await
    }

    pub(super) async fn by_mail(&self, proof: MailProof) -> Result<SignedIn, Error> {
        through(self.latchkey.sign_in_by_mail(&visitor(), proof, Opening::api()).await)
    }
}

on_both_engines! {
    async fn a_mailed_link_signs_in_once(core: TestCore) {
        core.owner("Ada").await;
        let token = token_of(&core.magic_link("Ada").await, "/magic-link");
        let preview = core.latchkey.preview_magic_link(&token, Some("first browser")).await.expect("known");
        assert!(preview.valid && preview.same_browser && preview.email == address("Ada"));
        assert!(!core.latchkey.preview_magic_link(&token, Some("another")).await.expect("known").same_browser);
        let signed_in = core.by_mail(by_token(&token)).await.expect("signed in");
        assert!(signed_in.view.user.email_verified, "whoever reads the mail has the address");
        assert_eq!(code(core.by_mail(by_token(&token)).await), "gone");
        assert!(!core.latchkey.preview_magic_link(&token, None).await.expect("known").valid);
    }

    async fn the_link_and_the_code_are_one_challenge(core: TestCore) {
        core.owner("Ada").await;
        let mail = core.magic_link("Ada").await;
        assert!(core.by_mail(by_code("Ada", &code_of(&mail))).await.is_ok());
        assert_eq!(code(core.by_mail(by_token(&token_of(&mail, "/magic-link"))).await), "gone");
    }

    async fn a_new_request_replaces_the_one_before(core: TestCore) {
        core.owner("Ada").await;
        let first = core.magic_link("Ada").await;
        core.pass(Duration::from_secs(1));
        let second = core.magic_link("Ada").await;
        assert_eq!(code(core.by_mail(by_token(&token_of(&first, "/magic-link"))).await), "invalid_token");
        assert!(core.by_mail(by_token(&token_of(&second, "/magic-link"))).await.is_ok());
    }

    async fn a_link_lives_ten_minutes_and_not_a_second_more(core: TestCore) {
        core.owner("Ada").await;
        let token = token_of(&core.magic_link("Ada").await, "/magic-link");
        core.pass(Duration::from_secs(599));
        assert!(core.latchkey.preview_magic_link(&token, None).await.expect("known").valid);
        core.pass(Duration::from_secs(1));
        assert_eq!(code(core.by_mail(by_token(&token)).await), "gone");
    }

    async fn five_wrong_codes_end_it_and_the_link_with_it(core: TestCore) {
        core.owner("Ada").await;
        let mail = core.magic_link("Ada").await;
        let wrong = if code_of(&mail) == "000 000" { "111111" } else { "000000" };
        for _ in 0..5 {
            assert_eq!(code(core.by_mail(by_code("Ada", wrong)).await), "invalid_code");
        }
        assert_eq!(code(core.by_mail(by_code("Ada", &code_of(&mail))).await), "invalid_code");
        assert_eq!(code(core.by_mail(by_token(&token_of(&mail, "/magic-link"))).await), "gone");
    }

    async fn of_200_guesses_at_once_five_count(core: TestCore) {
        core.owner("Ada").await;
        let mail = core.magic_link("Ada").await;
        let right = code_of(&mail).replace(' ', "").parse::<u32>().expect("digits");
        let guesses = (0..200).map(|step| {
            let guess = format!("{:06}", (right + 1 + step) % 1_000_000);
            let latchkey = core.latchkey.clone();
            tokio::spawn(async move {
                code(latchkey.sign_in_by_mail(&visitor(), by_code("Ada", &guess), Opening::api()).await)
            })
        });
        for guess in guesses.collect::<Vec<_>>() {
            assert_eq!(guess.await.expect("ran"), "invalid_code");
        }
        assert_eq!(code(core.by_mail(by_code("Ada", &format!("{right:06}"))).await), "invalid_code");
    }

    async fn of_200_tries_at_once_one_link_opens_one_session(core: TestCore) {
        core.owner("Ada").await;
        let token = token_of(&core.magic_link("Ada").await, "/magic-link");
        let tries: Vec<_> = (0..200).map(|_| {
            let (latchkey, token) = (core.latchkey.clone(), token.clone());
            tokio::spawn(async move {
                latchkey.sign_in_by_mail(&visitor(), by_token(&token), Opening::api()).await.is_ok()
            })
        }).collect();
        assert_eq!(successes(tries).await, 1);
    }

    async fn of_200_tries_at_once_one_code_opens_one_session(core: TestCore) {
        core.owner("Ada").await;
        let digits = code_of(&core.magic_link("Ada").await);
        let tries: Vec<_> = (0..200).map(|_| {
            let (latchkey, digits) = (core.latchkey.clone(), digits.clone());
            tokio::spawn(async move {
                latchkey.sign_in_by_mail(&visitor(), by_code("Ada", &digits), Opening::api()).await.is_ok()
            })
        }).collect();
        assert_eq!(successes(tries).await, 1);
    }

    async fn of_200_resets_at_once_one_sets_the_password(core: TestCore) {
        core.owner("Ada").await;
        core.latchkey.ask_reset(&visitor(), to("Ada"), None).await.expect("asked");
        let token = token_of(&core.mail("Ada", "/reset-password").await, "/reset-password");
        let tries: Vec<_> = (0..200).map(|number| {
            let (latchkey, token) = (core.latchkey.clone(), token.clone());
            tokio::spawn(async move {
                let new = format!("lantern over quiet water {number}");
                latchkey.reset_password(&visitor(), reset(&token, &new)).await.is_ok()
            })
        }).collect();
        assert_eq!(successes(tries).await, 1);
    }

    async fn a_reset_code_is_exchanged_once(core: TestCore) {
        core.owner("Ada").await;
        core.latchkey.ask_reset(&visitor(), to("Ada"), None).await.expect("asked");
        let mail = core.mail("Ada", "/reset-password").await;
        let tries: Vec<_> = (0..50).map(|_| {
            let (latchkey, digits) = (core.latchkey.clone(), code_of(&mail));
            tokio::spawn(async move { latchkey.verify_reset_code(&visitor(), by_code("Ada", &digits)).await.ok() })
        }).collect();
        let mut tokens = Vec::new();
        for tried in tries {
            tokens.extend(tried.await.expect("ran"));
        }
        assert_eq!(tokens.len(), 1);
        let linked = reset(&token_of(&mail, "/reset-password"), "lantern over quiet water");
        assert_eq!(code(core.latchkey.reset_password(&visitor(), linked).await), "invalid_token");
        let exchanged = reset(&tokens[0].token, "lantern over quiet water");
        assert_eq!(code(core.latchkey.reset_password(&visitor(), exchanged).await), "it succeeded");
    }

    async fn a_reset_ends_every_session_and_everything_mailed(core: TestCore) {
        let before = core.owner("Ada").await;
        let link = token_of(&core.magic_link("Ada").await, "/magic-link");
        core.pass(Duration::from_secs(1));
        core.latchkey.ask_reset(&visitor(), to("Ada"), None).await.expect("asked");
        let token = token_of(&core.mail("Ada", "/reset-password").await, "/reset-password");
        assert_eq!(code(core.latchkey.reset_password(&visitor(), reset(&token, "passwordpassword")).await), "weak_password");
        core.latchkey.reset_password(&visitor(), reset(&token, "lantern over quiet water")).await.expect("reset");
        assert_eq!(code(core.bearer(access(&before)).await), "token_revoked");
        assert_eq!(code(core.by_mail(by_token(&link)).await), "gone");
        assert_eq!(code(core.sign_in("Ada", PASSWORD).await), "invalid_credentials");
        core.sign_in("Ada", "lantern over quiet water").await.expect("signed in");
        assert!(core.subjects("Ada").await.iter().any(|subject| subject.contains("password was changed")));
    }

    async fn asking_for_nobody_writes_as_much_and_mails_nothing(core: TestCore) {
        core.latchkey.ask_magic_link(&visitor(), to("Nobody"), Some("tab")).await.expect("asked");
        assert!(core.mails("Nobody").await.is_empty());
        assert_eq!(core.latchkey.magic_link_state("tab").await.expect("read"), MagicLinkState::Waiting);
        for _ in 0..5 {
            assert_eq!(code(core.by_mail(by_code("Nobody", "123456")).await), "invalid_code");
        }
        assert_eq!(core.latchkey.magic_link_state("tab").await.expect("read"), MagicLinkState::Used);
    }

    async fn nobody_is_mailed_for_an_organization_that_is_suspended(core: TestCore) {
        let ada = core.owner("Ada").await;
        core.latchkey.suspend_for_test(ada.view.organization.expect("an organization").id).await;
        let before = core.mails("Ada").await.len();
        core.latchkey.ask_magic_link(&visitor(), to("Ada"), None).await.expect("asked");
        core.latchkey.ask_reset(&visitor(), to("Ada"), None).await.expect("asked");
        assert_eq!(core.mails("Ada").await.len(), before);
    }

    async fn the_tab_that_asked_sees_how_far_it_has_come(core: TestCore) {
        core.owner("Ada").await;
        let state = async || core.latchkey.magic_link_state("first browser").await.expect("read");
        assert_eq!(state().await, MagicLinkState::None);
        let token = token_of(&core.magic_link("Ada").await, "/magic-link");
        assert_eq!(state().await, MagicLinkState::Waiting);
        core.by_mail(by_token(&token)).await.expect("signed in");
        assert_eq!(state().await, MagicLinkState::Used);
        core.magic_link("Ada").await;
        core.pass(TEN_MINUTES);
        assert_eq!(state().await, MagicLinkState::Expired);
    }

    async fn the_address_of_a_new_account_is_confirmed_by_mail(core: TestCore) {
        let ada = core.owner("Ada").await;
        assert!(!ada.view.user.email_verified);
        let mail = core.mail("Ada", "/verify-email").await;
        let proof = by_code("Ada", &code_of(&mail));
        let verified = core.latchkey.verify_address(&visitor(), proof, Opening::api()).await.expect("verified");
        let session = verified.signed_in.expect("the link is young");
        assert!(core.latchkey.me(&core.actor(access(&session)).await).await.expect("read").email_verified);
    }

    async fn a_link_that_confirms_signs_in_only_while_it_is_young(core: TestCore) {
        core.owner("Ada").await;
        let token = token_of(&core.mail("Ada", "/verify-email").await, "/verify-email");
        core.pass(TEN_MINUTES);
        let verified = core.latchkey.verify_address(&visitor(), by_token(&token), Opening::api()).await.expect("verified");
        assert!(verified.signed_in.is_none());
        assert!(core.sign_in("Ada", PASSWORD).await.expect("signed in").view.user.email_verified);
    }

    async fn an_address_can_be_required_to_be_confirmed_first(core: TestCore) {
        let strict = core.reopened(|settings| settings.require_verified_email = true).await.expect("opens");
        let strict = TestCore::over(strict);
        assert_eq!(code(strict.sign_up("Ada").await), "email_not_verified");
        assert_eq!(code(strict.sign_in("Ada", PASSWORD).await), "email_not_verified");
        assert_eq!(code(strict.sign_up("Ada").await), "email_not_verified", "a taken address is answered alike");
        assert_eq!(strict.subjects("Ada").await.len(), 2);
        let token = strict.mails("Ada").await.iter().find(|mail| mail.written.text.contains("/verify-email")).map(|mail| token_of(mail, "/verify-email"));
        let verified = strict.latchkey.verify_address(&visitor(), by_token(&token.expect("a mail")), Opening::api()).await;
        assert!(verified.expect("verified").signed_in.is_some());
        strict.sign_in("Ada", PASSWORD).await.expect("signed in");
    }

    async fn an_account_moves_when_the_new_address_confirms(core: TestCore) {
        let signed_up = core.owner("Ada").await;
        let ada = core.actor(access(&signed_up)).await;
        core.latchkey.ask_new_address(&ada, moving_to("Augusta", PASSWORD)).await.expect("asked");
        assert_eq!(core.sign_in("Augusta", PASSWORD).await.err().map(|error| error.code().as_str()), Some("invalid_credentials"));
        let token = token_of(&core.mail("Augusta", "/verify-email").await, "/verify-email");
        core.latchkey.verify_address(&visitor(), by_token(&token), Opening::api()).await.expect("moved");
        core.sign_in("Augusta", PASSWORD).await.expect("signed in");
        assert_eq!(code(core.sign_in("Ada", PASSWORD).await), "invalid_credentials");
        let undo = token_of(&core.mail("Ada", "/secure-account").await, "/secure-account");
        core.pass(DAY * 2 + Duration::from_secs(86_399));
        let meanwhile = core.sign_in("Augusta", PASSWORD).await.expect("signed in");
        let undone = core.latchkey.secure_account(&visitor(), &undo).await.expect("undone");
        assert_eq!(undone, Secured::AddressRestored(address("Ada")));
        assert_eq!(code(core.bearer(access(&meanwhile)).await), "token_revoked");
        assert_eq!(code(core.sign_in("Ada", PASSWORD).await), "invalid_credentials", "the password is gone");
        assert_eq!(code(core.latchkey.secure_account(&visitor(), &undo).await), "gone");
    }

    async fn moving_needs_the_password_and_does_not_tell_whose_an_address_is(core: TestCore) {
        let ada = core.owner("Ada").await;
        core.owner("Grace").await;
        let ada = core.actor(access(&ada)).await;
        assert_eq!(code(core.latchkey.ask_new_address(&ada, moving_to("Grace", "wrong")).await), "invalid_password");
        assert_eq!(code(core.latchkey.ask_new_address(&ada, moving_to("Grace", PASSWORD)).await), "it succeeded");
        core.mail("Grace", "/forgot-password").await;
    }

    async fn who_moves_an_account_twice_cannot_take_the_first_way_back_away(core: TestCore) {
        let ada = core.owner("Ada").await;
        let ada = core.actor(access(&ada)).await;
        for name in ["Second", "Third"] {
            core.latchkey.ask_new_address(&ada, moving_to(name, PASSWORD)).await.expect("asked");
            let token = token_of(&core.mail(name, "/verify-email").await, "/verify-email");
            core.pass(Duration::from_secs(1));
            core.latchkey.verify_address(&visitor(), by_token(&token), Opening::api()).await.expect("moved");
        }
        let first = token_of(&core.mail("Ada", "/secure-account").await, "/secure-account");
        let second = token_of(&core.mail("Second", "/secure-account").await, "/secure-account");
        core.latchkey.secure_account(&visitor(), &second).await.expect("undone");
        assert_eq!(code(core.sign_up("Ada").await), "email_taken", "the first address is not free yet");
        let undone = core.latchkey.secure_account(&visitor(), &first).await.expect("undone");
        assert_eq!(undone, Secured::AddressRestored(address("Ada")));
    }

    async fn a_sign_in_with_a_new_browser_is_told_once(core: TestCore) {
        core.owner("Ada").await;
        core.pass(Duration::from_secs(1));
        let sign_in = async |browser: &str| {
            let opening = Opening::page(None, Some(browser));
            let input = crate::flow::sign_in::SignIn {
                email: Some(address("Ada")),
                password: Some(secret(PASSWORD)),
                ..crate::flow::sign_in::SignIn::default()
            };
            core.latchkey.sign_in(&visitor(), input, opening).await.expect("signed in");
            core.subjects("Ada").await.iter().filter(|subject| subject.to_lowercase().contains("sign-in")).count()
        };
        assert_eq!(sign_in("at home").await, 1);
        assert_eq!(sign_in("at home").await, 1);
        assert_eq!(sign_in("at work").await, 2);
    }

    async fn the_link_of_a_notice_ends_every_session(core: TestCore) {
        let session = core.owner("Ada").await;
        core.pass(Duration::from_secs(1));
        let ada = core.actor(access(&session)).await;
        let input = ChangePassword { current_password: Some(secret(PASSWORD)), new_password: Some(secret("lantern over quiet water")), ..ChangePassword::default() };
        core.latchkey.change_password(&ada, input).await.expect("changed");
        let again = core.sign_in("Ada", "lantern over quiet water").await.expect("signed in");
        let mails = core.mails("Ada").await;
        let notice = mails.iter().find(|mail| mail.written.subject.contains("password")).expect("a notice");
        let token = token_of(notice, "/secure-account");
        assert!(core.latchkey.preview_secure(&token).await.expect("known").valid);
        assert_eq!(core.latchkey.secure_account(&visitor(), &token).await.expect("done"), Secured::SessionsEnded);
        assert_eq!(code(core.bearer(access(&again)).await), "token_revoked");
        assert_eq!(code(core.latchkey.secure_account(&visitor(), &token).await), "gone");
    }

    async fn the_theft_of_a_refresh_token_is_told(core: TestCore) {
        let session = core.owner("Ada").await;
        let old = || Refresh { refresh_token: Some(secret(refresh(&session))), ..Refresh::default() };
        core.latchkey.refresh(&visitor(), old()).await.expect("refreshed");
        core.pass(Duration::from_secs(31));
        assert_eq!(code(core.latchkey.refresh(&visitor(), old()).await), "token_revoked");
        core.mail("Ada", "/secure-account/").await;
    }

    async fn a_key_is_told_of_when_it_is_made_and_before_it_ends(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        let expires_at = core.latchkey.now().plus(DAY * 20).rfc3339();
        let input = crate::flow::api_keys::NewKey {
            scopes: Some(vec!["read".to_owned()]),
            expires_at: Some(expires_at),
            ..crate::flow::api_keys::NewKey::default()
        };
        core.make_key(&ada, input).await.expect("made");
        let count = async || {
            core.latchkey.warn_of_ending_keys().await.expect("warned");
            core.latchkey.warn_of_ending_keys().await.expect("warned");
            core.mails("Ada").await.len()
        };
        let made = count().await;
        for (days, mails) in [(5, 0), (1, 1), (6, 1), (1, 2), (5, 2), (1, 3), (2, 3)] {
            core.pass(DAY * days);
            assert_eq!(count().await - made, mails, "after {days} days more");
        }
    }

    async fn a_key_that_lives_a_week_is_not_warned_of_when_it_is_made(core: TestCore) {
        let session = core.owner("Ada").await;
        let ada = core.actor(access(&session)).await;
        let input = crate::flow::api_keys::NewKey {
            scopes: Some(vec!["read".to_owned()]),
            expires_at: Some(core.latchkey.now().plus(DAY * 7).rfc3339()),
            ..crate::flow::api_keys::NewKey::default()
        };
        core.make_key(&ada, input).await.expect("made");
        let before = core.mails("Ada").await.len();
        core.latchkey.warn_of_ending_keys().await.expect("warned");
        assert_eq!(core.mails("Ada").await.len(), before);
        core.pass(DAY * 6);
        core.latchkey.warn_of_ending_keys().await.expect("warned");
        assert_eq!(core.mails("Ada").await.len(), before + 1);
    }

    async fn nothing_that_was_mailed_stands_in_the_database(core: TestCore) {
        core.owner("Ada").await;
        let mail = core.magic_link("Ada").await;
        let dump = core.latchkey.dump_for_test().await;
        assert!(dump.contains("ada@example.org"), "the dump shows something");
        assert!(!dump.contains(&token_of(&mail, "/magic-link")));
        assert!(!dump.contains(&code_of(&mail)) && !dump.contains(&code_of(&mail).replace(' ', "")));
    }

    async fn without_mail_nothing_is_written_and_an_operator_can_make_the_link(core: TestCore) {
        let silent = core.reopened(|settings| settings.mail.transport = Transport::None).await.expect("opens");
        let silent = TestCore::over(silent);
        silent.owner("Ada").await;
        silent.latchkey.ask_magic_link(&visitor(), to("Ada"), None).await.expect("asked");
        let link = silent.latchkey.recovery_link(&visitor(), to("Ada")).await.expect("made");
        let token = link.split_once("/reset-password?token=").expect("a link").1;
        silent.latchkey.reset_password(&visitor(), reset(token, "lantern over quiet water")).await.expect("reset");
        silent.sign_in("Ada", "lantern over quiet water").await.expect("signed in");
        assert!(core.mails("Ada").await.is_empty());
        assert!(core.reopened(|settings| {
            settings.mail.transport = Transport::None;
            settings.require_verified_email = true;
        }).await.is_err(), "nobody could ever sign in");
    }

    async fn asking_is_limited_by_address_alike_for_known_and_unknown(core: TestCore) {
        core.owner("Ada").await;
        let strict = core.reopened(|settings| settings.limits = crate::settings::Limits::default()).await.expect("opens");
        for name in ["Ada", "Nobody"] {
            for asked in 0..6 {
                let answer = code(strict.ask_magic_link(&visitor(), to(name), None).await);
                assert_eq!(answer, if asked < 3 { "it succeeded" } else { "rate_limited" }, "{name} {asked}");
            }
        }
    }

    async fn a_fresh_sign_up_needs_no_mail_to_begin(core: TestCore) {
        let input = SignUp {
            email: Some(address("Ada")),
            password: Some(secret(PASSWORD)),
            name: Some("Ada Lovelace".to_owned()),
            ..SignUp::default()
        };
        let made = core.latchkey.sign_up(&visitor(), input, Opening::api()).await.expect("made");
        assert!(matches!(made, SignedUp::Open(_)));
    }
}

fn moving_to(name: &str, password: &str) -> ChangeEmail {
    ChangeEmail { new_email: Some(address(name)), current_password: Some(secret(password)) }
}

pub(super) async fn successes(tries: Vec<tokio::task::JoinHandle<bool>>) -> usize {
    let mut count = 0;
    for tried in tries {
        count += usize::from(tried.await.expect("ran"));
    }
    count
}
