//! `wardkey try`: what each step of a login would say, without a login.
//!
//! ```text
//!   NSS, pam.toml ──────> account   left alone? an account at all?
//!   /etc/pam.d ─────────> service   is the key asked for? (wardkey-stacks)
//!   files of /etc/wardkey> configuration, trust anchor, marks
//!   agent (Preview) ────> evidence ─> terminal, clock, directory ─> person ─> policy ─> keys
//!   key process ────────> plugged       with --key: whose keys are plugged in, proven silently
//! ```
//! Anchor and marks are read, and what the agent shows is verified and evaluated, by the functions
//! that the module calls; by the agent's time, as nothing is decided here. Nothing is recorded and
//! nobody is let in.

mod directory;
mod keys;
mod machine;
mod rule;
mod step;

pub(crate) use directory::{Seen, context, snapshot, verified};
pub(crate) use keys::plugged;
pub(crate) use machine::{account, configuration, service};
pub(crate) use step::{End, Explanation, Step, Topic};
