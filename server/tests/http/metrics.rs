//! What an operator can measure, against the text that Prometheus reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{App, PASSWORD, on_both_engines};

/// One look at all metrics.
struct Look(String);

impl App {
    async fn looks(&self) -> Look {
        Look(self.exporter().render().await)
    }
}

impl Look {
    /// The value of one series, named as it is written.
    #[track_caller]
    fn value(&self, series: &str) -> u64 {
        self.find(series).unwrap_or_else(|| panic!("no {series} in\n{}", self.0))
    }

    fn find(&self, series: &str) -> Option<u64> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(whole(line))
    }

    /// All of a metric together, whatever its labels.
    fn sum(&self, name: &str) -> u64 {
        let of = |line: &&str| line.split(['{', ' ']).next() == Some(name);
        self.0.lines().filter(of).filter_map(|line| line.rsplit(' ').next()).map(whole).sum()
    }

    /// Every metric: its kind and what is said of it.
    fn metrics(&self) -> BTreeMap<String, (String, String)> {
        let said = |what: &'static str| self.0.lines().filter_map(move |line| line.strip_prefix(what)?.split_once(' '));
        let helps: BTreeMap<_, _> = said("# HELP ").collect();
        let metric = |(name, kind): (&str, &str)| (name.to_owned(), (kind.to_owned(), helps[name].to_owned()));
        said("# TYPE ").map(metric).collect()
    }

    /// Every label with its value.
    fn labels(&self) -> BTreeSet<(String, String)> {
        let inside = self.0.lines().filter(|line| !line.starts_with('#'));
        let inside = inside.filter_map(|line| line.split_once('{')?.1.rsplit_once("\"} "));
        let pairs = inside.flat_map(|(labels, _)| labels.split("\","));
        pairs
            .filter_map(|pair| pair.split_once("=\""))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// A value without its fraction.
fn whole(value: &str) -> u64 {
    value.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or_else(|| panic!("{value} is no number"))
}

/// A file of the repository.
fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

on_both_engines! {
    async fn sign_ins_are_counted_by_way_and_outcome(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        ada.signs_in_again().await;
        let wrong = json!({"email": ada.email, "password": "not hers at all"});
        let stranger = app.stranger();
        for _ in 0..5 {
            stranger.post("/v1/auth/login", wrong.clone()).await.assert_refused(401, "invalid_credentials");
        }
        stranger.post("/v1/auth/login", wrong).await.assert_refused(429, "rate_limited");
        stranger.post("/v1/auth/login", json!({"email": ada.email})).await.assert_status(400);
        let mailed = app.magic_link(&ada.email).await;
        let proof = json!({"token": mailed.token()});
        app.stranger().post("/v1/auth/magic-link/verify", proof.clone()).await.assert_status(200);
        app.stranger().post("/v1/auth/magic-link/verify", proof).await.assert_refused(400, "invalid_token");
        let look = app.looks().await;
        let of = |way: &str, outcome: &str| look.value(&format!("latchkey_sign_ins_total{{way=\"{way}\",outcome=\"{outcome}\"}}"));
        let password = ["ok", "wrong", "limited", "invalid", "busy", "failed"].map(|outcome| of("password", outcome));
        assert_eq!(password, [1, 5, 1, 1, 0, 0]);
        assert_eq!((of("mail", "ok"), of("mail", "wrong"), of("handoff", "ok")), (1, 1, 0));
        assert_eq!(look.value("latchkey_limits_reached_total{limit=\"sign_in_from\"}"), 1);
        assert_eq!(look.sum("latchkey_limits_reached_total"), 1);
        let hashed = look.value("latchkey_hash_duration_seconds_count");
        assert_eq!(hashed, look.value("latchkey_hash_duration_seconds_bucket{le=\"+Inf\"}"));
        assert!(hashed >= 7, "one at sign-up, six at sign-in: {hashed}");
        assert_eq!((look.value("latchkey_hash_waiting"), look.value("latchkey_hash_refused_total")), (0, 0));
    }

    async fn verification_says_whether_the_database_was_asked(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export", "scopes": ["read"], "rateLimit": 4})).await;
        let program = app.stranger().with_key(&key.secret);
        program.get("/v1/auth/verify").await.assert_status(200);
        program.get("/v1/auth/verify").await.assert_status(200);
        program.get("/v1/auth/verify?scope=write").await.assert_status(403);
        program.get("/v1/auth/forward").await.assert_status(200);
        program.get("/v1/auth/verify").await.assert_refused(429, "rate_limited");
        app.stranger().with_key("lk_live_nonsense").get("/v1/auth/verify").await.assert_status(401);
        app.stranger().get("/v1/auth/verify").await.assert_status(401);
        ada.post("/v1/auth/introspect", json!({"token": key.secret})).await.assert_status(200);
        let look = app.looks().await;
        let of = |labels: &str| look.value(&format!("latchkey_verifications_total{{{labels}}}"));
        assert_eq!(of("call=\"verify\",outcome=\"ok\",source=\"database\""), 1);
        assert_eq!(of("call=\"verify\",outcome=\"ok\",source=\"memory\""), 1);
        assert_eq!(of("call=\"verify\",outcome=\"forbidden\",source=\"memory\""), 1);
        assert_eq!(of("call=\"verify\",outcome=\"limited\",source=\"memory\""), 1);
        assert_eq!(of("call=\"verify\",outcome=\"refused\",source=\"none\""), 2);
        assert_eq!(of("call=\"forward\",outcome=\"ok\",source=\"memory\""), 1);
        assert_eq!(look.sum("latchkey_verifications_total"), 8);
        assert_eq!(look.value("latchkey_limits_reached_total{limit=\"key\"}"), 2, "introspection counts as a use");
        let shown = |labels: &str| look.value(&format!("latchkey_authentications_total{{{labels}}}"));
        assert_eq!(shown("credential=\"key\",outcome=\"ok\",source=\"database\""), 1);
        assert_eq!(shown("credential=\"none\",outcome=\"refused\",source=\"none\""), 1);
    }

    async fn requests_are_counted_by_template(app) {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        ada.get(&format!("/v1/api-keys/{}", key.id)).await.assert_status(200);
        ada.get("/v1/api-keys/key_unknown").await.assert_status(404);
        ada.delete("/v1/auth/login").await.assert_status(405);
        app.stranger().get("/somewhere/ada@example.org").await.assert_status(404);
        let look = app.looks().await;
        let of = |method: &str, route: &str, status: u16| {
            look.value(&format!("latchkey_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"))
        };
        assert_eq!((of("GET", "/v1/api-keys/{id}", 200), of("GET", "/v1/api-keys/{id}", 404)), (1, 1));
        assert_eq!((of("DELETE", "/v1/auth/login", 405), of("GET", "-", 404)), (1, 1));
        assert_eq!(look.value("latchkey_http_request_duration_seconds_count{route=\"/v1/api-keys/{id}\"}"), 2);
        assert_eq!(look.value("latchkey_http_requests_in_flight"), 0);
    }

    async fn the_outbox_is_measured(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        app.mails().await;
        let before = app.looks().await;
        assert_eq!((before.value("latchkey_mails_waiting"), before.value("latchkey_mail_oldest_seconds")), (0, 0));
        app.ask_magic_link(&app.stranger(), &ada.email).await;
        app.ask_magic_link(&app.stranger(), "nobody@example.org").await;
        app.later(Duration::from_secs(40));
        let waiting = app.looks().await;
        assert_eq!(waiting.value("latchkey_mails_waiting"), 1, "a mail to nobody is none");
        assert!(waiting.value("latchkey_mail_oldest_seconds") >= 40);
        app.mails().await;
        let sent = app.looks().await;
        let total = "latchkey_mails_total{outcome=\"sent\"}";
        assert_eq!((sent.value("latchkey_mails_waiting"), sent.value(total) - before.value(total)), (0, 1));
    }

    async fn labels_are_closed_sets_and_name_nobody(app) with ["mailbox"] {
        let ada = app.register("ada").await;
        let key = ada.makes_a_key(json!({"name": "Export"})).await;
        let ben = app.stranger().at_address("203.0.113.77");
        ben.with_key(&key.secret).get("/v1/auth/verify").await.assert_status(200);
        ben.post("/v1/auth/login", json!({"email": ada.email, "password": PASSWORD})).await.assert_status(200);
        ada.get(&format!("/v1/organizations/{}/members", ada.organization)).await.assert_status(200);
        ben.get(&format!("/{}/{}", ada.id, ada.email)).await.assert_status(404);
        ben.get("/invite/inv_secret").await;
        app.magic_link(&ada.email).await;
        let look = app.looks().await;
        for private in ["ada", "example.org", "203.0.113", "10.0.0", "inv_secret", &ada.id, &ada.organization, &key.id] {
            assert!(!look.0.contains(private), "{private} in\n{}", look.0);
        }
        let names: BTreeSet<_> = look.labels().into_iter().map(|(name, _)| name).collect();
        let closed = [
            "call", "credential", "le", "limit", "method", "outcome", "pool", "reason", "route", "source", "state", "status",
            "version", "way",
        ];
        assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), closed);
    }

    async fn without_its_database_the_rest_is_still_shown(app) {
        app.register("ada").await;
        let up = app.looks().await;
        assert_eq!(up.value("latchkey_database_up"), 1);
        assert!(up.sum("latchkey_database_connections") >= 1);
        app.latchkey().close().await.expect("closed");
        let down = app.looks().await;
        assert_eq!((down.value("latchkey_database_up"), down.find("latchkey_mails_waiting")), (0, None));
        assert!(down.sum("latchkey_database_failures_total") > 0);
        assert!(down.sum("latchkey_http_requests_total") >= 1);
    }

    async fn the_public_address_shows_none_of_it(app) {
        for path in ["/metrics", "/v1/metrics", "/api/metrics"] {
            let reply = app.stranger().get(path).await.assert_refused(404, "not_found");
            assert!(!reply.body.contains("latchkey_"));
        }
    }
}

/// The names of metrics in an expression or a text, as they are exported.
fn names_in(text: &str, known: &BTreeMap<String, (String, String)>) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("latchkey_") || word.starts_with("process_"));
    let whole = |word: &str| {
        let parts = ["_bucket", "_sum", "_count"].iter().find_map(|part| word.strip_suffix(part));
        let histogram = parts.filter(|name| known.get(*name).is_some_and(|(kind, _)| kind == "histogram"));
        histogram.unwrap_or(word).to_owned()
    };
    ours.map(whole).collect()
}

/// Every expression of a dashboard.
fn expressions(dashboard: &Value) -> Vec<String> {
    match dashboard {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if name == "expr" || name == "query" => vec![text.clone()],
                other => expressions(other),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(expressions).collect(),
        _ => Vec::new(),
    }
}

/// What is exported, whatever the engine.
async fn exported() -> BTreeMap<String, (String, String)> {
    App::on_sqlite(&[]).await.looks().await.metrics()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_metrics_is_what_is_exported() {
    let table = file("docs/metrics.md");
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let (name, kind) = (cells.next()?.trim_end_matches('`'), cells.next()?);
        Some((name.split('{').next()?.to_owned(), kind.to_owned()))
    };
    let (metrics, _) = table.split_once("\n## Logs").expect("a part about logs");
    let written: BTreeMap<_, _> = metrics.lines().filter_map(row).collect();
    let exported: BTreeMap<_, _> = exported().await.into_iter().map(|(name, (kind, _))| (name, kind)).collect();
    assert_eq!(written, exported, "docs/metrics.md is stale");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dashboard_and_alerts_ask_for_what_is_there() {
    let exported = exported().await;
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/latchkey.json")).expect("JSON");
    let asked = expressions(&dashboard);
    assert!(asked.len() >= 20, "{}", asked.len());
    let shown: BTreeSet<_> = asked.iter().flat_map(|text| names_in(text, &exported)).collect();
    let alerts: String =
        file("deploy/prometheus/alerts.yml").lines().filter(|line| !line.trim().starts_with('#')).collect();
    for name in shown.iter().cloned().chain(names_in(&alerts, &exported)) {
        assert!(exported.contains_key(&name), "nothing exports {name}");
    }
    let missing: Vec<_> = exported.keys().filter(|name| !shown.contains(*name)).collect();
    assert!(missing.is_empty(), "the dashboard does not show {missing:?}");
}

#[test]
fn every_panel_has_a_place_of_its_own() {
    let dashboard: Value = serde_json::from_str(&file("deploy/grafana/latchkey.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let rows = panels.iter().filter(|panel| panel["type"] == "row").count();
    assert_eq!(rows, 8);
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |name: &str| panel["gridPos"][name].as_u64().expect("a place");
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for cell in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} lies on another panel", panel["title"]);
        }
    }
}
