//! The agent of a terminal: it knows and records, and decides no login. Not root; never sees a PIN;
//! taken over, it can withhold and forget, but lets nobody in (docs/ARCHITECTURE.md).
//!
//! ```text
//!   daemon ── server ── login: authorise, lockout, arbiter, outcome ─┐
//!     │ startup └────── control: status, sync, join, enroll           ├── store: directory, state
//!     ├── sync: run, apply, join, http, tls ─────────────────────────┤
//!     ├── audit: deliver to each destination ────────────────────────┘
//!     ├── presence: who is signed in, and that a session locks with its key
//!     ├── witness: whether the server's log of records goes on from what was seen of it
//!     └── upkeep, keywatch
//! ```
//! Threads with blocking I/O; what they share is [`agent::Agent`].
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod agent;
pub mod arguments;
pub mod audit;
pub mod clock;
pub mod connection;
pub mod control;
pub mod daemon;
pub mod error;
pub mod files;
pub mod identity;
pub mod keywatch;
pub mod link;
pub mod lock;
pub mod log;
pub mod login;
pub mod marks;
pub mod presence;
pub mod random;
pub mod server;
pub mod session;
pub mod startup;
pub mod store;
pub mod sync;
pub mod throttle;
pub mod upkeep;
pub mod wake;
pub mod witness;

pub use wardkey_settings::agent as config;
