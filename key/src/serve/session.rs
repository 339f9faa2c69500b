//! A connection that is served: what it holds, and how it hears and answers.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::message::key::{KeyFailure, Reply, Request};
use wardkey_ipc::{Channel, Deadline, IpcError};

use super::search::Search;
use crate::caller::Caller;
use crate::error::KeyError;
use crate::keys::{Limits, STEP, SecurityKey, SecurityKeys};

/// How long a caller may take to read an answer.
pub(super) const SENDING: Duration = Duration::from_secs(2);
/// Longest wait for a key, and for PIN and touch, whatever the caller asks for.
pub(super) const MAX_KEY_WAIT: Duration = Duration::from_secs(600);
pub(super) const MAX_TOUCH_WAIT: Duration = Duration::from_secs(120);
/// What the process is killed after, beyond what a request may take.
const MARGIN: Duration = Duration::from_secs(15);

/// Has the process end after this time, or never; each call replaces the last.
pub type Watchdog = fn(Option<Duration>);

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket; also that the caller hung up.
    #[error(transparent)]
    Ipc(#[from] IpcError),
    /// The kernel.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What ended a request early.
pub(super) enum Stop {
    /// To be told to the caller, who may go on.
    Failed(KeyError),
    /// The caller does not follow the protocol.
    Protocol(&'static str),
}

impl From<KeyError> for Stop {
    fn from(error: KeyError) -> Self {
        Self::Failed(error)
    }
}

/// The key that was identified, and for whom.
pub(super) struct Held {
    pub(super) key: Box<dyn SecurityKey>,
    pub(super) rp_id: String,
    /// The PIN tries that it had left, if it was asked for them.
    pub(super) tries: Option<u8>,
}

/// One connection.
pub(super) struct Session<'k> {
    pub(super) channel: Rc<RefCell<Channel>>,
    pub(super) cancel: Rc<OwnedFd>,
    pub(super) caller: Caller,
    pub(super) may_go_on: Box<dyn Fn() -> bool>,
    pub(super) keys: &'k mut dyn SecurityKeys,
    pub(super) watchdog: Watchdog,
    pub(super) held: Option<Held>,
    /// Who is looked for, until when.
    pub(super) search: Option<(Search, Instant)>,
    /// Keys that are open already, for the first request.
    pub(super) ready: Vec<Box<dyn SecurityKey>>,
}

impl Session<'_> {
    pub(super) fn refuse(&self) -> Result<(), ServeError> {
        self.reply(&Reply::Failed(failure(
            Code::KeyAccessDenied,
            "no longer the user of the active session",
        )))
    }

    /// Has the process end a while after what the present request may take: the
    /// last resort against a device that blocks within the kernel.
    pub(super) fn allow(&self, wait: Duration) {
        (self.watchdog)(Some(wait + MARGIN));
    }

    pub(super) fn receive(&self, patience: Duration) -> Result<Request, IpcError> {
        self.channel.borrow_mut().receive(Deadline::after(patience))
    }

    pub(super) fn reply(&self, reply: &Reply) -> Result<(), ServeError> {
        self.channel.borrow_mut().send(reply, Deadline::after(SENDING)).map_err(ServeError::from)
    }

    /// After a cancelled operation the message that cancelled it waits; it must
    /// be Cancel.
    pub(super) fn take_cancel(&self, error: &KeyError) -> Result<(), ServeError> {
        if *error != KeyError::Cancelled || !self.caller_waits() {
            return Ok(());
        }
        match self.receive(SENDING)? {
            Request::Cancel => Ok(()),
            _ => Err(IpcError::Closed.into()),
        }
    }

    pub(super) fn caller_waits(&self) -> bool {
        self.speaks_within(Duration::ZERO)
    }

    /// Whether the caller says something by then, or hangs up.
    pub(super) fn speaks_within(&self, wait: Duration) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        use std::os::fd::AsFd;
        let mut fds = [PollFd::new(self.cancel.as_fd(), PollFlags::POLLIN)];
        let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
        self.channel.borrow().has_message() || poll(&mut fds, wait).is_ok_and(|ready| ready > 0)
    }

    /// Limits of an operation of this request, whose touch is told to the caller.
    pub(super) fn limits(&self, wait: Duration) -> Limits {
        let channel = Rc::clone(&self.channel);
        Limits {
            deadline: Instant::now() + wait,
            step: STEP,
            cancel: Some(Rc::clone(&self.cancel)),
            on_touch: Rc::new(move || {
                // A caller that is gone is noticed by its descriptor.
                let _ = channel.borrow_mut().send(&Reply::Touch, Deadline::after(SENDING));
            }),
        }
    }
}

pub(super) fn millis(wanted: u32, most: Duration) -> Duration {
    Duration::from_millis(u64::from(wanted)).min(most)
}

pub(super) fn failure(code: Code, detail: &(impl std::fmt::Display + ?Sized)) -> KeyFailure {
    KeyFailure {
        code,
        status: None,
        tries_left: None,
        detail: Some(wardkey_core::name::printable(&detail.to_string(), 200)),
    }
}
