//! A connection that ends at a moment. A time-out of a socket begins anew with each octet that gets
//! through; this one does not.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// How often the end of a connection is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// A connection, and when it ends at the latest.
#[derive(Debug)]
pub struct Deadline {
    stream: TcpStream,
    end: Instant,
}

impl Deadline {
    /// Connects to the first of the addresses that answers within a time, for a while.
    ///
    /// # Errors
    /// The last one's.
    pub fn connect(address: &str, within: Duration, at_most: Duration) -> Result<Self> {
        let mut last = std::io::Error::new(ErrorKind::NotFound, "the name has no address");
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, within) {
                Ok(stream) => return Ok(Self { stream, end: Instant::now() + at_most }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn left(&self) -> Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// Ends our half, and waits until the peer has read all and ended the connection in its turn.
    /// What it says is passed over.
    ///
    /// # Errors
    /// It did not.
    pub fn end(mut self) -> Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        let mut answer = [0; 512];
        while self.read(&mut answer)? > 0 {}

        // A FIN that came before ours says nothing of what we sent. The kernel has a connection for
        // ended, and so without a peer, only when our FIN was acknowledged too; or after a reset,
        // which leaves an error.
        while self.stream.peer_addr().is_ok() {
            self.left()?;
            std::thread::sleep(LOOK);
        }
        self.stream.take_error()?.map_or(Ok(()), Err)
    }
}

impl Read for Deadline {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(into)
    }
}

impl Write for Deadline {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn octets_that_drip_do_not_prolong_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let at_most = Duration::from_millis(300);
        let begun = Instant::now();
        let mut connection = Deadline::connect(&address, at_most, at_most).unwrap();
        while connection.read(&mut [0; 16]).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(5), "it goes on");
        }
        assert!(begun.elapsed() >= at_most);

        let connection = Deadline::connect(&address, at_most, at_most);
        assert!(connection.is_err() || connection.unwrap().end().is_err());
    }
}
