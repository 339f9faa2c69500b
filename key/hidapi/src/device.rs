//! An open key, as `ctap-hid-fido2` sees it.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::error::{HidError, HidResult};
use crate::exchange::{FailedExchange, exchange};
use crate::message::{self, Message, Packet, Partial};
use crate::operation::{Exchange, ExchangeError, with_active};
use crate::transport::{REPORT_LENGTH, Report, Transport};

/// An open key. Writing the last packet of a request runs the exchange.
pub struct HidDevice {
    state: RefCell<State>,
}

struct State {
    link: Box<dyn Transport>,
    outgoing: Option<Partial>,
    incoming: VecDeque<Report>,
    out_of_step: bool,
}

impl HidDevice {
    pub(crate) fn new(link: Box<dyn Transport>) -> Self {
        Self {
            state: RefCell::new(State {
                link,
                outgoing: None,
                incoming: VecDeque::new(),
                out_of_step: false,
            }),
        }
    }

    /// Takes one report, its id (0) first. Returns the bytes taken.
    ///
    /// # Errors
    /// [`HidError::Exchange`] if this completed a request and no good answer
    /// came; [`HidError::Misuse`] if it is no report.
    pub fn write(&self, data: &[u8]) -> HidResult<usize> {
        let Some((0, report)) = data.split_first() else {
            return Err(HidError::Misuse("report without id 0"));
        };
        let report: &Report =
            report.try_into().map_err(|_| HidError::Misuse("report of another length than 64"))?;
        self.state.borrow_mut().write(report)?;
        Ok(data.len())
    }

    /// Gives the next packet of the answer. Never waits.
    ///
    /// # Errors
    /// [`HidError::Misuse`] if none is left.
    pub fn read(&self, buf: &mut [u8]) -> HidResult<usize> {
        let mut state = self.state.borrow_mut();
        let report =
            state.incoming.pop_front().ok_or(HidError::Misuse("read without an answer"))?;
        for (to, from) in buf.iter_mut().zip(report) {
            *to = from;
        }
        Ok(buf.len().min(REPORT_LENGTH))
    }

    /// As [`HidDevice::read`]: what can be read is there already.
    ///
    /// # Errors
    /// As [`HidDevice::read`].
    pub fn read_timeout(&self, buf: &mut [u8], _timeout: i32) -> HidResult<usize> {
        self.read(buf)
    }
}

impl State {
    fn write(&mut self, report: &Report) -> HidResult<()> {
        let (channel, packet) = message::parse(report);
        let partial = match (packet, self.outgoing.take()) {
            (Packet::Initial { command, length, payload }, _) => {
                Partial::begin(channel, command, length, payload).map_err(HidError::Misuse)?
            }
            (Packet::Continuation { sequence, payload }, Some(mut partial))
                if partial.channel() == channel =>
            {
                partial.extend(sequence, payload).map_err(HidError::Misuse)?;
                partial
            }
            (Packet::Continuation { .. }, _) => {
                return Err(HidError::Misuse("continuation without a beginning"));
            }
        };
        match partial.finish() {
            Ok(request) => self.answer(request),
            Err(partial) => {
                self.outgoing = Some(partial);
                Ok(())
            }
        }
    }

    fn answer(&mut self, mut request: Message) -> HidResult<()> {
        self.incoming.clear();
        if request.command == message::CBOR {
            let is_right = with_active(|active| (active.operation.correct)(&mut request.payload));
            if is_right == Some(false) {
                return Err(HidError::Exchange);
            }
        }
        let answer = self.exchange(&request).ok_or(HidError::Exchange)?;
        self.incoming.extend(answer.reports());
        Ok(())
    }

    /// Runs the exchange and records it; the reason of a failure goes to the
    /// record, the library needs only to stop.
    fn exchange(&mut self, request: &Message) -> Option<Message> {
        let Self { link, out_of_step, .. } = self;
        with_active(|active| {
            let known = active.operation.known.take_if(|known| {
                request.command == message::CBOR && known.request == request.payload
            });
            let outcome = if *out_of_step || active.record.failure.is_some() {
                Err(FailedExchange::from(ExchangeError::NotAllowed))
            } else if active.sent >= active.operation.max_exchanges {
                Err(FailedExchange::from(ExchangeError::TooMany))
            } else {
                // Also one that was sent before takes its place among those that may be.
                active.sent += 1;
                match known {
                    Some(known) => Ok(Message { payload: known.answer, ..request.clone() }),
                    None => exchange(link.as_mut(), &mut active.operation, request),
                }
            };
            let outcome = outcome.and_then(|answer| {
                check(request, &answer, active.operation.inspect)
                    .map_err(FailedExchange::in_doubt)?;
                Ok(answer)
            });
            match outcome {
                Ok(answer) => {
                    active.record.exchanges.push(Exchange {
                        command: (request.command == message::CBOR)
                            .then(|| request.payload.first().copied())
                            .flatten(),
                        answer: answer.payload.clone(),
                    });
                    Some(answer)
                }
                Err(failed) => {
                    *out_of_step |= failed.out_of_step;
                    if active.record.failure.is_none() {
                        active.record.failure = Some(failed.failure);
                        active.record.in_doubt = failed.in_doubt;
                    }
                    None
                }
            }
        })
        .flatten()
    }
}

/// Nothing goes to the library that it cannot read safely.
fn check(
    request: &Message,
    answer: &Message,
    inspect: crate::operation::Inspect,
) -> Result<(), ExchangeError> {
    match request.command {
        message::INIT => check_channel(&answer.payload),
        message::CBOR => {
            if answer.payload.is_empty() {
                return Err(ExchangeError::Malformed("answer without a status"));
            }
            let command = request.payload.first().copied().unwrap_or(0);
            inspect(command, &answer.payload).map_err(ExchangeError::Malformed)
        }
        _ => Ok(()),
    }
}

/// Nonce (8), channel (4), versions and capabilities (5): CTAP 2.1, 11.2.9.1.3.
fn check_channel(payload: &[u8]) -> Result<(), ExchangeError> {
    match payload.get(8..12) {
        Some(channel)
            if payload.len() >= 17 && channel != [0; 4] && channel != message::BROADCAST =>
        {
            Ok(())
        }
        _ => Err(ExchangeError::Malformed("channel allocation")),
    }
}

impl std::fmt::Debug for HidDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HidDevice")
    }
}
