//! With what people sign in, for how long, and how they come to join.

use super::{here, said};
use crate::components::button::SubmitButton;
use crate::components::card::Card;
use crate::components::choice::{Check, Choice};
use crate::components::field::{SelectField, told};
use crate::components::form::PostForm;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::flow::policy::{PolicyChanges, PolicyView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longer than this cannot be asked for: it means whatever the installation says.
const LONGEST_SECONDS: u32 = 86_400;
/// Name of the inputs that name the ways to sign in.
const METHODS: &str = "signin[signInMethods][]";

/// The form.
#[component]
pub fn SignInPolicyCard(policy: PolicyView, state: FormState) -> impl IntoView {
    let life = policy.access_token_seconds.unwrap_or(LONGEST_SECONDS);
    let taken = state.clone();
    let method = move |value: &'static str, label: &'static str, hint: &'static str| {
        let checked = taken.chosen(METHODS, value, policy.sign_in_methods.contains(&value));
        view! { <Choice name=METHODS value=value label=label hint=hint checked=checked error_id="sign-in-methods-error"/> }
    };
    let invitation_only = state.chosen("signin[invitationOnly]", "true", policy.invitation_only);
    view! {
        <Card title="Signing in and joining" lead="It counts for everybody here, at their next step." region="sign-in-policy">
            <PostForm action=SaveSignInPolicy::PATH state=state.clone() class="stack card-section-narrow">
                <fieldset class="field">
                    <legend>"People sign in"</legend>
                    <div class="choices">
                        {method("password", "With a password", "And a code of the authenticator, where there is one.")}
                        {method("email", "With a link or code by mail", "And a code of the authenticator, too.")}
                    </div>
                    <p class="field-error" id="sign-in-methods-error">{told(state.error(METHODS))}</p>
                </fieldset>
                <SelectField
                    label="Access tokens of programs live"
                    name="signin[accessTokenSeconds]"
                    options=lives(life)
                    first=life.to_string()
                    state=state
                />
                <Check name="signin[invitationOnly]" label="People join by an invitation for their address only, not by a code" checked=invitation_only/>
                <div class="card-foot"><SubmitButton label="Save sign-in policy"/></div>
            </PostForm>
        </Card>
    }
}

/// What can be chosen, longest first, with what holds now among it.
fn lives(present: u32) -> Vec<(String, String, String)> {
    let mut lives = vec![LONGEST_SECONDS, 28_800, 3600, 900, 300];
    if !lives.contains(&present) {
        lives.push(present);
        lives.sort_unstable_by(|one, other| other.cmp(one));
    }
    let words = |life| match life {
        LONGEST_SECONDS => "As long as this installation says".to_owned(),
        _ => format::duration(Duration::from_secs(u64::from(life))),
    };
    lives.into_iter().map(|life| (life.to_string(), words(life), String::new())).collect()
}

/// The same, as the form says it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SignInPolicy {
    sign_in_methods: Vec<String>,
    access_token_seconds: String,
    invitation_only: bool,
}

impl SignInPolicy {
    fn changes(&self) -> PolicyChanges {
        PolicyChanges {
            sign_in_methods: Some(self.sign_in_methods.clone()),
            // What is no number is left to the core, which refuses what is out of its range.
            access_token_seconds: Some(self.access_token_seconds.parse().unwrap_or(-1)),
            invitation_only: Some(self.invitation_only),
            ..PolicyChanges::default()
        }
    }
}

/// Saves it.
#[server(name = SaveSignInPolicy, prefix = "/fn", endpoint = "sign-in-policy")]
pub async fn save_sign_in_policy(csrf: String, #[server(default)] signin: SignInPolicy) -> Result<Done, Refusal> {
    let mut typed = vec![
        ("accessTokenSeconds", signin.access_token_seconds.clone()),
        ("invitationOnly", signin.invitation_only.to_string()),
    ];
    typed.extend(signin.sign_in_methods.iter().map(|method| ("signInMethods][", method.clone())));
    request::answer(Form { typed, ..Form::new("sign-in-policy", "signin", Page::Organization) }, async {
        let actor = request::change(&csrf)?;
        request::latchkey()?.update_policy(&actor, &here(&actor)?, signin.changes()).await?;
        said(Said::PolicySaved)
    })
    .await
}
