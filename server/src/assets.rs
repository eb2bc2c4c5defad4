//! The pages' files, held in the binary: found by path, sent compressed, kept for ever where the name has a hash.

use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use latchkey::crypto::sha256;
use latchkey_app::Assets;

struct Embedded {
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

static SITE: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// A hash of each file's content, in the order of `SITE`.
static HASHES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let short = |file: &Embedded| {
        let hash = sha256(file.plain);
        let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("{number:016x}")
    };
    SITE.iter().map(short).collect()
});

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// The addresses of the files that every page names.
pub fn named() -> Assets {
    let package = |ending: &str| {
        let known = |file: &&Embedded| file.path.starts_with("/pkg/") && file.path.ends_with(ending);
        SITE.iter().find(|file| known(file) && file.path.matches('/').count() == 2).map(|file| file.path.to_owned())
    };
    let public = |path: &str| match SITE.iter().position(|file| file.path == path) {
        Some(at) => format!("{path}?v={}", HASHES[at]),
        None => path.to_owned(),
    };
    Assets {
        css: package(".css").unwrap_or_default(),
        script: package(".js").unwrap_or_default(),
        wasm: package(".wasm").unwrap_or_default(),
        icons: public("/icons.svg"),
        favicon: public("/favicon.svg"),
    }
}

/// The answer for a file, if the path names one.
pub fn find(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let at = SITE.iter().position(|file| file.path == uri.path())?;
    if *method != Method::GET && *method != Method::HEAD {
        let allowed = [(header::ALLOW, HeaderValue::from_static("GET,HEAD"))];
        return Some((StatusCode::METHOD_NOT_ALLOWED, allowed).into_response());
    }
    let (file, hash) = (&SITE[at], &HASHES[at]);
    let tag = format!("\"{hash}\"");
    let immutable =
        file.path.starts_with("/pkg/") || uri.query().and_then(|query| query.strip_prefix("v=")) == Some(hash);
    let mut answer = if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content(file, headers)
    };
    let out = answer.headers_mut();
    out.insert(header::CACHE_CONTROL, if immutable { FOR_EVER } else { A_WHILE });
    out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    Some(answer)
}

fn content(file: &Embedded, headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (bytes, encoding) = match (file.brotli, file.gzip) {
        (Some(bytes), _) if accepts(accepted, "br") => (bytes, Some("br")),
        (_, Some(bytes)) if accepts(accepted, "gzip") => (bytes, Some("gzip")),
        _ => (file.plain, None),
    };
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(kind(file.path)))];
    let mut answer = (kind, Body::from(Bytes::from_static(bytes))).into_response();
    if let Some(encoding) = encoding {
        answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    answer
}

/// Whether `coding` is among the accepted ones and not ruled out (RFC 9110 section 12.5.3).
fn accepts(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|entry| {
        let (name, quality) = entry.split_once(';').unwrap_or((entry, ""));
        let ruled_out = quality.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case(coding) && !ruled_out
    })
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn an_encoding_is_used_only_when_it_is_accepted() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("br;q=0.5", "br"));
        assert!(!accepts("gzip, br;q=0", "br"));
        assert!(!accepts("gzip, brotli", "br"));
        assert!(!accepts("", "gzip"));
    }
}
