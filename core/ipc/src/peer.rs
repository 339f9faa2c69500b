//! Who is at the other end of a socket, by the kernel's word.

use std::os::fd::AsFd;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

/// The process that connected (for a listener: that bound) the socket, when it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Process id; may have been reused since, so never a proof.
    pub pid: i32,
}

impl Peer {
    /// Asks the kernel.
    ///
    /// # Errors
    /// The error of getsockopt(2).
    pub fn of(socket: &impl AsFd) -> std::io::Result<Self> {
        let credentials = getsockopt(socket, PeerCredentials)?;
        Ok(Self { uid: credentials.uid(), gid: credentials.gid(), pid: credentials.pid() })
    }

    /// Whether it is root.
    pub const fn is_root(&self) -> bool {
        self.uid == 0
    }
}
