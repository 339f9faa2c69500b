//! Records on their way from the server to collectors, files and the journal, for terminals that
//! need not reach these themselves.
//!
//! ```text
//!   intake ── log of records ──┬── carry: a destination ── wardkey-sinks ──> SIEM
//!      └──── wake ─────────────┴── carry: another one ──── wardkey-sinks ──> file
//!   follow: the list of them, also while the server runs
//!   batch: what is next, and what of it is done     party: who sends     lost: what never comes
//! ```
//! Each destination has its place in the log, a task and, for each batch, a thread: one that is
//! down delays no other. What waits stays in the database; a batch is all that is in memory.
//! Records are read in transactions of their own, and what has arrived is noted together with what
//! terminals send, behind all changes: no request waits for a collector.

mod batch;
mod carry;
mod follow;
mod lost;
mod party;

pub use follow::{Followed, Forwarder, follow};
pub use party::Parts;
