//! The messages between the rooms.
//!
//! ```text
//!   pam_fido.so ── login ──> agent        pam_fido.so, wardkey ── key ──> wardkey-key
//!   wardkey ──── control ──> agent        agent ─────────────── http ──> server
//!   pam_fido.so ─ session ─> agent        agent ─────────────── lock ──> wardkey-lock
//! ```
//! On the three sockets each message is a frame: its length in bytes (u32, big endian), then CBOR.

pub mod agent;
#[cfg(feature = "http")]
pub mod http;
pub mod key;
pub mod lock;
pub mod session;

/// Version of the conversation between module and agent, said in [`agent::Begin`].
///
/// A new field in a map does not raise it: a peer that does not know the field passes it over. A
/// new kind of request or reply, or a new meaning, does; unless it is used only with a peer that
/// has shown in such a field that it knows it.
pub const PROTOCOL: u16 = 1;

/// Whether an agent of version `ours` serves a module of version `theirs`: its own and the one
/// before, so that agents can be upgraded first. A newer module is refused by code until its agent
/// is restarted.
pub const fn is_served(theirs: u16, ours: u16) -> bool {
    theirs != 0 && theirs <= ours && ours - theirs <= 1
}

/// The longest frame in bytes that either end accepts: evidence for eight large scopes.
pub const MAX_FRAME: usize = 6 * 1024 * 1024;
/// The longest frame in bytes from or to the key process.
pub const MAX_KEY_FRAME: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_before_is_served_and_no_other() {
        for (theirs, ours, served) in [
            (1, 1, true),
            (1, 2, true),
            (2, 2, true),
            (2, 1, false),
            (1, 3, false),
            (0, 1, false),
            (0, 0, false),
            (u16::MAX, 1, false),
            (u16::MAX, u16::MAX, true),
        ] {
            assert_eq!(is_served(theirs, ours), served, "module {theirs}, agent {ours}");
        }
        assert!(is_served(PROTOCOL, PROTOCOL));
    }
}
