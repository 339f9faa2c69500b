//! The files under `/etc/wardkey` as a terminal reads them: root's, or refused; every complaint
//! names file, line, key and the fix. The module, the agent and `wardkey config check` share these
//! readers, so that what the check passes is what they accept.
//!
//! ```text
//!   pam.toml ────> pam::Settings ─┐
//!   agent.toml ──> agent::Config ─┼─ table (keys) ── toml_lines (lines)
//!                   └ sink         │
//!   anchor.toml ─> anchor::read  ─┘      └ files (owner, mode, no links, bounded)
//!   marks ───────> marks::read
//!   login.defs ──> login_defs (which accounts are the system's)
//!   local-accounts <─> local (who gets in while pam.toml is wrong)
//!   problem: all that is wrong, not only the first of it; texts: in which words
//! ```
//! It does I/O, which `core` itself does not.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod address;
pub mod agent;
pub mod anchor;
pub mod collector;
mod file_error;
pub mod files;
pub mod intake;
pub mod local;
pub mod login_defs;
pub mod marks;
pub mod pam;
pub mod problem;
pub mod sink;
pub mod sink_places;
pub mod table;
pub mod texts;
pub mod toml_lines;
