//! What an answer does to the sessions of the browser: it keeps them, ends them, and says where to go on.

use super::{add_header, cookie, latchkey, set_cookie};
use crate::routes::Page;
use axum::http::HeaderName;
use latchkey::flow::address::Verified;
use latchkey::flow::enrol::Renewed;
use latchkey::flow::gate::{DEVICES_COOKIE, DeviceTokens, DevicesCookie, Entered, HALF_COOKIE, SecondFactorDue};
use latchkey::flow::joining::Accepted;
use latchkey::flow::sign_in::{Opening, SESSION_COOKIE, SessionCookie, SignedIn, VISITOR_COOKIE};
use latchkey::flow::sign_up::SignedUp;
use latchkey::{Error, Latchkey};

/// What a verb gives that may open a session.
pub trait Opens {
    /// The session, if it did.
    fn opened(&self) -> Option<&SignedIn>;

    /// The second step, if that is what comes now.
    fn due(&self) -> Option<&SecondFactorDue> {
        None
    }
}

impl Opens for Entered {
    fn opened(&self) -> Option<&SignedIn> {
        match self {
            Self::SignedIn(signed_in) => Some(signed_in),
            Self::SecondFactorDue(_) => None,
        }
    }

    fn due(&self) -> Option<&SecondFactorDue> {
        match self {
            Self::SignedIn(_) => None,
            Self::SecondFactorDue(due) => Some(due),
        }
    }
}

impl Opens for SignedIn {
    fn opened(&self) -> Option<&SignedIn> {
        Some(self)
    }
}

impl Opens for SignedUp {
    fn opened(&self) -> Option<&SignedIn> {
        match self {
            Self::Open(signed_in) => Some(signed_in),
            Self::ToVerify(_) => None,
        }
    }
}

impl Opens for Accepted {
    fn opened(&self) -> Option<&SignedIn> {
        match self {
            Self::SignedUp(made) => made.opened(),
            Self::Entered(known) => known.opened(),
        }
    }

    fn due(&self) -> Option<&SecondFactorDue> {
        match self {
            Self::SignedUp(_) => None,
            Self::Entered(known) => known.due(),
        }
    }
}

impl Opens for Verified {
    fn opened(&self) -> Option<&SignedIn> {
        self.signed_in.as_ref()
    }
}

/// Calls a verb that may open a session, and keeps that in the browser. The one it held before ends.
pub async fn begin_session<T: Opens>(
    open: impl AsyncFnOnce(Latchkey, Opening<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (before, browser, devices) = (cookie(SESSION_COOKIE), browser(), cookie(DEVICES_COOKIE));
    let opening = Opening {
        devices: DeviceTokens::of_browser(devices.as_deref()),
        ..Opening::page(before.as_deref(), browser.as_deref())
    };
    let done = open(latchkey()?, opening).await?;
    if let Some(signed_in) = done.opened() {
        keep_session(signed_in);
    }
    if let Some(due) = done.due() {
        set_cookie(HALF_COOKIE, due.token.reveal(), i64::try_from(due.life.as_secs()).ok());
    }
    Ok(done)
}

/// Where somebody goes who has just come in: on to the second step, to setting up a second factor where that is demanded,
/// or to the page first asked for.
pub fn way_on(done: &impl Opens, next: Option<String>) -> String {
    if done.due().is_some() {
        return Page::TwoFactor.with_known(&[("next", next.as_deref())]);
    }
    let demanded = done.opened().is_some_and(|signed_in| signed_in.view.two_factor_enrolment.is_some());
    if demanded {
        return Page::Security.path().to_owned();
    }
    next.unwrap_or_else(|| Page::FIRST.path().to_owned())
}

/// The right to prove a second factor that this browser holds.
pub fn half_token() -> Option<String> {
    cookie(HALF_COOKIE).filter(|token| !token.is_empty())
}

/// Takes it away.
pub fn forget_half_token() {
    set_cookie(HALF_COOKIE, "", Some(0));
}

/// The secrets of trusted devices that this browser holds.
pub fn devices() -> Option<String> {
    cookie(DEVICES_COOKIE)
}

/// Keeps what a session that goes on has got anew.
pub fn keep_renewed(renewed: &Renewed) {
    keep_cookies(renewed.cookie.as_ref(), None);
}

/// The name of this browser, from its long-lived cookie.
pub fn browser() -> Option<String> {
    cookie(VISITOR_COOKIE).filter(|name| !name.is_empty())
}

/// Keeps a session in the browser.
pub fn keep_session(signed_in: &SignedIn) {
    keep_cookies(signed_in.cookie.as_ref(), signed_in.devices.as_ref());
}

fn keep_cookies(session: Option<&SessionCookie>, devices: Option<&DevicesCookie>) {
    let seconds = |life: std::time::Duration| i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    if let Some(session) = session {
        set_cookie(SESSION_COOKIE, session.value.reveal(), session.max_age.map(seconds));
    }
    if let Some(devices) = devices {
        set_cookie(DEVICES_COOKIE, devices.value.reveal(), Some(seconds(devices.max_age)));
    }
}

/// Takes the session, and what the browser kept of its pages, away.
pub fn end_session() {
    set_cookie(SESSION_COOKIE, "", Some(0));
    add_header(HeaderName::from_static("clear-site-data"), "\"storage\"");
}
