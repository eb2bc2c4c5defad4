//! Every route and the one layer around them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router, middleware};
use latchkey::{Error, Latchkey};
use utoipa_axum::router::OpenApiRouter;

use crate::dialects::{salesflow, salesos, synthesq};
use crate::middleware::{Edge, edge, is_api};
use crate::rest::failure::Failure;
use crate::{assets, openapi, pages, rest};

/// The API and what stands around it, each route with its description.
pub fn described() -> OpenApiRouter<Latchkey> {
    OpenApiRouter::with_openapi(openapi::frame())
        .merge(rest::native())
        .merge(rest::mirrored().merge(salesos::routes()).layer(middleware::from_fn(salesos::spelling::spell_out)))
        .merge(salesflow::routes())
        .merge(synthesq::routes())
        .merge(rest::outside())
}

/// The whole server.
pub fn router(around: Arc<Edge>) -> Router {
    let latchkey = around.latchkey().clone();
    let (api, document) = described().split_for_parts();
    let document: Arc<str> = openapi::finished(document).into();
    let reference = pages::reference(Arc::clone(&document));
    api.layer(Extension(document))
        .merge(pages::routes(&latchkey).layer(Extension(reference)))
        .fallback(elsewhere)
        .with_state(latchkey)
        .layer(middleware::from_fn_with_state(around, edge))
}

/// What no route knows: a file, a page that says that there is nothing, or an error of the API.
async fn elsewhere(State(latchkey): State<Latchkey>, request: Request) -> Response {
    if let Some(file) = assets::find(request.method(), request.uri(), request.headers()) {
        return file;
    }
    if is_api(request.uri().path()) || !pages::is_for_people(&request) {
        return Failure::from(Error::NotFound).into_response();
    }
    pages::missing(&latchkey, request).await
}
