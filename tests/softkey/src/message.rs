//! CTAPHID messages: 64-byte reports to messages and back (CTAP 2.1, 11.2.4).

/// One HID report of a FIDO device, without a report id.
pub type Report = [u8; 64];

/// CTAPHID commands, without the bit that marks an initialisation packet.
pub(crate) mod command {
    pub(crate) const PING: u8 = 0x01;
    pub(crate) const MSG: u8 = 0x03;
    pub(crate) const INIT: u8 = 0x06;
    pub(crate) const WINK: u8 = 0x08;
    pub(crate) const CBOR: u8 = 0x10;
    pub(crate) const CANCEL: u8 = 0x11;
    pub(crate) const KEEPALIVE: u8 = 0x3B;
    pub(crate) const ERROR: u8 = 0x3F;
}

/// The status byte of a keep-alive that waits for a touch.
pub(crate) const UP_NEEDED: u8 = 2;

const FIRST: usize = 57;
const NEXT: usize = 59;

/// A whole message, or what its first packet tells about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Message {
    pub(crate) channel: u32,
    pub(crate) command: u8,
    /// BCNT as sent; `payload` may hold fewer bytes while more are to come.
    pub(crate) length: u16,
    pub(crate) payload: Vec<u8>,
}

impl Message {
    pub(crate) fn new(channel: u32, command: u8, payload: &[u8]) -> Self {
        Self { channel, command, length: payload.len() as u16, payload: payload.to_vec() }
    }

    /// Reads an initialisation packet; a continuation packet is `None`.
    pub(crate) fn first(report: &Report) -> Option<Self> {
        if report[4] & 0x80 == 0 {
            return None;
        }
        let length = u16::from_be_bytes([report[5], report[6]]);
        let here = usize::from(length).min(FIRST);
        Some(Self {
            channel: channel(report),
            command: report[4] & 0x7F,
            length,
            payload: report[7..7 + here].to_vec(),
        })
    }

    /// Adds a continuation packet.
    pub(crate) fn append(&mut self, report: &Report) {
        let missing = usize::from(self.length).saturating_sub(self.payload.len());
        self.payload.extend_from_slice(&report[5..5 + missing.min(NEXT)]);
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.payload.len() >= usize::from(self.length)
    }

    /// As packets; `length` is sent as it stands, true or not.
    pub(crate) fn reports(&self) -> Vec<Report> {
        let mut first = packet(self.channel, self.command | 0x80);
        first[5..7].copy_from_slice(&self.length.to_be_bytes());
        let (head, rest) = self.payload.split_at(self.payload.len().min(FIRST));
        first[7..7 + head.len()].copy_from_slice(head);
        let mut reports = vec![first];
        for (sequence, chunk) in rest.chunks(NEXT).enumerate() {
            let mut next = packet(self.channel, sequence as u8 & 0x7F);
            next[5..5 + chunk.len()].copy_from_slice(chunk);
            reports.push(next);
        }
        reports
    }
}

pub(crate) fn channel(report: &Report) -> u32 {
    u32::from_be_bytes([report[0], report[1], report[2], report[3]])
}

fn packet(channel: u32, kind: u8) -> Report {
    let mut report = [0; 64];
    report[..4].copy_from_slice(&channel.to_be_bytes());
    report[4] = kind;
    report
}

/// A name for a request by its first packet: `INIT`, `CBOR getInfo`, ...
pub(crate) fn name_request(message: &Message) -> String {
    if message.command == command::CBOR {
        format!("CBOR {}", name_ctap(&message.payload))
    } else {
        name_command(message.command)
    }
}

/// A name for an answer: the command and, for CBOR, its status.
pub(crate) fn name_answer(message: &Message) -> String {
    let code = message.payload.first();
    match (message.command, code) {
        (command::CBOR, Some(status)) => format!("CBOR status=0x{status:02x}"),
        (command::KEEPALIVE, Some(&UP_NEEDED)) => "KEEPALIVE upneeded".into(),
        (command::KEEPALIVE, Some(_)) => "KEEPALIVE processing".into(),
        (command::ERROR, Some(code)) => format!("ERROR 0x{code:02x}"),
        _ => name_command(message.command),
    }
}

fn name_command(command: u8) -> String {
    let name = match command {
        command::PING => "PING",
        command::MSG => "MSG",
        command::INIT => "INIT",
        command::WINK => "WINK",
        command::CBOR => "CBOR",
        command::CANCEL => "CANCEL",
        command::KEEPALIVE => "KEEPALIVE",
        command::ERROR => "ERROR",
        other => return format!("0x{other:02x}"),
    };
    name.into()
}

fn name_ctap(payload: &[u8]) -> String {
    let name = match payload.first() {
        Some(0x01) => "makeCredential",
        Some(0x02) => "getAssertion",
        Some(0x04) => "getInfo",
        Some(0x06) => match client_pin_subcommand(payload) {
            Some(1) => "clientPIN.getPinRetries",
            Some(2) => "clientPIN.getKeyAgreement",
            Some(3) => "clientPIN.setPin",
            Some(4) => "clientPIN.changePin",
            Some(5) => "clientPIN.getPinToken",
            Some(6) => "clientPIN.getTokenUsingUv",
            Some(7) => "clientPIN.getUvRetries",
            Some(9) => "clientPIN.getTokenUsingPin",
            _ => "clientPIN",
        },
        Some(0x07) => "reset",
        Some(0x08) => "getNextAssertion",
        Some(0x0A | 0x41) => "credentialManagement",
        Some(0x0B) => "selection",
        Some(0x0C) => "largeBlobs",
        Some(0x0D) => "config",
        Some(other) => return format!("0x{other:02x}"),
        None => "empty",
    };
    name.into()
}

/// Subcommand of a clientPIN request: key 2 of the canonical map, first or
/// after the one-byte protocol of key 1.
pub(crate) fn client_pin_subcommand(payload: &[u8]) -> Option<u8> {
    match payload {
        [0x06, map, 0x02, sub, ..] if map & 0xE0 == 0xA0 => Some(*sub),
        [0x06, map, 0x01, _, 0x02, sub, ..] if map & 0xE0 == 0xA0 => Some(*sub),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_way_through_reports() {
        for length in [0, 1, 56, 57, 58, 57 + 59, 57 + 59 + 1, 1024] {
            let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let message = Message::new(0x0102_0304, command::CBOR, &payload);
            let reports = message.reports();
            let mut read = Message::first(&reports[0]).expect("an initialisation packet");
            for report in &reports[1..] {
                assert!(!read.is_complete(), "{length}");
                assert_eq!(Message::first(report), None);
                read.append(report);
            }
            assert!(read.is_complete(), "{length}");
            assert_eq!(read, message);
        }
    }

    #[test]
    fn requests_have_names() {
        let cases: [(u8, &[u8], &str); 6] = [
            (command::INIT, &[0; 8], "INIT"),
            (command::CBOR, &[4], "CBOR getInfo"),
            (command::CBOR, &[6, 0xA1, 2, 1], "CBOR clientPIN.getPinRetries"),
            (command::CBOR, &[6, 0xA2, 1, 1, 2, 2], "CBOR clientPIN.getKeyAgreement"),
            (command::CBOR, &[6, 0xA6, 1, 2, 2, 9, 3], "CBOR clientPIN.getTokenUsingPin"),
            (0x70, &[], "0x70"),
        ];
        for (command, payload, name) in cases {
            assert_eq!(name_request(&Message::new(1, command, payload)), name);
        }
    }
}
