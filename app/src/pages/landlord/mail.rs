//! How mail stands.

use crate::components::badge::{StateBadge, Tone};
use crate::components::button::{SubmitButton, Weight};
use crate::components::form::PostForm;
use crate::components::time::Moment;
use crate::error::Refusal;
use crate::format;
use crate::note::{Note, Said, kept};
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::clock::Timestamp;
use latchkey::flow::mail::MailStatusView;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// The way out, and what waits.
#[component]
pub fn MailCard(desk: Desk, mail: MailStatusView, now: Timestamp) -> impl IntoView {
    let (word, tone, lead) = match mail.transport {
        "smtp" => ("Mail server", Tone::Good, "Links, codes and notices leave through your mail server."),
        "mailbox" => ("Mailbox", Tone::Warn, "Nothing is sent: mails are kept here to be read, for development."),
        _ => ("Not configured", Tone::Bad, "No mail can be sent. Set LATCHKEY_SMTP_URL and start Latchkey again."),
    };
    let answer = match desk.note.as_ref() {
        Some(Note::MailTried { trouble: Some((_, problem)), .. }) => Some(problem.clone()),
        _ => None,
    };
    let is_set = mail.transport != "not_configured";
    let count = |number: i64| format::count(u64::try_from(number).unwrap_or_default());
    view! {
        <section class="card" id="mail" data-region="">
            <div class="card-section">
                <header>
                    <h2>"Mail"</h2>
                    <p class="soft">{lead}</p>
                </header>
                <dl class="facts">
                    <div><dt>"Way out"</dt><dd><StateBadge text=word tone=tone/></dd></div>
                    <div><dt>"Sender"</dt><dd>{mail.from.clone()}</dd></div>
                    <div>
                        <dt>"Waiting"</dt>
                        <dd>
                            {count(mail.waiting)}
                            {mail.oldest_at.map(|at| view! { ", the oldest since "<Moment at=at now=now/> })}
                        </dd>
                    </div>
                    <div><dt>"Sent in 7 days"</dt><dd>{count(mail.sent)}</dd></div>
                    <div><dt>"Given up in 7 days"</dt><dd>{count(mail.given_up)}</dd></div>
                </dl>
                {answer.map(|answer| view! {
                    <div class="field">
                        <span class="label">"What the mail server said"</span>
                        <pre class="quote">{answer}</pre>
                    </div>
                })}
                {is_set.then(|| view! {
                    <PostForm action=TryMail::PATH state=desk.form("try-mail")>
                        <div class="card-foot">
                            <SubmitButton label="Send a test mail to me" weight=Weight::Plain/>
                            {(mail.transport == "mailbox").then(|| view! {
                                <a class="button button-quiet" href=Page::Mailbox.path()>"Open the mailbox"</a>
                            })}
                        </div>
                    </PostForm>
                })}
            </div>
        </section>
    }
}

/// Sends a mail to try the way.
#[server(name = TryMail, prefix = "/fn", endpoint = "try-mail")]
pub async fn try_mail(csrf: String) -> Result<Done, Refusal> {
    request::answer(Form::new("try-mail", "mail", Page::Landlord), async {
        let actor = request::change(&csrf)?;
        let latchkey = request::latchkey()?;
        let tried = Box::pin(latchkey.send_test_mail(&actor)).await?;
        let trouble = tried.stage.map(|stage| (stage.to_owned(), kept(&tried.problem.unwrap_or_default())));
        let kept_here = latchkey.keeps_mail();
        let note = if kept_here { Note::Said(Said::TestMailKept) } else { Note::MailTried { to: tried.to, trouble } };
        request::leave_note(Page::Landlord, note)?;
        Ok(Page::Landlord.path().to_owned())
    })
    .await
}
