//! The frames that pages stand in.

use super::badge::Tone;
use super::form::PostForm;
use super::icon::{Brand, Icon};
use super::keeper::Keeper;
use super::notice::{Notice, Notices};
use super::switcher::{Place, Switcher};
use super::theme::ThemeForm;
use crate::error::Refusal;
use crate::format;
use crate::islands::live::Live;
use crate::note::{Note, Said};
use crate::request::{self, Done, Form};
use crate::routes::Page;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use leptos_meta::Title;

/// Who is at home, as the frame shows it.
#[derive(Clone)]
pub struct Resident {
    /// Their name.
    pub name: String,
    /// The organization they act in, or their address.
    pub place: String,
    /// Their other organizations.
    pub others: Vec<Place>,
    /// The pages that are for them, in the order of the navigation.
    pub pages: Vec<Page>,
    /// What they should know about mail.
    pub mail_banner: Option<&'static str>,
    /// The session and its person, when it was handed on from another site.
    pub handed_off: Option<(String, String)>,
}

/// The frame of pages for people who are signed in.
#[component]
pub fn House(
    /// Which page stands in it.
    page: Page,
    /// The heading, also the title of the window.
    title: &'static str,
    /// Who is signed in.
    resident: Resident,
    /// Reading width.
    #[prop(optional)]
    narrow: bool,
    /// An open dialog; the rest of the page rests meanwhile.
    #[prop(default = None)]
    overlay: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    let covered = overlay.is_some();
    let banner = resident.mail_banner;
    let handed_off = resident.handed_off.clone();
    view! {
        <Title text=format!("{title} · Latchkey")/>
        <Live>
            <div class="house" inert=covered>
                <a class="skip" href="#main">"Skip to the page"</a>
                <Side page=page resident=resident/>
                <main class="main" class:main-narrow=narrow id="main" tabindex="-1">
                    {banner.map(|words| view! { <div class="notices"><Notice text=words tone=Tone::Warn/></div> })}
                    {handed_off.map(|(session, person)| view! { <Keeper session=session person=person/> })}
                    <Notices/>
                    {children()}
                </main>
            </div>
            <div id="overlay" data-region="">{overlay}</div>
        </Live>
    }
}

#[component]
fn Side(page: Page, resident: Resident) -> impl IntoView {
    let links = resident.pages.into_iter().map(|to| {
        let (icon, label) = sign(to);
        view! {
            <li>
                <a href=to.path() aria-current=(to == page).then_some("page")>
                    <Icon name=icon/>
                    {label}
                </a>
            </li>
        }
    });
    let links = links.collect_view();
    view! {
        <header class="side">
            <Brand/>
            <nav aria-label="Settings">
                <ul id="pages" data-region="">{links}</ul>
            </nav>
            <div class="side-foot">
                <div class="here" id="here" data-region="">
                    <div class="who">
                        <span class="initials" aria-hidden="true">{format::initials(&resident.name)}</span>
                        <b>{resident.name}</b>
                        <span class="hint">{resident.place.clone()}</span>
                    </div>
                    <Switcher here=resident.place others=resident.others/>
                </div>
                <ThemeForm/>
                <PostForm action=SignOut::PATH class="sign-out-form" ends_session=true>
                    <button type="submit" class="button button-quiet sign-out">
                        <Icon name="out"/>
                        "Sign out"
                    </button>
                </PostForm>
            </div>
        </header>
    }
    // Its type would make that of every page too deep for the compiler.
    .into_any()
}

/// Picture and word of a page in the navigation.
const fn sign(page: Page) -> (&'static str, &'static str) {
    match page {
        Page::Profile => ("person", "Profile"),
        Page::Security => ("shield", "Security"),
        Page::Organization => ("people", "Organization"),
        Page::Audit => ("info", "Audit log"),
        Page::Landlord => ("mail", "Landlord"),
        _ => ("key", "API keys"),
    }
}

/// Ends this session.
#[server(name = SignOut, prefix = "/fn", endpoint = "sign-out")]
pub async fn sign_out(csrf: String) -> Result<Done, Refusal> {
    request::answer(Form::new("sign-out", "sign-out", Page::FIRST), async {
        if request::barred_actor()?.is_some() {
            let actor = request::barred_change(&csrf)?;
            request::latchkey()?.sign_out(&actor).await?;
        }
        request::end_session();
        request::leave_note(Page::Login, Note::Said(Said::SignedOut))?;
        Ok(Page::Login.path().to_owned())
    })
    .await
}

/// The frame of pages for people who are about to come in.
#[component]
pub fn Front(
    /// The heading, also the title of the window.
    #[prop(into)]
    title: String,
    /// A sentence under it.
    #[prop(into)]
    lead: String,
    /// A line under the card.
    #[prop(default = None)]
    aside: Option<AnyView>,
    /// Which of its states the page is in, when it has several: what is typed stays for as long as that does.
    #[prop(default = None)]
    version: Option<&'static str>,
    /// Wider, for lists.
    #[prop(optional)]
    wide: bool,
    children: Children,
) -> impl IntoView {
    let alone = aside.is_none();
    view! {
        <Title text=format!("{title} · Latchkey")/>
        <div class="front" class:front-wide=wide>
            <main id="main">
                <Brand/>
                <Live>
                    <div class="card" id="door" data-region="" data-version=version>
                        <header>
                            <h1 tabindex="-1">{title}</h1>
                            <p class="soft" data-announce="">{lead}</p>
                        </header>
                        <Notices/>
                        {children()}
                    </div>
                </Live>
                <p class="aside" id="aside" data-region="" hidden=alone>{aside}</p>
            </main>
            <footer>
                <ThemeForm/>
            </footer>
        </div>
    }
}

/// The head of a page.
#[component]
pub fn PageHead(
    /// The heading.
    title: &'static str,
    /// A sentence under it.
    #[prop(into)]
    lead: String,
    /// What to do here.
    #[prop(optional)]
    action: Option<AnyView>,
) -> impl IntoView {
    view! {
        <div class="page-head">
            <div>
                <h1>{title}</h1>
                <p>{lead}</p>
            </div>
            {action}
        </div>
    }
}
