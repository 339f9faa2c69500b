//! The log of records, as terminals witness it.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use wardkey_core::message::http::{CheckpointReply, CosignatureReply, CosignatureRequest};

use super::app::Shared;
use super::body::Body;
use super::peer::ActiveTerminal;
use super::reply::{Answer, ErrorResponse};
use crate::caller;
use crate::store::witness;

/// The query of `/v1/log/checkpoint`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// Records in the log that the terminal has seen; 0 for none.
    since: u64,
}

/// `GET /v1/log/checkpoint?since=SIZE`
pub async fn checkpoint(
    State(app): Shared,
    ActiveTerminal(_): ActiveTerminal,
    query: Result<Query<Since>, QueryRejection>,
) -> Answer<CheckpointReply> {
    let Query(Since { since }) =
        query.map_err(|_| ErrorResponse::invalid("the query is since=NUMBER and nothing else"))?;
    Ok(Json(app.log.since(&app.store, since).await?))
}

/// `POST /v1/log/cosignature`
pub async fn cosignature(
    State(app): Shared,
    ActiveTerminal(known): ActiveTerminal,
    Body(request): Body<CosignatureRequest, 8192>,
) -> Answer<CosignatureReply> {
    let asked = (request.key.as_str(), request.checkpoint.as_str());
    let terminal = known.terminal.id;
    let cosigned = app.log.cosigned(&app.store, &terminal, asked, app.clock.now()).await?;
    let (size, certificate) = (cosigned.size, known.certificate);
    // As records do: changes pass in front of it.
    let kept = app.store.together(move |tx| {
        Box::pin(async move {
            caller::still_active(tx, &certificate).await?;
            witness::put(tx, &cosigned).await
        })
    });
    kept.await?;
    Ok(Json(CosignatureReply { size }))
}
