//! The budget within which `ctap-hid-fido2` may talk to a key: a deadline, a
//! descriptor that cancels, a number of exchanges; and the record of what was
//! really exchanged, which is what callers go by.
//!
//! The library offers no place to hand these through, so they stand in a
//! thread-local for the time of [`run`]. The library starts no threads.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Instant;

use thiserror::Error;

use crate::transport::LinkError;

/// What a key says while it works on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The key is alive and busy.
    Processing,
    /// The key waits for a touch. Sent once per request.
    TouchNeeded,
}

/// Judges an answer before the library sees it: command byte of the request and
/// the payload of the answer, status byte first.
pub type Inspect = fn(command: u8, answer: &[u8]) -> Result<(), &'static str>;

/// Corrects the payload of a request, command byte first, before it is sent. False: it is not sent.
pub type Correct = Box<dyn Fn(&mut Vec<u8>) -> bool>;

/// A CBOR request and what the key answered to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Payload of the request, command byte first.
    pub request: Vec<u8>,
    /// Payload of the answer, status byte first.
    pub answer: Vec<u8>,
}

/// One operation: all that happens within one [`run`].
pub struct Operation {
    /// No exchange lasts longer than until this instant.
    pub deadline: Instant,
    /// Readable or hung up means: give up now.
    pub cancel: Option<Rc<OwnedFd>>,
    /// Most requests that may be sent, the channel's allocation included.
    pub max_exchanges: usize,
    /// An answer that the key gave before: it is given again, once, and nothing is sent.
    pub known: Option<Known>,
    /// Whether the last request of this operation needs a touch. Then
    /// [`Event::TouchNeeded`] comes at the latest half a second after it, even
    /// from a key that does not say so.
    pub touch: bool,
    /// Whether a finger gave a token within this operation.
    pub(crate) has_finger: bool,
    /// Puts each CBOR request as the library wrote it into the form that keys take.
    pub correct: Correct,
    /// Judges each CBOR answer.
    pub inspect: Inspect,
    /// Told what the key says.
    pub on_event: Box<dyn FnMut(Event)>,
}

impl Operation {
    /// An operation without touch, events or cancelling, that ends at `deadline`
    /// and consists of at most `max_exchanges` requests.
    #[must_use]
    pub fn new(deadline: Instant, max_exchanges: usize, inspect: Inspect) -> Self {
        Self {
            deadline,
            cancel: None,
            max_exchanges,
            known: None,
            touch: false,
            has_finger: false,
            correct: Box::new(|_| true),
            inspect,
            on_event: Box::new(|_| {}),
        }
    }
}

/// Why an exchange brought no answer.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// The deadline passed. CANCEL was sent.
    #[error("no answer before the deadline (waiting for touch: {touch})")]
    TimedOut {
        /// The key was waiting for a touch.
        touch: bool,
    },
    /// The caller gave up. CANCEL was sent.
    #[error("cancelled")]
    Cancelled,
    /// The key is gone.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Another program keeps the key busy.
    #[error("the security key is busy with another program")]
    Busy,
    /// The key answered with a CTAPHID error; the code.
    #[error("CTAPHID error {0:#04x}")]
    Hid(u8),
    /// What the key sent breaks the framing or the encoding.
    #[error("malformed answer: {0}")]
    Malformed(&'static str),
    /// More requests than the operation allows.
    #[error("too many requests in one operation")]
    TooMany,
    /// No operation is open, or the device was left in an unknown state.
    #[error("no exchange is allowed now")]
    NotAllowed,
}

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// CTAP command byte of the request; `None` for the channel's allocation.
    pub command: Option<u8>,
    /// Payload of the answer; for a CBOR request status byte first.
    pub answer: Vec<u8>,
}

/// What happened within an operation.
#[derive(Debug, Default)]
pub struct Record {
    /// Completed exchanges in order.
    pub exchanges: Vec<Exchange>,
    /// The failure that ended it, if one did. Statuses of the key are no
    /// failures: they are answers.
    pub failure: Option<ExchangeError>,
    /// Whether the key had the whole of the request that failed, and may have carried it out.
    pub in_doubt: bool,
}

pub(crate) struct Active {
    pub operation: Operation,
    pub sent: usize,
    pub record: Record,
}

thread_local! {
    static ACTIVE: RefCell<Option<Active>> = const { RefCell::new(None) };
}

/// Runs `body`, which calls the library, within `operation`. `None` in place of
/// its result means that the library panicked.
pub fn run<T>(operation: Operation, body: impl FnOnce() -> T) -> (Option<T>, Record) {
    ACTIVE.with_borrow_mut(|active| {
        *active = Some(Active { operation, sent: 0, record: Record::default() });
    });
    let result = catch_unwind(AssertUnwindSafe(body)).ok();
    let record =
        ACTIVE.with_borrow_mut(Option::take).map(|active| active.record).unwrap_or_default();
    (result, record)
}

/// Gives the open operation to `body`; `None` when none is open.
pub(crate) fn with_active<T>(body: impl FnOnce(&mut Active) -> T) -> Option<T> {
    ACTIVE.with_borrow_mut(|active| active.as_mut().map(body))
}
