//! The wall between tenants (C08): for every route and every credential, what another organization has looks
//! byte for byte like what does not exist, and stays as it was.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{App, Client, PASSWORD, Person, Role, on_both_engines};

/// The operations with an id of another tenant to be tried, each with a body that would be fine at home. A route with an id
/// that is not in here fails the test: put it in.
fn bodies() -> BTreeMap<&'static str, Value> {
    let nothing = || json!({});
    BTreeMap::from([
        ("DELETE /auth/sessions/{id}", nothing()),
        ("DELETE /auth/2fa/trusted-devices/{deviceId}", nothing()),
        ("GET /api-keys/{id}", nothing()),
        ("PATCH /api-keys/{id}", json!({"name": "Taken over"})),
        ("DELETE /api-keys/{id}", nothing()),
        ("POST /api-keys/{id}/revoke", json!({"reason": "because"})),
        ("POST /api-keys/{id}/regenerate", nothing()),
        ("POST /api-keys/{id}/end-overlap", nothing()),
        ("POST /api-keys/{id}/dismiss-unusual-use", nothing()),
        ("GET /api-keys/{id}/usage", nothing()),
        ("GET /api-keys/{id}/stats", nothing()),
        ("POST /api-keys/{id}/test", nothing()),
        ("GET /organizations/{id}", nothing()),
        ("PATCH /organizations/{id}", json!({"name": "Taken over"})),
        ("DELETE /organizations/{id}", nothing()),
        ("GET /organizations/{id}/members", nothing()),
        ("PATCH /organizations/{id}/members/{userId}", json!({"role": "MEMBER"})),
        ("DELETE /organizations/{id}/members/{userId}", nothing()),
        ("GET /organizations/{id}/members/{userId}/api-keys", nothing()),
        ("POST /organizations/{id}/members/{userId}/revoke-tokens", nothing()),
        ("POST /organizations/{id}/members/{userId}/reset-two-factor", json!({"reason": "because"})),
        ("GET /organizations/{id}/policy", nothing()),
        ("PATCH /organizations/{id}/policy", json!({"trustedDevices": false})),
        ("GET /organizations/{id}/invitations", nothing()),
        ("POST /organizations/{id}/invitations", json!({"email": "guest@example.org"})),
        ("DELETE /organizations/{id}/invitations/{invitationId}", nothing()),
        ("POST /organizations/{id}/invitations/{invitationId}/resend", nothing()),
        ("POST /organizations/{id}/invitations/{invitationId}/link", nothing()),
        ("GET /organizations/{id}/invitation-codes", nothing()),
        ("POST /organizations/{id}/invitation-codes", json!({"role": "ADMIN"})),
        ("POST /organizations/{id}/invitation-codes/{codeId}/revoke", nothing()),
        ("POST /organizations/{id}/invitation-codes/{codeId}/reactivate", nothing()),
        ("PATCH /landlord/tenants/{id}", json!({"status": "suspended"})),
        ("POST /landlord/tenants/{id}/revoke-tokens", nothing()),
        ("PATCH /landlord/users/{id}", json!({"status": "disabled"})),
        ("POST /landlord/users/{id}/revoke-tokens", nothing()),
        ("POST /landlord/users/{id}/reset-two-factor", json!({"reason": "because"})),
        ("GET /api/organizations/{id}/codes", nothing()),
        ("POST /api/organizations/codes/{codeId}/revoke", nothing()),
        ("POST /api/organizations/codes/{codeId}/reactivate", nothing()),
    ])
}

/// The operations behind a secret instead: whoever has the link of an invitation may look at it.
const BY_SECRET: [&str; 3] =
    ["GET /invitations/{token}", "POST /invitations/{token}/accept", "POST /api/v1/invitations/{token}/accept"];

/// Who looks after the platform: may look at tenants as such, and at nothing in them.
const LANDLORD: &str = "landlord";

/// A tenant with one of everything.
struct Tenant {
    owner: Person,
    member: Person,
    ids: BTreeMap<&'static str, String>,
    credentials: Vec<(&'static str, Client)>,
}

async fn tenant(app: &App, name: &str) -> Tenant {
    let owner = app.register(name).await;
    app.enrols(&owner).await;
    let member = app.member_of(&owner, &format!("{name}-member"), Role::Member).await;
    app.enrols(&member).await;
    let device = json!({"deviceName": "Laptop", "deviceType": "desktop", "deviceFingerprint": name});
    let device = owner.post("/v1/auth/2fa/trusted-devices", device).await.assert_status(201).json();
    let personal = owner.makes_a_key(json!({"name": "Own", "scopes": ["admin"]})).await;
    let shared = owner.makes_a_key(json!({"name": "Shared", "scopes": ["admin"], "owner": "organization"})).await;
    let home = format!("/v1/organizations/{}", owner.organization);
    let invitation = json!({"email": format!("guest-of-{name}@example.org")});
    let invitation = owner.post(&format!("{home}/invitations"), invitation).await.assert_status(201).json();
    let code = owner.post(&format!("{home}/invitation-codes"), json!({})).await.assert_status(201).json();
    let sessions = owner.get("/v1/auth/sessions").await.json();
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    let ids = BTreeMap::from([
        ("session", text(&sessions[0]["id"])),
        ("device", text(&device["id"])),
        ("key", personal.id.clone()),
        ("organization", owner.organization.clone()),
        ("user", member.id.clone()),
        ("invitation", text(&invitation["id"])),
        ("code", text(&code["id"])),
    ]);
    let credentials = vec![
        ("owner", owner.client.clone()),
        ("member", member.client.clone()),
        ("personal key", owner.with_key(&personal.secret)),
        ("organization key", owner.with_key(&shared.secret)),
    ];
    Tenant { owner, member, ids, credentials }
}

/// Ids that nothing has, of the same kinds.
fn unknown() -> BTreeMap<&'static str, String> {
    let id = |prefix: &str| format!("{prefix}01kbk3x5g0r8m4t2v6w9y1z3b5");
    BTreeMap::from([
        ("session", id("ses_")),
        ("device", id("dev_")),
        ("key", id("key_")),
        ("organization", id("org_")),
        ("user", id("usr_")),
        ("invitation", id("inv_")),
        ("code", id("cod_")),
    ])
}

fn filled(path: &str, ids: &BTreeMap<&'static str, String>) -> String {
    let kind = match path {
        _ if path.starts_with("/auth/sessions") => "session",
        _ if path.starts_with("/api-keys") => "key",
        _ if path.starts_with("/landlord/users") => "user",
        _ => "organization",
    };
    let named = [
        ("{id}", kind),
        ("{userId}", "user"),
        ("{deviceId}", "device"),
        ("{invitationId}", "invitation"),
        ("{codeId}", "code"),
    ];
    named.into_iter().fold(path.to_owned(), |path, (name, kind)| path.replace(name, &ids[kind]))
}

/// Status, headers and body, without what is different for every request.
fn seen(reply: &crate::support::Reply) -> String {
    let id = reply.header("x-request-id").to_owned();
    let headers: BTreeMap<_, _> = reply
        .headers
        .iter()
        .filter(|(name, _)| !name.as_str().starts_with("x-ratelimit"))
        .map(|(name, value)| (name.as_str(), format!("{value:?}").replace(&id, "")))
        .collect();
    format!("{} {headers:?} {}", reply.status, reply.body.replace(&id, ""))
}

on_both_engines! {
    async fn c08_what_another_tenant_has_does_not_exist(app) with ["--rate-limits=relaxed"] {
        let mut ours = tenant(&app, "ours").await;
        ours.credentials.push((LANDLORD, app.landlord("landlord").await.client));
        let theirs = tenant(&app, "theirs").await;
        let before = standing(&theirs).await;
        let document = app.stranger().get("/openapi.json").await.json();
        let bodies = bodies();
        let mut walked = 0;
        for (path, item) in document["paths"].as_object().expect("paths") {
            let is_mirrored = path.strip_prefix("/api").is_some_and(|path| document["paths"].get(format!("/v1{path}")).is_some());
            if !path.contains('{') || is_mirrored {
                continue;
            }
            let (base, path) = path.strip_prefix("/v1").map_or(("", path.as_str()), |path| ("/v1", path));
            for method in item.as_object().expect("methods").keys().map(|method| method.to_uppercase()) {
                let operation = format!("{method} {path}");
                if BY_SECRET.contains(&operation.as_str()) {
                    continue;
                }
                let body = bodies.get(operation.as_str()).unwrap_or_else(|| panic!("{operation} is not walked"));
                // At home too, what hangs below is looked for at home alone.
                let at_home = |ids: &BTreeMap<&'static str, String>| {
                    let home = ("organization", ours.ids["organization"].clone());
                    ids.clone().into_iter().chain([home]).collect::<BTreeMap<_, _>>()
                };
                let below = path.starts_with("/organizations/{id}/") && path.matches('{').count() > 1;
                let may_look = |who: &str| who == LANDLORD && path.starts_with("/landlord/");
                for (who, client) in ours.credentials.iter().filter(|(who, _)| !may_look(who)) {
                    let foreign = client.json(&method, &format!("{base}{}", filled(path, &theirs.ids)), body).await;
                    let nothing = client.json(&method, &format!("{base}{}", filled(path, &unknown())), body).await;
                    assert_eq!(seen(&foreign), seen(&nothing), "{operation} by {who}");
                    assert!(foreign.status.is_client_error(), "{operation} by {who}: {foreign:?}");
                    if below {
                        let foreign = client.json(&method, &format!("{base}{}", filled(path, &at_home(&theirs.ids))), body).await;
                        let nothing = client.json(&method, &format!("{base}{}", filled(path, &at_home(&unknown()))), body).await;
                        assert_eq!(seen(&foreign), seen(&nothing), "{operation} at home by {who}");
                    }
                    walked += 1;
                }
            }
        }
        let of_landlords = bodies.keys().filter(|operation| operation.contains(" /landlord/")).count();
        assert_eq!(walked, bodies.len() * ours.credentials.len() - of_landlords);
        assert_eq!(standing(&theirs).await, before, "and nothing of theirs has changed");
    }

    async fn c08_a_foreign_organization_in_a_header_does_not_exist_either(app) with ["--rate-limits=relaxed"] {
        let ours = tenant(&app, "ours").await;
        let theirs = tenant(&app, "theirs").await;
        for (who, client) in &ours.credentials {
            for path in ["/v1/organizations/my-organization", "/v1/api-keys", "/v1/audit-events", "/v1/auth/verify"] {
                let foreign = client.with_header("x-organization-id", &theirs.ids["organization"]).get(path).await;
                let nothing = client.with_header("x-organization-id", &unknown()["organization"]).get(path).await;
                assert_eq!(seen(&foreign), seen(&nothing), "{path} by {who}");
                foreign.assert_refused(404, "not_found");
            }
        }
    }

    async fn c08_ids_of_another_tenant_in_a_body_lead_nowhere(app) with ["--rate-limits=relaxed"] {
        let ours = tenant(&app, "ours").await;
        let theirs = tenant(&app, "theirs").await;
        let before = standing(&theirs).await;
        let home = format!("/v1/organizations/{}", ours.owner.organization);
        let with = |ids: &BTreeMap<&'static str, String>| {
            let (organization, user) = (&ids["organization"], &ids["user"]);
            [
                ("POST", "/v1/auth/switch-organization".to_owned(), json!({"organizationId": organization})),
                ("POST", "/v1/api-keys".to_owned(), json!({"name": "Wide", "organizationIds": [organization]})),
                ("PATCH", format!("/v1/api-keys/{}", ours.ids["key"]), json!({"organizationIds": [organization]})),
                ("POST", "/api/organizations/codes".to_owned(), json!({"organizationId": organization})),
                ("POST", "/api/v1/admin/tokens/revoke".to_owned(), json!({"userId": user})),
                ("PATCH", format!("{home}/members/{user}"), json!({"role": "MEMBER"})),
                ("DELETE", format!("{home}/members/{user}"), json!({})),
                ("POST", "/v1/auth/login".to_owned(), json!({"email": ours.owner.email, "password": PASSWORD, "organizationId": organization})),
                ("POST", "/v1/landlord/superusers".to_owned(), json!({"email": "x@example.org", "organizationId": organization})),
            ]
        };
        for (who, client) in &ours.credentials {
            for ((method, path, body), (_, nowhere, nothing)) in with(&theirs.ids).into_iter().zip(with(&unknown())) {
                let foreign = client.json(method, &path, &body).await;
                let nothing = client.json(method, &nowhere, &nothing).await;
                assert_eq!(seen(&foreign), seen(&nothing), "{method} {path} by {who}");
                // Whoever has a second factor is asked for it before anything is said of organizations.
                let waits = foreign.json()["requiresTwoFactor"] == true;
                assert!(foreign.status.is_client_error() || waits, "{method} {path} by {who}: {foreign:?}");
            }
        }
        assert_eq!(standing(&theirs).await, before, "and nothing of theirs has changed");
    }

    async fn c08_lists_hold_what_is_ones_own_however_they_are_filtered(app) with ["--rate-limits=relaxed"] {
        let ours = tenant(&app, "ours").await;
        let theirs = tenant(&app, "theirs").await;
        let secrets: Vec<&str> = theirs.ids.values().map(String::as_str).chain([theirs.owner.id.as_str(), "theirs"]).collect();
        for (who, client) in &ours.credentials {
            for path in ["/v1/api-keys", "/v1/organizations", "/v1/audit-events", "/v1/auth/sessions", "/v1/landlord/tenants",
                "/v1/auth/2fa/trusted-devices", "/api/organizations"] {
                for filter in ["", "search=theirs", "organizationId=THEM", "organization=THEM", "actor=USER", "target=KEY", "userId=USER", "owner=USER",
                    "status=ACTIVE&organizationId=THEM", "sortBy=name&limit=100", "search=%25", "search=_"] {
                    let filter = filter.replace("THEM", &theirs.owner.organization).replace("USER", &theirs.owner.id).replace("KEY", &theirs.ids["key"]);
                    let answer = client.get(&format!("{path}?{filter}")).await;
                    for secret in &secrets {
                        assert!(!answer.body.contains(secret), "{path}?{filter} by {who}: {answer:?}");
                    }
                }
            }
        }
    }

    async fn c08_nobody_writes_what_is_not_theirs_to_write(app) with ["--rate-limits=relaxed"] {
        let ours = tenant(&app, "ours").await;
        let me = ours.owner.get("/v1/auth/me").await.assert_status(200).body;
        let fields = json!({
            "id": "usr_01kbk3x5g0r8m4t2v6w9y1z3b5", "role": "SUPER_ADMIN", "organizationRole": "OWNER", "emailVerified": true, "isActive": true,
            "tenant_id": "x", "tenantId": "x", "landlord": true, "isAdmin": true, "passwordHash": "x", "createdAt": "2020-01-01T00:00:00Z",
            "email": "other@example.org", "__proto__": {"role": "ADMIN"}, "constructor": {}, "secret": "x", "mac": "x", "usageCount": 0, "slug": "x",
        });
        let home = format!("/v1/organizations/{}", ours.owner.organization);
        let places = [
            ("POST", "/v1/auth/update-profile".to_owned()), ("PUT", "/api/users/me".to_owned()), ("PUT", "/api/v1/user/profile".to_owned()),
            ("PATCH", format!("/v1/api-keys/{}", ours.ids["key"])), ("PATCH", home.clone()), ("PATCH", format!("{home}/policy")),
            ("PATCH", format!("{home}/members/{}", ours.member.id)),
        ];
        for (method, path) in &places {
            for (name, value) in fields.as_object().expect("an object") {
                let known = (path.ends_with(&ours.member.id) && ["role", "isActive"].contains(&name.as_str()))
                    || (path.ends_with("profile") && path.contains("/v1/user") && name == "email");
                if known {
                    continue;
                }
                let answer = ours.owner.json(method, path, &json!({ name: value })).await;
                assert!([400, 422].contains(&answer.status.as_u16()), "{name} at {path}: {answer:?}");
            }
        }
        let place = format!("{home}/members/{}", ours.member.id);
        for role in ["SUPER_ADMIN", "LANDLORD", "owner", "ADMIN\u{0}", ""] {
            ours.owner.patch(&place, json!({"role": role})).await.assert_status(400);
        }
        assert_eq!(ours.owner.get("/v1/auth/me").await.body, me);
    }
}

/// All that a tenant sees of itself, its audit log included.
async fn standing(tenant: &Tenant) -> Vec<String> {
    let organization = format!("/v1/organizations/{}", tenant.owner.organization);
    let mut all = Vec::new();
    for path in [
        organization.clone(),
        format!("{organization}/members"),
        format!("{organization}/policy"),
        format!("{organization}/invitations"),
        format!("{organization}/invitation-codes"),
        "/v1/api-keys".to_owned(),
        "/v1/auth/sessions/count".to_owned(),
        "/v1/auth/2fa/status".to_owned(),
        "/v1/auth/2fa/trusted-devices".to_owned(),
        "/v1/audit-events?limit=100".to_owned(),
    ] {
        all.push(tenant.owner.get(&path).await.assert_status(200).body);
    }
    all.push(tenant.member.get("/v1/auth/2fa/status").await.assert_status(200).body);
    all
}
