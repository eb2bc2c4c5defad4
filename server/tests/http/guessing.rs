//! Guessing passwords: it is slowed down and ends, and never keeps the owner out (safety L01 to L06).

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{App, Client, PASSWORD, Person, Reply, on_both_engines};

const WRONG: &str = "not the right one";
const LOGIN: &str = "/v1/auth/login";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BROWSER: &str = "__Host-latchkey-visitor=the-browser-at-home";

/// Every way to try a password without being signed in.
#[derive(Clone, Copy, Debug)]
enum Door {
    Rest,
    SalesOs,
    OrgStack,
    Salesflow,
    SynthesqToken,
    SynthesqBrowser,
    Form,
}

const DOORS: [Door; 7] = [
    Door::Rest,
    Door::SalesOs,
    Door::OrgStack,
    Door::Salesflow,
    Door::SynthesqToken,
    Door::SynthesqBrowser,
    Door::Form,
];

impl Door {
    async fn tries(self, client: &Client, email: &str, password: &str) -> Reply {
        let body = json!({"email": email, "password": password});
        match self {
            Self::Rest => client.post(LOGIN, body).await,
            Self::SalesOs => client.post("/api/auth/login", body).await,
            Self::OrgStack => {
                let name = email.split('@').next().expect("a name");
                client.post("/api/auth/login", json!({"username": name, "password": password})).await
            }
            Self::Salesflow => client.post("/auth/login", body).await,
            Self::SynthesqToken => client.post("/api/v1/auth/token", body).await,
            Self::SynthesqBrowser => {
                let page = client.same_origin();
                let jar = jar(&page.get("/sanctum/csrf-cookie").await);
                let token = jar.split("XSRF-TOKEN=").nth(1).and_then(|rest| rest.split(';').next()).expect("a token");
                page.with_header("cookie", &jar)
                    .with_header("x-xsrf-token", token)
                    .post("/api/v1/auth/login", body)
                    .await
            }
            Self::Form => signs_in_by_form(&client.same_origin(), (email, password)).await.1,
        }
    }
}

/// The cookies that an answer sets, as a browser sends them back.
fn jar(reply: &Reply) -> String {
    let set = reply.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    set.filter_map(|line| line.split(';').next()).collect::<Vec<_>>().join("; ")
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

/// Opens the page and sends its form; the cookies of the page, and what came back.
async fn signs_in_by_form(client: &Client, (email, password): (&str, &str)) -> (String, Reply) {
    let page = client.get("/login").await.assert_status(200);
    let csrf = page.body.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let csrf = csrf.expect("a proof that the form is ours");
    let form = format!(
        "csrf={}&credentials[email]={}&credentials[password]={}",
        encoded(csrf),
        encoded(email),
        encoded(password)
    );
    let jar = jar(&page);
    let reply = client.with_header("cookie", &jar).post_form("/fn/sign-in", &form).await;
    (jar, reply)
}

impl App {
    /// Wrong passwords, each from elsewhere, until so many more were looked at; whoever has to wait waits.
    async fn guesses(&self, email: &str, failures: usize) {
        for _ in 0..failures {
            loop {
                let reply = tries(&self.far_away(), email, WRONG).await;
                if reply.status == 401 {
                    break;
                }
                self.later(wait(&reply.assert_refused(429, "rate_limited")));
            }
        }
    }
}

async fn tries(client: &Client, email: &str, password: &str) -> Reply {
    client.post(LOGIN, json!({"email": email, "password": password})).await
}

fn wait(refused: &Reply) -> Duration {
    Duration::from_secs(refused.header("retry-after").parse().expect("seconds"))
}

/// How many of the answers say that the password was looked at and is wrong.
fn looked_at(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status == 401).count()
}

/// Everything of an answer that may not tell one request from another.
fn likeness(reply: &Reply, email: &str) -> String {
    let mut headers = reply.headers.clone();
    headers.remove("x-request-id");
    let mut body: Value = reply.json();
    if let Some(body) = body.as_object_mut() {
        body.remove("requestId");
    }
    format!("{} {headers:?} {body}", reply.status).replace(email, "…")
}

/// Asks the same about a known and an unknown address, each from a place of its own; both answers are alike.
async fn alike(app: &App, known: &Person, path: &str, body: impl Fn(&str) -> Value) -> Reply {
    let unknown = "nobody@example.org";
    let (here, there) = (app.far_away(), app.far_away());
    let (one, other) = (here.post(path, body(&known.email)).await, there.post(path, body(unknown)).await);
    assert_eq!(likeness(&one, &known.email), likeness(&other, unknown), "{path}");
    one
}

on_both_engines! {
    async fn l01_guessing_one_account_gets_slower(app) {
        let ada = app.register("ada").await;
        let (mut replies, mut longest) = (Vec::new(), Duration::ZERO);
        for _ in 0..110 {
            let reply = tries(&app.far_away(), &ada.email, WRONG).await;
            if reply.status == 429 {
                longest = longest.max(wait(&reply));
                app.later(wait(&reply));
            }
            replies.push(reply);
        }
        assert!((10..60).contains(&looked_at(&replies)), "{}", looked_at(&replies));
        assert_eq!(longest, Duration::from_secs(3600));
        while tries(&app.far_away(), &ada.email, WRONG).await.status != 429 {}
        let held = tries(&app.far_away(), &ada.email, PASSWORD).await.assert_refused(429, "rate_limited");
        assert_eq!((held.header("retry-after"), held.header("x-ratelimit-remaining")), ("3600", "0"));
        app.later(wait(&held));
        tries(&app.far_away(), &ada.email, PASSWORD).await.assert_status(200);
    }

    async fn l01_guessing_one_account_ends_by_ninety_until_a_mailed_link(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        for more in [10, 80] {
            app.guesses(&ada.email, more).await;
            assert_eq!(app.mails_to(&ada.email, "Somebody is trying passwords").await.len(), 1);
        }
        for _ in 0..3 {
            let over = tries(&app.far_away(), &ada.email, PASSWORD).await.assert_refused(429, "rate_limited");
            assert_eq!(over.header("retry-after"), "3600");
            app.later(DAY);
        }
        let link = app.magic_link(&ada.email).await;
        app.far_away().post("/v1/auth/magic-link/verify", json!({"token": link.token()})).await.assert_status(200);
        tries(&app.far_away(), &ada.email, PASSWORD).await.assert_status(200);
    }

    async fn l02_a_browser_that_was_here_before_gets_in_while_strangers_guess(app) {
        let ada = app.register("ada").await;
        let home = app.stranger().with_header("cookie", BROWSER);
        tries(&home, &ada.email, PASSWORD).await.assert_status(200);
        for _ in 0..3 {
            for _ in 0..5 {
                tries(&home.anonymous(), &ada.email, WRONG).await.assert_status(401);
            }
            tries(&home.anonymous(), &ada.email, PASSWORD).await.assert_refused(429, "rate_limited");
            tries(&home, &ada.email, PASSWORD).await.assert_status(200);
            app.later(Duration::from_secs(60));
        }
        app.guesses(&ada.email, 12).await;
        tries(&app.far_away(), &ada.email, PASSWORD).await.assert_refused(429, "rate_limited");
        let invented = app.far_away().with_header("cookie", "__Host-latchkey-visitor=invented");
        tries(&invented, &ada.email, PASSWORD).await.assert_refused(429, "rate_limited");
        let token = Door::SynthesqToken.tries(&home, &ada.email, PASSWORD).await;
        token.assert_status(200);
        for _ in 0..5 {
            tries(&home, &ada.email, WRONG).await.assert_status(401);
        }
        tries(&home, &ada.email, PASSWORD).await.assert_refused(429, "rate_limited");
        tries(&app.far_away(), &ada.email, PASSWORD).await.assert_status(200);
    }

    async fn l02_a_new_browser_gets_in_by_a_mailed_link_while_strangers_guess(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.guesses(&ada.email, 12).await;
        let reader = app.far_away().same_origin().with_header("accept", "text/html");
        let (cookies, refused) = signs_in_by_form(&reader, (&ada.email, PASSWORD)).await;
        let back = refused.assert_status(303);
        let cookies = format!("{cookies}; {}", jar(&back));
        let page = reader.with_header("cookie", &cookies).get(back.header("location")).await;
        assert!(page.body.contains("Try again in 2 minutes."), "{}", page.body);
        assert!(page.body.contains("Email me a link instead"), "{}", page.body);
        let link = app.magic_link(&ada.email).await;
        let body = json!({"token": link.token()});
        app.far_away().post("/v1/auth/magic-link/verify", body).await.assert_status(200);
    }

    async fn l02_a_browser_signs_in_by_the_form_where_strangers_have_to_wait(app) {
        let ada = app.register("ada").await;
        let browser = app.far_away().same_origin();
        let (cookies, opened) = signs_in_by_form(&browser, (&ada.email, PASSWORD)).await;
        opened.session_cookie().expect("signed in");
        app.guesses(&ada.email, 11).await;
        let (_, refused) = signs_in_by_form(&browser, (&ada.email, PASSWORD)).await;
        assert_eq!(refused.status, 429, "without its cookies it is a stranger");
        let known = browser.with_header("cookie", &cookies);
        known.post(LOGIN, json!({"email": ada.email, "password": PASSWORD})).await.assert_status(200);
    }

    async fn l03_spraying_many_accounts_from_one_address_is_slowed(app) {
        let ada = app.register("ada").await;
        let client = app.far_away();
        let mut replies = Vec::new();
        for number in 0..100 {
            replies.push(tries(&client, &format!("person{number}@example.org"), WRONG).await);
        }
        assert_eq!(looked_at(&replies), 5);
        replies.pop().expect("a reply").assert_refused(429, "rate_limited");
        tries(&app.far_away(), &ada.email, PASSWORD).await.assert_status(200);
    }

    async fn l03_spraying_from_a_network_is_slowed(app) {
        let ada = app.register("ada").await;
        for network in ["203.0.113.", "2001:db8:77:"] {
            let mut replies = Vec::new();
            for number in 0..80 {
                let place = if network.contains(':') { format!("{network}{number:x}::1") } else { format!("{network}{number}") };
                let email = format!("person{number}{}@example.org", network.len());
                replies.push(tries(&app.stranger().at_address(&place), &email, WRONG).await);
            }
            assert_eq!(looked_at(&replies), 50);
        }
        for neighbour in ["203.0.113.200", "::ffff:203.0.113.201", "2001:db8:77:ffff::1"] {
            tries(&app.stranger().at_address(neighbour), &ada.email, PASSWORD).await.assert_refused(429, "rate_limited");
        }
        for elsewhere in ["203.0.114.1", "2001:db8:78::1"] {
            tries(&app.stranger().at_address(elsewhere), &ada.email, PASSWORD).await.assert_status(200);
        }
    }

    async fn l03_spraying_from_everywhere_is_slowed(app) {
        let ada = app.register("ada").await;
        let home = app.far_away().with_header("cookie", BROWSER);
        tries(&home, &ada.email, PASSWORD).await.assert_status(200);
        let mut replies = Vec::new();
        for number in 0..320 {
            replies.push(tries(&app.far_away(), &format!("person{number}@example.org"), WRONG).await);
        }
        assert_eq!(looked_at(&replies), 300);
        let refused = tries(&app.far_away(), &ada.email, PASSWORD).await.assert_refused(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "60");
        tries(&home, &ada.email, PASSWORD).await.assert_status(200);
        app.later(Duration::from_secs(60));
        tries(&app.far_away(), &ada.email, PASSWORD).await.assert_status(200);
    }

    async fn l04_no_header_shakes_the_limit_off(app) with ["--trusted-proxies=10.9.0.0/16"] {
        // Straight to us; and through a proxy that we trust, which adds where the call came from.
        for (client, added) in [(app.far_away(), ""), (app.stranger().at_address("10.9.0.1"), ", 203.0.113.9")] {
            let mut replies = Vec::new();
            for number in 0..40 {
                let invented = format!("198.51.{number}.7");
                let client = client
                    .with_header("x-forwarded-for", &format!("{invented}{added}"))
                    .with_header("x-real-ip", &invented)
                    .with_header("x-client-ip", &invented)
                    .with_header("forwarded", &format!("for={invented}"));
                replies.push(tries(&client, &format!("person{number}@example.org"), WRONG).await);
            }
            assert_eq!(looked_at(&replies), 5);
        }
    }

    async fn l04_no_spelling_of_the_address_shakes_the_limit_off(app) {
        app.register("ada").await;
        let spellings = ["ada@example.org", "ADA@EXAMPLE.ORG", " Ada@example.org", "ada@Example.Org  ", "\tadA@example.org"];
        let mut replies = Vec::new();
        for spelling in spellings.iter().cycle().take(20) {
            replies.push(tries(&app.far_away(), spelling, WRONG).await);
        }
        assert_eq!(looked_at(&replies), 5);
    }

    async fn l04_no_other_door_shakes_the_limit_off(app) {
        let ada = app.register("ada").await;
        ada.post("/v1/auth/update-profile", json!({"username": "ada"})).await.assert_status(200);
        for minutes in 0..2 {
            let mut replies = Vec::new();
            for door in DOORS.into_iter().cycle().take(21) {
                replies.push(door.tries(&app.far_away(), &ada.email, WRONG).await);
            }
            assert_eq!(looked_at(&replies), 5, "in minute {minutes}");
            app.later(Duration::from_secs(60));
        }
        app.guesses(&ada.email, 1).await;
        for door in DOORS {
            let held = door.tries(&app.far_away(), &ada.email, PASSWORD).await;
            assert_eq!((held.status.as_u16(), held.header("retry-after")), (429, "60"), "{door:?}: {held:?}");
        }
        app.later(Duration::from_secs(60));
        for door in DOORS {
            let opened = door.tries(&app.far_away(), &ada.email, PASSWORD).await;
            assert!(opened.status == 200 || opened.session_cookie().is_some(), "{door:?}: {opened:?}");
        }
    }

    async fn l04_fifty_at_once_do_not_pass_the_limit(app) {
        let ada = app.register("ada").await;
        for (minutes, most) in [5, 5, 1, 1].into_iter().enumerate() {
            let all = (0..50).map(|number| {
                let (client, email) = (app.far_away(), ada.email.clone());
                let door = [Door::Rest, Door::SalesOs, Door::Salesflow, Door::SynthesqToken][number % 4];
                tokio::spawn(async move { door.tries(&client, &email, WRONG).await })
            });
            let mut replies = Vec::new();
            for one in all.collect::<Vec<_>>() {
                replies.push(one.await.expect("answered"));
            }
            assert_eq!(looked_at(&replies), most, "in minute {minutes}");
            assert!(replies.iter().all(|reply| [401, 429].contains(&reply.status.as_u16())), "{replies:?}");
            app.later(Duration::from_secs(60));
        }
    }

    async fn l05_failure_does_not_tell_whether_the_account_exists(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let wrong = |email: &str| json!({"email": email, "password": WRONG});
        for path in [LOGIN, "/api/auth/login", "/auth/login", "/api/v1/auth/token"] {
            let mut statuses = Vec::new();
            // Far enough that the tries have to wait, and the owner is mailed.
            for _ in 0..12 {
                let reply = alike(&app, &ada, path, wrong).await;
                statuses.push(reply.status.as_u16());
                if reply.status == 429 {
                    app.later(wait(&reply));
                }
            }
            assert!(statuses.contains(&401) && statuses.contains(&429), "{statuses:?}");
        }
        assert_eq!(app.mails_to(&ada.email, "Somebody is trying passwords").await.len(), 1);
        assert!(app.mails_to("nobody@example.org", "").await.is_empty());
        for path in ["/v1/auth/forgot-password", "/v1/auth/magic-link"] {
            for status in [200, 200, 200, 429] {
                alike(&app, &ada, path, |email| json!({"email": email})).await.assert_status(status);
            }
        }
        for path in ["/v1/auth/magic-link/verify", "/v1/auth/verify-reset-code"] {
            alike(&app, &ada, path, |email| json!({"email": email, "code": "000000"})).await.assert_status(400);
        }
    }

    async fn l06_known_and_unknown_addresses_cost_the_same_work(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let work = async |path: &str, email: &str| {
            let before = (app.latchkey().hashing().took().count, app.db_texts("mails", "id").await.len());
            app.stranger().post(path, json!({"email": email, "password": WRONG})).await;
            let mails = app.db_texts("mails", "id").await.len();
            (app.latchkey().hashing().took().count - before.0, mails - before.1)
        };
        // As many hashes, and as many mails written: those to nobody are not sent. Time itself is measured by tools/timing.
        assert_eq!(work(LOGIN, &ada.email).await, (1, 0));
        assert_eq!(work(LOGIN, "nobody@example.org").await, (1, 0));
        app.db_set("users", "disabled_at", Some(1)).await;
        assert_eq!(work(LOGIN, &ada.email).await, (1, 0), "nor do accounts that are switched off");
        app.db_set("users", "disabled_at", None).await;
        let asked = async |path: &str, email: &str| {
            let before = app.db_texts("mails", "id").await.len();
            app.stranger().post(path, json!({"email": email})).await.assert_status(200);
            app.db_texts("mails", "id").await.len() - before
        };
        for path in ["/v1/auth/magic-link", "/v1/auth/forgot-password"] {
            assert_eq!(asked(path, &ada.email).await, 1, "{path}");
            assert_eq!(asked(path, "nobody@example.org").await, 1, "{path}");
        }
    }

    async fn l05_registering_does_not_tell_where_addresses_are_confirmed_first(app) with ["mailbox", "--require-verified-email=true"] {
        let made = |email: &str| json!({"email": email, "password": PASSWORD, "name": "Ada", "company": "Blue Harbour"});
        app.stranger().post("/v1/auth/register", made("ada@example.org")).await.assert_status(202);
        let known = app.stranger().post("/v1/auth/register", made("ada@example.org")).await;
        let unknown = app.stranger().post("/v1/auth/register", made("eve@example.org")).await;
        assert_eq!(likeness(&known, "ada@example.org"), likeness(&unknown, "eve@example.org"));
    }
}
