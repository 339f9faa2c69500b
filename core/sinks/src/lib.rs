//! The ways by which records leave: to collectors over TLS, TCP, UDP and HTTPS, into files, into
//! the journal. The agent of a terminal and the server go the same ones.
//!
//! ```text
//!   way (what a way is) <── collector ── secret ── connection     TLS, TCP
//!                       <── intake ── https                       Elasticsearch, Splunk
//!                       <── datagrams, file, journal
//!   resolve, addresses, authorities, deadline, pace, backoff      what they stand on
//! ```
//! A way takes a batch and says what of it has arrived. Which records are next, and what becomes of
//! those that have not arrived, is for those who have them. docs/RECORDS.md says what is promised.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod addresses;
mod authorities;
pub mod backoff;
pub mod collector;
mod connection;
pub mod datagrams;
mod deadline;
mod event;
pub mod failure;
pub mod file;
pub mod https;
pub mod intake;
pub mod journal;
mod pace;
pub mod resolve;
mod secret;
pub mod way;

pub use authorities::MAX_CERTIFICATES;
use wardkey_settings::sink::Sink;
use way::{Terms, Way};

/// The way to a sink.
pub fn to(sink: &Sink, terms: &Terms) -> Box<dyn Way> {
    match sink {
        Sink::Collector(to) => Box::new(collector::Network::new(terms, to)),
        Sink::Datagrams(to) => Box::new(datagrams::Datagrams::new(terms, to)),
        Sink::Intake(to) => Box::new(intake::Intake::new(terms, to)),
        Sink::File(to) => Box::new(file::Lines::new(terms, to)),
        Sink::Journal(to) => Box::new(journal::Journal::new(terms, to)),
    }
}
