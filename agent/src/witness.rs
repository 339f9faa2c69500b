//! The terminal as a witness of the server's log of records (docs/FORMATS.md): it signs that it has
//! seen a checkpoint, and says so when the server shows another history than before.
//!
//! ```text
//!   look: Upstream ── checkpoint ── judge (key, signature, consistency) ─┬ seen: kept, cosigned
//!                                    └── seen (state.redb)               └ contradiction: evidence
//! ```
//! Whatever comes of it, logins go on as before.

mod evidence;
mod judge;
mod key;
mod look;
mod seen;

pub use evidence::FILE as EVIDENCE;
pub use key::FILE as KEY;
pub use key::forget as forget_key;
pub use look::{look, status, when_due};
