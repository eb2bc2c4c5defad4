//! Requests from elsewhere, and pages (C01 to C14). What only a browser can tell of C06 and C07 is proven in one.

mod csrf;
mod input;
mod inside;
mod limits;
mod log;
mod pages;
mod tenants;

use crate::support::Person;

/// All that somebody sees of what is theirs, their audit log included: what may not change when something is refused.
async fn standing(person: &Person) -> Vec<String> {
    let home = format!("/v1/organizations/{}", person.organization);
    let own = ["me", "sessions", "2fa/status", "2fa/trusted-devices"].map(|path| format!("/v1/auth/{path}"));
    let houses = ["", "/members", "/policy", "/invitations", "/invitation-codes"].map(|path| format!("{home}{path}"));
    let lists = ["/v1/api-keys?limit=100", "/v1/audit-events?limit=100", "/v1/organizations"].map(str::to_owned);
    let mut all = Vec::new();
    for path in own.into_iter().chain(houses).chain(lists) {
        all.push(person.get(&path).await.assert_status(200).body);
    }
    all
}
