//! The list of destinations.

use crate::store::spool::cursor::{Destination, Order};

/// The system log: one line each, as they happened.
pub const SYSLOG: Destination = Destination { name: "syslog", order: Order::Arrival };
/// The server: whole events, the urgent ones first.
pub const SERVER: Destination = Destination { name: "server", order: Order::Urgency };

/// All of them; a record stays in the spool until each has it.
pub const ALL: &[Destination] = &[SYSLOG, SERVER];
