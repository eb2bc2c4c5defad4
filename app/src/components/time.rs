//! Instants.

use crate::format;
use latchkey::clock::Timestamp;
use leptos::prelude::*;

/// A time as people say it, with the exact one on hover and on focus.
#[component]
pub fn Moment(
    /// The instant.
    at: Timestamp,
    /// When the page was made.
    now: Timestamp,
) -> impl IntoView {
    view! {
        <time datetime=format::machine(at) data-exact=format::exact(at) tabindex="0">
            {format::relative(at, now)}
        </time>
    }
}
