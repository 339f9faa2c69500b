//! Reports: how often what happened, and what there is. Whoever asks opens a transaction that
//! reads; each report is one state of the store, counted there and not in memory.
//!
//! ```text
//!   period       from when to when, in the deployment's time zone
//!   place        which scopes a terminal has
//!   counts       logins and refusals
//!    ├ logins           by scope and hour or day
//!    ├ exceptions       passes, codes, offline stages, ways in, overrides
//!    ├ inventory        keys, and people without one
//!    ├ coverage         terminals
//!    └ shared           who used the shared accounts
//! ```

mod counts;
pub mod coverage;
pub mod exceptions;
pub mod inventory;
pub mod logins;
mod period;
mod place;
pub mod shared;

pub use counts::Counts;
pub use period::{Asked, PeriodView};
