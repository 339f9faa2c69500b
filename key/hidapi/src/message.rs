//! CTAPHID framing (CTAP 2.1, 11.2.4): a message is one initialization packet
//! and up to 128 continuation packets on one channel.

use crate::transport::{REPORT_LENGTH, Report};

pub(crate) const BROADCAST: [u8; 4] = [0xff; 4];

pub(crate) const INIT: u8 = 0x86;
pub(crate) const CBOR: u8 = 0x90;
pub(crate) const CANCEL: u8 = 0x91;
pub(crate) const KEEPALIVE: u8 = 0xbb;
pub(crate) const ERROR: u8 = 0xbf;

const INIT_PAYLOAD: usize = REPORT_LENGTH - 7;
const CONTINUATION_PAYLOAD: usize = REPORT_LENGTH - 5;
/// Longest message that the sequence numbers 0 to 127 can carry.
pub(crate) const MAX_PAYLOAD: usize = INIT_PAYLOAD + 128 * CONTINUATION_PAYLOAD;

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub channel: [u8; 4],
    pub command: u8,
    pub payload: Vec<u8>,
}

impl Message {
    /// The reports that carry this message, in order.
    pub fn reports(&self) -> Vec<Report> {
        let (first, rest) = self.payload.split_at(self.payload.len().min(INIT_PAYLOAD));
        let length = u16::try_from(self.payload.len()).unwrap_or(u16::MAX);
        let [high, low] = length.to_be_bytes();
        let [a, b, c, d] = self.channel;
        let mut reports = vec![report(&[a, b, c, d, self.command, high, low], first)];
        for (sequence, chunk) in (0u8..128).zip(rest.chunks(CONTINUATION_PAYLOAD)) {
            reports.push(report(&[a, b, c, d, sequence], chunk));
        }
        reports
    }
}

fn report(header: &[u8], payload: &[u8]) -> Report {
    let mut report = [0; REPORT_LENGTH];
    for (to, from) in report.iter_mut().zip(header.iter().chain(payload)) {
        *to = *from;
    }
    report
}

/// What a report is, once its channel is known to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    Initial { command: u8, length: usize, payload: &'a [u8] },
    Continuation { sequence: u8, payload: &'a [u8] },
}

/// Channel and content of a report.
pub(crate) fn parse(report: &Report) -> ([u8; 4], Packet<'_>) {
    let [a, b, c, d, kind, rest @ ..] = report;
    let channel = [*a, *b, *c, *d];
    let packet = match rest {
        [high, low, payload @ ..] if kind & 0x80 != 0 => Packet::Initial {
            command: *kind,
            length: usize::from(u16::from_be_bytes([*high, *low])),
            payload,
        },
        payload => Packet::Continuation { sequence: *kind, payload },
    };
    (channel, packet)
}

/// A message of which some packets have arrived.
#[derive(Debug)]
pub(crate) struct Partial {
    message: Message,
    length: usize,
    next_sequence: u8,
}

impl Partial {
    /// Begins with an initialization packet.
    pub fn begin(
        channel: [u8; 4],
        command: u8,
        length: usize,
        payload: &[u8],
    ) -> Result<Self, &'static str> {
        if length > MAX_PAYLOAD {
            return Err("message is longer than CTAPHID allows");
        }
        let mut partial = Self {
            message: Message { channel, command, payload: Vec::with_capacity(length) },
            length,
            next_sequence: 0,
        };
        partial.append(payload);
        Ok(partial)
    }

    /// Adds a continuation packet, which must be the next one.
    pub fn extend(&mut self, sequence: u8, payload: &[u8]) -> Result<(), &'static str> {
        if sequence != self.next_sequence {
            return Err("packet out of sequence");
        }
        self.next_sequence = self.next_sequence.saturating_add(1);
        self.append(payload);
        Ok(())
    }

    fn append(&mut self, payload: &[u8]) {
        let wanted = self.length.saturating_sub(self.message.payload.len());
        self.message.payload.extend(payload.iter().take(wanted));
    }

    /// The whole message, once it is complete.
    pub fn finish(self) -> Result<Message, Self> {
        if self.message.payload.len() == self.length { Ok(self.message) } else { Err(self) }
    }

    pub fn channel(&self) -> [u8; 4] {
        self.message.channel
    }
}
