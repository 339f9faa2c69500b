//! A key that does as a test tells it: well-behaved, slow or hostile.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::message::{self, Message, Packet, Partial};
use crate::transport::{LinkError, Received, Report, Transport};

/// The channel that a scripted key allocates.
pub const CHANNEL: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// One thing that the key does when a request has arrived whole.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers with this command byte (bit 7 set) and payload on our channel.
    Message(u8, Vec<u8>),
    /// Answers a CBOR request: status and data.
    Cbor(u8, Vec<u8>),
    /// Sends a keep-alive with this status.
    KeepAlive(u8),
    /// Sends exactly this report.
    Raw(Report),
    /// Sends this report again and again.
    Endless(Report),
    /// Waits before what follows.
    Wait(Duration),
    /// Waits before what follows until this is set.
    Until(Arc<AtomicBool>),
    /// Is pulled out.
    Unplug,
}

/// A request as the key received it: command byte and payload.
pub type HidRequest = (u8, Vec<u8>);

type Respond = Box<dyn FnMut(&HidRequest) -> Vec<Reply> + Send>;

enum Item {
    Report(Report),
    Endless(Report),
    Wait(Duration),
    Until(Arc<AtomicBool>),
    Unplug,
}

/// The key.
pub struct Scripted {
    respond: Respond,
    answers_init: bool,
    partial: Option<Partial>,
    queue: VecDeque<Item>,
    not_before: Instant,
    log: Arc<Mutex<Vec<HidRequest>>>,
}

impl Scripted {
    /// A key that allocates channels by itself and answers every other message
    /// as `respond` says.
    pub fn new(respond: impl FnMut(&HidRequest) -> Vec<Reply> + Send + 'static) -> Self {
        Self {
            respond: Box::new(respond),
            answers_init: true,
            partial: None,
            queue: VecDeque::new(),
            not_before: Instant::now(),
            log: Arc::default(),
        }
    }

    /// Leaves INIT to `respond` too.
    #[must_use]
    pub fn without_init(mut self) -> Self {
        self.answers_init = false;
        self
    }

    /// All messages that the key receives, in order.
    #[must_use]
    pub fn log(&self) -> Arc<Mutex<Vec<HidRequest>>> {
        Arc::clone(&self.log)
    }

    fn act(&mut self, reply: Reply) {
        let channel = CHANNEL;
        let reports = |command, payload| Message { channel, command, payload }.reports();
        match reply {
            Reply::Message(command, payload) => {
                self.queue.extend(reports(command, payload).into_iter().map(Item::Report));
            }
            Reply::Cbor(status, mut data) => {
                data.insert(0, status);
                self.queue.extend(reports(message::CBOR, data).into_iter().map(Item::Report));
            }
            Reply::KeepAlive(status) => {
                self.queue.extend(
                    reports(message::KEEPALIVE, vec![status]).into_iter().map(Item::Report),
                );
            }
            Reply::Raw(report) => self.queue.push_back(Item::Report(report)),
            Reply::Endless(report) => self.queue.push_back(Item::Endless(report)),
            Reply::Wait(duration) => self.queue.push_back(Item::Wait(duration)),
            Reply::Until(set) => self.queue.push_back(Item::Until(set)),
            Reply::Unplug => self.queue.push_back(Item::Unplug),
        }
    }
}

impl Transport for Scripted {
    fn send(&mut self, report: &Report, _until: Instant) -> Result<(), LinkError> {
        let (channel, packet) = message::parse(report);
        let partial = match (packet, self.partial.take()) {
            (Packet::Initial { command, length, payload }, _) => {
                Partial::begin(channel, command, length, payload).ok()
            }
            (Packet::Continuation { sequence, payload }, Some(mut partial)) => {
                partial.extend(sequence, payload).ok().map(|()| partial)
            }
            (Packet::Continuation { .. }, None) => None,
        };
        match partial.map(Partial::finish) {
            Some(Ok(request)) => {
                let entry = (request.command, request.payload);
                self.log.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
                if entry.0 == message::INIT && self.answers_init {
                    let mut payload = entry.1;
                    payload.extend(CHANNEL);
                    payload.extend([2, 1, 0, 0, 4]);
                    let answer =
                        Message { channel: message::BROADCAST, command: message::INIT, payload };
                    self.queue.extend(answer.reports().into_iter().map(Item::Report));
                } else {
                    if entry.0 == message::CANCEL {
                        self.queue.clear();
                    }
                    for reply in (self.respond)(&entry) {
                        self.act(reply);
                    }
                }
            }
            Some(Err(partial)) => self.partial = Some(partial),
            None => {}
        }
        Ok(())
    }

    fn receive(
        &mut self,
        until: Instant,
        cancel: Option<BorrowedFd<'_>>,
    ) -> Result<Received, LinkError> {
        loop {
            let now = Instant::now();
            if now >= self.not_before {
                match self.queue.pop_front() {
                    Some(Item::Report(report)) => return Ok(Received::Report(report)),
                    Some(Item::Endless(report)) => {
                        self.queue.push_front(Item::Endless(report));
                        return Ok(Received::Report(report));
                    }
                    Some(Item::Wait(duration)) => {
                        self.not_before = now + duration;
                        continue;
                    }
                    Some(Item::Until(set)) if set.load(Ordering::SeqCst) => continue,
                    Some(Item::Until(set)) => self.queue.push_front(Item::Until(set)),
                    Some(Item::Unplug) => {
                        self.queue.push_front(Item::Unplug);
                        return Err(LinkError::Removed);
                    }
                    None => {}
                }
            }
            if now >= until {
                return Ok(Received::TimedOut);
            }
            let wake = if self.queue.is_empty() || self.not_before <= now {
                until
            } else {
                until.min(self.not_before)
            };
            let millis = wake.duration_since(now).as_micros().div_ceil(1000);
            let timeout = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
            let mut fds: Vec<_> =
                cancel.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).into_iter().collect();
            let ready = poll(&mut fds, timeout)
                .map_err(|errno| LinkError::Io(std::io::Error::from(errno)))?;
            if ready > 0 {
                return Ok(Received::Cancelled);
            }
        }
    }
}
