//! What pages load: one style, one script, one icon. Compiled in; nothing comes from elsewhere.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// How pages look.
pub async fn style() -> Response {
    asset("text/css; charset=utf-8", include_str!("assets/style.css"))
}

/// What stands beside the name of a page in a browser.
pub async fn icon() -> Response {
    asset("image/svg+xml", include_str!("assets/icon.svg"))
}

/// Asks a key to sign.
pub async fn sign_in() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("assets/sign-in.js"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}
