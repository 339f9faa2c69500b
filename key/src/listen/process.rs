//! The processes of the parent: one per connection, ended when it has been long enough or when its
//! caller may no longer be served, and collected without waiting for any of them.

use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wardkey_ipc::Peer;

use crate::caller::{Authorise, Caller};

/// The longest that one connection lives: waiting for a key (600 s), the PIN (300 s), the touch
/// (120 s), and something over. The agent's watch has no end.
const LIFE: Duration = Duration::from_secs(1200);
/// How long a process may take to let go of its key after it was told to end.
const GRACE: Duration = Duration::from_secs(3);

/// A process that serves one connection, or waits to.
pub(super) struct Process {
    child: Child,
    pub control: UnixStream,
    pub started: Instant,
    pub serving: Option<Serving>,
}

/// Whom a process serves.
pub(super) struct Serving {
    /// The connection, of which this process only ever uses the end.
    pub connection: UnixStream,
    pub peer: Peer,
    pub caller: Caller,
    /// Against whom it counts; `None`: a service of the system's own.
    pub charged: Option<u32>,
    pub since: Instant,
    pub told_to_end: Option<Instant>,
}

impl Serving {
    pub(super) fn new(
        connection: OwnedFd,
        peer: Peer,
        caller: Caller,
        charged: Option<u32>,
    ) -> Self {
        let connection = UnixStream::from(connection);
        Self { connection, peer, caller, charged, since: Instant::now(), told_to_end: None }
    }
}

impl Process {
    pub(super) fn start(mut command: Command) -> std::io::Result<Self> {
        let (control, theirs) = UnixStream::pair()?;
        let child = command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { child, control, started: Instant::now(), serving: None })
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Whether its end has to be looked for: the agent's watch goes on for ever.
    pub(super) fn is_bounded(&self) -> bool {
        self.serving.as_ref().is_some_and(|serving| !serving.caller.may_stay())
    }

    /// Ends the connection of a caller who may no longer be served, or for too long already. The
    /// process sees the end of what it reads, takes back what it asked of the key, says why and
    /// exits; one that does not is killed.
    pub(super) fn supervise(&mut self, authorise: &Authorise<'_>) {
        let Some(serving) = &mut self.serving else { return };
        if let Some(told) = serving.told_to_end {
            if told.elapsed() > GRACE {
                let _ = self.child.kill();
            }
            return;
        }

        let is_over = !serving.caller.may_stay() && serving.since.elapsed() > LIFE;
        if is_over || authorise(serving.peer) != Some(serving.caller) {
            serving.told_to_end = Some(Instant::now());
            let _ = serving.connection.shutdown(Shutdown::Read);
        }
    }
}

/// Something that is to end.
pub(super) trait Ends {
    /// Ends it, now.
    fn kill(&mut self);
    /// Whether it has ended; never waits.
    fn has_ended(&mut self) -> bool;
}

impl Ends for Process {
    fn kill(&mut self) {
        let _ = self.child.kill();
    }

    fn has_ended(&mut self) -> bool {
        Self::has_ended(self)
    }
}

/// What was told to end and may take its time: a process that a device keeps in the kernel ends
/// when the device lets it, and nobody waits for that.
pub(super) struct Ending<T>(Vec<T>);

impl<T> Default for Ending<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ends> Ending<T> {
    /// Takes something that is over.
    pub(super) fn add(&mut self, mut one: T) {
        if !one.has_ended() {
            one.kill();
            self.0.push(one);
        }
    }

    /// Collects what has ended meanwhile.
    pub(super) fn collect(&mut self) {
        self.0.retain_mut(|one| !one.has_ended());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stuck {
        kills: u32,
        looks_until_it_ends: Option<u32>,
    }

    impl Ends for Stuck {
        fn kill(&mut self) {
            self.kills += 1;
        }

        fn has_ended(&mut self) -> bool {
            self.looks_until_it_ends.as_mut().is_some_and(|left| {
                *left = left.saturating_sub(1);
                *left == 0
            })
        }
    }

    #[test]
    fn one_that_is_stuck_in_the_kernel_is_killed_once_and_never_waited_for() {
        let mut ending = Ending::default();
        ending.add(Stuck { kills: 0, looks_until_it_ends: Some(1) });
        assert!(ending.is_empty(), "it had ended by itself");
        ending.add(Stuck { kills: 0, looks_until_it_ends: None });
        ending.add(Stuck { kills: 0, looks_until_it_ends: Some(3) });
        ending.collect();
        assert_eq!(ending.len(), 2);
        ending.collect();
        assert_eq!((ending.len(), ending.0[0].kills), (1, 1), "the other one has gone");
    }
}
