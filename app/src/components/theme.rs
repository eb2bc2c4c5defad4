//! The theme form, and its address.

use super::form::PostForm;
use crate::error::Refusal;
use crate::islands::theme::ThemeSwitch;
use crate::request::{self, Done, Form};
use crate::routes::Page;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// Light, dark, or what the system says.
#[component]
pub fn ThemeForm() -> impl IntoView {
    let now = request::theme();
    let button = move |value: &'static str, label: &'static str| {
        view! {
            <button type="submit" name="theme" value=value aria-pressed=if value == now { "true" } else { "false" }>
                {label}
            </button>
        }
    };
    view! {
        <ThemeSwitch>
            <PostForm action=ChooseTheme::PATH class="theme-form" plain=true>
                <div class="theme-switch" role="group" aria-label="Theme">
                    {button("system", "System")}
                    {button("light", "Light")}
                    {button("dark", "Dark")}
                </div>
            </PostForm>
        </ThemeSwitch>
    }
}

/// Keeps the theme that was chosen.
#[server(name = ChooseTheme, prefix = "/fn", endpoint = "theme")]
pub async fn choose_theme(csrf: String, theme: String) -> Result<Done, Refusal> {
    request::answer(Form::new("theme", "theme", Page::Home), async {
        request::any_change(&csrf)?;
        request::keep_theme(&theme);
        Ok(request::came_from())
    })
    .await
}
