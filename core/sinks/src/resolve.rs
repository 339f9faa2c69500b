//! The addresses of a name. The system's resolver waits as long as it likes, and nothing can stop
//! it: so it is asked in a thread of its own, which is left behind when the time is over. A
//! collector has never more than one: who asks again waits for the same answer. Those of collectors
//! that are in no list any more count too: nothing is asked while there are too many.

use std::io::{Error, ErrorKind, Result};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

type Answer = Result<Vec<SocketAddr>>;

/// Finds the addresses of `host:port`.
pub type Lookup = fn(&str) -> Answer;

/// The threads of this process that wait for the system's resolver.
static THREADS: Threads = Threads::at_most(16);

/// Threads that wait, and how many may.
#[derive(Debug)]
struct Threads {
    now: AtomicUsize,
    most: usize,
}

impl Threads {
    const fn at_most(most: usize) -> Self {
        Self { now: AtomicUsize::new(0), most }
    }

    /// Counts one more, until what is given back is dropped; `None` when there are too many.
    fn one_more(&'static self) -> Option<OneThread> {
        // Dropped again when it is one too many.
        let one = OneThread(self);
        (self.now.fetch_add(1, Ordering::SeqCst) < self.most).then_some(one)
    }
}

/// A thread that waits.
struct OneThread(&'static Threads);

impl Drop for OneThread {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Asks for the addresses of one collector.
#[derive(Debug)]
pub struct Resolver {
    lookup: Lookup,
    asked: Option<Receiver<Answer>>,
    threads: &'static Threads,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::with(|address| Ok(address.to_socket_addrs()?.collect()))
    }
}

impl Resolver {
    /// Asks in this way.
    pub const fn with(lookup: Lookup) -> Self {
        Self { lookup, asked: None, threads: &THREADS }
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
        let thread = self.threads.one_more().ok_or_else(|| {
            Error::new(ErrorKind::ResourceBusy, "too many names wait for the resolver")
        })?;
        let (tell, asked) = sync_channel(1);
        let (lookup, address) = (self.lookup, address.to_owned());
        // Of the default size: modules of the name service may want more than our own threads.
        std::thread::Builder::new().name("resolver".into()).spawn(move || {
            // Nobody may be there any more.
            let _ = tell.send(lookup(&address));
            drop(thread);
        })?;
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};
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
        static HANGS: Mutex<()> = Mutex::new(());
        let hang = HANGS.lock().unwrap();
        let mut resolver = Resolver::with(|_| {
            ASKED.fetch_add(1, Ordering::SeqCst);
            drop(HANGS.lock().unwrap_or_else(PoisonError::into_inner));
            Ok(vec!["192.0.2.7:601".parse().unwrap()])
        });
        for _ in 0..2 {
            let error = resolver.addresses("siem:601", Duration::from_millis(50)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
        drop(hang);
        let late = resolver.addresses("siem:601", Duration::from_secs(60)).unwrap();
        assert_eq!((late.len(), ASKED.load(Ordering::SeqCst)), (1, 1));
        // What was known then need not be true any more.
        resolver.addresses("siem:601", Duration::from_secs(60)).unwrap();
        assert_eq!(ASKED.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn no_more_threads_hang_than_may_however_often_the_list_changes() {
        static FEW: Threads = Threads::at_most(2);
        static HANGS: Mutex<()> = Mutex::new(());
        let hang = HANGS.lock().unwrap();
        let resolver = || Resolver {
            threads: &FEW,
            ..Resolver::with(|_| {
                drop(HANGS.lock().unwrap_or_else(PoisonError::into_inner));
                Ok(vec!["192.0.2.7:601".parse().unwrap()])
            })
        };
        // Each is dropped, as at a reload; what it asked hangs on.
        let shortly = Duration::from_millis(20);
        for expected in [ErrorKind::TimedOut, ErrorKind::TimedOut, ErrorKind::ResourceBusy] {
            assert_eq!(resolver().addresses("siem:601", shortly).unwrap_err().kind(), expected);
        }
        drop(hang);
        let begun = Instant::now();
        while resolver().addresses("siem:601", Duration::from_secs(5)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "those that hung have ended");
            std::thread::sleep(shortly);
        }
    }

    #[test]
    fn a_name_without_an_address_is_an_error() {
        let mut resolver = Resolver::with(|_| Ok(Vec::new()));
        let error = resolver.addresses("siem:601", Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
