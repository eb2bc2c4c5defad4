//! What the pages of a session that was handed on have besides: the keeper of its tokens, and where it gets them.

use super::icon::Icon;
use crate::error::Refusal;
use crate::islands::session_keeper::SessionKeeper;
use crate::request;
use crate::routes::Page;
use latchkey::flow::sf_token::AuthorizationResponse;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// Keeps the tokens of this session, and says when it has ended.
#[component]
pub fn Keeper(
    /// Which session.
    session: String,
    /// Whose.
    person: String,
) -> impl IntoView {
    view! {
        <SessionKeeper>
            <div
                class="notices"
                data-keeper=SessionTokens::PATH
                data-session=session
                data-person=person
                data-login=Page::Login.path()
            >
                <div class="notice notice-warn" role="alert" data-signed-out="" hidden>
                    <Icon name="warning"/>
                    <div>
                        <p>"You were signed out."</p>
                        <a href=Page::Login.path() target="_blank">"Sign in again in a new tab"</a>
                    </div>
                </div>
            </div>
        </SessionKeeper>
    }
}

/// A pair of tokens of this session for its own pages.
#[server(name = SessionTokens, prefix = "/fn", endpoint = "session-tokens")]
pub async fn session_tokens(csrf: String) -> Result<AuthorizationResponse, Refusal> {
    request::give(async {
        let actor = request::barred_change(&csrf)?;
        request::latchkey()?.session_tokens(&actor).await
    })
    .await
}
