//! One connection: requests one after the other, on one key from identifying to
//! assertion.
//!
//! ```text
//!   this file   the conversation: receive, judge, share, answer
//!     ├ listing     which keys there are       ├ looking, search   whose key is plugged in
//!     ├ managing    credentials, PINs          └ signing           the assertion
//!        └ session  what the connection holds, how it hears and answers
//! ```

mod by_code;
mod client;
mod convert;
mod listing;
mod looking;
mod managing;
mod search;
mod session;
mod signing;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::message::key::{Reply, Request};
use wardkey_ipc::{Channel, Deadline, IpcError};

use crate::caller::Caller;
use crate::keys::{Contention, Limits, SecurityKeys};
use search::Search;
use session::{MAX_KEY_WAIT, SENDING, Session, Stop, failure, millis};

pub use client::{Client, Others};
pub use session::{ServeError, Watchdog};

/// How long a caller may take to say what it wants.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long a person may take to type the PIN.
const NEXT_REQUEST: Duration = Duration::from_secs(300);
/// Requests of one connection: a device that lies may be plugged in again and again.
const MAX_REQUESTS: usize = 1024;

/// The longest that a key may take to say what it is before it is known what is wanted of it.
const EARLY: Duration = Duration::from_millis(250);

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
    let mut session = Session {
        channel,
        cancel,
        caller,
        may_go_on,
        keys,
        watchdog,
        held: None,
        search: None,
        ready: Vec::new(),
    };
    // Opening a device may block in the kernel.
    session.allow(FIRST_REQUEST);
    session.prepare(others);
    session.share_again();

    let served = session.converse();
    // Who supervises this process ends the reading side when the caller's rights end. The caller is
    // told why.
    if served.is_err() && !(session.may_go_on)() {
        return session.refuse();
    }
    served
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
            self.prepare_for_pin();
            self.share_again();
            answered?;
            patience = NEXT_REQUEST;
        }
        Ok(())
    }

    /// Says what is to be done while another program uses a key. A login goes on: else anybody who
    /// may open the node could keep people out. What spends tries of the PIN, and what is only
    /// asked out of interest, is refused to all but root.
    fn share(&mut self, request: &Request) {
        let goes_on = self.caller == Caller::Root
            || matches!(
                request,
                Request::Identify(_) | Request::PassOver(_) | Request::AskFurther { .. }
            );
        self.keys.on_contention(if goes_on { Contention::GoOn } else { Contention::Fail });
    }

    /// A login of root's keeps the key until it ends. Everybody else has it for one request.
    fn share_again(&mut self) {
        if self.caller != Caller::Root {
            self.keys.release();
        }
    }

    /// Finds and opens the keys while the caller still says what it wants. The only key of the only
    /// caller is asked what it is as well; otherwise nothing is sent, for another login may be
    /// using a key.
    fn prepare(&mut self, others: Others) {
        if self.caller == Caller::Agent {
            return;
        }
        self.ready = self.keys.list();
        // Only looking: whoever uses a key is not disturbed.
        self.keys.on_contention(Contention::FailAtOnce);
        if let (Others::None, [key]) = (others, self.ready.as_mut_slice()) {
            let limits = Limits::until(Instant::now() + EARLY);
            // One that does not say it now is looked at again, from the beginning, when something
            // is wanted of it.
            if key.info(&limits).is_err() {
                self.ready.clear();
            }
        }
    }

    fn answer(&mut self, request: Request) -> Result<(), ServeError> {
        if !self.caller.may(&request) {
            return self.reply(&Reply::Failed(failure(
                Code::KeyAccessDenied,
                "this user may not send a PIN",
            )));
        }
        if !matches!(request, Request::Identify(_)) {
            self.ready.clear();
        }
        if has_pin(&request) {
            self.keys.pin_is_tried();
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
                let taken = self
                    .search
                    .as_mut()
                    .is_some_and(|(search, _)| search.ask_further(&allow, more));
                if taken {
                    self.search()
                } else {
                    Err(Stop::Protocol("no further credentials are wanted"))
                }
            }
            Request::Touch { path, wait_ms } => {
                let wait = millis(wait_ms, MAX_KEY_WAIT);
                self.allow(wait);
                let limits = self.limits(wait);
                match &mut self.search {
                    Some((search, _)) => {
                        search.touch(&path, &limits).map(|()| Reply::Done).map_err(Stop::from)
                    }
                    None => Err(Stop::Protocol("nothing was identified")),
                }
            }
            Request::Assert(request) => self.assert(&request),
            Request::AssertByFinger(request) => self.assert_by_finger(&request),
            Request::SignByCode(request) => Ok(self.sign_by_code(request)),
            Request::HashCode(request) => Ok(self.hash_code(request)),
            Request::MakeCredential(request) => self.make_credential(&request),
            Request::SetPin(pin) => self.change(|key, limits| key.set_pin(&pin, limits)),
            Request::ChangePin { old, new } => {
                self.change(|key, limits| key.change_pin(&old, &new, limits))
            }
            Request::ChangePinOf(request) => self.change_pin_of(&request),
            Request::ForcePinChange(request) => self.force_pin_change(&request),
            // Came too late: what it was for has been answered.
            Request::Cancel => return Ok(()),
        };
        match outcome {
            Ok(reply) => self.reply(&reply),
            Err(Stop::Failed(error)) => {
                self.take_cancel(&error)?;
                self.reply(&Reply::Failed(convert::failure(&error)))
            }
            Err(Stop::Protocol(what)) => {
                self.reply(&Reply::Failed(failure(Code::ProtocolError, what)))
            }
        }
    }
}

/// Whether a PIN goes to a key with it.
const fn has_pin(request: &Request) -> bool {
    match request {
        Request::Assert(_)
        | Request::MakeCredential(_)
        | Request::SetPin(_)
        | Request::ChangePin { .. }
        | Request::ChangePinOf(_)
        | Request::ForcePinChange(_) => true,
        Request::List
        | Request::Watch
        | Request::Identify(_)
        | Request::PassOver(_)
        | Request::AskFurther { .. }
        | Request::Touch { .. }
        | Request::AssertByFinger(_)
        | Request::SignByCode(_)
        | Request::HashCode(_)
        | Request::Cancel => false,
    }
}

#[cfg(test)]
mod tests;
