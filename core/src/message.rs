//! The messages between the rooms.
//!
//! ```text
//!   pam_fido.so ── login ──> agent        pam_fido.so, wardkey ── key ──> wardkey-key
//!   wardkey ──── control ──> agent        agent ─────────────── http ──> server
//! ```
//! On the two sockets each message is a frame: its length in bytes (u32, big endian), then CBOR.

pub mod agent;
#[cfg(feature = "http")]
pub mod http;
pub mod key;

/// Version of the socket protocols; a peer with the version before it is still served.
pub const PROTOCOL: u16 = 1;
/// The longest frame in bytes that either end accepts: evidence for eight large scopes.
pub const MAX_FRAME: usize = 6 * 1024 * 1024;
/// The longest frame in bytes from or to the key process.
pub const MAX_KEY_FRAME: usize = 64 * 1024;
