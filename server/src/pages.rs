//! The pages: the only file that touches `latchkey_app` but for the names of its files ([`crate::assets`]).
//!
//! Every page and every address of a form gets the core, who sent the request and who is signed in, and answers with a
//! policy that lets run only what carries the page's own nonce.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use axum::{Router, middleware};
use latchkey::flow::authenticate::{CredentialHeaders, Presented};
use latchkey::{Actor, Error, Latchkey};
use latchkey_app::request::SignedInAs;
use latchkey_app::{App, Lazily, Reference, shell};
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{
    ResponseOptions, generate_route_list, handle_server_fns_with_context, render_app_async_with_context,
};

use crate::middleware::Call;
use crate::rest::cookies;
use crate::rest::failure::Failure;

/// What `/docs` shows, read from the OpenAPI document.
pub fn reference(document: Arc<str>) -> Arc<Lazily> {
    Arc::new(Lazily::new(Box::new(move || Reference::read(&document))))
}

/// Every page, and every address that a form posts to.
pub fn routes(latchkey: &Latchkey) -> Router<Latchkey> {
    let mut router = Router::new();
    for page in generate_route_list(App) {
        router = router.route(page.path(), get(show));
    }
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        if let Ok(filter) = MethodFilter::try_from(method) {
            router = router.route(path, on(filter, work));
        }
    }
    router.route_layer(middleware::from_fn_with_state(latchkey.clone(), recognize))
}

/// Whether a request that nothing answers to comes from somebody who reads pages.
pub fn is_for_people(request: &Request) -> bool {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|accept| accept.contains("text/html"));
    matches!(*request.method(), Method::GET | Method::HEAD)
        && request.headers().get(header::ACCEPT).is_some_and(accepts)
}

/// The page that says that there is nothing.
pub async fn missing(latchkey: &Latchkey, mut request: Request) -> Response {
    introduce(latchkey, &mut request).await;
    show(State(latchkey.clone()), request).await
}

async fn recognize(State(latchkey): State<Latchkey>, mut request: Request, next: middleware::Next) -> Response {
    introduce(&latchkey, &mut request).await;
    next.run(request).await
}

/// Finds out who is signed in on this browser. Only the cookie counts on pages.
async fn introduce(latchkey: &Latchkey, request: &mut Request) {
    let Some(call) = request.extensions().get::<Arc<Call>>().cloned() else { return };
    let cookie = cookies::session(request.headers());
    let headers = CredentialHeaders { cookie, ..CredentialHeaders::default() };
    let known = match Presented::read(headers) {
        Ok(presented) if presented.is_none() => Ok(None),
        // What somebody barred may do is for the pages to ask: `request::actor` refuses them.
        Ok(presented) => latchkey.authenticate_barred(&call.visitor, &presented).await.map(|(principal, _)| {
            call.note_principal(&principal);
            Some(Actor::new(call.visitor.clone(), principal))
        }),
        Err(error) => Err(error),
    };
    request.extensions_mut().insert(call.visitor.clone());
    request.extensions_mut().insert(SignedInAs(Arc::new(known)));
}

async fn show(State(latchkey): State<Latchkey>, request: Request) -> Response {
    let context = move || {
        provide_context(latchkey.clone());
        set_policy();
    };
    render_app_async_with_context(context, || shell(crate::assets::named()))(request).await
}

async fn work(State(latchkey): State<Latchkey>, request: Request) -> Response {
    if request.extensions().get::<SignedInAs>().is_none() {
        return Failure::from(Error::internal("nobody found out who is signed in")).into_response();
    }
    handle_server_fns_with_context(move || provide_context(latchkey.clone()), request).await.into_response()
}

/// Scripts by nonce; everything else from this server.
fn set_policy() {
    let (Some(nonce), Some(options)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
