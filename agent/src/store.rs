//! What the agent keeps on disk, in two redb files.
//!
//! ```text
//!   directory.redb  what the server signed; can be fetched again      Directory ─ Evidence
//!   state.redb      counters, failures, events, marks; disk reserved  State ─ one commit per login
//! ```
//! Either is set aside as `*.corrupt-<time>` when it cannot be read, and a new one begun.
//!
//! Functions that read and write return [`AgentError`] when the store cannot be used; their own
//! documentation names the other errors.
//!
//! [`AgentError`]: crate::error::AgentError

pub mod db;
pub mod directory;
pub mod ledger;
mod listed;
pub(crate) mod members;
pub(crate) mod memory;
pub(crate) mod on_disk;
mod reserved;
pub(crate) mod rows;
pub mod sessions;
pub mod spool;
pub mod state;
pub mod update;
pub mod view;
