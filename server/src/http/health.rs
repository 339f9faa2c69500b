//! Whether the server is alive, and whether it serves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use wardkey_core::code::Code;

use super::app::Shared;
use super::peer::Anyone;

/// Something that keeps the server from serving.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// For administrators.
    pub message: String,
}

/// `GET /readyz`
#[derive(Debug, Serialize)]
pub struct Ready {
    /// Whether all is well.
    pub ready: bool,
    /// What is not.
    pub problems: Vec<Problem>,
}

/// `GET /healthz`: the process answers; counted by nothing, it costs nothing.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: 200 when every scope is published and the store can be read and written, else
/// 503. Writing is tried beside: what anyone may ask for takes no write lock.
pub async fn ready(State(app): Shared, _: Anyone) -> (StatusCode, Json<Ready>) {
    let mut problems = Vec::new();
    let mut problem =
        |code: Code, message: String| problems.push(Problem { code: code.to_string(), message });
    if let Err(error) = app.store.read().await {
        tracing::error!(%error, "not ready");
        problem(Code::StateUnavailable, "the store does not answer".into());
    }
    if !app.store.can_write() {
        problem(Code::StateUnavailable, "the store cannot be written: records are refused".into());
    }
    if app.publisher.clock_trouble().is_some() {
        problem(Code::ServerClock, "the clock is not plausible; nothing is signed by it".into());
    }
    // How many, not which: names of wards, and which terminal said what, are in the log and in
    // "scope list"; this page is for anyone.
    let now = app.clock.now();
    let shown = app.publisher.shown();
    let halted = shown.values().filter(|shown| shown.halted.is_some()).count();
    if halted > 0 {
        problem(
            Code::ServerBehind,
            format!("scopes that are not published, as a terminal is ahead: {halted}"),
        );
    }
    let expired =
        shown.values().filter(|shown| shown.halted.is_none() && now >= shown.head.expires).count();
    if expired > 0 {
        problem(Code::StateUnavailable, format!("scopes whose head has expired: {expired}"));
    }
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready: problems.is_empty(), problems }))
}
