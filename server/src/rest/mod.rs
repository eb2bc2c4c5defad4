//! The API.
//!
//! Rules for everything in here:
//! - A handler takes who is asking ([`who`]), what is asked ([`body`]), calls one verb of the core, and answers
//!   ([`answer`]). It decides nothing.
//! - A route exists by being in [`native`], [`outside`] or a file of [`crate::dialects`], and so stands in the OpenAPI document; what the document says of errors,
//!   limits and credentials is added for all operations at once in [`crate::openapi`].
//! - The native API answers under `/v1` and under `/api`, with the same handlers but for two.
//! - Created things answer 201 with the thing; what has no body of its own answers `{success:true}`.
//! - Bodies that cannot be read are 4xx with a sentence for each wrong field; ids of the wrong form are 404.

use axum::routing::any;
use latchkey::Latchkey;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

pub mod account;
pub mod address;
pub mod answer;
pub mod api_keys;
pub mod around;
pub mod audit;
pub mod body;
pub mod cookies;
pub mod failure;
pub mod handoff;
pub mod invitation_codes;
pub mod invitations;
pub mod landlord;
pub mod links;
pub mod magic_link;
pub mod mail;
pub mod organizations;
pub mod policy;
pub mod recovery;
pub mod sessions;
pub mod sign_in;
pub mod tokens;
pub mod two_factor;
pub mod verification;
pub mod who;

/// A route with its description.
type Described = UtoipaMethodRouter<Latchkey>;

/// The native API under `/v1`.
pub fn native() -> OpenApiRouter<Latchkey> {
    let own = vec![routes!(sign_in::login), routes!(organizations::list_organizations)];
    under("/v1", shared().chain(own))
        .route(verification::HELD_BACK, any(verification::forward_below))
        // OpenAPI has no words for a path of any length.
        .route(&format!("{}{{*path}}", verification::HELD_BACK), any(verification::forward_below))
}

/// What is the same under `/api`; the rest of it is in [`crate::dialects::salesos`].
pub fn mirrored() -> OpenApiRouter<Latchkey> {
    under("/api", shared())
}

fn shared() -> impl Iterator<Item = Described> {
    [accounts(), two_factor(), organizations(), joining(), landlord(), mailed(), keys()].into_iter().flatten()
}

/// Routes under one of the bases. Not by `nest`, which writes the address of every request anew.
fn under(base: &str, routes: impl Iterator<Item = Described>) -> OpenApiRouter<Latchkey> {
    routes.fold(OpenApiRouter::new(), |router, (schemas, mut paths, methods)| {
        let under = |(path, item)| (format!("{base}{path}"), item);
        paths.paths = std::mem::take(&mut paths.paths).into_iter().map(under).collect();
        router.routes((schemas, paths, methods))
    })
}

fn accounts() -> Vec<Described> {
    vec![
        routes!(sign_in::register),
        routes!(sign_in::oauth_status),
        routes!(tokens::refresh),
        routes!(tokens::switch_organization),
        routes!(tokens::csrf_token),
        routes!(handoff::hand_off),
        routes!(handoff::redeem_handoff),
        routes!(sessions::logout),
        routes!(sessions::logout_all),
        routes!(sessions::list_sessions),
        routes!(sessions::count_sessions),
        routes!(sessions::end_session),
        routes!(account::me),
        routes!(account::profile),
        routes!(account::update_profile),
        routes!(account::change_password),
        routes!(verification::verify),
        routes!(verification::forward),
        routes!(verification::introspect),
    ]
}

fn two_factor() -> Vec<Described> {
    vec![
        routes!(two_factor::two_factor_status),
        routes!(two_factor::set_up_two_factor),
        routes!(two_factor::verify_two_factor_setup),
        routes!(two_factor::verify_two_factor),
        routes!(two_factor::reauthenticate),
        routes!(two_factor::disable_two_factor),
        routes!(two_factor::backup_codes),
        routes!(two_factor::regenerate_backup_codes),
        routes!(two_factor::trusted_devices, two_factor::add_trusted_device, two_factor::forget_trusted_devices),
        routes!(two_factor::forget_trusted_device),
    ]
}

fn organizations() -> Vec<Described> {
    vec![
        routes!(organizations::create_organization),
        routes!(organizations::my_organization),
        routes!(
            organizations::get_organization,
            organizations::update_organization,
            organizations::delete_organization
        ),
        routes!(organizations::list_members),
        routes!(organizations::update_member, organizations::remove_member),
        routes!(organizations::member_api_keys),
        routes!(organizations::revoke_member_tokens),
        routes!(policy::organization_policy, policy::update_organization_policy),
        routes!(policy::reset_member_two_factor),
        routes!(audit::audit_events),
    ]
}

fn joining() -> Vec<Described> {
    vec![
        routes!(invitations::list_invitations, invitations::invite),
        routes!(invitations::resend_invitation),
        routes!(invitations::show_invitation_link),
        routes!(invitations::withdraw_invitation),
        routes!(invitations::get_invitation),
        routes!(invitations::accept_invitation),
        routes!(invitation_codes::list_invitation_codes, invitation_codes::create_invitation_code),
        routes!(invitation_codes::revoke_invitation_code),
        routes!(invitation_codes::reactivate_invitation_code),
        routes!(invitation_codes::validate_code),
    ]
}

fn landlord() -> Vec<Described> {
    vec![
        routes!(landlord::list_tenants, landlord::create_tenant),
        routes!(landlord::update_tenant),
        routes!(landlord::invite_superuser),
        routes!(landlord::revoke_tenant_tokens),
        routes!(landlord::update_user),
        routes!(landlord::revoke_user_tokens),
        routes!(policy::reset_user_two_factor),
    ]
}

fn mailed() -> Vec<Described> {
    vec![
        routes!(magic_link::ask_magic_link, magic_link::open_magic_link),
        routes!(magic_link::sign_in_by_mail),
        routes!(recovery::forgot_password),
        routes!(recovery::verify_reset_code),
        routes!(recovery::reset_password),
        routes!(recovery::secure_account),
        routes!(address::verify_email, address::open_verification),
        routes!(address::resend_verification),
        routes!(address::change_email),
        routes!(mail::mail_status),
        routes!(mail::send_test_mail),
    ]
}

fn keys() -> Vec<Described> {
    vec![
        routes!(api_keys::create_api_key, api_keys::list_api_keys),
        routes!(api_keys::organization_api_key_stats),
        routes!(api_keys::revoke_own_api_key),
        routes!(api_keys::get_api_key, api_keys::update_api_key, api_keys::delete_api_key),
        routes!(api_keys::revoke_api_key),
        routes!(api_keys::regenerate_api_key),
        routes!(api_keys::end_api_key_overlap),
        routes!(api_keys::dismiss_unusual_use),
        routes!(api_keys::api_key_usage),
        routes!(api_keys::api_key_stats),
        routes!(api_keys::test_api_key),
    ]
}

/// What stands around the API, each at one address only.
pub fn outside() -> OpenApiRouter<Latchkey> {
    OpenApiRouter::new()
        .routes(routes!(around::healthz))
        .routes(routes!(around::readyz))
        .routes(routes!(around::whoami))
        .routes(routes!(around::openapi_document))
        .routes(routes!(around::jwks))
        .routes(routes!(around::change_password_page))
        .routes(routes!(around::security_txt))
}
