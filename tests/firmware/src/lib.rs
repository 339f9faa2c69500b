//! Rung 1 of the tests: the firmware of a shipping security key beneath the
//! library of the key process, in one process, with `wardkey_core::decide`
//! deciding about what the firmware signed. Only the USB cable is missing.
//!
//! ```text
//!  tests/all ── Plugged ── SecurityKey (wardkey-key: ctap-hid-fido2, hidapi) ┐
//!     │            └───── Connection (its serve() over a real socket) ───────┤
//!     │                                                               link ──┤ 64-byte reports
//!     ├── raw: requests that the product never sends ────────────────────────┤
//!     │                                                         wardkey-softkey: firmware
//!     └── directory: people, signed; decide()     enrollment: what a key says of a new credential
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::missing_panics_doc, reason = "all of it is tests, which end by panicking")]

pub mod connection;
pub mod directory;
pub mod enrollment;
pub mod link;
pub mod plugged;
pub mod raw;
