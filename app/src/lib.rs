//! Latchkey's pages.
//!
//! Everything here is rendered on the server. The browser's half is [`islands`] alone: small behaviours over HTML that
//! already works without them. That is why this crate, compiled for the browser, holds neither the core nor the router.
//!
//! A page is one component in `pages/<area>/<page>.rs` and one line in [`App`]; the addresses its forms post to stand in
//! the same file. It reads through the core's verbs and changes nothing; a form's address changes one thing through one
//! verb and answers with the next page. What a request carries and what an answer does besides showing a page is the
//! business of [`request`] alone; words for failures that of [`error`]; addresses that of [`routes`]. The OpenAPI document is
//! read for `/docs` by [`reference`].
//!
//! Forms do not use Leptos' `ActionForm`: one island makes every form alive (21 November 2026; a typed action for every
//! form would cost some 2 KB each, and the page behind has to be rendered for browsers without a script anyway).

#![expect(
    clippy::needless_pass_by_value,
    reason = "the parameters of components and event handlers are owned by their kind"
)]

pub mod islands;
pub mod words;

#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
mod format;
#[cfg(feature = "ssr")]
mod note;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod reference;
#[cfg(feature = "ssr")]
pub mod request;
#[cfg(feature = "ssr")]
mod routes;
#[cfg(feature = "ssr")]
mod shell;

#[cfg(feature = "ssr")]
pub use self::reference::{Lazily, Reference};
#[cfg(feature = "ssr")]
pub use self::shell::{Assets, shell};
#[cfg(feature = "ssr")]
pub use self::site::App;

#[cfg(feature = "ssr")]
mod site {
    use crate::pages::front::{
        confirm::ConfirmPage, forgot_password::ForgotPasswordPage, magic_link::MagicLinkPage,
        reset_password::ResetPasswordPage, secure_account::SecureAccountPage, third_party::ThirdPartyPage,
        two_factor::TwoFactorPage, verify_email::VerifyEmailPage,
    };
    use crate::pages::settings::audit::AuditPage;
    use crate::pages::settings::organization::OrganizationPage;
    use crate::pages::{
        api_keys::ApiKeysPage, front, home::HomePage, landlord::LandlordPage, mailbox::MailboxPage,
        reference::ReferencePage, settings, trouble::NotFoundPage,
    };
    use crate::routes::Page;
    use leptos::prelude::*;
    use leptos_meta::provide_meta_context;
    use leptos_router::SsrMode;
    use leptos_router::components::{FlatRoutes, Route, Router};

    /// All pages.
    #[component]
    pub fn App() -> impl IntoView {
        provide_meta_context();
        let whole = SsrMode::Async;
        view! {
            <Router>
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=Page::Home.segments() view=HomePage ssr=whole.clone()/>
                    <Route path=Page::Login.segments() view=front::login::LoginPage ssr=whole.clone()/>
                    <Route path=Page::TwoFactor.segments() view=TwoFactorPage ssr=whole.clone()/>
                    <Route path=Page::Confirm.segments() view=ConfirmPage ssr=whole.clone()/>
                    <Route path=Page::Register.segments() view=front::register::RegisterPage ssr=whole.clone()/>
                    <Route path=Page::SetUp.segments() view=front::set_up::SetUpPage ssr=whole.clone()/>
                    <Route path=Page::MagicLink.segments() view=MagicLinkPage ssr=whole.clone()/>
                    <Route path=Page::ForgotPassword.segments() view=ForgotPasswordPage ssr=whole.clone()/>
                    <Route path=Page::ResetPassword.segments() view=ResetPasswordPage ssr=whole.clone()/>
                    <Route path=Page::VerifyEmail.segments() view=VerifyEmailPage ssr=whole.clone()/>
                    <Route path=Page::SecureAccount.segments() view=SecureAccountPage ssr=whole.clone()/>
                    <Route path=Page::SecureAccount.segments_below() view=SecureAccountPage ssr=whole.clone()/>
                    <Route path=Page::ThirdPartySignIn.segments() view=ThirdPartyPage ssr=whole.clone()/>
                    <Route path=Page::Invite.segments() view=front::invite::InvitePage ssr=whole.clone()/>
                    <Route path=Page::Invite.segments_below() view=front::invite::InvitePage ssr=whole.clone()/>
                    <Route path=Page::Mailbox.segments() view=MailboxPage ssr=whole.clone()/>
                    <Route path=Page::Landlord.segments() view=LandlordPage ssr=whole.clone()/>
                    <Route path=Page::Profile.segments() view=settings::profile::ProfilePage ssr=whole.clone()/>
                    <Route path=Page::Security.segments() view=settings::security::SecurityPage ssr=whole.clone()/>
                    <Route path=Page::Organization.segments() view=OrganizationPage ssr=whole.clone()/>
                    <Route path=Page::Audit.segments() view=AuditPage ssr=whole.clone()/>
                    <Route path=Page::ApiKeys.segments() view=ApiKeysPage ssr=whole.clone()/>
                    <Route path=Page::Reference.segments() view=ReferencePage ssr=whole.clone()/>
                    <Route path=Page::Reference.segments_below() view=ReferencePage ssr=whole/>
                </FlatRoutes>
            </Router>
        }
    }
}
