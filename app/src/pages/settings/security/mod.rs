//! `/settings/security`: the password, the second factor, trusted devices, and where one is signed in.

pub mod backup_codes;
pub mod devices;
pub mod enrol;
pub mod password;
pub mod sessions;
pub mod two_factor;

use crate::components::badge::Tone;
use crate::components::layout::{House, PageHead};
use crate::components::notice::Notice;
use crate::format;
use crate::pages::{page, resident};
use crate::request::{self, Desk};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::gate::DeviceTokens;
use latchkey::{Actor, Error, Latchkey};
use leptos::prelude::*;

/// How the account is protected. Whoever may do nothing but set up a second factor sees that part alone.
#[component]
pub fn SecurityPage() -> impl IntoView {
    page(async move {
        let actor = request::require_barred_actor()?;
        let desk = Desk::open(Page::Security, Some(&actor))?;
        let latchkey = request::latchkey()?;
        let resident = resident(&actor).await?;
        let second = two_factor::Standing::of(&latchkey, &actor, &desk).await?;
        let barred = actor.principal().is_barred(latchkey.now());
        let demand = actor.principal().barred_from().map(|from| view! { <Demand from=from barred=barred/> });
        let rest = if barred { None } else { Some(rest(&latchkey, &actor).await?) };
        let password = (!barred).then(|| view! { <password::PasswordCard desk=desk.clone()/> });
        let demanded = demand.is_some();
        let version = if barred { "barred" } else { "usual" };
        let lead = if barred { "One thing is left before you can go on." } else { "How your account is protected." };
        Ok::<_, Error>(view! {
            <House page=Page::Security title="Security" resident=resident narrow=true>
                <PageHead title="Security" lead=lead/>
                <div class="stack">
                    <div class="stack" id="demand" data-region="" hidden=!demanded>{demand}</div>
                    <two_factor::TwoFactorCard standing=second desk=desk/>
                    <div class="stack" id="rest" data-region="" data-version=version hidden=barred>{password}{rest}</div>
                </div>
            </House>
        })
    })
}

async fn rest(latchkey: &Latchkey, actor: &Actor) -> Result<AnyView, Error> {
    let now = latchkey.now();
    let held = request::devices();
    let devices = latchkey.trusted_devices(actor, DeviceTokens::of_browser(held.as_deref())).await?;
    let sessions = latchkey.sessions(actor).await?;
    let parts = view! {
        <devices::DevicesCard devices=devices now=now/>
        <sessions::SessionsCard sessions=sessions now=now/>
    };
    Ok(parts.into_any())
}

/// Says that the organization demands a second factor, and until when one can go on without.
#[component]
fn Demand(from: Timestamp, barred: bool) -> impl IntoView {
    if barred {
        let words = "Your organization requires two-factor authentication. Set it up to go on.";
        return view! { <Notice text=words tone=Tone::Warn/> }.into_any();
    }
    let words = format!(
        "Your organization requires two-factor authentication. From {} nobody gets in without it: set it up now, or before \
         then.",
        format::day(from)
    );
    view! {
        <Notice text=words tone=Tone::Warn/>
        <p><a class="target" href=Page::FIRST.path()>"Not now"</a></p>
    }
    .into_any()
}
