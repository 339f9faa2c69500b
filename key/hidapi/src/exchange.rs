//! One request and its answer on one channel.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::message::{self, Message, Packet, Partial};
use crate::operation::{Event, ExchangeError, Operation};
use crate::transport::{Received, Report, Transport};

/// How long a key may take to confirm a CANCEL.
const CANCEL_GRACE: Duration = Duration::from_millis(300);
/// Pause before a request is repeated that met a busy channel.
const BUSY_PAUSE: Duration = Duration::from_millis(100);
const BUSY_RETRIES: u32 = 5;
/// When a person is told to touch although the key has not asked for it.
const TOUCH_ANYWAY: Duration = Duration::from_millis(500);

/// Why a request brought no answer.
pub(crate) struct FailedExchange {
    pub failure: ExchangeError,
    /// Whether an answer may still arrive that nobody waits for.
    pub out_of_step: bool,
    /// Whether the key has the whole request, and may have carried it out.
    pub in_doubt: bool,
}

impl FailedExchange {
    /// A failure of a request that the key has.
    pub const fn in_doubt(failure: ExchangeError) -> Self {
        Self { failure, out_of_step: false, in_doubt: true }
    }
}

/// Of a request that the key does not have, or not the whole of.
impl From<ExchangeError> for FailedExchange {
    fn from(failure: ExchangeError) -> Self {
        Self { failure, out_of_step: false, in_doubt: false }
    }
}

enum Answer {
    Message(Message),
    /// A busy channel; whether the key had said before that it works on the request.
    Busy {
        has_begun: bool,
    },
    TimedOut,
    Cancelled,
}

/// Sends `request` and waits for its answer within `operation`.
///
/// A channel that is busy refuses a request before anything of it is done (CTAP 2.1, 11.2.5.1 and
/// 11.2.9.1.6), so another try is due. But firmware may say so for each packet, and what it says of
/// the first try may come during the second one. So a request that [spends or changes
/// something](is_repeatable) is sent once, as libfido2 does with every request.
pub(crate) fn exchange(
    link: &mut dyn Transport,
    operation: &mut Operation,
    request: &Message,
) -> Result<Message, FailedExchange> {
    let mut touched = false;
    for _ in 0..=BUSY_RETRIES {
        link.drain();
        if Instant::now() >= operation.deadline {
            return Err(ExchangeError::TimedOut { touch: false }.into());
        }
        send(link, request, operation.deadline)?;
        let answer = await_answer(link, operation, request, &mut touched);
        match answer.map_err(FailedExchange::in_doubt)? {
            Answer::Message(answer) => {
                let is_given = answer.payload.first() == Some(&0);
                operation.has_finger |= is_given && is_token_by_uv(request);
                return Ok(answer);
            }
            Answer::Busy { .. } if is_repeatable(request) => pause(link, operation)?,
            // It was at work, and so not busy with another channel: nobody knows what it did.
            Answer::Busy { has_begun: true } => {
                return Err(FailedExchange::in_doubt(ExchangeError::Busy));
            }
            Answer::Busy { has_begun: false } => return Err(ExchangeError::Busy.into()),
            Answer::TimedOut => {
                return Err(give_up(link, request, ExchangeError::TimedOut { touch: touched }));
            }
            Answer::Cancelled => return Err(give_up(link, request, ExchangeError::Cancelled)),
        }
    }
    Err(ExchangeError::Busy.into())
}

/// Whether the key may be asked the same twice: what it says of itself, an assertion (its counter
/// rises twice), a channel. A PIN costs a try each time, as a finger does that is verified with the
/// assertion, and what changes something is done twice.
fn is_repeatable(request: &Message) -> bool {
    const GET_ASSERTION: u8 = 0x02;
    const GET_INFO: u8 = 0x04;
    const CLIENT_PIN: u8 = 0x06;
    // Of a PIN request that has only its protocol besides.
    const PIN_TRIES: u8 = 0x01;
    const KEY_AGREEMENT: u8 = 0x02;
    const UV_TRIES: u8 = 0x07;
    /// `"uv": true`. Where it stands by chance, the request is sent once.
    const BY_UV: &[u8] = b"\x62uv\xf5";

    match request.command {
        message::INIT => true,
        message::CBOR => match request.payload.as_slice() {
            [GET_ASSERTION, map @ ..] => !map.windows(BY_UV.len()).any(|bytes| bytes == BY_UV),
            [GET_INFO]
            | [CLIENT_PIN, 0xa2, 0x01, _, 0x02, PIN_TRIES | KEY_AGREEMENT | UV_TRIES] => true,
            _ => false,
        },
        _ => false,
    }
}

/// Sends all packets. Until the last one the key has nothing that it could carry out.
fn send(link: &mut dyn Transport, request: &Message, until: Instant) -> Result<(), FailedExchange> {
    let reports = request.reports();
    let Some((last, before)) = reports.split_last() else { return Ok(()) };
    for report in before {
        link.send(report, until).map_err(ExchangeError::from)?;
    }
    link.send(last, until).map_err(|error| FailedExchange::in_doubt(error.into()))
}

fn await_answer(
    link: &mut dyn Transport,
    operation: &mut Operation,
    request: &Message,
    touched: &mut bool,
) -> Result<Answer, ExchangeError> {
    let needs_touch = needs_touch(operation, request);
    // A finger was a touch: whether the key wants another one, only the key knows.
    let is_due = needs_touch && !operation.has_finger;
    let touch_anyway = is_due.then(|| Instant::now() + TOUCH_ANYWAY);
    let mut assembly = Assembly::new(request);
    let mut has_begun = false;
    loop {
        let mut until = operation.deadline;
        if let (Some(instant), false) = (touch_anyway, *touched) {
            until = until.min(instant);
        }
        let report = match link.receive(until, operation.cancel.as_deref().map(AsFd::as_fd))? {
            Received::Report(report) => report,
            Received::Cancelled => return Ok(Answer::Cancelled),
            Received::TimedOut if Instant::now() >= operation.deadline => {
                return Ok(Answer::TimedOut);
            }
            Received::TimedOut => {
                *touched = true;
                (operation.on_event)(Event::TouchNeeded);
                continue;
            }
        };
        let step = assembly.take(&report)?;
        has_begun |= matches!(step, Step::Processing | Step::TouchNeeded);
        match step {
            Step::More => {}
            Step::Processing => (operation.on_event)(Event::Processing),
            // Where no touch can be needed, it only says that the key is alive.
            Step::TouchNeeded if !needs_touch => (operation.on_event)(Event::Processing),
            Step::TouchNeeded => {
                if !std::mem::replace(touched, true) {
                    (operation.on_event)(Event::TouchNeeded);
                }
            }
            Step::Busy => return Ok(Answer::Busy { has_begun }),
            Step::Done(answer) => return Ok(Answer::Message(answer)),
        }
        // A key that never stops talking must not outrun the deadline.
        if Instant::now() >= operation.deadline {
            return Ok(Answer::TimedOut);
        }
    }
}

fn needs_touch(operation: &Operation, request: &Message) -> bool {
    const MAKE_CREDENTIAL: u8 = 0x01;
    const GET_ASSERTION: u8 = 0x02;
    const SELECTION: u8 = 0x0b;
    let is_signing = request.command == message::CBOR
        && matches!(request.payload.as_slice(), [MAKE_CREDENTIAL | GET_ASSERTION | SELECTION, ..]);
    operation.touch && (is_signing || is_token_by_uv(request))
}

/// Whether a token is asked for that is given for a finger on the sensor.
fn is_token_by_uv(request: &Message) -> bool {
    const CLIENT_PIN: u8 = 0x06;
    const TOKEN_BY_UV: u8 = 0x06;
    request.command == message::CBOR
        && matches!(request.payload.as_slice(), [CLIENT_PIN, _, 0x01, _, 0x02, TOKEN_BY_UV, ..])
}

/// Tells the key to stop, and reads the answer that this causes, so that the
/// next request does not find it.
fn give_up(link: &mut dyn Transport, request: &Message, failure: ExchangeError) -> FailedExchange {
    let mut failed = FailedExchange { failure, out_of_step: true, in_doubt: true };
    if request.command != message::CBOR {
        return failed;
    }
    let cancel =
        Message { channel: request.channel, command: message::CANCEL, payload: Vec::new() };
    let until = Instant::now() + CANCEL_GRACE;
    for report in cancel.reports() {
        if link.send(&report, until).is_err() {
            return failed;
        }
    }
    let mut assembly = Assembly::new(request);
    while let Ok(Received::Report(report)) = link.receive(until, None) {
        match assembly.take(&report) {
            Ok(Step::Done(_)) => {
                failed.out_of_step = false;
                break;
            }
            // Packets of an answer that had begun before the CANCEL.
            Ok(_) | Err(_) if Instant::now() < until => {}
            Ok(_) | Err(_) => break,
        }
    }
    failed
}

/// Waits a moment before the next try, unless the caller gives up.
fn pause(link: &mut dyn Transport, operation: &Operation) -> Result<(), ExchangeError> {
    let until = operation.deadline.min(Instant::now() + BUSY_PAUSE);
    loop {
        match link.receive(until, operation.cancel.as_deref().map(AsFd::as_fd))? {
            Received::Cancelled => return Err(ExchangeError::Cancelled),
            Received::TimedOut => return Ok(()),
            Received::Report(_) if Instant::now() >= until => return Ok(()),
            Received::Report(_) => {}
        }
    }
}

enum Step {
    More,
    Processing,
    TouchNeeded,
    Busy,
    Done(Message),
}

/// Puts the answer together from the packets of one channel and lets nothing
/// else through.
struct Assembly<'a> {
    request: &'a Message,
    partial: Option<Partial>,
}

impl<'a> Assembly<'a> {
    fn new(request: &'a Message) -> Self {
        Self { request, partial: None }
    }

    fn take(&mut self, report: &Report) -> Result<Step, ExchangeError> {
        const CHANNEL_BUSY: u8 = 0x06;
        const PROCESSING: u8 = 0x01;

        let (channel, packet) = message::parse(report);
        // hidraw gives every reader all that the key sends: packets of other
        // channels answer other programs.
        if channel != self.request.channel {
            return Ok(Step::More);
        }
        let partial = match (packet, self.partial.take()) {
            (Packet::Initial { command, length, payload }, None) => match command {
                message::KEEPALIVE => {
                    return Ok(match payload.first() {
                        Some(&PROCESSING) => Step::Processing,
                        _ => Step::TouchNeeded,
                    });
                }
                message::ERROR => {
                    return match payload.first().copied().unwrap_or(0) {
                        CHANNEL_BUSY => Ok(Step::Busy),
                        code => Err(ExchangeError::Hid(code)),
                    };
                }
                _ if command == self.request.command => {
                    Partial::begin(channel, command, length, payload)
                        .map_err(ExchangeError::Malformed)?
                }
                _ => return Err(ExchangeError::Malformed("answer to another command")),
            },
            (Packet::Continuation { sequence, payload }, Some(mut partial)) => {
                partial.extend(sequence, payload).map_err(ExchangeError::Malformed)?;
                partial
            }
            (Packet::Initial { .. }, Some(_)) => {
                return Err(ExchangeError::Malformed("second answer within the first"));
            }
            (Packet::Continuation { .. }, None) => {
                return Err(ExchangeError::Malformed("continuation without a beginning"));
            }
        };
        match partial.finish() {
            Ok(answer) if self.is_foreign(&answer) => Ok(Step::More),
            Ok(answer) => Ok(Step::Done(answer)),
            Err(partial) => {
                self.partial = Some(partial);
                Ok(Step::More)
            }
        }
    }

    /// Answers to INIT go to all, on the broadcast channel: ours bears our nonce.
    fn is_foreign(&self, answer: &Message) -> bool {
        answer.command == message::INIT && answer.payload.get(..8) != self.request.payload.get(..8)
    }
}
