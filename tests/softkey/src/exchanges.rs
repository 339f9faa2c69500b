//! What went over the wire, for benchmarks and for tests that count.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::message::{self, Message, Report, command};

/// Which way a message went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// A request of the host.
    ToKey,
    /// An answer or a keep-alive of the key.
    ToHost,
}

/// One CTAPHID message, seen at its first packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exchange {
    /// CLOCK_MONOTONIC of this machine, so that it compares with other programs.
    pub at: Duration,
    /// Which way.
    pub direction: Direction,
    /// The channel it was for.
    pub channel: u32,
    /// `INIT`, `CBOR getInfo`, `KEEPALIVE upneeded`, `CBOR status=0x31`, ...
    pub name: String,
    /// Payload bytes (BCNT).
    pub length: u16,
}

impl Exchange {
    /// Whether this is a request that a key answers: what a round trip is
    /// counted by. CANCEL has no answer of its own.
    pub fn is_round_trip(&self) -> bool {
        self.direction == Direction::ToKey && self.name != "CANCEL"
    }
}

impl fmt::Display for Exchange {
    /// `MICROSECONDS > CHANNEL LENGTH NAME`, `<` for the key's messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.direction {
            Direction::ToKey => '>',
            Direction::ToHost => '<',
        };
        let Self { at, channel, length, name, .. } = self;
        write!(f, "{} {arrow} {channel:08x} {length} {name}", at.as_micros())
    }
}

/// Number of requests by name.
pub(crate) fn count(exchanges: &[Exchange]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for exchange in exchanges.iter().filter(|e| e.direction == Direction::ToKey) {
        *counts.entry(exchange.name.as_str()).or_default() += 1;
    }
    counts
}

/// The record of one key. Bounded: a test that forgets to reset it loses the
/// newest, not the machine's memory.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<Exchange>>);

const MOST: usize = 100_000;

impl Recorder {
    pub(crate) fn record(&self, direction: Direction, report: &Report) {
        let Some(message) = Message::first(report) else {
            return;
        };
        let name = match direction {
            Direction::ToKey => message::name_request(&message),
            Direction::ToHost if message.command == command::INIT => "INIT".into(),
            Direction::ToHost => message::name_answer(&message),
        };
        let Message { channel, length, .. } = message;
        let mut exchanges = self.lock();
        if exchanges.len() < MOST {
            exchanges.push(Exchange { at: monotonic(), direction, channel, name, length });
        }
    }

    pub(crate) fn all(&self) -> Vec<Exchange> {
        self.lock().clone()
    }

    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn monotonic() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
