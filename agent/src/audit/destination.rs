//! The list of destinations.

use wardkey_settings::collector::Collector;

use crate::config::Config;
use crate::store::spool::cursor::{Destination, Order};

/// The system log: one line each, as they happened.
pub const SYSLOG: Destination =
    Destination { name: "syslog", order: Order::Arrival, gives_way: false };
/// The server: whole events, the urgent ones first.
pub const SERVER: Destination =
    Destination { name: "server", order: Order::Urgency, gives_way: false };

/// All of them; a record stays in the spool until each has it. They last as long as the process:
/// to be asked only when the list has changed.
pub fn all(config: &Config) -> &'static [Destination] {
    let collectors = config.records_to.iter().map(of_collector);
    [SYSLOG, SERVER].into_iter().chain(collectors).collect::<Vec<_>>().leak()
}

/// That of a collector: each gets the records as they happened. Another format of the same address
/// goes on where the one before it was.
fn of_collector(collector: &Collector) -> Destination {
    Destination { name: name_of(collector).leak(), order: Order::Arrival, gives_way: true }
}

/// The name of a collector's cursor.
pub fn name_of(collector: &Collector) -> String {
    format!("{} {}", collector.way.as_str(), collector.address)
}
