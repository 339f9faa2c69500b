//! Framed messages over a Unix stream socket, under deadlines.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use minicbor::{Decode, Encode};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use wardkey_core::codec;
use zeroize::Zeroizing;

use crate::Peer;
use crate::incoming::Incoming;
use crate::interrupt::Interrupt;

/// When an operation must be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// This long from now.
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// What is left; zero when it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    /// The earlier of two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    fn poll_timeout(self) -> PollTimeout {
        // Rounded up, so that a wait never ends just before its deadline and spins.
        let millis = self.left().as_micros().div_ceil(1000);
        PollTimeout::try_from(i32::try_from(millis).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
    }
}

/// Why a message did not arrive or leave.
#[derive(Debug, thiserror::Error)]
pub enum IpcError {
    /// The deadline passed.
    #[error("no answer in time")]
    TimedOut,
    /// The peer hung up.
    #[error("the other end hung up")]
    Closed,
    /// A signal asks for the end ([`Channel::interrupted_by`]).
    #[error("interrupted by a signal")]
    Interrupted,
    /// The peer announced a frame that is too long, or of no bytes.
    #[error("a frame of {0} bytes is not accepted")]
    FrameLength(usize),
    /// The frame is not a message.
    #[error(transparent)]
    Codec(#[from] codec::CodecError),
    /// The socket belongs to somebody else than it should.
    #[error("the socket belongs to uid {actual}, not to uid {expected}")]
    WrongOwner {
        /// The uid that should own it.
        expected: u32,
        /// The uid that does.
        actual: u32,
    },
    /// Another error of the socket.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

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
    pub fn connect(path: &Path, owner: Option<u32>, max: usize, deadline: Deadline) -> Result<Self, IpcError> {
        let address = UnixAddr::new(path).map_err(std::io::Error::from)?;
        let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)
            .map_err(std::io::Error::from)?;
        loop {
            match connect(std::os::fd::AsRawFd::as_raw_fd(&fd), &address) {
                Ok(()) => break,
                // The backlog of the listener is full; there is no readiness to poll for.
                Err(Errno::EAGAIN) if !deadline.has_passed() => std::thread::sleep(Duration::from_millis(10)),
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
    /// [`IpcError`] when no whole, valid message arrived by the deadline. What has arrived of a frame
    /// is kept, so that a wait that timed out can be taken up again.
    pub fn receive<T: for<'b> Decode<'b, ()>>(&mut self, deadline: Deadline) -> Result<T, IpcError> {
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
                Ok(count) => return self.incoming.filled(count, self.max).map_err(IpcError::FrameLength),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait(self.stream.as_fd(), PollFlags::POLLIN, deadline, self.interrupt.as_deref())?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Err(IpcError::Closed),
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
                    wait(self.stream.as_fd(), PollFlags::POLLOUT, deadline, self.interrupt.as_deref())?;
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
pub fn wait_readable(first: &Channel, second: &Channel, deadline: Deadline) -> Result<Ready, IpcError> {
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

fn wait(
    fd: BorrowedFd<'_>,
    flags: PollFlags,
    deadline: Deadline,
    interrupt: Option<&Interrupt>,
) -> Result<(), IpcError> {
    wait_for([(fd, flags)], deadline, interrupt).map(drop)
}

/// Waits until something happens at one of the descriptors: at which.
fn wait_for<const N: usize>(
    wanted: [(BorrowedFd<'_>, PollFlags); N],
    deadline: Deadline,
    interrupt: Option<&Interrupt>,
) -> Result<[bool; N], IpcError> {
    let _held = interrupt.map(Interrupt::hold).transpose()?;
    let mut fds: Vec<PollFd<'_>> = wanted.iter().map(|(fd, flags)| PollFd::new(*fd, *flags)).collect();
    fds.extend(interrupt.map(|interrupt| PollFd::new(interrupt.as_fd(), PollFlags::POLLIN)));
    loop {
        match poll(&mut fds, deadline.poll_timeout()) {
            Ok(0) if deadline.has_passed() => return Err(IpcError::TimedOut),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) if fds.get(N).is_some_and(|signal| signal.any() == Some(true)) => return Err(IpcError::Interrupted),
            Ok(_) => return Ok(std::array::from_fn(|at| fds.get(at).is_some_and(|fd| fd.any() == Some(true)))),
            Err(errno) => return Err(std::io::Error::from(errno).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(max: usize) -> (Channel, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Channel::new(ours, max).unwrap(), theirs)
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_millis(50))
    }

    #[test]
    fn lesson_reply_of_exactly_the_buffer_size_does_not_wait() {
        let (mut ours, theirs) = pair(64 * 1024);
        // 4 bytes length + 3 bytes CBOR header + content = exactly a page of the socket, and two; the greatest.
        for size in [16 * 1024 - 7, 2 * 16 * 1024 - 7, 64 * 1024 - 3] {
            let message: codec::Bytes<65536> = codec::Bytes::new(vec![7; size]).unwrap();
            let mut theirs = Channel::new(theirs.try_clone().unwrap(), 64 * 1024).unwrap();
            theirs.send(&message, soon()).unwrap();
            assert_eq!(ours.receive::<codec::Bytes<65536>>(soon()).unwrap(), message);
        }
    }

    #[test]
    fn lesson_eof_is_an_error_at_once_and_does_not_spin() {
        let (mut ours, mut theirs) = pair(100);
        theirs.write_all(&[0, 0, 0, 9, 1]).unwrap();
        drop(theirs);
        let far = Deadline::after(Duration::from_secs(60));
        assert!(matches!(ours.receive::<u8>(far), Err(IpcError::Closed)));
    }

    #[test]
    fn a_signal_ends_a_wait_and_is_still_there_afterwards() {
        use nix::sys::signal::{SigSet, Signal, raise};
        // As sudo does while it asks for a password: blocked, and looked for afterwards.
        let mut all = SigSet::empty();
        all.extend([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
        all.thread_block().unwrap();
        let interrupt = Arc::new(Interrupt::new().unwrap());
        let far = || Deadline::after(Duration::from_secs(60));
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            let (mut ours, mut theirs) = pair(100);
            let (other, _kept) = pair(100);
            ours.interrupted_by(Some(Arc::clone(&interrupt)));
            // Others end nothing.
            raise(Signal::SIGWINCH).unwrap();
            let soon = Instant::now();
            assert!(matches!(ours.receive::<u8>(Deadline::after(Duration::from_millis(30))), Err(IpcError::TimedOut)));
            raise(signal).unwrap();
            assert!(matches!(ours.receive::<u8>(far()), Err(IpcError::Interrupted)), "{signal}");
            assert!(matches!(wait_readable(&ours, &other, far()), Err(IpcError::Interrupted)), "{signal}");
            assert!(soon.elapsed() < Duration::from_secs(5));
            // What must be finished is finished.
            ours.interrupted_by(None);
            theirs.write_all(&[0, 0, 0, 1, 5]).unwrap();
            assert_eq!(ours.receive::<u8>(far()).unwrap(), 5);
            // It was only looked at: it is the process's.
            assert_eq!(SigSet::from_iter([signal]).wait().unwrap(), signal);
        }
    }

    #[test]
    fn lesson_sssd_frames_are_capped_before_they_are_read() {
        for length in [0u32, 101, u32::MAX] {
            let (mut ours, mut theirs) = pair(100);
            theirs.write_all(&length.to_be_bytes()).unwrap();
            assert!(matches!(ours.receive::<u8>(soon()), Err(IpcError::FrameLength(l)) if l == length as usize));
        }
    }

    #[test]
    fn a_silent_peer_ends_at_the_deadline_and_the_rest_is_taken_up_later() {
        let (mut ours, mut theirs) = pair(100);
        theirs.write_all(&[0, 0]).unwrap();
        assert!(matches!(ours.receive::<u8>(soon()), Err(IpcError::TimedOut)));
        theirs.write_all(&[0, 1, 5]).unwrap();
        assert_eq!(ours.receive::<u8>(soon()).unwrap(), 5);
    }

    #[test]
    fn several_messages_at_once_come_one_by_one() {
        let (mut ours, mut theirs) = pair(100);
        theirs.write_all(&[0, 0, 0, 1, 5, 0, 0, 0, 1, 6, 0, 0]).unwrap();
        assert_eq!((ours.receive::<u8>(soon()).unwrap(), ours.receive::<u8>(soon()).unwrap()), (5, 6));
        assert!(matches!(ours.receive::<u8>(soon()), Err(IpcError::TimedOut)));
        theirs.write_all(&[0, 1, 7]).unwrap();
        assert_eq!(ours.receive::<u8>(soon()).unwrap(), 7);
    }

    #[test]
    fn a_frame_is_read_into_one_buffer_that_does_not_move() {
        let (mut ours, mut theirs) = pair(100);
        theirs.write_all(&[0, 0, 0, 4, 0x43]).unwrap();
        assert!(matches!(ours.receive::<codec::Bytes<3>>(soon()), Err(IpcError::TimedOut)));
        let (at, length) = (ours.incoming.body().as_ptr(), ours.incoming.body().len());
        assert_eq!(length, 4);
        for byte in [1, 2] {
            theirs.write_all(&[byte]).unwrap();
            assert!(matches!(ours.receive::<codec::Bytes<3>>(soon()), Err(IpcError::TimedOut)));
            assert_eq!((ours.incoming.body().as_ptr(), ours.incoming.body().len()), (at, length));
        }
        theirs.write_all(&[3]).unwrap();
        assert_eq!(ours.receive::<codec::Bytes<3>>(soon()).unwrap().as_slice(), [1, 2, 3]);
        assert!(ours.incoming.body().is_empty() && !ours.has_message());
    }

    #[test]
    fn trailing_bytes_in_a_frame_are_refused() {
        let (mut ours, mut theirs) = pair(100);
        theirs.write_all(&[0, 0, 0, 2, 5, 5]).unwrap();
        assert!(matches!(ours.receive::<u8>(soon()), Err(IpcError::Codec(_))));
    }

    /// Listens at the path in WARDKEY_TEST_SOCKET until its input ends.
    #[test]
    #[ignore = "started by the test below, as another user"]
    fn listens_for_another_test() {
        let path = std::env::var_os("WARDKEY_TEST_SOCKET").unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(path).unwrap();
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }

    #[test]
    fn a_socket_of_somebody_else_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        use std::os::unix::process::CommandExt;
        const NOBODY: u32 = 65534;
        // Root's socket is everybody's to trust, so the listener is another user, also when root runs this test.
        let me = nix::unistd::geteuid().as_raw();
        let owner = if me == 0 { NOBODY } else { me };
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let path = folder.path().join("s");
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", "channel::tests::listens_for_another_test"])
            .env("WARDKEY_TEST_SOCKET", &path)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null());
        if me == 0 {
            command.uid(owner);
        }
        let mut listener = command.spawn().unwrap();
        let later = Deadline::after(Duration::from_secs(10));
        while !path.exists() && !later.has_passed() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let connect = |expected| Channel::connect(&path, expected, 100, soon());
        assert!(connect(Some(owner)).is_ok());
        assert!(connect(None).is_ok());
        for other in [owner + 1, owner - 1, 0] {
            let refused = connect(Some(other));
            assert!(
                matches!(refused, Err(IpcError::WrongOwner { expected, actual }) if (expected, actual) == (other, owner)),
                "{other}: {refused:?}"
            );
        }
        drop(listener.stdin.take());
        listener.wait().unwrap();
    }
}
