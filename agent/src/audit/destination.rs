//! The list of destinations.

use wardkey_settings::sink::Sink;

use crate::config::Config;
use crate::store::spool::cursor::{Destination, Order};

/// The system log: one line each, as they happened.
pub const SYSLOG: Destination =
    Destination { name: "syslog", order: Order::Arrival, gives_way: false, gets_states: true };
/// The server: whole events, the urgent ones first. Each request for news tells it that a terminal
/// lives and what it has.
pub const SERVER: Destination =
    Destination { name: "server", order: Order::Urgency, gives_way: false, gets_states: false };

/// All of them; a record stays in the spool until each has it. They last as long as the process:
/// to be asked only when the list has changed.
pub fn all(config: &Config) -> &'static [Destination] {
    let sinks = config.records_to.iter().map(of_sink);
    [SYSLOG, SERVER].into_iter().chain(sinks).collect::<Vec<_>>().leak()
}

/// That of a sink: each gets the records as they happened. Another format at the same place goes on
/// where the one before it was.
fn of_sink(sink: &Sink) -> Destination {
    Destination {
        name: sink.name().leak(),
        order: Order::Arrival,
        gives_way: true,
        gets_states: true,
    }
}
