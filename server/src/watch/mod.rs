//! What those who run the server are told: measures, and reasons why it is not well.
//!
//! ```text
//!   counters ───────────────────────────┐
//!   facts (store, disk, certificates) ──┼─> metrics ──┐
//!            └─> checks (one table) ────┴─> status ───┼─> listener (/metrics, /healthz, /readyz)
//!                                                     └─> "wardkey-server status"
//! ```
//! Each reason is one row of the table in `checks`: what serves `/readyz`, the command `status`
//! and the measures reads the same one. Nothing here changes what terminals get.

mod checks;
mod counters;
mod facts;
mod listener;
mod metrics;
mod status;
mod watched;

pub use checks::{Reason, Severity, critical, reasons};
pub use counters::Counters;
pub use facts::{Facts, Sources};
pub use listener::serve;
pub use status::{Readiness, StatusView, show};
pub use watched::{Latest, Watched};
