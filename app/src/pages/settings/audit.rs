//! `/settings/audit`: what happened in the organization, for its administrators.

use crate::components::button::{SubmitButton, Weight};
use crate::components::field::{Input, SelectField, TextField};
use crate::components::layout::{House, PageHead};
use crate::components::pager::{Pager, Part};
use crate::components::time::Moment;
use crate::format;
use crate::note::FormState;
use crate::pages::{page, resident};
use crate::request::{self, Desk};
use crate::routes::{Page, encoded};
use latchkey::Error;
use latchkey::clock::Timestamp;
use latchkey::flow::audit_log::{AuditEventView, AuditQuery};
use latchkey::id::{DeviceId, OrganizationId, SessionId};
use leptos::prelude::*;

/// How many entries stand on one page.
const ON_A_PAGE: u32 = 50;

/// The kinds that can be chosen: how their names begin, and their word.
const KINDS: [(&str, &str); 11] = [
    ("", "Everything"),
    ("session.", "Sign-ins and sessions"),
    ("user.", "Accounts"),
    ("two_factor.", "Two-factor authentication"),
    ("backup_code", "Backup codes"),
    ("trusted_device.", "Trusted devices"),
    ("api_key.", "API keys"),
    ("member.", "Members"),
    ("invitation", "Invitations and codes"),
    ("organization.", "Organization"),
    ("audit.", "Audit log"),
];

/// Ids that tell a reader nothing: of a session, of a device, of the organization itself.
const UNSPOKEN: [&str; 3] = [SessionId::PREFIX, DeviceId::PREFIX, OrganizationId::PREFIX];

/// What is asked for, as the query of the page says it.
struct Asked {
    kind: &'static str,
    from: String,
    to: String,
    part: Part,
}

impl Asked {
    fn read() -> Self {
        let kind = request::query("kind").unwrap_or_default();
        let day = |name| request::query(name).filter(|day| format::begin_of_day(day).is_some());
        Self {
            kind: KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(known, _)| known),
            from: day("from").unwrap_or_default(),
            to: day("to").unwrap_or_default(),
            part: Part::asked(ON_A_PAGE),
        }
    }

    /// From the beginning of one day to the end of another.
    fn query(&self) -> AuditQuery {
        AuditQuery {
            action: Some(self.kind.to_owned()).filter(|kind| !kind.is_empty()),
            from: format::begin_of_day(&self.from),
            to: format::begin_of_next_day(&self.to),
            page: self.part.query(),
            ..AuditQuery::default()
        }
    }

    /// Where all of it can be had as a table.
    fn table(&self) -> String {
        let AuditQuery { action, from, to, .. } = self.query();
        let rest = [("action", action), ("from", from), ("to", to)];
        let rest = rest.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", encoded(&value?))));
        format!("/v1/audit-events?format=csv{}", rest.collect::<String>())
    }
}

/// The entries, newest first.
#[component]
pub fn AuditPage() -> impl IntoView {
    page(async move {
        let actor = request::require_actor()?;
        Desk::open(Page::Audit, Some(&actor))?;
        let latchkey = request::latchkey()?;
        let asked = Asked::read();
        let found = latchkey.audit_events(&actor, &asked.query()).await?;
        let (resident, now) = (resident(&actor).await?, latchkey.now());
        let lead = format!("What happened in {}, newest first.", resident.place);
        let (table, part, total) = (asked.table(), asked.part, found.total);
        let query = vec![("kind", asked.kind.to_owned()), ("from", asked.from.clone()), ("to", asked.to.clone())];
        let count = counted(total);
        let rows = found.items.into_iter().map(|event| view! { <Entry event=event now=now/> }).collect_view();
        Ok::<_, Error>(view! {
            <House page=Page::Audit title="Audit log" resident=resident narrow=true>
                <PageHead title="Audit log" lead=lead/>
                <div class="stack">
                    <section class="card">
                        <div class="card-section"><WhichForm asked=asked table=table/></div>
                    </section>
                    <section class="card" id="entries" data-region="">
                        <div class="card-section">
                            <h2 class="visually-hidden" tabindex="-1">"Entries"</h2>
                            <p class="soft" data-announce="">{count}</p>
                        </div>
                        <ol class="session-list entries">{rows}</ol>
                        <Pager page=Page::Audit query=query part=part total=total/>
                    </section>
                </div>
            </House>
        })
    })
}

fn counted(entries: i64) -> String {
    match entries {
        0 => "Nothing like this has happened.".to_owned(),
        1 => "1 entry".to_owned(),
        _ => format!("{entries} entries"),
    }
}

#[component]
fn WhichForm(asked: Asked, table: String) -> impl IntoView {
    let state = FormState::default();
    let day = |name, value| Input { name, kind: "date", value, optional: true, ..Input::default() };
    let kinds = KINDS.map(|(kind, word)| (kind, word.to_owned(), String::new())).to_vec();
    view! {
        <form method="get" action=Page::Audit.path() class="stack card-section-narrow">
            <SelectField label="What" name="kind" options=kinds first=asked.kind state=state.clone()/>
            <TextField label="From" input=day("from", asked.from) state=state.clone()/>
            <TextField label="To" input=day("to", asked.to) state=state/>
            <div class="card-foot">
                <SubmitButton label="Show" weight=Weight::Plain/>
                <span id="table" data-region="">
                    <a class="button button-quiet" href=table download="audit-events.csv">"Download as CSV"</a>
                </span>
            </div>
        </form>
    }
}

#[component]
fn Entry(event: AuditEventView, now: Timestamp) -> impl IntoView {
    let unspoken = event.target == event.actor || UNSPOKEN.iter().any(|kind| event.target.starts_with(kind));
    let about =
        (!unspoken && !event.target.is_empty()).then(|| format!(" · {}", event.target_name.unwrap_or(event.target)));
    view! {
        <li>
            <div>
                <p><b>{words(&event.action)}</b>{about}</p>
                <p class="hint">
                    {event.actor_name.unwrap_or(event.actor)}" · "<Moment at=event.created_at now=now/>" · "{event.ip_address}
                </p>
            </div>
        </li>
    }
}

/// The name of an action in words: `api_key.created` is "API key created".
fn words(action: &str) -> String {
    match action {
        "session.created" => "Signed in".to_owned(),
        "session.refused" => "Sign-in refused".to_owned(),
        "session.held" => "Sign-in held back after wrong passwords".to_owned(),
        "session.signed_out" => "Signed out".to_owned(),
        "session.all_ended" => "Signed out everywhere".to_owned(),
        "session.stepped_up" => "Confirmed who they are".to_owned(),
        "user.created" => "Account made".to_owned(),
        "api_key.used_unusually" => "Unusual use of an API key".to_owned(),
        "api_key.use_expected" => "Unusual use of an API key was expected".to_owned(),
        _ => {
            let text =
                action.replace(['.', '_'], " ").replace("api key", "API key").replace("two factor", "two-factor");
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn actions_are_said_in_words() {
        assert_eq!(words("api_key.created"), "API key created");
        assert_eq!(words("two_factor.reset"), "Two-factor reset");
        assert_eq!(words("member.removed"), "Member removed");
        assert_eq!(words("session.created"), "Signed in");
    }
}
