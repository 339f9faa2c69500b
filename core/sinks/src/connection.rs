//! A TCP connection that ends at a moment, and that hears its peer also while it writes.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::deadline::Deadline;

/// How often the end of a connection is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// A connection, and when it ends at the latest.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    deadline: Deadline,
}

impl Connection {
    /// Connects to an address.
    ///
    /// # Errors
    /// Nobody answers there in time.
    pub fn open(address: SocketAddr, deadline: Deadline) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, deadline.left()?)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, deadline })
    }

    /// The same, with another moment at which it ends.
    #[must_use]
    pub fn until(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// Waits until the peer has said something or, if that is asked, until it takes more.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when the time is over.
    pub fn wait(&self, also_to_write: bool) -> Result<()> {
        let mut events = PollFlags::POLLIN;
        events.set(PollFlags::POLLOUT, also_to_write);
        loop {
            let left = self.deadline.left()?.as_millis().saturating_add(1);
            let left = i32::try_from(left).unwrap_or(i32::MAX);
            let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.stream.as_fd(), events)], left) {
                Ok(1..) => return Ok(()),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Passes over what the peer has said until now; `false` when it has ended its half.
    ///
    /// # Errors
    /// The connection broke, or the time is over.
    pub fn pass_over(&mut self) -> Result<bool> {
        let mut said = [0; 4096];
        loop {
            self.deadline.left()?;
            match self.stream.read(&mut said) {
                Ok(0) => return Ok(false),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Ends our half, and waits until the peer has read all and ended the connection in its turn.
    /// What it says is passed over.
    ///
    /// # Errors
    /// It did not.
    pub fn end(mut self) -> Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        while self.pass_over()? {
            self.wait(false)?;
        }
        // A FIN says nothing of ours. The kernel has a connection for ended, and so without a peer,
        // only when our FIN was acknowledged too; or after a reset, which leaves an error.
        while self.stream.peer_addr().is_ok() {
            self.deadline.left()?;
            std::thread::sleep(LOOK);
        }
        self.stream.take_error()?.map_or(Ok(()), Err)
    }
}

/// What is there now: [`ErrorKind::WouldBlock`] when nothing is.
impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        self.deadline.left()?;
        self.stream.read(into)
    }
}

/// What it takes now: [`ErrorKind::WouldBlock`] when it takes nothing.
impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.deadline.left()?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    fn open(listener: &TcpListener, at_most: Duration) -> Connection {
        Connection::open(listener.local_addr().unwrap(), Deadline::after(at_most)).unwrap()
    }

    #[test]
    fn octets_that_drip_do_not_prolong_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let drip = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = drip.accept() {
                while stream.write_all(b"x").is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        let at_most = Duration::from_secs(1);
        let begun = Instant::now();
        let mut connection = open(&listener, at_most);
        while connection.pass_over().and_then(|_| connection.wait(false)).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it goes on");
        }
        assert!(begun.elapsed() >= at_most);
        drop(connection);

        let begun = Instant::now();
        let error = open(&listener, at_most).end().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() >= at_most);
    }
}
