//! A security key in software, for tests: the firmware crates of a shipping
//! key behind whatever the code under test expects to find a key on.
//!
//! ```text
//!  unmodified programs         a virtual machine        in-process tests
//!   │ /dev/hidrawN (hidmock)    │ uhid     │ USB/IP          │
//!  seqpacket ─────────────── uhid ────── usbip ─────── SoftKey::send/recv
//!   └────────────┬──────────────┘          │                 │
//!             SoftKey  (counts messages; hostile modes alter them)
//!                │ 64-byte CTAPHID reports │
//!             firmware: usbd-ctaphid, ctaphid-dispatch, fido-authenticator
//!                │                 trussed (keys, storage, presence)
//!              touch  <─── control socket: touch, exchanges, hostile, ...
//! ```
//!
//! One [`SoftKey`] is one plugged key. Everything in it waits for events;
//! nothing polls, so that a benchmark measures the programs under test. The
//! firmware is real: what it refuses, a key on the market refuses.
#![forbid(unsafe_code)]

pub mod attestation;
mod bus;
pub mod control;
mod error;
mod exchanges;
mod firmware;
pub mod hostile;
mod key;
mod memory;
mod message;
mod touch;
pub mod transport;

pub use error::Error;
pub use exchanges::{Direction, Exchange};
pub use hostile::Hostile;
pub use key::{Options, SoftKey};
pub use message::Report;
pub use touch::TouchPolicy;
