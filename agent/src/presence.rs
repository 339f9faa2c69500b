//! Who is signed in here: the sessions that keys opened, until they end.
//!
//! ```text
//!   module (begins, ends) ─┐                       ┌─> records
//!   logins (unlocking) ────┤                       ├─> rows of state.redb
//!   logind (bus) ──────────┼─ Presence ── Book ────┼─> looks (is the key there, proven?)
//!   key process (watch) ───┤   the rules, no I/O   └─> helper (lock, end, greeter)
//!   looks ─────────────────┘
//! ```
//! [`book`] decides; [`shared`] is what all threads hold of it; [`service`] does what needs no
//! waiting, [`run`] the rest, in a thread of its own.

pub mod book;
pub mod bus;
pub mod desk;
pub mod helper;
mod locking;
pub mod look;
mod notes;
pub mod run;
pub mod service;
pub mod shared;

pub use shared::Presence;
