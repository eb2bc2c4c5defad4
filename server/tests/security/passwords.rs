//! P01 to P09: what a password must be, and what becomes of it. P07 is for browsers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::doors::{COMPANY, Door, Verb, WAYS};
use crate::support::{App, Guest, PASSWORD, on_both_engines};

/// Passwords that guessers try first, as lists of breached ones have them, and long enough for our rules.
const COMMON: [&str; 56] = [
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456789012345",
    "1234567890123456",
    "123456789123456",
    "111111111111",
    "000000000000",
    "121212121212",
    "123123123123",
    "112233445566",
    "123321123321",
    "987654321987",
    "passwordpassword",
    "password1234",
    "password12345",
    "password123456",
    "password2024",
    "Password1234!",
    "qwertyuiop123",
    "qwertyuiop1234",
    "qwertyuiopasdf",
    "qwertyuiopasdfghjkl",
    "qwertyqwerty",
    "qwerty123456",
    "asdfghjkl123",
    "asdfasdfasdf",
    "zxcvbnm12345",
    "zxcvbnmasdfghjkl",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "1q2w3e4r5t6y",
    "qazwsxedcrfv",
    "abcdefghijkl",
    "abcdefghijklmnop",
    "abc123abc123",
    "abcd1234abcd",
    "aaaaaaaaaaaa",
    "iloveyou1234",
    "iloveyouforever",
    "letmeinletmein",
    "letmein12345",
    "welcome12345",
    "football1234",
    "baseball1234",
    "superman1234",
    "monkey123456",
    "dragon123456",
    "princess1234",
    "sunshine1234",
    "administrator",
    "administrator1",
    "changeme1234",
    "trustno1trustno1",
    "computer1234",
    "starwars1234",
];

/// Whether `email` gets in with a password.
async fn gets_in(app: &App, email: &str, password: &str) -> bool {
    let answer = app.stranger().post("/v1/auth/login", json!({"email": email, "password": password})).await;
    assert!([200, 401].contains(&answer.status.as_u16()), "{answer:?}");
    answer.status == 200
}

/// By every way, these are refused and the last one is taken.
async fn length_decides(app: &App, refused: &[&str], taken: &str) {
    for (number, way) in WAYS.into_iter().enumerate() {
        let mut door = Door::open(app, way, &format!("way{number}")).await;
        for short in refused {
            let answer = door.tries(short).await.assert_status(422);
            assert!(answer.body.contains("at least"), "{way:?} {short}: {answer:?}");
        }
        let answer = door.tries(taken).await;
        assert!(answer.status.is_success(), "{way:?}: {answer:?}");
        assert!(gets_in(app, &door.email, taken).await, "{way:?}");
    }
}

/// Registers somebody with a password.
async fn chooses(app: &App, name: &str, password: &str) -> String {
    let email = format!("{name}@example.org");
    let body = json!({"email": email, "password": password, "name": name});
    app.stranger().post("/v1/auth/register", body).await.assert_status(201);
    email
}

on_both_engines! {
    async fn p01_a_password_of_eleven_characters_is_refused_by_every_way_in(app) with ["mailbox", "--rate-limits=relaxed"] {
        length_decides(&app, &["ghulmav", "ghulmavo", "ghulmavotri"], "ghulmavotrib").await;
    }

    async fn p01_with_the_setting_at_fifteen_fourteen_are_refused_by_every_way_in(app) with ["mailbox", "--rate-limits=relaxed", "--password-min-length=15"] {
        length_decides(&app, &["ghulmavo", "ghulmavotrib", "ghulmavotribse"], "ghulmavotribsen").await;
        let page = Guest::new(&app.stranger()).opens("/register").await;
        assert!(page.body.contains("15 characters or more."), "the page says so beforehand");
    }

    async fn p02_every_one_of_128_characters_counts_and_none_is_cut_off(app) with ["--rate-limits=relaxed"] {
        let long: String = "wanderer under grey hills ".chars().cycle().take(128).collect();
        let email = chooses(&app, "bo", &long).await;
        assert!(gets_in(&app, &email, &long).await);
        let changed = |position: usize, to: &str| format!("{}{to}{}", &long[..position], &long[position + 1..]);
        let cut = |length: usize| long[..length].to_owned();
        let near = [changed(127, "#"), cut(127), changed(0, "W"), changed(100, "#"), cut(72), cut(64), cut(73), format!("{long}x")];
        for other in near {
            assert!(!gets_in(&app, &email, &other).await, "{other}");
        }
        let past_72 = |end: &str| "river stone ".repeat(6) + end;
        let email = chooses(&app, "cy", &past_72("a")).await;
        assert!(!gets_in(&app, &email, &past_72("b")).await, "what comes after 72 bytes counts");
        assert!(gets_in(&app, &email, &past_72("a")).await);
        let body = json!({"email": "di@example.org", "password": format!("{long}x"), "name": "Di"});
        app.stranger().post("/v1/auth/register", body).await.assert_refused(422, "weak_password");
    }

    async fn p02_a_password_of_a_megabyte_is_refused_fast(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        for length in [60_000, 1_000_000] {
            let huge = "x y".repeat(length / 3);
            let calls = [
                ("/v1/auth/register", json!({"email": "bo@example.org", "password": huge, "name": "Bo"})),
                ("/v1/auth/login", json!({"email": ada.email, "password": huge})),
                ("/v1/auth/change-password", json!({"currentPassword": huge, "newPassword": huge})),
                ("/v1/auth/change-password", json!({"currentPassword": PASSWORD, "newPassword": huge})),
                ("/v1/auth/reset-password", json!({"token": "x", "newPassword": huge})),
            ];
            for (path, body) in calls {
                let began = Instant::now();
                let answer = ada.post(path, body).await;
                assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
                assert!(began.elapsed() < Duration::from_secs(1), "{path}: {:?}", began.elapsed());
            }
        }
        assert!(gets_in(&app, &ada.email, PASSWORD).await);
    }

    async fn p03_any_characters_make_a_password(app) with ["mailbox", "--rate-limits=relaxed"] {
        let fine = ["ghulmavotribsen", "a long walk home", "two  spaces   and more", "слово за словом вот", "夜明け前の静かな港で待つ人", "🦊🦊🐢🐢🐙🙂🦉🦉🐝🐝🦋🦋"];
        for (number, password) in fine.into_iter().enumerate() {
            for (other, way) in WAYS.into_iter().enumerate().filter(|(_, (verb, _))| *verb != Verb::SetUp) {
                let mut door = Door::open(&app, way, &format!("way{number}x{other}")).await;
                let answer = door.tries(password).await;
                assert!(answer.status.is_success(), "{way:?} {password}: {answer:?}");
                assert!(gets_in(&app, &door.email, password).await, "{way:?} {password}");
            }
        }
    }

    async fn p03_composed_and_decomposed_letters_sign_in_alike(app) with ["--rate-limits=relaxed"] {
        let (composed, decomposed) = ("caf\u{e9} au lait bitte", "cafe\u{301} au lait bitte");
        for (name, chosen) in [("bo", composed), ("cy", decomposed)] {
            let email = chooses(&app, name, chosen).await;
            assert!(gets_in(&app, &email, composed).await && gets_in(&app, &email, decomposed).await, "{name}");
            assert!(!gets_in(&app, &email, "cafe au lait bitte").await, "{name}: the accent counts");
        }
    }

    async fn p04_common_passwords_are_refused_with_the_reason_by_every_way_in(app) with ["mailbox", "--rate-limits=relaxed"] {
        let mut let_in = Vec::new();
        for (number, way) in WAYS.into_iter().enumerate() {
            let mut door = Door::open(&app, way, &format!("way{number}")).await;
            for common in COMMON {
                let answer = door.tries(common).await;
                if answer.status != 422 || !answer.body.contains("list of common or breached passwords") {
                    let_in.push(format!("{way:?} {common} {}", answer.status));
                }
            }
            assert!(!gets_in(&app, &door.email, COMMON[0]).await, "{way:?}");
        }
        assert!(let_in.is_empty(), "{let_in:#?}");
    }

    async fn p05_names_and_addresses_with_digits_around_them_are_no_password(app) with ["mailbox", "--rate-limits=relaxed"] {
        for (number, way) in WAYS.into_iter().enumerate() {
            let name = format!("hopper{number}");
            let mut door = Door::open(&app, way, &name).await;
            let mut own = vec![
                format!("{name}-20261121"), format!("2026 {} 11", name.to_uppercase()), format!("{name}@example.org"),
                format!("12{name}@example.org34"), "latchkey12345".to_owned(), "20261121LatchKey!".to_owned(),
            ];
            if door.knows_company() {
                own.extend([format!("{COMPANY}123"), "1234harbourtools5678".to_owned(), "Harbour-Tools-2026".to_owned()]);
            }
            for personal in own {
                let answer = door.tries(&personal).await.assert_status(422);
                assert!(answer.body.contains("must not be built from your name"), "{way:?} {personal}: {answer:?}");
            }
        }
    }

    async fn p06_changing_the_password_asks_for_the_present_one(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ben = app.register("ben").await;
        let theirs = "somebody else's lantern";
        ben.post("/v1/auth/change-password", json!({"currentPassword": PASSWORD, "newPassword": theirs})).await.assert_status(200);
        let new = "lantern over quiet water";
        for (number, way) in WAYS.into_iter().enumerate().filter(|(_, (verb, _))| *verb == Verb::Change) {
            let mut door = Door::open(&app, way, &format!("way{number}")).await;
            let without = door.changes_without_proof(new).await;
            assert!([400, 422].contains(&without.status.as_u16()), "{way:?}: {without:?}");
            for wrong in ["", "not the right one", theirs, new] {
                let answer = door.changes(wrong, new).await;
                assert!([400, 422].contains(&answer.status.as_u16()), "{way:?} {wrong}: {answer:?}");
            }
            assert!(!gets_in(&app, &door.email, new).await && gets_in(&app, &door.email, PASSWORD).await, "{way:?}");
            assert!(door.changes(PASSWORD, new).await.status.is_success(), "{way:?}");
            assert!(gets_in(&app, &door.email, new).await, "{way:?}");
        }
    }

    async fn p06_nothing_else_sets_a_password(app) with ["--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "All", "scopes": ["admin"]})).await;
        let new = "lantern over quiet water";
        for body in [json!({"password": new}), json!({"newPassword": new}), json!({"passwordHash": new})] {
            ada.post("/v1/auth/update-profile", body.clone()).await.assert_status(400);
            ada.json("PUT", "/api/users/me", &body).await.assert_status(400);
        }
        let change = json!({"currentPassword": PASSWORD, "newPassword": new});
        ada.with_key(&key.secret).post("/v1/auth/change-password", change.clone()).await.assert_status(403);
        app.stranger().post("/v1/auth/change-password", change).await.assert_status(401);
        assert!(gets_in(&app, &ada.email, PASSWORD).await && !gets_in(&app, &ada.email, new).await);
    }

    async fn p08_passwords_are_kept_as_argon2id_with_a_salt_of_their_own(app) with ["--hash-memory=19456", "--hash-iterations=2"] {
        app.register("ada").await;
        app.register("ben").await;
        let rows = app.db_texts("users", "password_hash").await;
        assert_eq!(rows.len(), 2);
        assert_ne!(rows[0], rows[1], "one password, two rows");
        for row in rows {
            assert!(row.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{row}");
            assert_ne!(row.split('$').nth(4), None, "{row}");
        }
    }

    async fn p09_no_form_and_no_call_knows_hints_or_questions(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mut browser = Guest::new(&app.stranger());
        let mut seen = Vec::new();
        for page in ["/login", "/register", "/forgot-password", "/setup", "/verify-email"] {
            seen.push(browser.opens(page).await.body);
        }
        browser.signs_in(&ada.email).await.assert_status(200);
        for page in ["/settings/security", "/settings/profile", "/settings/organization", "/settings/api-keys"] {
            seen.push(browser.opens(page).await.assert_status(200).body);
        }
        for page in seen {
            for word in ["hint]", "question]", "answer]", "maiden", "secret question", "password hint"] {
                assert!(!page.to_lowercase().contains(word), "{word}: {page}");
            }
        }
        let document = app.stranger().get("/openapi.json").await.json();
        let schemas = document["components"]["schemas"].as_object().expect("schemas").values();
        let names = schemas.filter_map(|schema| schema["properties"].as_object()).flat_map(|fields| fields.keys());
        let names: Vec<_> = names.map(|name| name.to_lowercase()).collect();
        for word in ["passwordhint", "hint", "secretquestion", "securityquestion", "question", "passwordexpiresat", "mustchangepassword"] {
            assert!(names.iter().all(|name| name != word), "{word}");
        }
    }

    async fn p09_an_old_password_goes_on_being_good(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(400 * 86_400));
        let body = json!({"email": ada.email, "password": PASSWORD});
        let answer = app.stranger().post("/v1/auth/login", body).await.assert_status(200).json();
        assert!(answer["accessToken"].is_string(), "{answer}");
        let mut browser = Guest::new(&app.stranger());
        let after: Value = browser.signs_in(&ada.email).await.assert_status(200).json();
        assert_eq!(after["go"], "/settings/api-keys", "nobody is led to a new password");
        browser.opens("/settings/profile").await.assert_status(200);
    }
}
