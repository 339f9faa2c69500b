//! Many people at once, in the caller's transaction: the statements take many rows each, and the
//! published records are made here instead of being read back.
//!
//! ```text
//!   people_file ──> check (against the store) ──> Plan ──> write
//! ```

mod check;
mod key;
mod plan;
mod write;

pub use check::plan;
pub use plan::{Imported, Plan, Rules};
