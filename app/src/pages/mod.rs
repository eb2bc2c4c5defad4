//! The pages, and with each the addresses that its forms post to.

pub mod api_keys;
pub mod front;
pub mod home;
pub mod settings;
pub mod trouble;

use crate::components::layout::Resident;
use crate::request;
use latchkey::{Actor, Error};
use leptos::prelude::*;
use std::future::Future;

/// Shows what `work` makes, or why it cannot be made. The page is sent whole, with the status that fits.
pub fn page<V: IntoView + 'static>(work: impl Future<Output = Result<V, Error>> + Send + 'static) -> impl IntoView {
    Suspend::new(async move {
        match work.await {
            Ok(view) => view.into_any(),
            Err(error) => {
                let words = request::excuse(&error);
                view! { <trouble::Trouble words=words/> }.into_any()
            }
        }
    })
}

/// Who is at home, for the frame of the page.
pub async fn resident(actor: &Actor) -> Result<Resident, Error> {
    let user = request::latchkey()?.me(actor).await?;
    Ok(Resident { place: user.organization_name.unwrap_or(user.email), name: user.name })
}
