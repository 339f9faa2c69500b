//! `wardkey try`: what each step of a login would say, without a login.
//!
//! ```text
//!   NSS, pam.toml ──────> account   left alone? an account at all?
//!   /etc/pam.d ─────────> service   is the key asked for? (wardkey-stacks)
//!   files of /etc/wardkey> configuration, trust anchor, marks
//!   agent (Preview) ────> evidence ─> directory ─> person ─> policy ─> keys, temporary code
//! ```
//! What the agent shows is verified as the module does it; by the agent's time, as nothing is
//! decided here. No key is asked, nothing is recorded and nobody is let in.

mod directory;
mod machine;
mod step;

pub(crate) use directory::{Seen, verified};
pub(crate) use machine::{account, configuration, service};
pub(crate) use step::{End, Explanation, Step, Topic};
