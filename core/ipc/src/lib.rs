//! The Unix sockets between the rooms: who is at the other end, and whole messages or none.
//!
//! ```text
//!   Channel ── send(message) ── length (u32, big endian) ── CBOR ──> peer
//!      └ peer(): uid and pid from the kernel (SO_PEERCRED)
//! ```
//! Every operation takes a deadline; a peer that is silent, slow, sends too much or hangs up in the
//! middle of a frame is an error, never a wait without end. Used by the module, the key process and
//! the agent, so that the three agree; `core` itself does no I/O.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod channel;
mod deadline;
mod error;
mod incoming;
mod interrupt;
mod peer;
mod wait;

pub use channel::{Channel, Ready, wait_readable};
pub use deadline::Deadline;
pub use error::IpcError;
pub use interrupt::Interrupt;
pub use peer::Peer;
