//! Passing a connection from one process to another. The only unsafe code of
//! this crate: descriptors that come as numbers become owned.
#![allow(unsafe_code)]

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use crate::serve::Others;
use crate::tries::{Known, MAX_TOLD};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// First descriptor that systemd passes (sd_listen_fds(3)).
const FIRST_PASSED: RawFd = 3;

/// What goes with a connection of somebody who is alone with the keys, and with any other.
const ALONE: u8 = b'a';
const WITH_OTHERS: u8 = b'c';

/// Hands `connection` to the process at the other end of `control`, with what it needs to know of
/// keys.
pub(super) fn send(
    control: &UnixStream,
    connection: BorrowedFd<'_>,
    others: Others,
    keys: &[u8],
) -> Result<(), Errno> {
    let byte = if others == Others::None { ALONE } else { WITH_OTHERS };
    send_message(control.as_fd(), &[&[byte], keys].concat(), Some(connection))
}

/// Waits for the connection that the parent hands over; `None` when it will not.
#[must_use]
pub fn receive(control: BorrowedFd<'_>) -> Option<(OwnedFd, Others, Known)> {
    let mut message = [0; 1 + MAX_TOLD];
    let (length, connection) = receive_message(control, &mut message).ok()?;
    let (byte, keys) = message.get(..length)?.split_first()?;
    let others = if *byte == ALONE { Others::None } else { Others::Perhaps };
    let known = Known::told(keys, control.try_clone_to_owned().ok());
    Some((connection?, others, known))
}

/// Sends bytes and, with them, a descriptor.
pub(crate) fn send_message(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    with: Option<BorrowedFd<'_>>,
) -> Result<(), Errno> {
    let fds: Vec<RawFd> = with.iter().map(AsRawFd::as_raw_fd).collect();
    let control = [ControlMessage::ScmRights(&fds)];
    let control = if fds.is_empty() { &[][..] } else { &control[..] };
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::MSG_NOSIGNAL, None)
        .map(drop)
}

/// Receives bytes into `to`, says how many, and gives the descriptor that came with them. Waits for
/// them.
pub(crate) fn receive_message(
    socket: BorrowedFd<'_>,
    to: &mut [u8],
) -> Result<(usize, Option<OwnedFd>), Errno> {
    let mut buffer = [IoSliceMut::new(to)];
    let mut space = nix::cmsg_space!(RawFd);
    let message = loop {
        match recvmsg::<()>(
            socket.as_raw_fd(),
            &mut buffer,
            Some(&mut space),
            MsgFlags::MSG_CMSG_CLOEXEC,
        ) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    let passed = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
        _ => None,
    });
    // SAFETY: the kernel has just installed this descriptor for us, and the
    // space above has room for one only.
    let passed = passed.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    Ok((message.bytes, passed))
}

/// The one socket that systemd passed to this process, if it did.
#[must_use]
pub fn inherited_socket() -> Option<OwnedFd> {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID")? != std::process::id() || number("LISTEN_FDS")? != 1 {
        return None;
    }
    // SAFETY: by the protocol the descriptor is open and this process's own.
    // Called once, at the start, before anything else is opened.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST_PASSED) };
    fcntl(socket.as_fd(), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
    Some(socket)
}

/// Owns a descriptor that a system call has just returned.
pub(super) fn owned(fd: Result<RawFd, Errno>) -> Option<OwnedFd> {
    // SAFETY: a new descriptor that nobody else knows.
    fd.ok().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}
