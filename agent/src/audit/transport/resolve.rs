//! The addresses of a name. The system's resolver waits as long as it likes, and nothing can stop
//! it: so it is asked in a thread of its own, which is left behind when the time is over. There is
//! never more than one: who asks again waits for the same answer.

use std::io::{Error, ErrorKind, Result};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

type Answer = Result<Vec<SocketAddr>>;

/// Asks for the addresses of one collector.
#[derive(Debug)]
pub struct Resolver {
    lookup: fn(&str) -> Answer,
    asked: Option<Receiver<Answer>>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::with(|address| Ok(address.to_socket_addrs()?.collect()))
    }
}

impl Resolver {
    const fn with(lookup: fn(&str) -> Answer) -> Self {
        Self { lookup, asked: None }
    }

    /// The addresses of `host:port`: at least one.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when there is no answer in time; else the resolver's.
    pub fn addresses(&mut self, address: &str, within: Duration) -> Answer {
        if let Ok(address) = address.parse() {
            return Ok(vec![address]);
        }
        let asked = match self.asked.take() {
            Some(asked) => asked,
            None => self.ask(address)?,
        };
        match asked.recv_timeout(within) {
            Ok(Ok(found)) if found.is_empty() => {
                Err(Error::new(ErrorKind::NotFound, "the name has no address"))
            }
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => {
                self.asked = Some(asked);
                Err(ErrorKind::TimedOut.into())
            }
            Err(RecvTimeoutError::Disconnected) => Err(Error::other("the resolver ended")),
        }
    }

    fn ask(&self, address: &str) -> Result<Receiver<Answer>> {
        let (tell, asked) = sync_channel(1);
        let (lookup, address) = (self.lookup, address.to_owned());
        // Of the default size: modules of the name service may want more than our own threads.
        std::thread::Builder::new().name("resolver".into()).spawn(move || {
            // Nobody may be there any more.
            let _ = tell.send(lookup(&address));
        })?;
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use super::*;

    #[test]
    fn an_address_is_its_own_answer() {
        let mut resolver = Resolver::with(|_| panic!("nobody need be asked"));
        for address in ["192.0.2.7:601", "[2001:db8::7]:601"] {
            let found = resolver.addresses(address, Duration::from_secs(1)).unwrap();
            assert_eq!(found, [address.parse().unwrap()]);
        }
    }

    #[test]
    fn a_resolver_that_hangs_takes_no_longer_than_allowed_and_is_asked_once() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let mut resolver = Resolver::with(|_| {
            ASKED.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(500));
            Ok(vec!["192.0.2.7:601".parse().unwrap()])
        });
        let begun = Instant::now();
        for _ in 0..2 {
            let error = resolver.addresses("siem:601", Duration::from_millis(50)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
        assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
        let late = resolver.addresses("siem:601", Duration::from_secs(10)).unwrap();
        assert_eq!((late.len(), ASKED.load(Ordering::SeqCst)), (1, 1));
        // What was known then need not be true any more.
        resolver.addresses("siem:601", Duration::from_secs(10)).unwrap();
        assert_eq!(ASKED.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_name_without_an_address_is_an_error() {
        let mut resolver = Resolver::with(|_| Ok(Vec::new()));
        let error = resolver.addresses("siem:601", Duration::from_secs(5)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
