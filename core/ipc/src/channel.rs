//! Framed messages over a Unix stream socket, under deadlines.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use minicbor::{Decode, Encode};
use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use wardkey_core::codec;
use zeroize::Zeroizing;

use crate::deadline::Deadline;
use crate::error::IpcError;
use crate::incoming::Incoming;
use crate::interrupt::Interrupt;
use crate::peer::Peer;
use crate::wait::{wait, wait_for};

/// Which of two sockets has something to read (or was hung up).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// The first; also when both have.
    First,
    /// The second.
    Second,
}

/// A connected socket that carries whole messages.
#[derive(Debug)]
pub struct Channel {
    stream: UnixStream,
    max: usize,
    incoming: Incoming,
    interrupt: Option<Arc<Interrupt>>,
}

impl Channel {
    /// Takes a connected stream; `max` is the longest frame accepted in bytes.
    ///
    /// # Errors
    /// The error of fcntl(2).
    pub fn new(stream: UnixStream, max: usize) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { stream, max, incoming: Incoming::default(), interrupt: None })
    }

    /// Connects to a listening socket and checks by the kernel who listens (root, or `owner`).
    ///
    /// # Errors
    /// [`IpcError`] when it is not there, full until the deadline, or somebody else's.
    pub fn connect(
        path: &Path,
        owner: Option<u32>,
        max: usize,
        deadline: Deadline,
    ) -> Result<Self, IpcError> {
        let address = UnixAddr::new(path).map_err(std::io::Error::from)?;
        let fd = socket(
            AddressFamily::Unix,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            None,
        )
        .map_err(std::io::Error::from)?;
        loop {
            match connect(std::os::fd::AsRawFd::as_raw_fd(&fd), &address) {
                Ok(()) => break,
                // The backlog of the listener is full; there is no readiness to poll for.
                Err(Errno::EAGAIN) if !deadline.has_passed() => {
                    std::thread::sleep(Duration::from_millis(10))
                }
                Err(Errno::EAGAIN) => return Err(IpcError::TimedOut),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(std::io::Error::from(errno).into()),
            }
        }
        let channel = Self::new(UnixStream::from(fd), max)?;
        let peer = channel.peer()?;
        match owner {
            Some(expected) if peer.uid != expected && peer.uid != 0 => {
                Err(IpcError::WrongOwner { expected, actual: peer.uid })
            }
            _ => Ok(channel),
        }
    }

    /// From here on signals end its waits, or with `None` none does.
    pub fn interrupted_by(&mut self, interrupt: Option<Arc<Interrupt>>) {
        self.interrupt = interrupt;
    }

    /// Who is at the other end.
    ///
    /// # Errors
    /// The error of getsockopt(2).
    pub fn peer(&self) -> std::io::Result<Peer> {
        Peer::of(&self.stream)
    }

    /// Sends a message; the frame is wiped afterwards, as it may hold a PIN.
    ///
    /// # Errors
    /// [`IpcError`] when it has not left whole by the deadline.
    pub fn send<T: Encode<()>>(&mut self, message: &T, deadline: Deadline) -> Result<(), IpcError> {
        let length = codec::message_length(message);
        let header = u32::try_from(length).ok().filter(|_| length <= self.max);
        let header = header.ok_or(IpcError::FrameLength(length))?.to_be_bytes();
        // One buffer of the whole length: one that grew would leave copies behind.
        let mut frame = Zeroizing::new(Vec::with_capacity(header.len() + length));
        frame.extend_from_slice(&header);
        codec::append_message(message, &mut frame);
        self.write_all(&frame, deadline)
    }

    /// Receives the next message; the frame is wiped afterwards.
    ///
    /// # Errors
    /// [`IpcError`] when no whole, valid message arrived by the deadline. What has arrived of a
    /// frame is kept, so that a wait that timed out can be taken up again.
    pub fn receive<T: for<'b> Decode<'b, ()>>(
        &mut self,
        deadline: Deadline,
    ) -> Result<T, IpcError> {
        loop {
            if let Some(message) = self.take_message()? {
                return Ok(message);
            }
            self.fill(deadline)?;
        }
    }

    /// Whether a whole message has been read already and needs no waiting.
    pub fn has_message(&self) -> bool {
        self.incoming.is_whole()
    }

    /// The socket, for poll(2).
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    fn take_message<T: for<'b> Decode<'b, ()>>(&mut self) -> Result<Option<T>, IpcError> {
        if !self.incoming.is_whole() {
            return Ok(None);
        }
        let frame = std::mem::take(&mut self.incoming);
        Ok(Some(codec::from_message(frame.body())?))
    }

    fn fill(&mut self, deadline: Deadline) -> Result<(), IpcError> {
        loop {
            match self.stream.read(self.incoming.space()) {
                Ok(0) => return Err(IpcError::Closed),
                Ok(count) => {
                    return self.incoming.filled(count, self.max).map_err(IpcError::FrameLength);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait(
                        self.stream.as_fd(),
                        PollFlags::POLLIN,
                        deadline,
                        self.interrupt.as_deref(),
                    )?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Err(IpcError::Closed);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn write_all(&mut self, mut bytes: &[u8], deadline: Deadline) -> Result<(), IpcError> {
        while !bytes.is_empty() {
            // MSG_NOSIGNAL: a PAM application must not die of SIGPIPE because the agent did.
            match nix::sys::socket::send(
                std::os::fd::AsRawFd::as_raw_fd(&self.stream),
                bytes,
                nix::sys::socket::MsgFlags::MSG_NOSIGNAL,
            ) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::EAGAIN) => {
                    wait(
                        self.stream.as_fd(),
                        PollFlags::POLLOUT,
                        deadline,
                        self.interrupt.as_deref(),
                    )?;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(IpcError::Closed),
                Err(errno) => return Err(std::io::Error::from(errno).into()),
            }
        }
        self.stream.flush()?;
        Ok(())
    }
}

/// Waits until one of two channels has a message (or part of one, or was hung up).
///
/// # Errors
/// [`IpcError::TimedOut`] at the deadline.
pub fn wait_readable(
    first: &Channel,
    second: &Channel,
    deadline: Deadline,
) -> Result<Ready, IpcError> {
    if first.has_message() {
        return Ok(Ready::First);
    }
    if second.has_message() {
        return Ok(Ready::Second);
    }
    let wanted = [(first.as_fd(), PollFlags::POLLIN), (second.as_fd(), PollFlags::POLLIN)];
    let [first, _] = wait_for(wanted, deadline, first.interrupt.as_deref())?;
    Ok(if first { Ready::First } else { Ready::Second })
}

#[cfg(test)]
mod tests;
