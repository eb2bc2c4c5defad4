//! The list of keys: filters, search, rows.

use super::rows::{Looking, Row, State};
use crate::components::badge::{CodeBadge, StateBadge, Tone};
use crate::components::button::{LinkButton, Weight};
use crate::components::empty::Empty;
use crate::components::time::Moment;
use crate::format;
use crate::routes::Page;
use leptos::prelude::*;

/// Links that narrow the list to one state.
#[component]
pub fn Filters(rows: Vec<Row>, looking: Looking) -> impl IntoView {
    let link = |state: Option<State>, label: &'static str| {
        let count = rows.iter().filter(|row| state.is_none_or(|state| row.state.falls_under(state))).count();
        let here = looking.state == state;
        let shown = count > 0 || here || state.is_none();
        shown.then(|| {
            view! {
                <a href=looking.with_state(state) data-live="" aria-current=here.then_some("true")>
                    {label}
                    <span class="count">{count}</span>
                </a>
            }
        })
    };
    view! {
        <nav class="filters" id="filters" data-region="" aria-label="State">
            <input type="hidden" name="state" value=looking.state.map(State::name) form="key-search"/>
            {link(None, "All")}
            {[State::Active, State::Off, State::Expired, State::Revoked].map(|state| link(Some(state), state.word())).to_vec()}
        </nav>
    }
}

/// Search by name or by the beginning of a key. Sixteen characters: of a pasted key nothing secret stays.
#[component]
pub fn SearchForm(looking: Looking) -> impl IntoView {
    view! {
        <form method="get" action=Page::ApiKeys.path() role="search" id="key-search">
            <input
                class="input"
                type="search"
                name="q"
                maxlength="16"
                value=looking.search
                placeholder="Search name or key"
                aria-label="Search name or beginning of a key"
                autocomplete="off"
                spellcheck="false"
            />
            <button type="submit" class="visually-hidden">"Search"</button>
        </form>
    }
}

/// The rows that are looked for.
#[component]
pub fn KeyList(rows: Vec<Row>, looking: Looking) -> impl IntoView {
    let any = !rows.is_empty();
    let found: Vec<_> = rows.into_iter().filter(|row| looking.finds(row)).collect();
    let told = format!("{} shown", format::counted(u64::try_from(found.len()).unwrap_or(u64::MAX), "key"));
    let body = if !any {
        view! {
            <Empty icon="key" text="No keys yet. Create one to let a program call the API in your name.">
                {super::create_button("create-first-key")}
            </Empty>
        }
        .into_any()
    } else if found.is_empty() {
        view! {
            <Empty icon="key" text="No key looks like that.">
                <LinkButton href=Page::ApiKeys.path() label="Show all keys" weight=Weight::Plain/>
            </Empty>
        }
        .into_any()
    } else {
        view! { <Table rows=found/> }.into_any()
    };
    view! {
        <div id="keys" data-region="">
            <p class="visually-hidden" data-announce="">{told}</p>
            {body}
        </div>
    }
}

#[component]
fn Table(rows: Vec<Row>) -> impl IntoView {
    view! {
        <table class="table keys">
            <thead>
                <tr>
                    <th scope="col">"Key"</th>
                    <th scope="col">"Scopes"</th>
                    <th scope="col">"Owner"</th>
                    <th scope="col">"Last used"</th>
                    <th scope="col">"Expires"</th>
                    <th scope="col">"State"</th>
                    <th scope="col"><span class="visually-hidden">"Actions"</span></th>
                </tr>
            </thead>
            <tbody>{rows.into_iter().map(|row| view! { <KeyRow row=row/> }).collect_view()}</tbody>
        </table>
    }
}

#[component]
fn KeyRow(row: Row) -> impl IntoView {
    let (now, dead) = (row.now, row.state.is_dead());
    let scopes =
        row.scopes.iter().map(|scope| view! { <CodeBadge text=scope.clone() title=explain(scope)/> }).collect_view();
    view! {
        <tr class:key-dead=dead>
            <td>
                <div class="key-name">
                    <b title=row.description.clone()>{row.name.clone()}</b>
                    <span class="mono">{row.hint.clone()}</span>
                    <span class="hint">"by "{row.created_by.clone()}", "<Moment at=row.created_at now=now/></span>
                </div>
            </td>
            <td data-label="Scopes"><div class="scopes">{scopes}</div></td>
            <td data-label="Owner">{row.owner.clone()}</td>
            <td data-label="Last used">
                <div class="two-lines"><LastUse row=row.clone()/></div>
            </td>
            <td data-label="Expires">
                <div class="two-lines">
                    {match row.expires_at {
                        Some(at) => view! { <Moment at=at now=now/> }.into_any(),
                        None => view! { <span class="soft">"Never"</span> }.into_any(),
                    }}
                </div>
            </td>
            <td data-label="State"><Standing row=row.clone()/></td>
            <td class="actions"><Actions row=row/></td>
        </tr>
    }
}

fn explain(scope: &str) -> &'static str {
    match scope {
        "read" => "May fetch data: GET, HEAD, OPTIONS",
        "write" => "May add and change: POST, PUT, PATCH",
        "delete" => "May remove: DELETE",
        "admin" => "May do everything, and administer",
        _ => "A scope of your own applications",
    }
}

#[component]
fn LastUse(row: Row) -> impl IntoView {
    match row.last_used_at {
        None => view! { <span class="soft">"Never used"</span> }.into_any(),
        Some(at) => view! {
            <Moment at=at now=row.now/>
            <UsageLine counts=row.usage/>
        }
        .into_any(),
    }
}

/// The calls of the last day, hour by hour.
#[component]
fn UsageLine(counts: Vec<i64>) -> impl IntoView {
    let sum: i64 = counts.iter().sum();
    (sum > 0).then(|| {
        let points = points(&counts);
        let area = format!("0,22 {points} 96,22");
        view! {
            <svg class="usage" viewBox="0 0 96 22" role="img" aria-label=format!("{} in the last 24 hours", format::counted(sum.unsigned_abs(), "call"))>
                <polygon points=area></polygon>
                <polyline points=points></polyline>
            </svg>
        }
    })
}

/// The points of a line through `counts` in a box of 96 by 22.
fn points(counts: &[i64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let last = counts.len().saturating_sub(1).max(1);
    let point = |(at, count): (usize, &i64)| format!("{},{}", at * 96 / last, 21 - count * 19 / most);
    counts.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
}

#[component]
fn Standing(row: Row) -> impl IntoView {
    let tone = match row.state {
        State::Active => Tone::Good,
        State::Rotating => Tone::Warn,
        State::Revoked => Tone::Bad,
        State::Off | State::Expired => Tone::Plain,
    };
    let until = row.overlap_ends_at.filter(|_| row.state == State::Rotating);
    let review = (!row.unusual.is_empty()).then(|| {
        let href = Page::ApiKeys.with(&[("dialog", "unusual-use"), ("key", &row.id)]);
        let id = format!("unusual-use-{}", row.id);
        view! {
            <StateBadge text="Unusual use" tone=Tone::Warn/>
            <LinkButton href=href label="Review" weight=Weight::Quiet id=id about=row.name.clone()/>
        }
    });
    view! {
        <div class="state">
            <StateBadge text=row.state.word() tone=tone/>
            {until.map(|at| view! { <span class="hint">"Old key ends "<Moment at=at now=row.now/></span> })}
            {row.reason.map(|reason| view! { <span class="hint">{reason}</span> })}
            {review}
        </div>
    }
}

#[component]
fn Actions(row: Row) -> impl IntoView {
    let to = |dialog: &'static str, label: &'static str, weight: Weight| {
        let href = Page::ApiKeys.with(&[("dialog", dialog), ("key", &row.id)]);
        let id = format!("{dialog}-{}", row.id);
        view! { <LinkButton href=href label=label weight=weight id=id about=row.name.clone()/> }
    };
    match row.state {
        State::Active | State::Off => {
            view! { {to("rotate", "Rotate", Weight::Quiet)} {to("revoke", "Revoke", Weight::QuietBad)} }.into_any()
        }
        State::Rotating => {
            view! { {to("end-overlap", "End overlap", Weight::Quiet)} {to("revoke", "Revoke", Weight::QuietBad)} }
                .into_any()
        }
        State::Expired => to("regenerate", "Regenerate", Weight::Quiet).into_any(),
        State::Revoked => ().into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::points;

    #[test]
    fn the_line_goes_from_edge_to_edge_and_touches_the_top_at_the_most() {
        assert_eq!(points(&[0, 5, 10]), "0,21 48,12 96,2");
        assert_eq!(points(&[0]), "0,21");
        assert_eq!(points(&[]), "");
    }
}
