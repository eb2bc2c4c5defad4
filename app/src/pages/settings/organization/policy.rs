//! What the organization demands.

use super::here;
use crate::components::button::SubmitButton;
use crate::components::card::Card;
use crate::components::choice::Check;
use crate::components::field::{Input, SelectField, TextField};
use crate::components::form::PostForm;
use crate::error::Refusal;
use crate::format;
use crate::note::{FormState, Note, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::policy::{PolicyChanges, PolicyView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// More days than this cannot be asked for: it means whatever the installation allows.
const LONGEST_DAYS: u32 = 365;

/// The form.
#[component]
pub fn PolicyCard(policy: PolicyView, state: FormState) -> impl IntoView {
    let from = Input {
        name: "policy[twoFactorGraceUntil]",
        kind: "date",
        value: policy.two_factor_grace_until.map(format::date_input).unwrap_or_default(),
        optional: true,
        hint: "From the beginning of this day (UTC) on nobody gets in without it. Empty: at once.".into(),
        ..Input::default()
    };
    let exact = policy.two_factor_grace_until.map(Timestamp::rfc3339);
    let days = if policy.trusted_devices { policy.trusted_device_days.unwrap_or(LONGEST_DAYS) } else { 0 };
    let required = state.chosen("policy[required]", "true", policy.require_two_factor);
    view! {
        <Card title="Two-factor authentication" lead="What you ask of everybody here, yourself included." region="policy">
            <PostForm action=SavePolicy::PATH state=state.clone() class="stack card-section-narrow">
                <Check name="policy[required]" label="Everybody must use two-factor authentication" checked=required/>
                <TextField label="Required from" input=from state=state.clone()/>
                <input type="hidden" name="policy[exact]" value=exact/>
                <SelectField
                    label="Devices may be trusted"
                    name="policy[trustedDeviceDays]"
                    options=lives(days)
                    first=days.to_string()
                    state=state.clone()
                />
                <div class="card-foot"><SubmitButton label="Save policy"/></div>
            </PostForm>
        </Card>
    }
}

/// What can be chosen, longest first, with what holds now among it.
fn lives(present: u32) -> Vec<(String, String, String)> {
    let mut days = vec![LONGEST_DAYS, 30, 14, 7, 1, 0];
    if !days.contains(&present) {
        days.push(present);
        days.sort_unstable_by(|one, other| other.cmp(one));
    }
    let words = |days| match days {
        0 => "Never".to_owned(),
        1 => "For 1 day".to_owned(),
        LONGEST_DAYS => "As long as this installation allows".to_owned(),
        _ => format!("For {days} days"),
    };
    days.into_iter().map(|days| (days.to_string(), words(days), String::new())).collect()
}

/// What the organization demands, as the form says it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PolicyForm {
    required: bool,
    two_factor_grace_until: String,
    /// The instant behind the day that stood there, so that the same day is the same instant.
    exact: String,
    trusted_device_days: String,
}

impl PolicyForm {
    fn from(&self, now: Timestamp) -> String {
        let day = self.two_factor_grace_until.trim();
        let exact = Timestamp::parse_rfc3339(&self.exact).filter(|exact| format::date_input(*exact) == day);
        match exact {
            Some(exact) => exact.rfc3339(),
            None if day.is_empty() => now.rfc3339(),
            None => format::begin_of_day(day).unwrap_or_else(|| day.to_owned()),
        }
    }

    fn changes(&self, now: Timestamp) -> PolicyChanges {
        // What is no number is left to the core, which refuses what is out of its range.
        let days: i64 = self.trusted_device_days.parse().unwrap_or(-1);
        PolicyChanges {
            require_two_factor: Some(self.required),
            two_factor_grace_until: self.required.then(|| self.from(now)),
            trusted_devices: Some(days != 0),
            trusted_device_days: Some(days).filter(|days| *days != 0),
            ..PolicyChanges::default()
        }
    }
}

/// Saves what the organization demands.
#[server(name = SavePolicy, prefix = "/fn", endpoint = "policy")]
pub async fn save_policy(csrf: String, #[server(default)] policy: PolicyForm) -> Result<Done, Refusal> {
    let typed = vec![
        ("required", policy.required.to_string()),
        ("twoFactorGraceUntil", policy.two_factor_grace_until.clone()),
        ("trustedDeviceDays", policy.trusted_device_days.clone()),
    ];
    request::answer(Form { typed, ..Form::new("policy", "policy", Page::Organization) }, async {
        let actor = request::change(&csrf)?;
        let latchkey = request::latchkey()?;
        latchkey.update_policy(&actor, &here(&actor)?, policy.changes(latchkey.now())).await?;
        request::leave_note(Page::Organization, Note::Said(Said::PolicySaved))?;
        Ok(Page::Organization.path().to_owned())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(day: &str, exact: &str, days: &str) -> PolicyForm {
        PolicyForm {
            required: true,
            two_factor_grace_until: day.to_owned(),
            exact: exact.to_owned(),
            trusted_device_days: days.to_owned(),
        }
    }

    #[test]
    fn saving_without_a_change_changes_nothing() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let kept = form("2026-12-24", "2026-12-24T15:30:00Z", "10").changes(now);
        assert_eq!(kept.two_factor_grace_until.as_deref(), Some("2026-12-24T15:30:00Z"));
        assert_eq!((kept.trusted_devices, kept.trusted_device_days), (Some(true), Some(10)));
        assert!(lives(10).iter().any(|(value, words, _)| value == "10" && words == "For 10 days"));
    }

    #[test]
    fn another_day_begins_when_it_does_and_none_is_now() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let exact = "2026-12-24T15:30:00Z";
        assert_eq!(form("2026-12-25", exact, "7").from(now), "2026-12-25T00:00:00Z");
        assert_eq!(form("", exact, "7").from(now), now.rfc3339());
        assert_eq!(form("soon", exact, "7").from(now), "soon");
    }

    #[test]
    fn never_is_said_only_by_its_own_word() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        assert_eq!(form("", "", "0").changes(now).trusted_devices, Some(false));
        assert_eq!(form("", "", "seven").changes(now).trusted_device_days, Some(-1));
    }
}
