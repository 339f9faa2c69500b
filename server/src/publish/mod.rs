//! The publisher: signed heads and terminal documents, and who is told of them.
//!
//! ```text
//!   store ──(scopes that changed)──> table per scope ──> state root ──> signed head ──> board
//!     ^ data_version, 100 ms                                              waiting ──> /v1/wait
//! ```
//! Tables are built from the store on start and kept up by the rows that are new. What a change
//! costs depends on the scopes and terminals that it concerns, not on how many there are: counters
//! in the store say which changed, and only the terminals of these are woken, at the moment at
//! which it is shown. The latest changes of a scope stand beside its head ([`recent`]), so that a
//! small one goes out with the answer that tells of it. Heads are signed again at half of their
//! life, by a time that is judged first ([`time`]).

mod addresses;
mod ahead;
mod behind;
mod board;
mod callers;
#[cfg(test)]
mod cost;
mod exchange;
mod follow;
mod keys;
mod publisher;
mod recent;
mod table;
mod terminals;
pub mod time;
mod waiting;

pub use board::{Shown, halted};
pub use follow::{follow, keep_time};
pub use keys::Keys;
pub use publisher::{PAGE_BYTES, PAGE_ROWS, Page, Publisher};
pub(crate) use table::Table;
pub use terminals::Shown as ShownTerminal;
