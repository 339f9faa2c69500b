//! Plug and unplug, by inotify on `/dev`: udev's netlink events do not reach a
//! process without a network.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// A hidraw node came, went, or changed its permissions.
    Changed,
    /// The caller has something to say, or hung up.
    Caller,
    /// The time is over.
    TimedOut,
}

/// Watches the hidraw nodes.
pub(crate) struct Watch {
    inotify: Inotify,
    /// Nodes that came or went since they were last taken.
    replaced: RefCell<Vec<String>>,
}

/// Most names of [`Watch::replaced`]; more are not kept, as they are looked at anew anyway.
const MAX_REPLACED: usize = 256;

impl Watch {
    /// Begins to watch.
    pub fn new() -> Result<Self, Errno> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        // IN_ATTRIB: a new node may not be opened before udev has set its owner.
        let events = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM;
        inotify.add_watch("/dev", events)?;
        Ok(Self { inotify, replaced: RefCell::default() })
    }

    /// Waits for a change, until `until` (`None`: without end) or until `caller`
    /// is readable.
    pub fn wait(&self, until: Option<Instant>, caller: BorrowedFd<'_>) -> Result<Woken, Errno> {
        loop {
            let timeout = match until {
                None => PollTimeout::NONE,
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(Woken::TimedOut);
                    }
                    let millis = left.as_micros().div_ceil(1000);
                    PollTimeout::try_from(i32::try_from(millis).unwrap_or(i32::MAX))
                        .unwrap_or(PollTimeout::MAX)
                }
            };
            let mut fds = [
                PollFd::new(caller, PollFlags::POLLIN),
                PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, timeout) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
            let [from_caller, from_inotify] = fds;
            if from_caller.any() == Some(true) {
                return Ok(Woken::Caller);
            }
            if from_inotify.any() == Some(true) && self.concerns_hidraw()? {
                return Ok(Woken::Changed);
            }
        }
    }

    /// The nodes that came or went since the last call: what stands there now is another device.
    pub fn replaced(&self) -> Vec<String> {
        self.replaced.take()
    }

    /// Takes the events that are there.
    fn concerns_hidraw(&self) -> Result<bool, Errno> {
        let events = match self.inotify.read_events() {
            Ok(events) => events,
            Err(Errno::EAGAIN) => return Ok(false),
            Err(errno) => return Err(errno),
        };
        let mut concerns = false;
        for event in events {
            let name = event.name.as_deref().and_then(|name| name.to_str());
            let node = name.filter(|name| hidapi::hidraw::node_number(name).is_some());
            // Events were lost: look.
            concerns |= node.is_some() || event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
            let mut replaced = self.replaced.borrow_mut();
            if let Some(node) = node
                && !event.mask.contains(AddWatchFlags::IN_ATTRIB)
                && replaced.len() < MAX_REPLACED
            {
                replaced.push(format!("/dev/{node}"));
            }
        }
        Ok(concerns)
    }
}
