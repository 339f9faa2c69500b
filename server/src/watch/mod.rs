//! What those who run the server are told: measures, reasons why it is not well, notices.
//!
//! ```text
//!   counters ───────────────────────────┐
//!   facts (store, disk, certificates) ──┼─> metrics ──┐
//!            └─> checks (one table) ────┴─> status ───┼─> listener (/metrics, /healthz, /readyz)
//!                     │                               └─> "wardkey-server status"
//!                     └─> notice ─> hook (a command of the administrator's)
//! ```
//! Each reason is one row of the table in `checks`: what serves `/readyz`, the command `status`,
//! the measures and the notices reads the same one. Nothing here changes what terminals get.

mod authority;
mod checks;
mod counters;
mod facts;
mod hook;
mod listener;
mod metrics;
mod notice;
mod status;
mod watched;

pub use checks::{Reason, Severity, critical, reasons};
pub use counters::Counters;
pub use facts::{Facts, Running, Sources};
pub use listener::serve;
pub use notice::follow;
pub use status::{DestinationView, Readiness, StatusView, show, show_within};
pub use watched::{Latest, Watched};
