//! A host that is not ours: CTAP requests that the product never sends, to see
//! what the firmware would give to a program that does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ciborium::{Value, cbor};
use hidapi::{Received, Report, Transport};
use wardkey_softkey::SoftKey;

use crate::directory::Signed;
use crate::link::Link;

const INIT: u8 = 0x86;
const CBOR: u8 = 0x90;
const KEEPALIVE: u8 = 0xbb;

/// Such a host, with a channel.
pub struct Raw {
    link: Link,
    channel: [u8; 4],
}

impl Raw {
    /// Connects and allocates a channel.
    pub fn new(key: &Arc<SoftKey>) -> Self {
        let mut raw = Self { link: Link::new(key), channel: [0xff; 4] };
        let answer = raw.exchange(INIT, &[7; 8]);
        raw.channel = answer[8..12].try_into().expect("four bytes");
        raw
    }

    /// getAssertion without a PIN: with or without an allow list, with or
    /// without a touch. The status, or what was signed.
    pub fn assertion(
        &mut self,
        rp_id: &str,
        allow: Option<&[u8]>,
        client_data: &[u8],
        touch: bool,
    ) -> Result<Signed, u8> {
        let hash = wardkey_core::codec::sha256(client_data);
        let mut request = vec![
            (Value::from(1), Value::from(rp_id)),
            (Value::from(2), Value::Bytes(hash.as_bytes().to_vec())),
            (Value::from(5), cbor!({ "up" => touch }).expect("CBOR")),
        ];
        if let Some(id) = allow {
            let list = cbor!([{ "id" => Value::Bytes(id.to_vec()), "type" => "public-key" }])
                .expect("CBOR");
            request.insert(2, (Value::from(3), list));
        }
        let mut payload = vec![0x02];
        ciborium::into_writer(&Value::Map(request), &mut payload).expect("CBOR");
        let answer = self.exchange(CBOR, &payload);
        let (status, body) = answer.split_first().expect("a status");
        if *status != 0 {
            return Err(*status);
        }
        let Value::Map(entries) = ciborium::from_reader(body).expect("CBOR") else {
            panic!("no map")
        };
        let field =
            |key: u8| entries.iter().find(|(k, _)| *k == Value::from(key)).map(|(_, value)| value);
        let id_of = |key| {
            let entries = field(key)?.as_map()?;
            entries.iter().find(|(k, _)| *k == Value::from("id"))?.1.as_bytes().cloned()
        };
        let bytes = |key| field(key).and_then(Value::as_bytes).expect("bytes").clone();
        Ok(Signed {
            credential_id: id_of(1).or(allow.map(<[u8]>::to_vec)).expect("an id"),
            authenticator_data: bytes(2),
            signature: bytes(3),
            user_handle: id_of(4),
        })
    }

    fn exchange(&mut self, command: u8, payload: &[u8]) -> Vec<u8> {
        let until = Instant::now() + Duration::from_secs(60);
        let (head, rest) = payload.split_at(payload.len().min(57));
        let length = (payload.len() as u16).to_be_bytes();
        let mut reports = vec![self.report(&[command, length[0], length[1]], head)];
        reports.extend(
            (0..).zip(rest.chunks(59)).map(|(sequence, chunk)| self.report(&[sequence], chunk)),
        );
        for report in &reports {
            self.link.send(report, until).expect("a key");
        }
        let first = loop {
            let report = self.receive(until);
            if report[..4] == self.channel && report[4] != KEEPALIVE {
                break report;
            }
        };
        assert_eq!(first[4], command, "an answer of this kind");
        let length = usize::from(u16::from_be_bytes([first[5], first[6]]));
        let mut answer = first[7..].to_vec();
        while answer.len() < length {
            answer.extend_from_slice(&self.receive(until)[5..]);
        }
        answer.truncate(length);
        answer
    }

    fn report(&self, header: &[u8], payload: &[u8]) -> Report {
        let mut report = [0; 64];
        let bytes = self.channel.iter().chain(header).chain(payload);
        report.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        report
    }

    fn receive(&mut self, until: Instant) -> Report {
        match self.link.receive(until, None).expect("a key") {
            Received::Report(report) => report,
            other => panic!("{other:?}"),
        }
    }
}
