//! Whether the server is alive, and whether it serves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::app::Shared;
use super::peer::Anyone;
use crate::watch::{Facts, Readiness, critical};

/// `GET /healthz`: the process answers; counted by nothing, it costs nothing.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 when every scope is published and the store can be read and written, else
/// 503. Writing is tried beside: what anyone may ask for takes no write lock. Only what keeps
/// terminals from what they need, and how many scopes, not which: the rest is for those who run the
/// server, at the listener of `[watch]`.
pub async fn ready(State(app): Shared, _: Anyone) -> (StatusCode, Json<Readiness>) {
    let facts = Facts::live(&app.store, &app.publisher, &app.clock).await;
    let readiness = Readiness::of(&critical(&facts, &app.config.watch));
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}
