//! T02 to T08, B01, B02, D01, D02 and D04: the second factor, and the devices that are spared it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{App, Client, Guest, PASSWORD, Person, Phone, Reply, at_once, half, holds, on_both_engines};

const NEW: &str = "lantern over quiet water";
const STEP: &str = "/v1/auth/2fa/verify";
const DISABLE: &str = "/v1/auth/2fa/disable";
const RENEW: &str = "/v1/auth/2fa/regenerate-backup-codes";
const DEVICES: &str = "__Host-latchkey-devices";
const DAY: Duration = Duration::from_secs(86_400);

async fn login(client: &Client, email: &str, password: &str) -> Reply {
    client.post("/v1/auth/login", json!({"email": email, "password": password})).await
}

/// How many half-done sign-ins get through when all send one code at once.
async fn uses_at_once(app: &App, person: &Person, code: &str, count: usize) -> usize {
    let mut halves = Vec::new();
    for _ in 0..count {
        halves.push(app.half(&person.email).await);
    }
    let statuses = at_once(halves.into_iter().map(|half| {
        let (client, body) = (app.stranger().with_bearer(&half), json!({"code": code}));
        async move { client.post(STEP, body).await }
    }))
    .await;
    assert!(statuses.iter().all(|status| [200, 401, 423, 503].contains(status)), "{statuses:?}");
    statuses.into_iter().filter(|status| *status == 200).count()
}

async fn is_on(person: &Person) -> bool {
    person.get("/v1/auth/2fa/status").await.assert_status(200).json()["enabled"] == true
}

async fn backup_codes_left(person: &Person) -> Value {
    person.get("/v1/auth/2fa/status").await.assert_status(200).json()["backupCodesRemaining"].clone()
}

/// Somebody with a second factor who has proven it in a browser and trusts that.
async fn trusts(app: &App, name: &str) -> (Person, Phone, Guest) {
    let person = app.register(name).await;
    let phone = app.enrols(&person).await;
    let mut browser = Guest::new(&app.stranger());
    browser.signs_in(&person.email).await.assert_status(200);
    let fields = [("second[code]", &*phone.shows(app)), ("second[trust]", "true")];
    browser.fills("/login/two-factor", "second-step", &fields).await.assert_status(200);
    assert!(browser.is_inside() && browser.cookie(DEVICES).is_some());
    app.later(Duration::from_secs(30));
    (person, phone, browser)
}

/// The cookie of trusted devices as a program would steal it.
fn stolen(app: &App, browser: &Guest) -> Client {
    let held = format!("{DEVICES}={}", browser.cookie(DEVICES).expect("a device"));
    app.stranger().same_origin().with_header("cookie", &held)
}

on_both_engines! {
    async fn t02_one_step_of_drift_is_accepted_and_no_more(app) with ["--rate-limits=relaxed"] {
        for steps in -3..=3_i64 {
            let person = app.register(&format!("person{}", steps + 3)).await;
            let phone = app.enrols(&person).await;
            app.later(Duration::from_secs(300));
            let answer = app.finishes(&app.stranger(), &app.half(&person.email).await, &phone.shows_in(&app, steps)).await;
            answer.assert_status(if steps.abs() <= 1 { 200 } else { 401 });
        }
    }

    async fn t03_a_code_works_once_whatever_it_is_for(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let code = phone.shows(&app);
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &code).await.assert_status(200);
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &code).await.assert_refused(401, "invalid_code");
        ada.post(STEP, json!({"code": code})).await.assert_refused(400, "invalid_code");
        ada.post(DISABLE, json!({"password": PASSWORD, "code": code})).await.assert_refused(400, "invalid_code");
        let older = phone.shows_in(&app, -1);
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &older).await.assert_refused(401, "invalid_code");
        assert!(is_on(&ada).await);
    }

    async fn t03_of_two_hundred_uses_of_a_code_at_once_one_succeeds(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        assert_eq!(uses_at_once(&app, &ada, &phone.shows(&app), 200).await, 1);
    }

    async fn t03_of_many_uses_at_once_for_different_ends_one_succeeds(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        app.later(Duration::from_secs(900));
        let code = phone.shows(&app);
        let mut calls = Vec::new();
        for number in 0..20 {
            let half = app.half(&ada.email).await;
            calls.push(match number % 3 {
                0 => (app.stranger().with_bearer(&half), STEP, json!({"code": code})),
                1 => (ada.client.clone(), STEP, json!({"code": code})),
                _ => (ada.client.clone(), RENEW, json!({"code": code})),
            });
        }
        let tries = calls.into_iter().map(|(client, path, body)| async move { client.post(path, body).await });
        let statuses = at_once(tries).await;
        // Once proven in this session, new backup codes need no further code: only what was compared is counted.
        let proofs = statuses.iter().enumerate().filter(|(number, status)| number % 3 != 2 && **status == 200).count();
        assert!(proofs <= 1, "{statuses:?}");
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &code).await.assert_status(if statuses.contains(&423) { 423 } else { 401 });
    }

    async fn t04_guesses_are_counted_over_sessions_and_addresses_as_one(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let mut looked_at = 0;
        for _ in 0..5 {
            let (half, there) = (app.half(&ada.email).await, app.stranger());
            for _ in 0..4 {
                looked_at += usize::from(app.finishes(&there, &half, "000000").await.status == 401);
            }
        }
        assert!(looked_at < 10, "{looked_at} of twenty guesses were compared");
        login(&app.stranger(), &ada.email, PASSWORD).await.assert_status(200);
        let held = app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.shows(&app)).await;
        assert_eq!(held.assert_refused(423, "locked").header("retry-after"), "900");
        app.later(Duration::from_secs(900));
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.shows(&app)).await.assert_status(200);
    }

    async fn t05_what_is_only_begun_changes_nothing(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let begun = ada.post_nothing("/v1/auth/2fa/setup").await.assert_status(200).json();
        ada.post("/v1/auth/2fa/verify-setup", json!({"code": "000000"})).await.assert_refused(400, "invalid_code");
        let first = begun["backupCodes"][0].clone();
        ada.post("/v1/auth/2fa/verify-setup", json!({"code": first})).await.assert_refused(400, "invalid_code");
        assert!(!is_on(&ada).await);
        assert!(login(&app.stranger(), &ada.email, PASSWORD).await.assert_status(200).json()["accessToken"].is_string());
    }

    async fn t05_a_secret_that_is_in_force_is_never_shown_again(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let begun = ada.post_nothing("/v1/auth/2fa/setup").await.assert_status(200).json();
        let phone = Phone::scanning(&begun);
        ada.post("/v1/auth/2fa/verify-setup", json!({"code": phone.shows(&app)})).await.assert_status(200);
        let secret = begun["secret"].as_str().expect("a secret");
        ada.post_nothing("/v1/auth/2fa/setup").await.assert_refused(400, "two_factor_already_enabled");
        let mut walked = 0;
        let document = app.stranger().get("/openapi.json").await.json();
        for (path, item) in document["paths"].as_object().expect("paths") {
            if item.get("get").is_some() && !path.contains('{') {
                let answer = ada.get(path).await;
                assert!(!answer.body.contains(secret) && !answer.body.contains(&phone.codes[0]), "{path}");
                walked += 1;
            }
        }
        assert!(walked > 20, "{walked}");
        let again = ada.post("/v1/auth/2fa/setup", json!({"replace": true})).await.assert_status(200).json();
        assert_ne!(again["secret"], begun["secret"], "another authenticator has another secret");
    }

    async fn t06_switching_off_needs_a_fresh_proof_of_both(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        app.later(Duration::from_secs(600));
        for (body, status, code) in [
            (json!({}), 400, "validation_failed"),
            (json!({"password": PASSWORD}), 403, "reauthentication_required"),
            (json!({"code": phone.shows(&app)}), 400, "validation_failed"),
            (json!({"password": "not the right one", "code": phone.shows(&app)}), 400, "invalid_password"),
            (json!({"password": PASSWORD, "code": "000000"}), 400, "invalid_code"),
        ] {
            ada.post(DISABLE, body).await.assert_refused(status, code);
        }
        assert!(is_on(&ada).await);
        ada.post("/v1/auth/2fa/setup", json!({"replace": true})).await.assert_refused(403, "reauthentication_required");
        ada.post(DISABLE, json!({"password": PASSWORD, "code": phone.shows(&app)})).await.assert_status(200);
        assert!(!is_on(&ada).await);
    }

    async fn t06_with_the_session_alone_no_codes_are_made_anew(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        app.later(Duration::from_secs(600));
        ada.post_nothing(RENEW).await.assert_refused(403, "reauthentication_required");
        ada.post(RENEW, json!({"password": "not the right one"})).await.assert_refused(400, "invalid_password");
        let due = half(&login(&app.stranger(), &ada.email, PASSWORD).await.json());
        app.finishes(&app.stranger(), &due, &phone.codes[0]).await.assert_status(200);
    }

    async fn t07_a_mailed_link_asks_for_the_code(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let token = app.magic_link(&ada.email).await.token();
        let mut browser = Guest::new(&app.stranger());
        let page = format!("/magic-link?token={token}");
        let answer = browser.fills(&page, "open-link", &[("token", &token)]).await.assert_status(200).json();
        assert_eq!((browser.is_inside(), &answer["go"]), (false, &json!("/login/two-factor")));
        browser.opens("/settings/security").await.assert_status(303);
        browser.fills("/login/two-factor", "second-step", &[("second[code]", &phone.shows(&app))]).await.assert_status(200);
        assert!(browser.is_inside());
    }

    async fn t08_the_secret_is_not_at_rest_in_the_clear(app) {
        let ada = app.register("ada").await;
        let begun = ada.post_nothing("/v1/auth/2fa/setup").await.assert_status(200).json();
        let phone = Phone::scanning(&begun);
        let pending = app.db_dump().await;
        ada.post("/v1/auth/2fa/verify-setup", json!({"code": phone.shows(&app)})).await.assert_status(200);
        let text = begun["secret"].as_str().expect("a secret");
        for dump in [pending, app.db_dump().await] {
            assert!(holds(&dump, ada.email.as_bytes()), "the dump holds what is no secret");
            assert!(!holds(&dump, text.as_bytes()) && !holds(&dump, phone.secret()));
        }
    }

    async fn b01_each_backup_code_works_once_and_its_owner_is_told(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        assert_eq!(backup_codes_left(&ada).await, 10);
        assert_eq!(uses_at_once(&app, &ada, &phone.codes[0], 200).await, 1);
        assert_eq!(backup_codes_left(&ada).await, 9);
        app.later(Duration::from_secs(900));
        app.finishes(&app.stranger(), &app.half(&ada.email).await, &phone.codes[0]).await.assert_refused(401, "invalid_code");
        assert_eq!(app.mails_to(&ada.email, "A backup code was used").await.len(), 1);
    }

    async fn b01_a_new_set_kills_the_old_one(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let made = ada.post(RENEW, json!({"password": PASSWORD})).await.assert_status(200).json();
        for old in &phone.codes[..3] {
            app.finishes(&app.stranger(), &app.half(&ada.email).await, old).await.assert_refused(401, "invalid_code");
        }
        let new = made["codes"][0].as_str().expect("a code");
        app.finishes(&app.stranger(), &app.half(&ada.email).await, new).await.assert_status(200);
        assert_eq!(backup_codes_left(&ada).await, 9);
        assert_eq!(app.mails_to(&ada.email, "New backup codes").await.len(), 1);
    }

    async fn b02_a_backup_code_has_sixty_random_bits_and_is_shown_once(app) with ["--rate-limits=relaxed"] {
        let mut seen = std::collections::BTreeSet::new();
        let mut codes = 0;
        for number in 0..20 {
            let person = app.register(&format!("person{number}")).await;
            let phone = app.enrols(&person).await;
            codes += phone.codes.len();
            for code in &phone.codes {
                let bare = code.replace('-', "");
                assert!(bare.len() == 12 && bare.bytes().all(|letter| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&letter)), "{code}");
                seen.insert(bare);
            }
            assert_eq!(person.get("/v1/auth/2fa/backup-codes").await.json()["codes"], json!([]));
        }
        assert_eq!((codes, seen.len()), (200, 200));
        for place in 0..12 {
            let letters: std::collections::BTreeSet<_> = seen.iter().map(|code| code.as_bytes()[place]).collect();
            assert!(letters.len() > 24, "place {place} has {} letters of 32", letters.len());
        }
    }

    async fn b02_backup_codes_are_not_at_rest_in_the_clear(app) {
        let ada = app.register("ada").await;
        let begun = Phone::scanning(&ada.post_nothing("/v1/auth/2fa/setup").await.assert_status(200).json());
        let pending = app.db_dump().await;
        ada.post("/v1/auth/2fa/verify-setup", json!({"code": begun.shows(&app)})).await.assert_status(200);
        for dump in [pending, app.db_dump().await] {
            assert!(holds(&dump, ada.email.as_bytes()), "the dump holds what is no secret");
            for code in &begun.codes {
                assert!(!holds(&dump, code.as_bytes()) && !holds(&dump, code.replace('-', "").as_bytes()));
            }
        }
    }

    async fn d01_a_trusted_device_skips_the_code_only_and_for_its_own_person(app) with ["--rate-limits=relaxed"] {
        let (ada, _, browser) = trusts(&app, "ada").await;
        let ben = app.register("ben").await;
        app.enrols(&ben).await;
        let thief = stolen(&app, &browser);
        thief.get("/v1/auth/me").await.assert_status(401);
        login(&thief, &ada.email, "not the right one").await.assert_status(401);
        half(&login(&thief, &ben.email, PASSWORD).await.json());
        let token = browser.cookie(DEVICES).expect("a device").to_owned();
        for header in ["x-2fa-token", "x-api-key", "authorization"] {
            let shown = if header == "authorization" { format!("Bearer {token}") } else { token.clone() };
            app.stranger().with_header(header, &shown).get("/v1/auth/me").await.assert_status(401);
        }
        assert!(login(&thief, &ada.email, PASSWORD).await.assert_status(200).json()["accessToken"].is_string());
    }

    async fn d02_trust_ends_after_thirty_days(app) with ["--rate-limits=relaxed"] {
        let (ada, _, mut browser) = trusts(&app, "ada").await;
        app.later(DAY * 15);
        browser.forgets_its_session();
        browser.signs_in(&ada.email).await.assert_status(200);
        assert!(browser.is_inside(), "half of the time is over");
        app.later(DAY * 15);
        browser.forgets_its_session();
        browser.signs_in(&ada.email).await.assert_status(200);
        assert!(!browser.is_inside(), "using it did not make it longer");
    }

    async fn d02_trust_ends_with_every_change_of_how_one_signs_in(app) with ["mailbox", "--rate-limits=relaxed"] {
        for how in ["password", "reset", "off and on", "replaced", "forgotten", "signed out everywhere", "account closed"] {
            let name = how.replace(' ', "-");
            let (ada, phone, browser) = trusts(&app, &name).await;
            let mut password = PASSWORD;
            match how {
                "password" => {
                    let change = json!({"currentPassword": PASSWORD, "newPassword": NEW});
                    ada.post("/v1/auth/change-password", change).await.assert_status(200);
                    password = NEW;
                }
                "reset" => {
                    let body = json!({"token": app.reset_mail(&ada.email).await.token(), "newPassword": NEW});
                    app.stranger().post("/v1/auth/reset-password", body).await.assert_status(200);
                    password = NEW;
                }
                "off and on" => {
                    ada.post(DISABLE, json!({"password": PASSWORD, "code": phone.shows(&app)})).await.assert_status(200);
                    app.later(Duration::from_secs(30));
                    app.enrols(&ada).await;
                }
                "replaced" => {
                    let begun = ada.post("/v1/auth/2fa/setup", json!({"replace": true})).await.assert_status(200).json();
                    let code = json!({"code": Phone::scanning(&begun).shows(&app)});
                    ada.post("/v1/auth/2fa/verify-setup", code).await.assert_status(200);
                }
                "forgotten" => {
                    let gone = ada.delete("/v1/auth/2fa/trusted-devices").await.assert_status(200).json();
                    assert_eq!(gone["count"], 1);
                }
                "signed out everywhere" => {
                    ada.post_nothing("/v1/auth/logout-all").await.assert_status(200);
                }
                _ => {
                    let landlord = app.landlord("grace").await;
                    let account = format!("/v1/landlord/users/{}", ada.id);
                    landlord.patch(&account, json!({"status": "disabled"})).await.assert_status(200);
                    login(&stolen(&app, &browser), &ada.email, PASSWORD).await.assert_status(401);
                    landlord.patch(&account, json!({"status": "active"})).await.assert_status(200);
                }
            }
            let answer = login(&stolen(&app, &browser), &ada.email, password).await.assert_status(200);
            assert_eq!(answer.json()["requiresTwoFactor"], true, "{how}: {answer:?}");
        }
    }

    async fn d04_the_cookie_of_a_device_is_long_bound_hashed_and_new_at_each_use(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let phone = app.enrols(&ada).await;
        let step = app.stranger().same_origin().with_header("x-2fa-token", &app.half(&ada.email).await);
        let body = json!({"code": phone.shows(&app), "trustDevice": true});
        let set = step.post(STEP, body).await.assert_status(200);
        let mut lines = set.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
        let line = lines.find(|line| line.starts_with("__Host-latchkey-devices=")).expect("a device").to_owned();
        for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age=2592000"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.to_lowercase().contains("domain="));
        let first = line.split([';', '=']).nth(1).expect("a value").to_owned();
        assert!(first.len() >= 43, "{first}: 43 letters of base64 are 256 bits");
        assert!(!holds(&app.db_dump().await, first.as_bytes()));
        let with = |value: &str| app.stranger().same_origin().with_header("cookie", &format!("{DEVICES}={value}"));
        let used = login(&with(&first), &ada.email, PASSWORD).await.assert_status(200);
        let second = used.cookies().into_iter().find(|(name, _)| name == DEVICES).expect("a new one").1;
        assert_ne!(first, second);
        half(&login(&with(&first), &ada.email, PASSWORD).await.json());
        assert!(login(&with(&second), &ada.email, PASSWORD).await.json()["accessToken"].is_string());
    }
}
