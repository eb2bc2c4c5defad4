//! `/auth/thirdPartySignIn`: somebody comes with a ticket, or with the tokens of a session. Looking spends nothing and signs
//! nobody in; the button does.

use crate::components::badge::Tone;
use crate::components::button::SubmitButton;
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::components::notice::Notice;
use crate::error::{Refusal, summary_of};
use crate::note::FormState;
use crate::request::{self, Desk, Done, Form};
use crate::routes::Page;
use latchkey::error::Code;
use latchkey::flow::handoff::{Brought, HandoffPreview};
use latchkey::{Actor, Error};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

/// The names in the query, which are those of the link's other side.
const TICKET: &str = "ticket";
const TOKENS: &str = "SF_Token";
/// The query under which the page says that what was brought is no longer good.
const OVER: (&str, &str) = ("state", "over");

/// What somebody has brought along.
#[derive(Clone)]
enum Luggage {
    Ticket(String),
    Tokens(String),
}

impl Luggage {
    fn of(ticket: Option<String>, tokens: Option<String>) -> Option<Self> {
        ticket.map(Self::Ticket).or(tokens.map(Self::Tokens))
    }

    fn shown(&self) -> Brought<'_> {
        match self {
            Self::Ticket(text) => Brought::Ticket(text),
            Self::Tokens(text) => Brought::Tokens(text),
        }
    }

    /// Its name in the query, its name in the form, and itself.
    fn parts(self) -> (&'static str, &'static str, String) {
        match self {
            Self::Ticket(text) => (TICKET, "ticket", text),
            Self::Tokens(text) => (TOKENS, "tokens", text),
        }
    }
}

/// Who signs in, and one button.
#[component]
pub fn ThirdPartyPage() -> impl IntoView {
    super::super::page(async move {
        let desk = Desk::open(Page::ThirdPartySignIn, None)?;
        let Some(luggage) = Luggage::of(request::query(TICKET), request::query(TOKENS)) else {
            let code = if request::query(OVER.0).is_some() { Code::Gone } else { Code::MissingCredentials };
            return Ok::<_, Error>(view! { <DeadPage why=Error::Malformed(code)/> }.into_any());
        };
        let seen = request::latchkey()?.preview_handoff(&request::visitor()?, luggage.shown()).await;
        Ok(match seen {
            Ok(who) => {
                let state = desk.form("third-party");
                view! { <OpenPage who=who luggage=luggage here=request::barred_actor()? state=state/> }.into_any()
            }
            Err(why @ (Error::Malformed(_) | Error::Unauthenticated(_) | Error::Forbidden(_))) => {
                view! { <DeadPage why=why/> }.into_any()
            }
            Err(error) => return Err(error),
        })
    })
}

#[component]
fn OpenPage(who: HandoffPreview, luggage: Luggage, here: Option<Actor>, state: FormState) -> impl IntoView {
    let HandoffPreview { user, email, name } = who;
    let other = here.filter(|actor| actor.principal().user_id() != user);
    let other = other.map(|actor| actor.principal().email().to_string());
    let aside = match &other {
        Some(_) => view! { <a href=Page::FIRST.path()>"Stay signed in as you are"</a> }.into_any(),
        None => view! { <a href=Page::Login.path()>"Sign in another way"</a> }.into_any(),
    };
    let (_, name_in_form, text) = luggage.parts();
    let lead = "A link has brought you here. Go on if this is you.";
    let ends = other.map(|other| format!("You are signed in as {other}. That session ends."));
    view! {
        <Front title="Continue?" lead=lead aside=Some(aside)>
            {ends.map(|words| view! { <Notice text=words tone=Tone::Warn/> })}
            <PostForm action=ContinueHere::PATH state=state>
                <input type="hidden" name=name_in_form value=text/>
                <SubmitButton label=format!("Continue as {name} ({email})") wide=true/>
            </PostForm>
        </Front>
    }
}

/// What was brought is not good; the status of the page says so too.
#[component]
fn DeadPage(why: Error) -> impl IntoView {
    let inside = matches!(request::actor(), Ok(Some(_)));
    let again = "Go back to where you came from and try it once more, or sign in here.";
    let (title, lead) = match &why {
        Error::Malformed(Code::Gone) => ("This link is over", format!("It works once, and for a minute. {again}")),
        Error::Malformed(Code::MissingCredentials) => ("Nothing came with this link", again.to_owned()),
        Error::Malformed(_) => ("This link is not valid", format!("It was used, or its session has ended. {again}")),
        other => ("You cannot go on with this link", summary_of(other, "")),
    };
    let gone = matches!(why, Error::Malformed(Code::Gone));
    request::set_status(&Error::Malformed(if gone { Code::Gone } else { Code::InvalidToken }));
    let (to, label) = if inside { (Page::FIRST, "Go on as you are") } else { (Page::Login, "Go to sign-in") };
    view! {
        <Front title=title lead=lead>
            <a class="button button-wide" href=to.path()>{label}</a>
        </Front>
    }
}

/// Signs in with what was brought. Whoever was signed in on this browser before is so no longer.
#[server(name = ContinueHere, prefix = "/fn", endpoint = "continue")]
pub async fn continue_here(
    csrf: String,
    #[server(default)] ticket: Option<String>,
    #[server(default)] tokens: Option<String>,
) -> Result<Done, Refusal> {
    let over = || Page::ThirdPartySignIn.with(&[OVER]);
    let luggage = Luggage::of(ticket, tokens);
    let query = luggage.clone().map(Luggage::parts).map(|(name, _, text)| (name, text));
    let form =
        Form { query: query.into_iter().collect(), ..Form::new("third-party", "continue", Page::ThirdPartySignIn) };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        let Some(luggage) = luggage else { return Ok(over()) };
        let opened = request::begin_session(async |latchkey, opening| {
            latchkey.take_over(&visitor, luggage.shown(), opening).await
        });
        match opened.await {
            Err(Error::Malformed(_)) => Ok(over()),
            Err(error) => Err(error),
            Ok(entered) => Ok(request::way_on(&entered, None)),
        }
    })
    .await
}
