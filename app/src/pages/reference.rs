//! `/docs`: the API reference. It needs nothing from elsewhere and nobody to be signed in.

use super::trouble::NotFoundPage;
use crate::components::icon::Brand;
use crate::components::layout::PageHead;
use crate::components::theme::ThemeForm;
use crate::reference::{Answer, Call, Content, Field, Reference, Section, Shape};
use crate::request::{self, Desk};
use crate::routes::Page;
use latchkey::Error;
use latchkey::error::Code;
use leptos::prelude::*;
use leptos_meta::Title;

/// The overview, or the section that the address names.
#[component]
pub fn ReferencePage() -> impl IntoView {
    super::page(async move {
        let (reference, latchkey) = (request::reference()?, request::latchkey()?);
        Desk::open(Page::Reference, request::barred_actor()?.as_ref())?;
        Ok::<_, Error>(match request::below(Page::Reference) {
            None => frame(&reference, None, overview(&reference, latchkey.public_url())),
            Some(slug) => match reference.section(&slug) {
                Some(section) => frame(&reference, Some(section), calls(section, latchkey.public_url())),
                None => view! { <NotFoundPage/> }.into_any(),
            },
        })
    })
}

/// The sections, beside the one that is read; beside the overview when it is none of them.
fn frame(reference: &Reference, here: Option<&Section>, content: AnyView) -> AnyView {
    let current = |is_here: bool| is_here.then_some("page");
    let link = |section: &Section| {
        let is_here = here.is_some_and(|here| here.slug == section.slug);
        view! { <li><a href=address(section) aria-current=current(is_here)>{section.title.clone()}</a></li> }
    };
    let title = here.map(|section| format!("{} · ", section.title)).unwrap_or_default();
    view! {
        <Title text=format!("{title}API reference · Latchkey")/>
        <div class="house reference">
            <a class="skip" href="#main">"Skip to the page"</a>
            <header class="side">
                <Brand/>
                <nav aria-label="API reference">
                    <ul>
                        <li><a href=Page::Reference.path() aria-current=current(here.is_none())>"Overview"</a></li>
                        {reference.sections.iter().map(link).collect_view()}
                    </ul>
                </nav>
                <div class="side-foot"><ThemeForm/></div>
            </header>
            <main class="main main-narrow" id="main" tabindex="-1">{content}</main>
        </div>
    }
    .into_any()
}

fn overview(reference: &Reference, base: &str) -> AnyView {
    view! {
        <PageHead title="API reference" lead=plain(&reference.about)/>
        <div class="stack">
            <Ground base=base.to_owned()/>
            {reference.sections.iter().map(summary).collect_view()}
        </div>
    }
    .into_any()
}

/// What holds for every call.
#[component]
fn Ground(base: String) -> impl IntoView {
    let code = |code: &Code| view! { <li><code>{code.as_str()}</code><p class="soft">{code.message()}</p></li> };
    view! {
        <section class="card card-section" aria-labelledby="ground">
            <h2 id="ground">"For every call"</h2>
            <p>
                "Calls go to " <code class="breaks">{base}</code> ", bodies are JSON, times are RFC 3339. Programs read the same as "
                <a href="/openapi.json">"OpenAPI 3.1"</a> "."
            </p>
            <h3>"Who calls"</h3>
            <ul class="fields">
                <li>
                    <code>"Authorization: Bearer …"</code>
                    <p class="soft">"An access token, which every sign-in answers with, or an API key."</p>
                </li>
                <li>
                    <code>"X-API-Key: …"</code>
                    <p class="soft">
                        "An API key, made in Settings, API keys. Its scopes say what it may do: " <code>"read"</code> ", "
                        <code>"write"</code> ", " <code>"delete"</code> ", " <code>"admin"</code> "."
                    </p>
                </li>
                <li>
                    <code>"Cookie: __Host-latchkey=…"</code>
                    <p class="soft">
                        "The session of a browser. Every change also carries " <code>"X-CSRF-Token"</code> ", from "
                        <code>"GET /v1/auth/csrf-token"</code> "."
                    </p>
                </li>
            </ul>
            <h3>"When a call is refused"</h3>
            <p>
                "Act on " <code>"code"</code> ", whose meaning never changes. " <code>"message"</code> " is for people; "
                <code>"requestId"</code> " is what to tell whoever runs the server."
            </p>
            {sample("A refusal", &refusal())}
            <details class="more">
                <summary>"Every code"</summary>
                <ul class="fields stack">{Code::ALL.iter().map(code).collect_view()}</ul>
            </details>
            <h3>"Limits"</h3>
            <p>
                <code>"X-RateLimit-Limit"</code> ", " <code>"X-RateLimit-Remaining"</code> " and " <code>"X-RateLimit-Reset"</code>
                " say how many calls there are, how many are left and until when, in Unix seconds. 429 and 503 carry "
                <code>"Retry-After"</code> ", in seconds."
            </p>
            <h3>"Lists"</h3>
            <p>
                <code>"page"</code> " from 1, " <code>"limit"</code> " up to 100 and 20 when not said, " <code>"sortBy"</code> ", and "
                <code>"sortOrder"</code> ", " <code>"asc"</code> " or " <code>"desc"</code> "."
            </p>
        </section>
    }
}

fn refusal() -> String {
    let code = Code::InsufficientScope;
    let refusal = serde_json::json!({
        "statusCode": 403,
        "error": "Forbidden",
        "message": code.message(),
        "code": code.as_str(),
        "requestId": "req_7f3a2b1c9d0e0000002a",
    });
    format!("{refusal:#}")
}

/// A section on the overview.
fn summary(section: &Section) -> AnyView {
    let call = |call: &Call| {
        let to = format!("{}#{}", address(section), call.id);
        view! { <li><a href=to>{prose(&call.summary)}</a>{line(call)}</li> }
    };
    view! {
        <section class="card card-section">
            <header>
                <h2><a href=address(section)>{section.title.clone()}</a></h2>
                <p class="soft">{prose(&section.about)}</p>
            </header>
            <ul class="call-list">{section.calls.iter().map(call).collect_view()}</ul>
        </section>
    }
    .into_any()
}

fn calls(section: &Section, base: &str) -> AnyView {
    view! {
        <div class="page-head">
            <div>
                <h1>{section.title.clone()}</h1>
                <p>{prose(&section.about)}</p>
            </div>
        </div>
        <div class="stack">{section.calls.iter().map(|call| whole(call, base)).collect_view()}</div>
    }
    .into_any()
}

/// All that is known of a call.
fn whole(call: &Call, base: &str) -> AnyView {
    let name = format!("{}-name", call.id);
    let ways: Vec<_> = call.ways.iter().map(|way| way.words()).collect();
    let ways =
        if ways.is_empty() { "Anybody may call it.".to_owned() } else { format!("Called with: {}.", ways.join("; ")) };
    view! {
        <article class="card card-section" id=call.id.clone() aria-labelledby=name.clone()>
            <header>
                <h2 id=name.clone()><a href=format!("#{}", call.id)>{prose(&call.summary)}</a></h2>
                {line(call)}
            </header>
            {(!call.about.is_empty()).then(|| view! { <p>{prose(&call.about)}</p> })}
            <p class="hint">{ways}</p>
            {(!call.parameters.is_empty()).then(|| view! { <h3>"Parameters"</h3>{fields(&call.parameters)} })}
            {call.input.as_ref().map(|input| view! { <h3>"Body"</h3>{shapes(input)} })}
            {sample(&format!("Command: {}", plain(&call.summary)), &call.command(base))}
            <h3>"Answers"</h3>
            <ul class="fields">{call.answers.iter().map(answer).collect_view()}</ul>
        </article>
    }
    .into_any()
}

/// Method and path.
fn line(call: &Call) -> AnyView {
    view! { <p class="call-line breaks"><b>{call.method.clone()}</b>" "{call.path.clone()}</p> }.into_any()
}

/// An answer, with what is in it. One refusal looks like another; the overview shows it.
fn answer(answer: &Answer) -> AnyView {
    let content = answer.content.as_ref().filter(|_| answer.status.as_str() < "400");
    let more = content.filter(|content| content.example.is_some() || !content.shapes.is_empty()).map(|content| {
        view! {
            <details class="more">
                <summary>"What is in it"</summary>
                <div class="stack">
                    {content.example.as_ref().map(|text| sample("Example", text))}
                    {shapes(content)}
                </div>
            </details>
        }
    });
    view! {
        <li>
            <code>{answer.status.clone()}</code>
            <p class="soft">{prose(&answer.about)}</p>
            {(!answer.headers.is_empty()).then(|| fields(&answer.headers))}
            {more}
        </li>
    }
    .into_any()
}

fn shapes(content: &Content) -> AnyView {
    let several = content.shapes.len() > 1;
    let shape = |shape: &Shape| {
        let about = (several && !shape.about.is_empty()).then(|| view! { <p>{prose(&shape.about)}</p> });
        view! { {about}{fields(&shape.fields)} }
    };
    content.shapes.iter().map(shape).collect_view().into_any()
}

fn fields(fields: &[Field]) -> AnyView {
    let field = |field: &Field| {
        let place = field.place.map(|place| format!(", {place}")).unwrap_or_default();
        let kind = format!("{}{place}{}", field.kind, if field.is_required { ", required" } else { "" });
        view! {
            <li>
                <code class="breaks">{field.name.clone()}</code>
                " "
                <span class="hint">{prose(&kind)}</span>
                {(!field.about.is_empty()).then(|| view! { <p class="soft">{prose(&field.about)}</p> })}
            </li>
        }
    };
    view! { <ul class="fields">{fields.iter().map(field).collect_view()}</ul> }.into_any()
}

/// Something to read or to copy, as it is typed.
fn sample(label: &str, text: &str) -> AnyView {
    view! { <pre class="quote" tabindex="0" role="region" aria-label=label.to_owned()>{text.to_owned()}</pre> }
        .into_any()
}

fn address(section: &Section) -> String {
    format!("{}/{}", Page::Reference.path(), section.slug)
}

/// A text of the document: what stands between backquotes is code.
fn prose(text: &str) -> Vec<AnyView> {
    let piece = |(at, piece): (usize, &str)| {
        let piece = piece.to_owned();
        if at % 2 == 1 { view! { <code class="breaks">{piece}</code> }.into_any() } else { piece.into_any() }
    };
    text.split('`').enumerate().filter(|(_, piece)| !piece.is_empty()).map(piece).collect()
}

/// The same where no code can stand.
fn plain(text: &str) -> String {
    text.replace('`', "")
}
