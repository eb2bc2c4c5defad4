//! Trusted devices.

use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::form::PostForm;
use crate::components::icon::Icon;
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::note::{Note, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::trusted_devices::TrustedDeviceView;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// The devices that are not asked for a code; nothing at all when there are none.
#[component]
pub fn DevicesCard(devices: Vec<TrustedDeviceView>, now: Timestamp) -> impl IntoView {
    let none = devices.is_empty();
    let several = devices.len() > 1;
    view! {
        <section class="card" id="devices" data-region="" hidden=none>
            <div class="card-section">
                <header>
                    <h2>"Trusted devices"</h2>
                    <p class="soft">"They are asked for your password only, until their time is over."</p>
                </header>
            </div>
            <ul class="session-list">
                {devices.into_iter().map(|device| view! { <DeviceRow device=device now=now/> }).collect_view()}
            </ul>
            {several.then(|| view! {
                <div class="card-section">
                    <PostForm action=ForgetDevices::PATH>
                        <SubmitButton label="Trust none of them" weight=Weight::Plain/>
                    </PostForm>
                </div>
            })}
        </section>
    }
}

#[component]
fn DeviceRow(device: TrustedDeviceView, now: Timestamp) -> impl IntoView {
    let icon = if device.device_type == "desktop" { "screen" } else { "phone" };
    let id = device.id.to_string();
    let place = device.location.map_or_else(String::new, |place| format!(", {place}"));
    let browser = (device.browser_info != device.name).then(|| format!("{} · ", device.browser_info));
    view! {
        <li>
            <Icon name=icon/>
            <div>
                <p class="row">
                    <b>{device.name.clone()}</b>
                    {device.is_current.then(|| view! { <StateBadge text="This device" tone=Tone::Good/> })}
                </p>
                <p class="hint">
                    {browser}{device.ip_address}{place}" · used "<Moment at=device.last_used_at now=now/>" · ends "
                    <Moment at=device.expires_at now=now/>
                </p>
            </div>
            <PostForm action=ForgetDevice::PATH>
                <input type="hidden" name="device" value=id/>
                <SubmitButton label="Stop trusting" weight=Weight::QuietBad about=device.name/>
            </PostForm>
        </li>
    }
}

/// Ends the trust in one device.
#[server(name = ForgetDevice, prefix = "/fn", endpoint = "forget-device")]
pub async fn forget_device(csrf: String, device: String) -> Result<Done, Refusal> {
    request::answer(Form::new("forget-device", "device", Page::Security), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.forget_device(&actor, &device).await?;
        request::leave_note(Page::Security, Note::Said(Said::DeviceForgotten))?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}

/// Ends the trust in all of them.
#[server(name = ForgetDevices, prefix = "/fn", endpoint = "forget-devices")]
pub async fn forget_devices(csrf: String) -> Result<Done, Refusal> {
    request::answer(Form::new("forget-devices", "devices", Page::Security), async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.forget_devices(&actor).await?;
        request::leave_note(Page::Security, Note::Said(Said::DevicesForgotten))?;
        Ok(Page::Security.path().to_owned())
    })
    .await
}
