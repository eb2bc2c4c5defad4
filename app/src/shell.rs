//! The HTML around every page.

use crate::App;
use crate::request;
use crate::routes::Page;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

/// Wakes the islands once the module has arrived.
const LOADER: &str = include_str!("loader.js");

/// Takes tokens out of the address bar before anything is fetched.
const CLEAN: &str = "history.replaceState(null,\"\",location.pathname)";

const NO_REFERRER: &str = "no-referrer";

/// Where the files of the pages are, under their hashed names.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    /// The stylesheet.
    pub css: String,
    /// The glue of the module.
    pub script: String,
    /// The module.
    pub wasm: String,
    /// The sprite of icons.
    pub icons: String,
    /// The small picture in the tab.
    pub favicon: String,
}

/// The document. Nothing in it waits for the network but the stylesheet. Its files are fetched without a referrer: on the
/// landing pages of mailed links that would hold the token.
pub fn shell(assets: Assets) -> impl IntoView {
    provide_context(assets.clone());
    let nonce = use_nonce();
    let loader = format!("({})({:?},{:?})", LOADER.trim(), assets.script, assets.wasm);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=request::theme()>
            <head>
                <meta charset="utf-8"/>
                {request::is_at(Page::ThirdPartySignIn).then(|| view! { <script nonce=nonce.clone()>{CLEAN}</script> })}
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="stylesheet" href=assets.css referrerpolicy=NO_REFERRER/>
                <link rel="icon" href=assets.favicon type="image/svg+xml" referrerpolicy=NO_REFERRER/>
                <link rel="modulepreload" href=assets.script nonce=nonce.clone() referrerpolicy=NO_REFERRER/>
                <link
                    rel="preload"
                    href=assets.wasm
                    r#as="fetch"
                    r#type="application/wasm"
                    crossorigin="anonymous"
                    referrerpolicy=NO_REFERRER
                />
                <MetaTags/>
                <script type="module" nonce=nonce referrerpolicy=NO_REFERRER>{loader}</script>
            </head>
            <body>
                <App/>
                <p class="visually-hidden" id="announcer" role="status"></p>
            </body>
        </html>
    }
}
