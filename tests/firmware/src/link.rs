//! The cable: carries reports between our HID seam and the firmware.

use std::collections::VecDeque;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hidapi::{LinkError, Received, Report, Transport};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use wardkey_softkey::SoftKey;

/// Reports that wait to be read, and a descriptor that is readable when one does.
struct Inbox {
    reports: Mutex<VecDeque<Option<Report>>>,
    ready: OwnedFd,
}

impl Inbox {
    fn push(&self, report: Option<Report>) {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).push_back(report);
        // Readable from now on; its count does not matter.
        rustix::io::write(&self.ready, &1_u64.to_ne_bytes()).ok();
    }

    /// `Some(None)`: the cable is cut, for good.
    fn pop(&self) -> Option<Option<Report>> {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        match reports.front()? {
            None => Some(None),
            Some(_) => reports.pop_front(),
        }
    }

    fn wait(&self, until: Instant, cancel: Option<BorrowedFd<'_>>) -> std::io::Result<bool> {
        let left = until.saturating_duration_since(Instant::now());
        let timeout =
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut fds = vec![PollFd::new(&self.ready, PollFlags::IN)];
        fds.extend(cancel.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        poll(&mut fds, Some(&timeout))?;
        let cancelled = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
        if !fds[0].revents().is_empty() {
            rustix::io::read(&self.ready, &mut [0; 8])?;
        }
        Ok(cancelled)
    }
}

/// One connection to a key. It ends when the key is pulled out, also when the
/// same key is plugged in again.
pub struct Link {
    key: Arc<SoftKey>,
    inbox: Arc<Inbox>,
    alter: fn(&mut Report),
}

impl Link {
    /// Connects to a key.
    pub fn new(key: &Arc<SoftKey>) -> Self {
        Self::altering(key, |_| {})
    }

    /// Connects to a key whose reports are changed on their way.
    pub fn altering(key: &Arc<SoftKey>, alter: fn(&mut Report)) -> Self {
        let ready = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd");
        let inbox = Arc::new(Inbox { reports: Mutex::default(), ready });
        let sink = Arc::downgrade(&inbox);
        key.connect(Box::new(move |report| match sink.upgrade() {
            Some(inbox) => {
                inbox.push(report.copied());
                true
            }
            None => false,
        }));
        Self { key: Arc::clone(key), inbox, alter }
    }
}

impl Transport for Link {
    fn send(&mut self, report: &Report, _until: Instant) -> Result<(), LinkError> {
        if matches!(
            self.inbox.reports.lock().unwrap_or_else(PoisonError::into_inner).back(),
            Some(None)
        ) {
            return Err(LinkError::Removed);
        }
        self.key.send(report);
        Ok(())
    }

    fn receive(
        &mut self,
        until: Instant,
        cancel: Option<BorrowedFd<'_>>,
    ) -> Result<Received, LinkError> {
        loop {
            match self.inbox.pop() {
                Some(Some(mut report)) => {
                    (self.alter)(&mut report);
                    return Ok(Received::Report(report));
                }
                Some(None) => return Err(LinkError::Removed),
                None if Instant::now() >= until => return Ok(Received::TimedOut),
                None => {}
            }
            if self.inbox.wait(until, cancel)? {
                return Ok(Received::Cancelled);
            }
        }
    }

    fn drain(&mut self) {
        while let Some(Some(_)) = self.inbox.pop() {}
    }
}
