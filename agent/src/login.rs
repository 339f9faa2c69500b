//! Logins, as the agent serves them.
//!
//! ```text
//!   Begin ── authorise ── lockout ── arbiter ── Granted(evidence) ── Hold ── Outcome ── one commit
//! ```

pub mod arbiter;
pub mod authorise;
mod begun;
mod conversation;
pub mod decoys;
pub mod evidence;
mod fingers;
mod loans;
pub mod locker;
pub mod lockout;
pub mod outcome;
mod passes;
pub mod preverified;
pub mod server_time;
pub mod service;
mod signed;
mod suspects;
mod vouches;
