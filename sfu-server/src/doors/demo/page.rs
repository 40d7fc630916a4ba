//! The page's files, embedded in release builds; debug builds read them from where they were built.

use std::fmt::Write;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Files;

/// Only the page's own scripts and styles run. Signalling is a WebSocket, which some browsers do
/// not count as `'self'`; the page's icon is a data URL; media elements play streams, not URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; media-src 'self' blob:; connect-src 'self' ws: wss:; \
    worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "\
The demo page is not part of this build.

Build and run it with:  cargo xtask run
Everything else of the server works without it.
";

/// `/`.
pub(super) async fn index(headers: HeaderMap) -> Response {
    match Files::get("index.html") {
        Some(page) => serve("index.html", &page, &headers),
        None => (StatusCode::NOT_FOUND, NOT_BUILT).into_response(),
    }
}

/// Every path that is nobody else's.
pub(super) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    match Files::get(path) {
        Some(file) if method == Method::GET || method == Method::HEAD => {
            serve(path, &file, &headers)
        }
        _ => (StatusCode::NOT_FOUND, "no such page\n").into_response(),
    }
}

fn serve(path: &str, file: &EmbeddedFile, request: &HeaderMap) -> Response {
    let mut tag = String::from("\"");
    for byte in file.metadata.sha256_hash() {
        // Writing into a string does not fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    let known = request
        .get(IF_NONE_MATCH)
        .is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let headers = [
        (CONTENT_TYPE, content_type(path)),
        // Asked again each time, so that a new build is seen; the tag makes that cheap.
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (ETAG, tag.as_str()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.to_vec()).into_response()
}

pub(super) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
