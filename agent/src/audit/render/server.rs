//! Events as the server gets them: whole, with evidence, in one request.

use std::collections::HashSet;

use wardkey_core::event::Event;
use wardkey_core::message::http::{Base64, EventsReply, EventsRequest};

/// The request that carries these encoded events.
pub fn request<'e>(events: impl Iterator<Item = &'e [u8]>) -> EventsRequest {
    EventsRequest { events: events.map(|event| Base64(event.to_vec())).collect() }
}

/// The ids that the server is done with: taken, or refused for good.
pub struct Done(HashSet<Vec<u8>>);

impl Done {
    /// Those of an answer.
    pub fn of(reply: &EventsReply) -> Self {
        let refused = reply.refused.iter().map(|refused| &refused.id);
        Self(reply.accepted.iter().chain(refused).map(|id| id.0.clone()).collect())
    }

    /// Whether an encoded event is among them. One that the server cannot read it names by the same
    /// rule, whichever side is the newer one.
    pub fn has(&self, event: &[u8]) -> bool {
        Event::names(event).any(|id| self.0.contains(id.as_bytes().as_slice()))
    }
}
