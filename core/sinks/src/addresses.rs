//! The addresses of a collector, one after the other: one that is dead, or that is not the one that
//! it should be, costs the others nothing.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::failure::CollectorError;

/// The least that an address has.
const LEAST: Duration = Duration::from_millis(5);

/// Reaches the first of the addresses at which that can be done. Each has its share of the time, so
/// that one that does not answer does not cost the others theirs, but no more than `each`.
///
/// # Errors
/// The last one's.
pub fn reach_first<T>(
    addresses: &[SocketAddr],
    each: Duration,
    deadline: Deadline,
    mut reach: impl FnMut(SocketAddr, Deadline) -> Result<T, CollectorError>,
) -> Result<T, CollectorError> {
    let mut last = CollectorError::Unreachable(ErrorKind::NotFound.into());
    for (address, others) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = deadline.left().map_err(CollectorError::Unreachable)?;
        let share = left / u32::try_from(others).unwrap_or(u32::MAX);
        match reach(*address, Deadline::after(share.min(each).max(LEAST))) {
            Ok(reached) => return Ok(reached),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    use super::*;
    use crate::connection::Connection;

    fn open(address: SocketAddr, until: Deadline) -> Result<Connection, CollectorError> {
        Connection::open(address, until).map_err(CollectorError::Unreachable)
    }

    #[test]
    fn an_address_that_does_not_answer_leaves_the_next_its_time() {
        // A listener whose queue is full answers nobody.
        let dead = TcpListener::bind("127.0.0.1:0").unwrap();
        nix::sys::socket::listen(&dead, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
        let full = dead.local_addr().unwrap();
        let _kept: Vec<_> =
            (0..4).map(|_| TcpStream::connect_timeout(&full, Duration::from_millis(100))).collect();
        let alive = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [full, alive.local_addr().unwrap()];
        let begun = Instant::now();
        let deadline = Deadline::after(Duration::from_secs(6));
        reach_first(&addresses, Duration::from_secs(60), deadline, open).unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(2900), "the first one was dead");
        let error = reach_first(&[full], Duration::from_millis(100), deadline, open).unwrap_err();
        assert!(
            matches!(&error, CollectorError::Unreachable(why) if why.kind() == ErrorKind::TimedOut),
            "{error}"
        );
    }
}
