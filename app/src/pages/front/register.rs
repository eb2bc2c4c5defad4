//! `/register`.

use super::parts::CLOSED;
use crate::components::badge::Tone;
use crate::components::button::SubmitButton;
use crate::components::field::{Input, TextField};
use crate::components::form::PostForm;
use crate::components::layout::Front;
use crate::components::notice::Notice;
use crate::error::Refusal;
use crate::note::Mailed;
use crate::request::{self, Desk, Done, Form};
use crate::routes::{Page, inward};
use latchkey::Error;
use latchkey::field::{Field, FieldCode};
use latchkey::flow::sign_in::SecretText;
use latchkey::flow::sign_up::{SignUp, SignedUp};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use serde::{Deserialize, Serialize};

/// What a new account is made of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NewAccount {
    name: String,
    email: String,
    #[serde(skip_serializing)]
    password: SecretText,
    company: String,
    organization_code: String,
    /// Whether the form asks for a code.
    with_code: bool,
}

/// The query under which the page asks for an invitation code: that code, or any other value for a code to be typed.
const CODE: &str = "code";

/// Makes an account, with an organization of its own or in one that an invitation code leads to.
#[component]
pub fn RegisterPage() -> impl IntoView {
    super::super::page(async move {
        if request::actor()?.is_some() {
            request::see(Page::FIRST.path());
        }
        let desk = Desk::open(Page::Register, None)?;
        let next = request::next();
        let latchkey = request::latchkey()?;
        let open = latchkey.registration_is_open();
        if latchkey.registration_is_closed() {
            return Ok(view! { <ClosedPage/> }.into_any());
        }
        let code = request::query(CODE).or_else(|| (!open).then(String::new));
        let login =
            next.as_deref().map_or_else(|| Page::Login.path().to_owned(), |next| Page::Login.with(&[("next", next)]));
        let other = if code.is_some() {
            let href = Page::Register.with_known(&[("next", next.as_deref())]);
            open.then(|| view! { " · "<a href=href>"Sign up without a code"</a> }.into_any())
        } else {
            let href = Page::Register.with_known(&[(CODE, Some(ASK)), ("next", next.as_deref())]);
            Some(view! { " · "<a href=href>"Use an invitation code"</a> }.into_any())
        };
        let aside = view! { "Have an account? "<a href=login>"Sign in"</a>{other} }.into_any();
        let lead = match (&code, open) {
            (None, _) => "It takes a minute.",
            (Some(_), true) => "With the code you were given you join an organization that is there already.",
            (Some(_), false) => "New accounts need an invitation here: the code you were given, or the link in a mail.",
        };
        let version = if code.is_some() { "code" } else { "own" };
        Ok::<_, Error>(
            view! {
                <Front title="Create your account" lead=lead aside=Some(aside) version=Some(version)>
                    <RegisterForm desk=desk next=next code=code/>
                </Front>
            }
            .into_any(),
        )
    })
}

#[component]
fn ClosedPage() -> impl IntoView {
    view! {
        <Front title="Create your account" lead="">
            <Notice text=CLOSED tone=Tone::Plain/>
            <a class="button button-wide" href=Page::Login.path()>"Go to sign-in"</a>
        </Front>
    }
}

/// Asks for the field of a code, and is none.
const ASK: &str = "ask";

#[component]
fn RegisterForm(desk: Desk, next: Option<String>, code: Option<String>) -> impl IntoView {
    let state = desk.form("register");
    let name = Input {
        name: "account[name]",
        autocomplete: "name",
        longest: Some(100),
        focused: !state.comes_back(),
        ..Input::default()
    };
    let email = Input { name: "account[email]", kind: "email", autocomplete: "username", ..Input::default() };
    let password = Input::new_password("account[password]");
    let company = Input {
        name: "account[company]",
        autocomplete: "organization",
        optional: true,
        longest: Some(100),
        ..Input::default()
    };
    let last = match code {
        Some(code) => {
            let code = Input {
                name: "account[organizationCode]",
                value: Some(code).filter(|code| code != ASK).unwrap_or_default(),
                longest: Some(20),
                ..Input::default()
            };
            view! {
                <input type="hidden" name="account[withCode]" value="true"/>
                <TextField label="Invitation code" input=code state=state.clone()/>
            }
            .into_any()
        }
        None => view! { <TextField label="Organization" input=company state=state.clone()/> }.into_any(),
    };
    view! {
        <PostForm action=Register::PATH state=state.clone()>
            <input type="hidden" name="next" value=next/>
            <TextField label="Name" input=name state=state.clone()/>
            <TextField label="Email" input=email state=state.clone()/>
            <TextField label="Password" input=password state=state.clone()/>
            {last}
            <SubmitButton label="Create account" wide=true/>
        </PostForm>
    }
}

/// Makes an account and signs its person in.
#[server(name = Register, prefix = "/fn", endpoint = "register")]
pub async fn register(csrf: String, #[server(default)] next: String, account: NewAccount) -> Result<Done, Refusal> {
    let next = inward(&next).map(str::to_owned);
    let NewAccount { name, email, password, company, organization_code, with_code } = account;
    let code = Some(organization_code.trim().to_owned()).filter(|code| !code.is_empty());
    let shown = code.clone().unwrap_or_else(|| ASK.to_owned());
    let query = [("next", next.clone()), (CODE, with_code.then_some(shown))];
    let form = Form {
        query: query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        typed: vec![
            ("name", name.clone()),
            ("email", email.clone()),
            ("company", company.clone()),
            ("organizationCode", organization_code),
        ],
        ..Form::new("register", "account", Page::Register)
    };
    request::answer(form, async {
        let visitor = request::visitor_change(&csrf)?;
        if with_code && code.is_none() {
            return Err(Error::field(Field::OrganizationCode, FieldCode::Required));
        }
        let company = Some(company).filter(|company| !company.trim().is_empty());
        let with = SignUp {
            name: Some(name),
            email: Some(email),
            password: Some(password),
            company,
            organization_code: code,
            ..Default::default()
        };
        let signed_up =
            request::begin_session(async |latchkey, opening| latchkey.sign_up(&visitor, with, opening).await).await?;
        if let SignedUp::ToVerify(email) = &signed_up {
            request::keep_mailed(Page::VerifyEmail, Mailed { email: email.to_string(), next, ..Mailed::default() })?;
            return Ok(Page::VerifyEmail.path().to_owned());
        }
        Ok(request::way_on(&signed_up, next))
    })
    .await
}
