//! `/dev/mailbox`: the mails that were "sent" in development. Elsewhere there is no such page.

use super::trouble::NotFoundPage;
use crate::components::badge::{StateBadge, Tone};
use crate::components::empty::Empty;
use crate::components::layout::Front;
use crate::components::time::Moment;
use crate::request::{self, Desk};
use crate::routes::Page;
use latchkey::Error;
use latchkey::clock::Timestamp;
use latchkey::flow::mail::MailView;
use leptos::prelude::*;

/// The list, and the mail that the address names.
#[component]
pub fn MailboxPage() -> impl IntoView {
    super::page(async move {
        let latchkey = request::latchkey()?;
        if !latchkey.keeps_mail() {
            return Ok::<_, Error>(view! { <NotFoundPage/> }.into_any());
        }
        Desk::open(Page::Mailbox, None)?;
        let (mails, now) = (latchkey.mailbox().await?, latchkey.now());
        let wanted = request::query("mail");
        let open = mails.iter().find(|mail| Some(&mail.id) == wanted.as_ref()).cloned();
        let lead = "Development only: these mails went nowhere else.";
        Ok(view! {
            <Front title="Mailbox" lead=lead wide=true>
                {if mails.is_empty() {
                    view! { <Empty icon="mail" text="No mails yet. Ask for a sign-in link, and it is here."><Reload/></Empty> }
                        .into_any()
                } else {
                    view! { <Mails mails=mails open=open now=now/> }.into_any()
                }}
            </Front>
        }
        .into_any())
    })
}

#[component]
fn Reload() -> impl IntoView {
    view! { <a class="button" href=Page::Mailbox.path()>"Look again"</a> }
}

#[component]
fn Mails(mails: Vec<MailView>, open: Option<MailView>, now: Timestamp) -> impl IntoView {
    let here = open.as_ref().map(|mail| mail.id.clone());
    let rows = mails
        .into_iter()
        .map(|mail| {
            let current = here.as_ref() == Some(&mail.id);
            let href = Page::Mailbox.with(&[("mail", &mail.id)]);
            view! {
                <li>
                    <a href=href aria-current=current.then_some("true")>
                        <b>{mail.written.subject}</b>
                        <span class="hint">{mail.to}</span>
                    </a>
                    <span class="hint"><Moment at=mail.at now=now/></span>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="row row-apart">
            <StateBadge text="Development" tone=Tone::Warn/>
            <Reload/>
        </div>
        <div class="mailbox">
            <nav aria-label="Mails"><ul>{rows}</ul></nav>
            {open.map(|mail| view! { <OpenMail mail=mail now=now/> })}
        </div>
    }
}

#[component]
fn OpenMail(mail: MailView, now: Timestamp) -> impl IntoView {
    let MailView { to, at, written, .. } = mail;
    view! {
        <article class="mail" aria-labelledby="subject">
            <h2 id="subject">{written.subject}</h2>
            <p class="hint">"To "{to}", "<Moment at=at now=now/></p>
            <div class="mail-text">{with_links(&written.text)}</div>
            <details class="more">
                <summary>"HTML part"</summary>
                <pre class="quote" tabindex="0" aria-label="HTML part">{written.html}</pre>
            </details>
        </article>
    }
}

/// A text in which addresses of pages can be followed.
fn with_links(text: &str) -> Vec<AnyView> {
    text.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let word = piece.trim_end();
            let is_link = word.starts_with("https://") || word.starts_with("http://");
            if is_link {
                let rest = piece[word.len()..].to_owned();
                view! { <a href=word.to_owned()>{word.to_owned()}</a>{rest} }.into_any()
            } else {
                piece.to_owned().into_any()
            }
        })
        .collect()
}
