//! Events on their way out. An event leaves only after it is durable (or, with a disk that takes
//! nothing, from memory), and no login waits for it.
//!
//! ```text
//!   spool ── syslog: one line each, LOG_AUTHPRIV ──> rsyslog, journald
//!     └──── upload: with evidence, acknowledged by id ──> server
//! ```

pub mod syslog;
pub mod tally;
pub mod upload;
