//! What the agent keeps on disk, in two redb files.
//!
//! ```text
//!   directory.redb   what the server signed; can be fetched again      Directory ── Evidence
//!   state.redb       counters, failures, events, marks; disk reserved  State ────── one commit per login
//! ```
//! Either is set aside as `*.corrupt-<time>` when it cannot be read, and a new one begun.

pub mod db;
pub mod directory;
pub mod ledger;
pub(crate) mod memory;
pub(crate) mod on_disk;
pub(crate) mod rows;
pub mod spool;
pub mod state;
pub mod update;
pub mod view;
