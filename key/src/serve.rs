//! One connection: requests one after the other, on one key from identifying to
//! assertion.

mod client;
mod convert;
mod looking;
mod managing;
mod search;

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::message::key::{Assert, KeyFailure, Reply, Request};
use wardkey_ipc::{Channel, Deadline, IpcError};

use crate::KeyError;
use crate::caller::Caller;
use crate::keys::{Contention, Limits, STEP, SecurityKey, SecurityKeys};
use crate::watch::{Watch, Woken};
pub use client::{Client, Others};
use search::Search;

/// How long a caller may take to say what it wants.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long a person may take to type the PIN.
const NEXT_REQUEST: Duration = Duration::from_secs(300);
/// How long a caller may take to read an answer.
const SENDING: Duration = Duration::from_secs(2);
/// Longest wait for a key, and for PIN and touch, whatever the caller asks for.
const MAX_KEY_WAIT: Duration = Duration::from_secs(600);
const MAX_TOUCH_WAIT: Duration = Duration::from_secs(120);
/// What the process is killed after, beyond what a request may take.
const MARGIN: Duration = Duration::from_secs(15);
/// Requests of one connection: a device that lies may be plugged in again and again.
const MAX_REQUESTS: usize = 1024;

/// The longest that a key may take to say what it is before it is known what is wanted of it.
const EARLY: Duration = Duration::from_millis(250);

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

/// Refuses a caller who may ask for nothing.
pub fn refuse(mut channel: Channel) {
    // The answer is a courtesy; the end of the connection says it too.
    let reply = Reply::Failed(failure(Code::KeyAccessDenied, "not for this user"));
    let _ = channel.send(&reply, Deadline::after(SENDING));
}

/// Serves a client until it hangs up, or may no longer be served.
///
/// # Errors
/// [`ServeError`] when the connection broke; also at its ordinary end.
pub fn serve(
    channel: Channel,
    client: impl Into<Client>,
    others: Others,
    keys: &mut dyn SecurityKeys,
    watchdog: Watchdog,
) -> Result<(), ServeError> {
    let Client { caller, may_go_on } = client.into();
    let cancel = Rc::new(channel.as_fd().try_clone_to_owned()?);
    let channel = Rc::new(RefCell::new(channel));
    let mut session =
        Session { channel, cancel, caller, may_go_on, keys, watchdog, held: None, search: None, ready: Vec::new() };
    // Opening a device may block in the kernel.
    session.allow(FIRST_REQUEST);
    session.prepare(others);
    session.share_again();

    let served = session.converse();
    // Who supervises this process ends the reading side when the caller's rights end. The caller is told why.
    if served.is_err() && !(session.may_go_on)() {
        return session.refuse();
    }
    served
}

/// What ended a request early.
enum Stop {
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
struct Held {
    key: Box<dyn SecurityKey>,
    rp_id: String,
}

struct Session<'k> {
    channel: Rc<RefCell<Channel>>,
    cancel: Rc<OwnedFd>,
    caller: Caller,
    may_go_on: Box<dyn Fn() -> bool>,
    keys: &'k mut dyn SecurityKeys,
    watchdog: Watchdog,
    held: Option<Held>,
    /// Who is looked for, until when.
    search: Option<(Search, Instant)>,
    /// Keys that are open already, for the first request.
    ready: Vec<Box<dyn SecurityKey>>,
}

impl Session<'_> {
    fn converse(&mut self) -> Result<(), ServeError> {
        let mut patience = FIRST_REQUEST;
        for _ in 0..MAX_REQUESTS {
            self.allow(patience);
            let request = match self.receive(patience) {
                Ok(request) => request,
                Err(IpcError::Codec(error)) => {
                    return self.reply(&Reply::Failed(failure(Code::ProtocolError, &error)));
                }
                Err(error) => return Err(error.into()),
            };
            // A right is checked when it is used, not when it was given.
            if !(self.may_go_on)() {
                return self.refuse();
            }
            self.share(&request);
            let answered = self.answer(request);
            self.share_again();
            answered?;
            patience = NEXT_REQUEST;
        }
        Ok(())
    }

    /// Says what is to be done while another program uses a key. A login goes on: else anybody who may open
    /// the node could keep people out. What spends tries of the PIN, and what is only asked out of interest,
    /// is refused to all but root.
    fn share(&mut self, request: &Request) {
        let goes_on = self.caller == Caller::Root
            || matches!(request, Request::Identify(_) | Request::PassOver(_) | Request::AskFurther { .. });
        self.keys.on_contention(if goes_on { Contention::GoOn } else { Contention::Fail });
    }

    /// A login of root's keeps the key until it ends. Everybody else has it for one request.
    fn share_again(&mut self) {
        if self.caller != Caller::Root {
            self.keys.release();
        }
    }

    fn refuse(&self) -> Result<(), ServeError> {
        self.reply(&Reply::Failed(failure(Code::KeyAccessDenied, "no longer the user of the active session")))
    }

    /// Has the process end a while after what the present request may take: the
    /// last resort against a device that blocks within the kernel.
    fn allow(&self, wait: Duration) {
        (self.watchdog)(Some(wait + MARGIN));
    }

    /// Finds and opens the keys while the caller still says what it wants. The only key of the only caller
    /// is asked what it is as well; otherwise nothing is sent, for another login may be using a key.
    fn prepare(&mut self, others: Others) {
        if self.caller == Caller::Agent {
            return;
        }
        self.ready = self.keys.list();
        // Only looking: whoever uses a key is not disturbed.
        self.keys.on_contention(Contention::FailAtOnce);
        if let (Others::None, [key]) = (others, self.ready.as_mut_slice()) {
            let limits = Limits::until(Instant::now() + EARLY);
            // One that does not say it now is looked at again, from the beginning, when something is wanted of it.
            if key.info(&limits).is_err() {
                self.ready.clear();
            }
        }
    }

    fn receive(&self, patience: Duration) -> Result<Request, IpcError> {
        self.channel.borrow_mut().receive(Deadline::after(patience))
    }

    fn reply(&self, reply: &Reply) -> Result<(), ServeError> {
        self.channel.borrow_mut().send(reply, Deadline::after(SENDING)).map_err(ServeError::from)
    }

    fn answer(&mut self, request: Request) -> Result<(), ServeError> {
        if !self.caller.may(&request) {
            return self.reply(&Reply::Failed(failure(Code::KeyAccessDenied, "this user may not send a PIN")));
        }
        if !matches!(request, Request::Identify(_)) {
            self.ready.clear();
        }
        let outcome = match request {
            Request::List => Ok(self.list()),
            Request::Watch => return self.watch(),
            Request::Identify(request) => {
                let wait = millis(request.wait_ms, MAX_KEY_WAIT);
                self.held = None;
                self.search = Some((Search::new(&request), Instant::now() + wait));
                self.search()
            }
            Request::PassOver(paths) => match &mut self.search {
                Some((search, _)) => {
                    search.pass_over(&paths);
                    self.search()
                }
                None => Err(Stop::Protocol("nothing was identified")),
            },
            Request::AskFurther { allow, more } => {
                let taken = self.search.as_mut().is_some_and(|(search, _)| search.ask_further(&allow, more));
                if taken { self.search() } else { Err(Stop::Protocol("no further credentials are wanted")) }
            }
            Request::Touch { path, wait_ms } => {
                let wait = millis(wait_ms, MAX_KEY_WAIT);
                self.allow(wait);
                let limits = self.limits(wait);
                match &mut self.search {
                    Some((search, _)) => search.touch(&path, &limits).map(|()| Reply::Done).map_err(Stop::from),
                    None => Err(Stop::Protocol("nothing was identified")),
                }
            }
            Request::Assert(request) => self.assert(&request),
            Request::MakeCredential(request) => self.make_credential(&request),
            Request::SetPin(pin) => self.change(|key, limits| key.set_pin(&pin, limits)),
            Request::ChangePin { old, new } => self.change(|key, limits| key.change_pin(&old, &new, limits)),
            // Came too late: what it was for has been answered.
            Request::Cancel => return Ok(()),
        };
        match outcome {
            Ok(reply) => self.reply(&reply),
            Err(Stop::Failed(error)) => {
                self.take_cancel(&error)?;
                self.reply(&Reply::Failed(convert::failure(&error)))
            }
            Err(Stop::Protocol(what)) => self.reply(&Reply::Failed(failure(Code::ProtocolError, what))),
        }
    }

    /// After a cancelled operation the message that cancelled it waits; it must
    /// be Cancel.
    fn take_cancel(&self, error: &KeyError) -> Result<(), ServeError> {
        if *error != KeyError::Cancelled || !self.caller_waits() {
            return Ok(());
        }
        match self.receive(SENDING)? {
            Request::Cancel => Ok(()),
            _ => Err(IpcError::Closed.into()),
        }
    }

    fn caller_waits(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        use std::os::fd::AsFd;
        let mut fds = [PollFd::new(self.cancel.as_fd(), PollFlags::POLLIN)];
        self.channel.borrow().has_message() || poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// Limits of an operation of this request, whose touch is told to the caller.
    fn limits(&self, wait: Duration) -> Limits {
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

    fn list(&mut self) -> Reply {
        let wait = Duration::from_secs(10);
        self.allow(wait);
        let limits = self.limits(wait);
        let infos = self
            .keys
            .list()
            .into_iter()
            .map(|mut key| {
                convert::asked(key.as_mut(), &limits).unwrap_or_else(|error| convert::failed(key.description(), &error))
            })
            .collect();
        convert::keys(infos)
    }

    /// Tells of the keys at once and after each change. The keys are not asked
    /// for details: a login may be using one of them.
    fn watch(&mut self) -> Result<(), ServeError> {
        if self.caller.may_stay() {
            (self.watchdog)(None);
        } else {
            self.allow(MAX_KEY_WAIT);
        }
        let until = (!self.caller.may_stay()).then(|| Instant::now() + MAX_KEY_WAIT);
        let watch = Watch::new().map_err(std::io::Error::from)?;
        let mut told = None;
        loop {
            let now = self.keys.describe();
            if told.as_ref() != Some(&now) {
                let infos = now.iter().map(convert::described).collect();
                self.reply(&convert::keys(infos))?;
                told = Some(now);
            }
            let woken = {
                use std::os::fd::AsFd;
                watch.wait(until, self.cancel.as_fd())
            };
            match woken.map_err(std::io::Error::from)? {
                Woken::Changed => {}
                Woken::TimedOut => return Err(IpcError::TimedOut.into()),
                Woken::Caller => {
                    return match self.receive(SENDING)? {
                        Request::Cancel => self.reply(&Reply::Failed(convert::failure(&KeyError::Cancelled))),
                        _ => Err(IpcError::Closed.into()),
                    };
                }
            }
        }
    }

    fn assert(&mut self, request: &Assert) -> Result<Reply, Stop> {
        let wait = millis(request.wait_ms, MAX_TOUCH_WAIT);
        self.allow(wait);
        let limits = self.limits(wait);
        if let Some((search, _)) = self.search.take() {
            let rp_id = search.rp_id().to_owned();
            self.held = search.take(&request.path, request.credential.as_slice()).map(|key| Held { key, rp_id });
        }
        let held = self.held.as_mut().filter(|held| held.key.description().path == request.path);
        let held = held.ok_or(Stop::Protocol("assertion before identification"))?;
        let assertion = held.key.assert(
            &held.rp_id,
            request.credential.as_slice(),
            request.client_data.as_slice(),
            &request.pin,
            &limits,
        )?;
        Ok(convert::assertion(assertion)?)
    }
}

fn millis(wanted: u32, most: Duration) -> Duration {
    Duration::from_millis(u64::from(wanted)).min(most)
}

fn failure(code: Code, detail: &(impl std::fmt::Display + ?Sized)) -> KeyFailure {
    KeyFailure {
        code,
        status: None,
        tries_left: None,
        detail: Some(wardkey_core::name::printable(&detail.to_string(), 200)),
    }
}

#[cfg(test)]
mod tests;
