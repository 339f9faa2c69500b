//! Events come in: at most so many a minute and so much a day of one terminal.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use wardkey_core::code::Code;
use wardkey_core::id::{EventId, TerminalId};
use wardkey_core::message::http::{Base64, EventsReply, EventsRequest, RefusedEvent};

use super::app::{App, Shared};
use super::body::Body;
use super::limit::Counted;
use super::peer::{ActiveTerminal, KnownTerminal};
use super::reply::{Answer, ErrorResponse};
use crate::{caller, intake};

/// Events in one request.
const MAX_EVENTS: usize = 256;
/// 256 of the longest events, as base64, with what JSON adds.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// The longest pause in seconds that is asked for: somebody may raise the quota meanwhile.
const LONGEST_PAUSE: u64 = 3600;

/// `POST /v1/events`
pub async fn take(State(app): Shared, Batch { known, request }: Batch) -> Answer<EventsReply> {
    if request.events.len() > MAX_EVENTS {
        return Err(ErrorResponse::invalid(format!("events: at most {MAX_EVENTS}")));
    }
    let terminal = known.terminal.id;
    // What is over the rate or the quota stays with the terminal, unacknowledged, and comes again.
    let within_rate = match request.events.len() {
        wanted @ (0 | 1) => wanted,
        // One was taken before the body.
        wanted => 1 + app.allowed(&terminal, wanted - 1).unwrap_or(0),
    };

    let limits = (app.config.limits.event_megabytes, app.clock.now());
    let certificate = known.certificate;
    let taken = app.store.together(move |tx| {
        Box::pin(async move {
            caller::still_active(tx, &certificate).await?;
            let events = request.events.iter().take(within_rate).map(|event| event.0.as_slice());
            intake::take(tx, &terminal, events, limits).await
        })
    });
    let taken = taken.await?;
    app.forward.wake();
    let now = app.clock.now();
    app.counters.records(taken.accepted.len(), taken.refused.len(), now);
    if taken.alarm {
        app.counters.alarm();
    }

    if let Some(seconds) =
        taken.full_for.filter(|_| taken.accepted.is_empty() && taken.refused.is_empty())
    {
        return Err(ErrorResponse::too_many(seconds.min(LONGEST_PAUSE)).coded(Code::EventQuota));
    }
    let refused = |(id, reason): (EventId, String)| RefusedEvent { id: named(&id), reason };
    Ok(Json(EventsReply {
        accepted: taken.accepted.iter().map(named).collect(),
        refused: taken.refused.into_iter().map(refused).collect(),
    }))
}

fn named(id: &EventId) -> Base64 {
    Base64(id.as_bytes().to_vec())
}

/// A batch of events of an active terminal, within its rate.
pub struct Batch {
    known: KnownTerminal,
    request: EventsRequest,
}

impl FromRequest<Arc<App>> for Batch {
    type Rejection = ErrorResponse;

    /// One event is taken from the allowance before the body is looked at: it is the longest that
    /// there is.
    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ErrorResponse> {
        let (mut parts, body) = request.into_parts();
        let ActiveTerminal(known) = ActiveTerminal::from_request_parts(&mut parts, app).await?;
        app.allowed(&known.terminal.id, 1)?;
        let request = Request::from_parts(parts, body);
        let Body(request) = Body::<EventsRequest, MAX_BODY>::from_request(request, app).await?;
        Ok(Self { known, request })
    }
}

impl App {
    /// How many of so many events the terminal may send now.
    fn allowed(&self, terminal: &TerminalId, wanted: usize) -> Result<usize, ErrorResponse> {
        self.limiter.take_up_to(Counted::Events(*terminal), wanted).map_err(|refusal| {
            if self.seen.first_in_an_hour("events", *terminal, self.clock.now()) {
                let code = Code::EventQuota;
                tracing::warn!(%code, %terminal, "a terminal sends records faster than it may");
            }
            refusal.coded(Code::EventQuota)
        })
    }
}
