//! The server decides, not the page: what a page hides from somebody is refused to them (C09).

use axum::body::Body;

use super::standing;
use crate::support::{App, Browser, Person, Role, form, on_both_engines};
use serde_json::json;

/// A form, and what is posted with it.
type Posted = (&'static str, Vec<(&'static str, String)>);

fn posted(path: &'static str, fields: &[(&'static str, &str)]) -> Posted {
    (path, fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

/// An organization, and the ids of one of everything in it.
struct House {
    ada: Person,
    ben: Person,
    carl: Person,
    code: String,
    invitation: String,
    key: String,
    session: String,
}

async fn house(app: &App) -> House {
    let ada = app.register("ada").await;
    let ben = app.member_of(&ada, "ben", Role::Member).await;
    let carl = app.member_of(&ada, "carl", Role::Member).await;
    let home = format!("/v1/organizations/{}", ada.organization);
    let id = |value: serde_json::Value| value["id"].as_str().expect("an id").to_owned();
    let code = id(ada.post(&format!("{home}/invitation-codes"), json!({})).await.assert_status(201).json());
    let invited = json!({"email": "guest@example.org"});
    let invitation = id(ada.post(&format!("{home}/invitations"), invited).await.assert_status(201).json());
    let key = ada.makes_a_key(json!({"name": "Ada's"})).await.id;
    let session = id(ada.get("/v1/auth/sessions").await.json()[0].clone());
    House { ada, ben, carl, code, invitation, key, session }
}

impl House {
    /// What only administrators of the organization are shown, the kindest first.
    fn administration(&self) -> Vec<Posted> {
        let (carl, code, invitation) =
            (("member", self.carl.id.as_str()), ("code", self.code.as_str()), ("invitation", self.invitation.as_str()));
        vec![
            posted("/fn/make-code", &[("code[role]", "MEMBER"), ("code[maxUses]", "1")]),
            posted("/fn/revoke-code", &[code]),
            posted("/fn/reactivate-code", &[code]),
            posted("/fn/invite", &[("invite[email]", "another@example.org"), ("invite[role]", "MEMBER")]),
            posted("/fn/resend-invitation", &[invitation]),
            posted("/fn/show-invitation", &[invitation]),
            posted("/fn/withdraw-invitation", &[invitation]),
            posted("/fn/policy", &[("policy[trustedDeviceDays]", "7")]),
            posted(
                "/fn/sign-in-policy",
                &[("signin[signInMethods][0]", "password"), ("signin[accessTokenSeconds]", "900")],
            ),
            posted(
                "/fn/change-member",
                &[carl, ("change[role]", "MANAGER"), ("change[place]", "live"), ("change[before]", "live")],
            ),
            posted("/fn/remove-member", &[carl]),
        ]
    }

    /// What is ada's own.
    fn own(&self) -> Vec<Posted> {
        vec![
            posted("/fn/end-overlap", &[("key", &self.key)]),
            posted("/fn/rotate-key", &[("key", &self.key), ("rotate[overlapSeconds]", "0")]),
            posted("/fn/revoke-key", &[("key", &self.key), ("revoke[reason]", "because")]),
            posted("/fn/end-session", &[("session", &self.session)]),
        ]
    }

    /// What only landlords are shown.
    fn platform(&self) -> Vec<Posted> {
        let tenant = ("tenant", self.ada.organization.as_str());
        vec![
            posted("/fn/try-mail", &[]),
            posted(
                "/fn/open-tenant",
                &[("superuser[organizationName]", "Red Hill"), ("superuser[email]", "olga@example.org")],
            ),
            posted("/fn/invite-owner", &[tenant, ("owner[email]", "oscar@example.org")]),
            posted("/fn/suspend-tenant", &[tenant, ("suspend[reason]", "because")]),
            posted("/fn/resume-tenant", &[tenant]),
            posted("/fn/sign-out-tenant", &[tenant]),
        ]
    }
}

async fn posts(browser: &Browser, (path, fields): &Posted) -> crate::support::Reply {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.scripts().post_form(path, &form(&browser.csrf, &fields)).await
}

on_both_engines! {
    async fn c09_forms_that_a_role_is_not_shown_are_refused_to_it(app) with ["mailbox", "--rate-limits=relaxed"] {
        let house = house(&app).await;
        let (mut nobody, mut ben) = (Browser::new(&app.stranger()), Browser::new(&app.stranger()));
        nobody.get("/login").await.assert_status(200);
        let there = json!({"email": house.ben.email, "password": crate::support::PASSWORD, "organizationId": house.ada.organization});
        let opened = app.stranger().same_origin().post("/v1/auth/login", there).await.assert_status(200);
        let cookie = opened.session_cookie().and_then(|pair| pair.split_once('=').map(|(_, value)| value.to_owned()));
        ben.cookies.insert("__Host-latchkey".to_owned(), cookie.expect("a cookie"));
        ben.get("/settings/profile").await.assert_status(200);
        let before = standing(&house.ada).await;
        for posted in house.administration().iter().chain(&house.platform()).chain(&house.own()) {
            let refused = posts(&nobody, posted).await;
            assert!([401, 403].contains(&refused.status.as_u16()), "{} by nobody: {refused:?}", posted.0);
            let refused = posts(&ben, posted).await;
            assert!([403, 404].contains(&refused.status.as_u16()), "{} by a member: {refused:?}", posted.0);
        }
        let shared = posted("/fn/create-key", &[("key[name]", "Shared"), ("key[scopes][]", "read"), ("key[owner]", "organization"), ("key[life]", "90")]);
        posts(&ben, &shared).await.assert_status(403);
        assert_eq!(standing(&house.ada).await, before, "nothing has changed");

        // The same forms do their work for those whom they are shown to.
        let ada = app.browser_of(&house.ada).await;
        for posted in house.administration().iter().chain(&house.own()[1..]) {
            posts(&ada, posted).await.assert_status(200);
        }
        for posted in &house.platform() {
            posts(&ada, posted).await.assert_status(403);
        }
        let lena = app.browser_of(&app.landlord("lena").await).await;
        for posted in &house.platform()[1..] {
            posts(&lena, posted).await.assert_status(200);
        }
    }

    async fn c09_pages_and_dialogs_that_are_not_linked_are_not_shown_either(app) with ["--rate-limits=relaxed"] {
        let house = house(&app).await;
        let mut ben = Browser::new(&app.stranger());
        ben.signs_in(&house.ben).await;
        ben.get("/settings/profile").await;
        ben.post("/fn/switch-organization", &[("organization", &house.ada.organization)]).await.assert_status(303);
        let answer = ben.get("/settings/audit").await.assert_status(403);
        assert!(!answer.body.contains("ada@example.org"), "{answer:?}");
        ben.get("/landlord").await.assert_status(403);
        for dialog in ["change", "reset", "remove"] {
            let page = ben.get(&format!("/settings/organization?dialog={dialog}&member={}", house.carl.id)).await;
            assert!([200, 403].contains(&page.status.as_u16()), "{page:?}");
            assert!(!page.body.contains("/fn/change-member") && !page.body.contains("/fn/remove-member") && !page.body.contains("/fn/reset-member"), "{dialog}");
        }
        let keys = ben.get(&format!("/settings/api-keys?dialog=rotate&key={}", house.key)).await.assert_status(200);
        assert!(!keys.body.contains("Ada&#x27;s") && !keys.body.contains("Ada's"), "{keys:?}");
        let ada = app.browser_of(&house.ada).await;
        ada.sends().get("/landlord").await.assert_status(403);
        ada.sends().get("/settings/audit").await.assert_status(200);
        let nobody = Browser::new(&app.stranger()).sends();
        for path in ["/landlord", "/settings/audit", "/settings/organization", "/settings/security", "/settings/profile", "/settings/api-keys"] {
            nobody.send("HEAD", path, None, Body::empty()).await.assert_status(303);
        }
    }
}
