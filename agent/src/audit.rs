//! Records on their way out. A record leaves only after it is durable (or, with a disk that takes
//! nothing, from memory), and no login waits for it.
//!
//! ```text
//!   record ── tally ── spool ──┬── deliver: syslog ── render::syslog ──> rsyslog, journald
//!                              ├── deliver: server ── render::server ──> server, confirmed by id
//!                              └── deliver: sinks ── wardkey-sinks ──> SIEM, file, journal
//! ```
//! Each destination has its cursor on the spool, its thread and its wake: one that is down or slow
//! delays no other. A new kind of destination is an entry in
//! [`destination::all`] and a [`deliver::Transport`].

pub mod carried;
pub mod collecting;
pub mod deliver;
pub mod destination;
pub mod outlet;
mod record;
pub mod render;
pub mod tally;
pub mod transport;
