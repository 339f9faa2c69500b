//! `wardkey-lock`: root's hand for the agent, which is not root. It locks the screen of a session,
//! ends a session, and has a seat show its greeter; there is nothing else that it could be asked.
//!
//! ```text
//!   agent (its uid only) ── Lock, End, Greeter ──> serve ── permitted ──> logind, display manager
//!                                                             │          (system bus)
//!                                       a person's session at this terminal, or refused
//! ```
//! A taken-over agent can lock people's screens and end their sessions: that is denial of service,
//! shows at once, and lets nobody in. Sessions of root, of the system and of listed local accounts,
//! greeters, and sessions over the network are out of its reach.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod arguments;
pub mod bus;
pub mod permitted;
pub mod serve;
