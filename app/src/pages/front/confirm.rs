//! `/confirm`: showing once more who one is, before something that changes how the account is protected.

use crate::components::button::SubmitButton;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::{Front, SignOut};
use crate::error::Refusal;
use crate::note::FormState;
use crate::pages::settings::security::two_factor::Second;
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, inward};
use latchkey::Error;
use latchkey::flow::step_up::{Proofs, Reauthenticate};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// One field, for whatever the person has to show.
#[component]
pub fn ConfirmPage() -> impl IntoView {
    super::super::page(async move {
        let actor = request::require_actor()?;
        let desk = Desk::open(Page::Confirm, Some(&actor))?;
        let next = request::next();
        let proofs = request::latchkey()?.proofs(&actor).await?;
        let back = next.clone().unwrap_or_else(|| Page::FIRST.path().to_owned());
        let aside = view! { <a href=back>"Go back"</a> }.into_any();
        let lead = "What you are about to do needs more than an open session.";
        Ok::<_, Error>(view! {
            <Front title="Confirm that it is you" lead=lead aside=Some(aside)>
                <ProofForm proofs=proofs next=next state=desk.form("show-again")/>
            </Front>
        })
    })
}

#[component]
fn ProofForm(proofs: Proofs, next: Option<String>, state: FormState) -> impl IntoView {
    let focused = !state.comes_back();
    let code = Input { focused, ..Input::any_code("second[code]") };
    let password = Input { focused, ..Input::password("second[password]") };
    if !proofs.code && !proofs.password {
        return view! {
            <p>"You sign in by mail. Sign out, then sign in with a new link: that is the proof."</p>
            <PostForm action=SignOut::PATH ends_session=true><SubmitButton label="Sign out" wide=true/></PostForm>
        }
        .into_any();
    }
    let (label, input) = if proofs.code { ("Code or backup code", code) } else { ("Your password", password) };
    view! {
        <PostForm action=ShowAgain::PATH state=state.clone()>
            <input type="hidden" name="next" value=next/>
            <TextField label=label input=input state=state/>
            <SubmitButton label="Confirm" wide=true/>
        </PostForm>
    }
    .into_any()
}

/// Shows once more who one is, and goes back.
#[server(name = ShowAgain, prefix = "/fn", endpoint = "show-again")]
pub async fn show_again(
    csrf: String,
    #[server(default)] next: String,
    #[server(default)] second: Second,
) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let query = next.iter().map(|next| ("next", next.clone())).collect();
    request::answer(Form { query, ..Form::new("show-again", "second", Page::Confirm) }, async {
        let actor = request::change(&csrf)?;
        let with = Reauthenticate { code: Some(second.code), password: Some(second.password) };
        request::keep_renewed(&request::latchkey()?.reauthenticate(&actor, with).await?);
        request::release_form()?;
        Ok(next.unwrap_or_else(|| Page::FIRST.path().to_owned()))
    })
    .await
}
