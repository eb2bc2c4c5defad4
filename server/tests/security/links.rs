//! M01 to M10: what is mailed works once, for a while, for whom it was meant, and tells nobody else anything.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};

use crate::support::{App, Guest, Mail, PASSWORD, Person, Role, at_once, begin_log, logged, on_both_engines};

const NEW: &str = "lantern over quiet water";
const VERIFY: &str = "/v1/auth/magic-link/verify";
const RESET: &str = "/v1/auth/reset-password";

/// One mail of each kind that has a link with a secret, and what spends it.
async fn mailed(app: &App, ada: &Person) -> Vec<(Mail, String, Value)> {
    app.later(Duration::from_secs(1));
    let olivia = app.register("olivia").await;
    let move_to = json!({"newEmail": "ada.king@example.org", "currentPassword": PASSWORD});
    ada.post("/v1/auth/change-email", move_to).await.assert_status(200);
    ada.makes_a_key(json!({"name": "Export"})).await;
    let invitation = json!({"email": "guest@example.org"});
    let invitations = format!("/v1/organizations/{}/invitations", olivia.organization);
    olivia.post(&invitations, invitation).await.assert_status(201);
    let by_token = |mail: &Mail| json!({"token": mail.token()});
    let mut found = Vec::new();
    for (to, subject, path) in [
        (&*ada.email, "Confirm your address", "/v1/auth/verify-email"),
        ("ada.king@example.org", "Confirm your new address", "/v1/auth/verify-email"),
        (&*ada.email, "A new API key", "/v1/auth/secure-account"),
    ] {
        let mail = app.mail_to(to, subject).await;
        let body = by_token(&mail);
        found.push((mail, path.to_owned(), body));
    }
    let guest = app.mail_to("guest@example.org", "You are invited").await;
    let accept = format!("/v1/invitations/{}/accept", guest.token());
    found.push((guest, accept, json!({"name": "Guest", "password": PASSWORD})));
    let magic = app.magic_link(&olivia.email).await;
    let body = by_token(&magic);
    found.push((magic, VERIFY.to_owned(), body));
    let reset = app.reset_mail(&olivia.email).await;
    let body = json!({"token": reset.token(), "newPassword": NEW});
    found.push((reset, RESET.to_owned(), body));
    found
}

/// Invites somebody; the token of the mail.
async fn invites(app: &App, host: &Person, email: &str, role: &str) -> (String, String) {
    app.later(Duration::from_secs(1));
    let path = format!("/v1/organizations/{}/invitations", host.organization);
    let made = host.post(&path, json!({"email": email, "role": role})).await.assert_status(201).json();
    let id = made["id"].as_str().expect("an id");
    (app.mail_to(email, "You are invited").await.token(), format!("{path}/{id}"))
}

on_both_engines! {
    async fn m01_of_twenty_uses_of_each_link_at_once_one_wins(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        for (mail, path, body) in mailed(&app, &ada).await {
            let statuses = at_once((0..20).map(|_| {
                let (client, path, body) = (app.stranger(), path.clone(), body.clone());
                async move { client.post(&path, body).await }
            })).await;
            let won = statuses.iter().filter(|status| (200..300).contains(*status)).count();
            assert_eq!(won, 1, "{}: {statuses:?}", mail.subject);
            let after = app.stranger().post(&path, body).await;
            assert!([400, 410].contains(&after.status.as_u16()), "{}: {after:?}", mail.subject);
        }
    }

    async fn m02_no_link_outlives_its_time_by_a_second(app) with ["mailbox", "--rate-limits=relaxed"] {
        for (subject, life) in [("magic", 600), ("reset", 1800)] {
            let name = format!("person-{subject}");
            let ada = app.register(&name).await;
            let made = async || if subject == "magic" { app.magic_link(&ada.email).await } else { app.reset_mail(&ada.email).await };
            let path = if subject == "magic" { VERIFY } else { RESET };
            let body = |mail: &Mail| match subject {
                "magic" => json!({"token": mail.token()}),
                _ => json!({"token": mail.token(), "newPassword": NEW}),
            };
            let late = made().await;
            app.later(Duration::from_secs(life));
            app.stranger().post(path, body(&late)).await.assert_refused(400, "invalid_token");
            let in_time = made().await;
            app.later(Duration::from_secs(life - 1));
            app.stranger().post(path, body(&in_time)).await.assert_status(200);
            assert!(life <= 86_400);
        }
    }

    async fn m03_a_link_opened_elsewhere_warns_and_signs_nobody_in(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let mut asking = Guest::new(&app.stranger());
        asking.fills("/login", "ask-link", &[("credentials[email]", &ada.email)]).await.assert_status(200);
        let mail = app.mail_to(&ada.email, "Your sign-in link").await;
        let mut other = Guest::new(&app.stranger());
        let (here, there) = (asking.opens(&mail.link()).await, other.opens(&mail.link()).await);
        let warning = "This link was asked for in another browser.";
        assert!(there.body.contains(warning) && there.body.contains(&ada.email), "{there:?}");
        assert!(!here.body.contains(warning));
        assert!(!other.is_inside() && !asking.is_inside(), "opening it is not enough");
        asking.fills(&mail.link(), "open-link", &[("token", &mail.token())]).await.assert_status(200);
        assert!(asking.is_inside());
    }

    async fn m04_opening_a_link_by_get_and_head_spends_nothing_and_changes_nothing(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let mails = mailed(&app, &ada).await;
        let me = ada.get("/v1/auth/me").await.json();
        let sessions = ada.get("/v1/auth/sessions/count").await.json();
        for (mail, ..) in &mails {
            let scanner = app.stranger().with_header("user-agent", "curl/8").with_header("accept", "*/*");
            let page = app.stranger().with_header("accept", "text/html").with_header("sec-fetch-dest", "document");
            for client in [scanner, page] {
                for method in ["GET", "HEAD", "GET", "HEAD"] {
                    let answer = client.send(method, &mail.link(), None, Body::empty()).await;
                    assert!(answer.status == 200 && answer.session_cookie().is_none(), "{}: {answer:?}", mail.subject);
                }
            }
        }
        assert_eq!((ada.get("/v1/auth/me").await.json(), ada.get("/v1/auth/sessions/count").await.json()), (me, sessions));
        for (mail, path, body) in mails {
            let answer = app.stranger().post(&path, body).await;
            assert!(answer.status.is_success(), "{}: {answer:?}", mail.subject);
        }
    }

    async fn m05_two_hundred_links_have_256_bits_and_nothing_in_common(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        for _ in 0..200 {
            app.ask_magic_link(&app.stranger(), &ada.email).await;
        }
        let mails = app.mails_to(&ada.email, "Your sign-in link").await;
        let tokens: BTreeSet<_> = mails.iter().map(Mail::token).collect();
        // The development mailbox keeps the newest ones.
        assert!(tokens.len() == mails.len() && tokens.len() >= 100, "{}", tokens.len());
        assert!(tokens.iter().all(|token| token.len() == 43), "43 letters of base64 are 256 bits");
        for place in 0..42 {
            let seen: BTreeSet<_> = tokens.iter().map(|token| token.as_bytes()[place]).collect();
            assert!(seen.len() > 30, "place {place} is always one of {seen:?}");
        }
    }

    async fn m05_no_link_is_logged(app) with ["mailbox", "--rate-limits=relaxed"] {
        begin_log();
        let ada = app.register("ada").await;
        let mails = mailed(&app, &ada).await;
        for (mail, path, body) in &mails {
            app.stranger().with_header("accept", "text/html").get(&mail.link()).await;
            for preview in ["/v1/auth/magic-link", "/v1/auth/verify-email", "/api/invitations/info"] {
                app.stranger().get(&format!("{preview}?token={}", mail.token())).await;
            }
            app.stranger().post(path, body.clone()).await;
            app.stranger().post(path, body.clone()).await;
        }
        let text = logged();
        assert!(text.contains("answered") && text.contains("/v1/auth/verify-email"), "something was logged");
        for (mail, ..) in mails {
            assert!(!text.contains(&mail.token()), "{}", mail.subject);
        }
        assert!(!text.contains(PASSWORD) && !text.contains(NEW));
    }

    async fn m05_the_page_of_a_link_tells_no_other_site(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        for (mail, ..) in mailed(&app, &ada).await {
            let page = app.stranger().with_header("accept", "text/html").get(&mail.link()).await.assert_status(200);
            assert_eq!(page.header("referrer-policy"), "same-origin", "{}", mail.subject);
            assert!(page.header("cache-control").contains("no-store"));
            for (after, rest) in page.body.match_indices("src=\"").chain(page.body.match_indices("href=\"")).map(|(at, word)| (word, &page.body[at + word.len()..])) {
                let address = rest.split('"').next().unwrap_or_default();
                // Without a built site it names no file.
                let ours = address.is_empty() || address.starts_with('/') && !address.starts_with("//") || address.starts_with("data:") || address.starts_with('#');
                assert!(ours, "{}: {after}{address}", mail.subject);
            }
            assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        }
    }

    async fn m06_the_address_in_an_invitation_is_the_configured_one(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let evil = ada.with_header("host", "evil.test").with_header("x-forwarded-host", "evil.test").with_header("forwarded", "host=evil.test");
        let path = format!("/v1/organizations/{}/invitations", ada.organization);
        let made = evil.post(&path, json!({"email": "guest@example.org"})).await.assert_status(201).json();
        let mail = app.mail_to("guest@example.org", "You are invited").await;
        assert!(!mail.text.contains("evil.test") && mail.text.contains("http://localhost:3000/invite/"), "{}", mail.text);
        let shown = evil.post_nothing(&format!("{path}/{}/link", made["id"].as_str().expect("an id"))).await.json();
        assert!(shown["link"].as_str().is_some_and(|link| link.starts_with("http://localhost:3000/")), "{shown}");
    }

    async fn m08_asking_from_ever_new_addresses_sends_few_mails_at_once_too(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        for path in ["/v1/auth/magic-link", "/v1/auth/forgot-password"] {
            let statuses = at_once((0..20).map(|_| {
                let (client, body) = (app.stranger(), json!({"email": ada.email}));
                async move { client.post(path, body).await }
            })).await;
            assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
        }
        for subject in ["Your sign-in link", "Choose a new password"] {
            assert_eq!(app.mails_to(&ada.email, subject).await.len(), 3, "{subject}");
        }
    }

    async fn m09_an_invitation_is_good_for_its_address_role_and_tenant_only(app) with ["mailbox", "--rate-limits=relaxed"] {
        let (ada, mallory) = (app.register("ada").await, app.register("mallory").await);
        let (token, _) = invites(&app, &ada, "guest@example.org", "MEMBER").await;
        let accept = format!("/v1/invitations/{token}/accept");
        mallory.post_nothing(&accept).await.assert_refused(403, "invitation_for_another");
        for more in [json!({"role": "OWNER"}), json!({"organizationId": mallory.organization}), json!({"email": "mallory@example.org"})] {
            let mut body = json!({"name": "Guest", "password": PASSWORD});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            app.stranger().post(&accept, body).await.assert_status(400);
        }
        let there = app.stranger().with_header("x-organization-id", &mallory.organization);
        let answer = there.post(&accept, json!({"name": "Guest", "password": PASSWORD})).await.assert_status(201).json();
        assert_eq!((&answer["organization"]["id"], &answer["organization"]["role"], &answer["user"]["email"]),
            (&json!(ada.organization), &json!("MEMBER"), &json!("guest@example.org")));
    }

    async fn m09_withdrawn_expired_and_outlived_invitations_are_over(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let ben = app.member_of(&ada, "ben", Role::Manager).await;
        let new = json!({"name": "Guest", "password": PASSWORD});
        let (withdrawn, one) = invites(&app, &ada, "one@example.org", "MEMBER").await;
        ada.delete(&one).await.assert_status(200);
        let (outlived, _) = invites(&app, &ben, "two@example.org", "MEMBER").await;
        let place = format!("/v1/organizations/{}/members/{}", ada.organization, ben.id);
        ada.patch(&place, json!({"role": "MEMBER"})).await.assert_status(200);
        let (expired, _) = invites(&app, &ada, "three@example.org", "MEMBER").await;
        for over in [&withdrawn, &outlived] {
            app.stranger().post(&format!("/v1/invitations/{over}/accept"), new.clone()).await.assert_refused(410, "gone");
        }
        app.later(Duration::from_secs(72 * 3600));
        app.stranger().post(&format!("/v1/invitations/{expired}/accept"), new).await.assert_refused(410, "gone");
        for name in ["one", "two", "three"] {
            let body = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
            app.stranger().post("/v1/auth/login", body).await.assert_status(401);
        }
    }

    async fn m09_nobody_invites_to_more_than_they_have(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let path = format!("/v1/organizations/{}/invitations", ada.organization);
        let codes = format!("/v1/organizations/{}/invitation-codes", ada.organization);
        for (role, may) in [(Role::Member, ""), (Role::Manager, "MEMBER"), (Role::Admin, "MEMBER MANAGER ADMIN")] {
            let person = app.member_of(&ada, &format!("person-{}", role.as_str().to_lowercase()), role).await;
            for wanted in ["MEMBER", "MANAGER", "ADMIN", "OWNER"] {
                let email = format!("{}-{wanted}@example.org", role.as_str());
                let status = if may.split(' ').any(|one| one == wanted) { 201 } else { 403 };
                person.post(&path, json!({"email": email, "role": wanted})).await.assert_status(status);
                assert_eq!(app.mails_to(&email.to_lowercase(), "").await.is_empty(), status == 403, "{email}");
                if wanted != "OWNER" {
                    person.post(&codes, json!({"role": wanted})).await.assert_status(status);
                }
            }
        }
    }

    async fn m09_of_two_hundred_acceptances_at_once_one_succeeds(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        let (token, _) = invites(&app, &ada, "guest@example.org", "MEMBER").await;
        let statuses = at_once((0..200).map(|_| {
            let (client, path) = (app.stranger(), format!("/v1/invitations/{token}/accept"));
            async move { client.post(&path, json!({"name": "Guest", "password": PASSWORD})).await }
        })).await;
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [201, 409, 410, 503].contains(status)), "{statuses:?}");
        let members = ada.get(&format!("/v1/organizations/{}/members", ada.organization)).await;
        assert_eq!(members.header("x-total-count"), "2");
    }

    async fn m10_an_old_session_alone_moves_no_account(app) with ["mailbox", "--rate-limits=relaxed"] {
        let ada = app.register("ada").await;
        app.later(Duration::from_secs(6 * 3600));
        let to = |more: Value| {
            let mut body = json!({"newEmail": "ada.king@example.org"});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            body
        };
        for proof in [json!({}), json!({"currentPassword": ""}), json!({"currentPassword": "not the right one"}), json!({"emailVerified": true})] {
            ada.post("/v1/auth/change-email", to(proof)).await.assert_status(400);
        }
        ada.post("/v1/auth/update-profile", json!({"email": "ada.king@example.org"})).await.assert_status(400);
        let key = ada.makes_a_key(json!({"name": "Export", "scopes": ["write"]})).await;
        ada.with_key(&key.secret).post("/v1/auth/change-email", to(json!({"currentPassword": PASSWORD}))).await.assert_status(403);
        assert!(app.mails_to("ada.king@example.org", "").await.is_empty());
        assert_eq!(ada.get("/v1/auth/me").await.json()["email"], ada.email);
    }
}
