//! The time, signed over the challenge of a terminal whose clock cannot be right.

use axum::Json;
use axum::extract::State;
use wardkey_core::id::Nonce;
use wardkey_core::message::http::{Base64, TimeReply, TimeRequest};

use super::app::Shared;
use super::body::Body;
use super::peer::ActiveTerminal;
use super::reply::{Answer, ErrorResponse};

/// `POST /v1/time`
pub async fn time(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<TimeRequest, 1024>,
) -> Answer<TimeReply> {
    let nonce = Nonce::from_slice(&request.nonce.0)
        .map_err(|_| ErrorResponse::invalid("nonce: wrong length"))?;
    let signed = app.publisher.sign_time(known.terminal.id, nonce)?;
    Ok(Json(TimeReply { signed: Base64(signed) }))
}
