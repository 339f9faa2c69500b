//! Records of terminals: decoded strictly, stored once, their evidence verified again.
//!
//! ```text
//!   bytes ─> incoming (decoded, of this terminal?) ─> quota ─> evidence (verdict) ─> stored
//!                 └> set aside: what this version does not take is kept as it came       ├> log
//!                                                                                       └> desk
//! ```
//! The caller opens the transaction and commits it.

mod batch;
mod break_glass;
mod by_colleague;
mod desk;
mod evidence;
mod incoming;
mod quota;
mod set_aside;

pub use batch::{Taken, take};
