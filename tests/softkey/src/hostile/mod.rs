//! Keys that lie. An adversary stands between the host and the real firmware
//! and misbehaves at one step only, so that everything before it (enrollment,
//! identifying, the PIN) goes as with an honest key.
//!
//! ```text
//! host ── request ──> Adversary ── as it is ──────────> firmware
//!      <── altered ──    │      <── answer ─────────────
//!      <── invented ─────┘
//! ```

mod adversary;
mod alter;
mod mode;

pub(crate) use adversary::{Adversary, Ends};
pub use mode::{Hostile, Mode, Step};
