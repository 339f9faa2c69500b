//! Archives: files that hold the log's records up to a signed checkpoint, and what is taken out of
//! the database because an archive has it.
//!
//! ```text
//!   database ─ create ─> file ─ read ──> verified alone: entries ─ root ─ checkpoint ─ signature
//!                          └─ prune ──> read again, and then each record that is past its time:
//!                               └ work  the file's entry = the database's record = the log's hash
//! ```
//! What stays of a record is its place, its hash and its id, so that everything else can still be
//! proved.

mod create;
mod prune;
mod pruning;
mod read;
mod work;

pub use create::{Created, Creating, create};
pub use prune::prune;
pub use pruning::{Kept, PrunedRecords, Pruning, Unsent};
pub use read::{Whole, entry_at, open, verify};
