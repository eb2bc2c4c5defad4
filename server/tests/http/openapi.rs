//! The document is true: every route is in it, every example is valid.

use serde_json::{Value, json};

use crate::support::{App, PASSWORD, Reply};

async fn document() -> (App, Value) {
    let app = App::on_sqlite(&["--rate-limits=relaxed"]).await;
    let document = app.stranger().get("/openapi.json").await.assert_status(200).json();
    (app, document)
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .expect("methods")
            .iter()
            .map(|(method, operation)| (path.clone(), method.to_uppercase(), operation.clone()))
    });
    methods.collect()
}

#[tokio::test]
async fn every_operation_answers_as_described() {
    let (app, document) = document().await;
    let operations = operations(&document);
    assert!(operations.len() > 60, "{}", operations.len());
    let stranger = app.stranger();
    for (path, method, operation) in &operations {
        let path = path.replace("{id}", "x").replace("{userId}", "x").replace("{deviceId}", "x");
        let reply = stranger.send(method, &path, None, axum::body::Body::empty()).await;
        let status = reply.status.as_u16().to_string();
        assert!(
            operation["responses"].get(&status).is_some(),
            "{method} {path} answers {status}, which is not described"
        );
        let ways = operation["security"].as_array().expect("security");
        let guarded = !ways.is_empty() && !ways.contains(&json!({}));
        assert_eq!(guarded, status == "401", "{method} {path} answers {status}");
    }
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own() {
    let (_app, document) = document().await;
    let mut names: Vec<_> =
        operations(&document).iter().map(|(_, _, operation)| operation["operationId"].to_string()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

/// A schema of the document, with the document's other schemas at hand.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn check(document: &Value, schema: &Value, example: &Value, place: &str) {
    let problems: Vec<_> = validator(document, schema).iter_errors(example).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{place}: {example} {problems:?}");
}

#[tokio::test]
async fn every_example_is_valid() {
    let (_app, document) = document().await;
    let mut checked = 0;
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        for example in schema.get("example").into_iter().chain(schema["examples"].as_array().into_iter().flatten()) {
            check(&document, schema, example, name);
            checked += 1;
        }
    }
    for (path, method, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("responses").iter();
        let bodies = responses
            .map(|(status, response)| (status.as_str(), response))
            .chain([("body", &operation["requestBody"])]);
        for (status, body) in bodies {
            for (_, content) in body["content"].as_object().into_iter().flatten() {
                if let Some(example) = content.get("example") {
                    check(&document, &content["schema"], example, &format!("{method} {path} {status}"));
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

#[tokio::test]
async fn real_answers_fit_their_schemas() {
    let (app, document) = document().await;
    let ada = app.register("ada").await;
    ada.makes_a_key(json!({"name": "Export"})).await;
    for path in [
        "/v1/auth/me",
        "/v1/auth/sessions",
        "/v1/auth/verify",
        "/v1/api-keys",
        "/v1/api-keys/stats",
        "/v1/organizations",
        "/v1/organizations/my-organization",
        "/v1/audit-events",
        "/whoami",
        "/readyz",
    ] {
        let answer = ada.get(path).await.assert_status(200).json();
        let schema = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        check(&document, schema, &answer, path);
    }
    let body = json!({"email": ada.email, "password": PASSWORD});
    let answer = app.stranger().post("/v1/auth/login", body).await.json();
    let schema =
        &document["paths"]["/v1/auth/login"]["post"]["responses"]["200"]["content"]["application/json"]["schema"];
    check(&document, schema, &answer, "login");
    let refused = app.stranger().get("/v1/auth/me").await.json();
    check(&document, &document["components"]["schemas"]["ErrorView"], &refused, "refusal");
}

#[tokio::test]
async fn real_answers_about_mail_fit_their_schemas() {
    let app = App::on_sqlite(&["mailbox"]).await;
    let document = app.stranger().get("/openapi.json").await.assert_status(200).json();
    let fits = |path: &str, method: &str, answer: &Value| {
        let responses = &document["paths"][path][method]["responses"];
        check(
            &document,
            &responses["200"]["content"]["application/json"]["schema"],
            answer,
            &format!("{method} {path}"),
        );
    };
    let ada = app.register("ada").await;
    let stranger = app.stranger();
    let confirm = app.mail_to(&ada.email, "Confirm your address").await.token();
    let query = format!("/v1/auth/verify-email?token={confirm}");
    fits("/v1/auth/verify-email", "get", &stranger.get(&query).await.assert_status(200).json());
    let body = json!({"token": confirm});
    fits(
        "/v1/auth/verify-email",
        "post",
        &stranger.post("/v1/auth/verify-email", body).await.assert_status(200).json(),
    );
    let magic = app.magic_link(&ada.email).await.token();
    let query = format!("/v1/auth/magic-link?token={magic}");
    fits("/v1/auth/magic-link", "get", &stranger.get(&query).await.assert_status(200).json());
    let script = stranger.with_header("accept", "application/json");
    fits("/v1/auth/magic-link", "get", &script.get(&query).await.assert_status(200).json());
    let reset = app.reset_mail(&ada.email).await;
    let body = json!({"email": ada.email, "code": reset.code()});
    let answer = stranger.post("/v1/auth/verify-reset-code", body).await.assert_status(200).json();
    fits("/v1/auth/verify-reset-code", "post", &answer);
    let grace = app.landlord("grace").await;
    fits("/v1/landlord/mail", "get", &grace.get("/v1/landlord/mail").await.assert_status(200).json());
    let tried = grace.post_nothing("/v1/landlord/mail/test").await.assert_status(200).json();
    fits("/v1/landlord/mail/test", "post", &tried);
}

#[tokio::test]
async fn real_answers_about_two_factor_fit_their_schemas() {
    let app = App::on_sqlite(&[]).await;
    let document = app.stranger().get("/openapi.json").await.assert_status(200).json();
    let fits = |path: &str, method: &str, reply: Reply| fits(&document, (method, path), &reply);
    let ada = app.register("ada").await;
    let begun = fits("/v1/auth/2fa/setup", "post", ada.post_nothing("/v1/auth/2fa/setup").await);
    let phone = crate::support::Phone::scanning(&begun);
    let code = json!({"code": phone.shows(&app)});
    fits("/v1/auth/2fa/verify-setup", "post", ada.post("/v1/auth/2fa/verify-setup", code).await);
    let device = json!({"deviceName": "Laptop", "deviceType": "desktop", "deviceFingerprint": "f3"});
    fits("/v1/auth/2fa/trusted-devices", "post", ada.post("/v1/auth/2fa/trusted-devices", device).await);
    for path in ["status", "backup-codes", "trusted-devices"] {
        let path = format!("/v1/auth/2fa/{path}");
        fits(&path, "get", ada.get(&path).await);
    }
    fits("/v1/auth/2fa/trusted-devices", "delete", ada.delete("/v1/auth/2fa/trusted-devices").await);
    let login = json!({"email": ada.email, "password": PASSWORD});
    let due = fits("/v1/auth/login", "post", app.stranger().post("/v1/auth/login", login).await);
    let step = app.stranger().with_bearer(&crate::support::half(&due));
    fits("/v1/auth/2fa/verify", "post", step.post("/v1/auth/2fa/verify", json!({"code": phone.codes[0]})).await);
    let again = ada.post("/v1/auth/2fa/verify", json!({"code": phone.codes[1]})).await;
    fits("/v1/auth/2fa/verify", "post", again);
    let path = format!("/v1/organizations/{}/policy", ada.organization);
    fits("/v1/organizations/{id}/policy", "patch", ada.patch(&path, json!({"trustedDeviceDays": 7})).await);
    let renewed = ada.post_nothing("/v1/auth/2fa/regenerate-backup-codes").await;
    fits("/v1/auth/2fa/regenerate-backup-codes", "post", renewed);
    let ben = app.member_of(&ada, "ben", crate::support::Role::Member).await;
    ben.makes_a_key(json!({"name": "Export"})).await;
    let members = format!("/v1/organizations/{}/members", ada.organization);
    fits("/v1/organizations/{id}/members", "get", ada.get(&members).await);
    let (place, wire) = (format!("{members}/{}", ben.id), "/v1/organizations/{id}/members/{userId}");
    fits(wire, "patch", ada.patch(&place, json!({"role": "MANAGER"})).await);
    fits(&format!("{wire}/api-keys"), "get", ada.get(&format!("{place}/api-keys")).await);
    fits(&format!("{wire}/revoke-tokens"), "post", ada.post_nothing(&format!("{place}/revoke-tokens")).await);
    fits(wire, "delete", ada.delete(&place).await);
    let off = json!({"password": PASSWORD});
    fits("/v1/auth/2fa/disable", "post", ada.post("/v1/auth/2fa/disable", off).await);
}

/// An answer that succeeded, which fits the schema of its operation and status.
#[track_caller]
fn fits(document: &Value, (method, path): (&str, &str), reply: &Reply) -> Value {
    assert!(reply.status.is_success(), "{method} {path}: {reply:?}");
    let answer = reply.json();
    let responses = &document["paths"][path][method]["responses"];
    let schema = &responses[reply.status.as_str()]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path} answers {}, which is not described", reply.status);
    check(document, schema, &answer, &format!("{method} {path}"));
    answer
}

#[tokio::test]
async fn real_answers_about_joining_fit_their_schemas() {
    let app = App::on_sqlite(&["mailbox"]).await;
    let document = app.stranger().get("/openapi.json").await.assert_status(200).json();
    let fits = |method: &str, path: &str, reply: Reply| fits(&document, (method, path), &reply);
    let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    let ada = app.register("ada").await;
    let home = format!("/v1/organizations/{}", ada.organization);
    let wire = "/v1/organizations/{id}/invitations";
    let invite = json!({"email": "grace@example.org", "role": "MANAGER"});
    let made = fits("post", wire, ada.post(&format!("{home}/invitations"), invite).await);
    let one = format!("{home}/invitations/{}", id(&made));
    fits("post", &format!("{wire}/{{invitationId}}/resend"), ada.post_nothing(&format!("{one}/resend")).await);
    let shown = fits("post", &format!("{wire}/{{invitationId}}/link"), ada.post_nothing(&format!("{one}/link")).await);
    fits("get", wire, ada.get(&format!("{home}/invitations")).await);
    let token = shown["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a token");
    fits("get", "/v1/invitations/{token}", app.stranger().get(&format!("/v1/invitations/{token}")).await);
    let accept = json!({"name": "Grace Hopper", "password": PASSWORD});
    let accepted = app.stranger().post(&format!("/v1/invitations/{token}/accept"), accept).await;
    fits("post", "/v1/invitations/{token}/accept", accepted);

    let wire = "/v1/organizations/{id}/invitation-codes";
    let codes = format!("{home}/invitation-codes");
    let code = fits("post", wire, ada.post(&codes, json!({"maxUses": 2, "expiresAt": "2026-12-24T00:00:00Z"})).await);
    let one = format!("{codes}/{}", id(&code));
    for deed in ["revoke", "reactivate"] {
        fits("post", &format!("{wire}/{{codeId}}/{deed}"), ada.post_nothing(&format!("{one}/{deed}")).await);
    }
    fits("get", wire, ada.get(&codes).await);
    let validate = "/v1/organizations/validate-code";
    for code in [&code["code"], &json!("AAAA-AAAA-AA")] {
        fits("post", validate, app.stranger().post(validate, json!({"code": code})).await);
    }

    let grace = app.landlord("landlord").await;
    let superusers = "/v1/landlord/superusers";
    let invited = json!({"email": "olivia@example.org", "organizationName": "Red Hill"});
    let opened = fits("post", superusers, grace.post(superusers, invited).await);
    let tenants = "/v1/landlord/tenants";
    fits("get", tenants, grace.get(tenants).await);
    fits("post", tenants, grace.post(tenants, json!({"name": "Green Valley"})).await);
    let tenant = format!("{tenants}/{}", id(&opened["tenant"]));
    for status in ["suspended", "active"] {
        fits(
            "patch",
            "/v1/landlord/tenants/{id}",
            grace.patch(&tenant, json!({"status": status, "reason": "because"})).await,
        );
    }
    let revoked = grace.post_nothing(&format!("{tenant}/revoke-tokens")).await;
    fits("post", "/v1/landlord/tenants/{id}/revoke-tokens", revoked);
    let account = format!("/v1/landlord/users/{}", ada.id);
    for status in ["disabled", "active"] {
        fits("patch", "/v1/landlord/users/{id}", grace.patch(&account, json!({"status": status})).await);
    }
}

#[tokio::test]
async fn real_answers_of_the_dialects_fit_their_schemas() {
    let app = App::on_sqlite(&["--rate-limits=relaxed"]).await;
    let document = app.stranger().get("/openapi.json").await.assert_status(200).json();
    let fits = |method: &str, path: &str, reply: Reply| fits(&document, (method, path), &reply);
    let ada = app.register("ada").await;
    let (stranger, by_email) = (app.stranger(), json!({"email": ada.email, "password": PASSWORD}));
    for path in ["/api/auth/login", "/auth/login", "/api/v1/auth/token"] {
        fits("post", path, stranger.post(path, by_email.clone()).await);
    }
    let by_name = json!({"username": ada.email, "password": PASSWORD});
    fits("post", "/api/auth/login", stranger.post("/api/auth/login", by_name).await);
    let new = json!({"email": "ben@example.org", "password": PASSWORD});
    let made = fits("post", "/auth/register", stranger.post("/auth/register", new).await);
    let again = json!({"refreshToken": made["refreshToken"]});
    fits("post", "/auth/refreshToken", stranger.post("/auth/refreshToken", again).await);
    let code = ada.post("/auth/generateInvitationCode", json!({"expiresInDays": 1})).await;
    fits("post", "/auth/generateInvitationCode", code);
    for path in ["/api/users/me", "/api/organizations", "/api/v1/auth/user", "/api/v1/user"] {
        fits("get", path, ada.get(path).await);
    }
    fits("get", "/api/organizations", ada.get("/api/organizations?pageSize=5").await);
    let code = fits("post", "/api/organizations/codes", ada.post("/api/organizations/codes", json!({})).await);
    let path = format!("/api/organizations/codes/{}/revoke", code["id"].as_str().expect("an id"));
    fits("post", "/api/organizations/codes/{codeId}/revoke", ada.post_nothing(&path).await);
    let list = format!("/api/organizations/{}/codes", ada.organization);
    fits("get", "/api/organizations/{id}/codes", ada.get(&list).await);
    let profile = ada.json("PUT", "/api/v1/user/profile", &json!({"name": "Ada King"})).await;
    fits("put", "/api/v1/user/profile", profile);
    fits("post", "/v1/auth/handoff", ada.post_nothing("/v1/auth/handoff").await);
    fits("post", "/api/v1/auth/logout", ada.post_nothing("/api/v1/auth/logout").await);
    let refused = app.stranger().get("/api/v1/auth/user").await.assert_status(401).json();
    check(&document, &document["components"]["schemas"]["SynthesqError"], &refused, "refusal");
}

#[tokio::test]
async fn two_schemas_never_share_a_name() {
    let (_app, document) = document().await;
    let response = |path: &str| document["paths"][path].to_string();
    assert!(response("/v1/auth/verify").contains("/VerifiedView"));
    assert!(response("/v1/auth/verify-email").contains("/AddressVerifiedView"));
}

#[tokio::test]
async fn the_reference_shows_every_call_to_anybody() {
    let (app, document) = document().await;
    let stranger = app.stranger();
    let paths = &document["paths"];
    let is_twin = |path: &str, method: &str| {
        let native = path.strip_prefix("/api/").map(|rest| format!("/v1/{rest}"));
        native.is_some_and(|native| paths[native][method.to_lowercase()].is_object())
    };
    let overview = stranger.get("/docs").await.assert_status(200);
    let (mut shown, mut pages) = (0, Vec::new());
    for tag in document["tags"].as_array().expect("tags") {
        let name = tag["name"].as_str().expect("a name");
        let address = format!("/docs/{}", name.to_lowercase().replace(' ', "-"));
        let section = stranger.get(&address).await.assert_status(200);
        for (path, method, operation) in operations(&document) {
            if operation["tags"] != json!([name]) || is_twin(&path, &method) {
                continue;
            }
            let id = operation["operationId"].as_str().expect("an id");
            assert!(overview.body.contains(&format!("href=\"{address}#{id}\"")), "{method} {path}");
            assert!(section.body.contains(&format!("id=\"{id}\"")), "{method} {path}");
            shown += 1;
        }
        pages.push(section);
    }
    let all = operations(&document).into_iter().filter(|(path, method, _)| !is_twin(path, method)).count();
    assert_eq!(shown, all, "every operation has one tag, and the document says what it is about");
    pages.push(overview);
    for page in pages {
        let fetched = page.body.split(" src=\"").skip(1).chain(page.body.split("<link").skip(1));
        assert!(
            fetched.into_iter().all(|rest| !rest.split('>').next().unwrap_or_default().contains("http")),
            "offline"
        );
    }
    let missing = stranger.with_header("accept", "text/html").get("/docs/nothing").await;
    missing.assert_status(404);
}
