//! Logins, as the agent serves them.
//!
//! ```text
//!   Begin ── authorise ── lockout ── arbiter ── Granted(evidence) ── Hold ── Outcome ── one commit
//! ```

pub mod arbiter;
pub mod authorise;
pub mod decoys;
pub mod locker;
pub mod lockout;
pub mod outcome;
pub mod preverified;
pub mod server_time;
pub mod service;
