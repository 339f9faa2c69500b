//! The least that a host needs: CTAPHID over [`SoftKey::send`] and
//! [`SoftKey::recv`], and CBOR.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::time::{Duration, Instant};

use ciborium::{Value, cbor};
use wardkey_softkey::{Options, Report, SoftKey};

pub const INIT: u8 = 0x86;
pub const CBOR: u8 = 0x90;
pub const CANCEL: u8 = 0x91;
pub const KEEPALIVE: u8 = 0xBB;

pub const GET_INFO: u8 = 0x04;

/// A host with a channel.
pub struct Host {
    pub key: SoftKey,
    pub channel: u32,
}

/// One message of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub channel: u32,
    pub command: u8,
    pub length: u16,
    pub payload: Vec<u8>,
}

impl Host {
    pub fn start(options: Options) -> Self {
        let mut host = Self { key: SoftKey::start(options).expect("a key"), channel: u32::MAX };
        host.init();
        host
    }

    pub fn init(&mut self) {
        let nonce = [7; 8];
        send_to(&self.key, u32::MAX, INIT, &nonce);
        let reply = self.reply(SOON).expect("an answer to INIT");
        assert_eq!((reply.command, &reply.payload[..8]), (INIT, nonce.as_slice()));
        self.channel = u32::from_be_bytes(reply.payload[8..12].try_into().expect("four bytes"));
    }

    pub fn send(&self, command: u8, payload: &[u8]) {
        send_to(&self.key, self.channel, command, payload);
    }

    /// The key's next message, keep-alives too.
    pub fn reply(&self, patience: Duration) -> Option<Reply> {
        let first = self.key.recv(patience)?;
        assert!(first[4] & 0x80 != 0, "a continuation without a beginning");
        let length = u16::from_be_bytes([first[5], first[6]]);
        let mut payload = first[7..].to_vec();
        while payload.len() < usize::from(length) {
            let Some(next) = self.key.recv(SOON) else { break };
            payload.extend_from_slice(&next[5..]);
        }
        payload.truncate(length.into());
        let channel = u32::from_be_bytes(first[..4].try_into().expect("four bytes"));
        Some(Reply { channel, command: first[4], length, payload })
    }

    /// A CBOR request and its answer: status and value. Keep-alives are skipped.
    pub fn request(&self, ctap: u8, body: Option<Value>) -> (u8, Option<Value>) {
        self.begin(ctap, body);
        self.answer()
    }

    pub fn begin(&self, ctap: u8, body: Option<Value>) {
        let mut payload = vec![ctap];
        if let Some(body) = body {
            ciborium::into_writer(&body, &mut payload).expect("CBOR");
        }
        self.send(CBOR, &payload);
    }

    pub fn answer(&self) -> (u8, Option<Value>) {
        loop {
            let reply = self.reply(SOON).expect("an answer");
            if reply.command == KEEPALIVE {
                continue;
            }
            assert_eq!((reply.command, reply.channel), (CBOR, self.channel));
            let (status, body) = reply.payload.split_first().expect("a status");
            return (
                *status,
                (!body.is_empty()).then(|| ciborium::from_reader(body).expect("CBOR")),
            );
        }
    }

    /// A credential that needs no PIN; its id.
    pub fn make_credential(&self) -> Vec<u8> {
        let (status, value) = self.request(0x01, Some(make_credential()));
        assert_eq!(status, 0);
        let Value::Bytes(data) = entry(&value.expect("an attestation object"), 2) else {
            panic!("no authData")
        };
        let length = usize::from(u16::from_be_bytes([data[53], data[54]]));
        data[55..55 + length].to_vec()
    }
}

pub const SOON: Duration = Duration::from_secs(60);

pub fn send_to(key: &SoftKey, channel: u32, command: u8, payload: &[u8]) {
    let mut report: Report = [0; 64];
    report[..4].copy_from_slice(&channel.to_be_bytes());
    report[4] = command;
    report[5..7].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    let (head, rest) = payload.split_at(payload.len().min(57));
    report[7..7 + head.len()].copy_from_slice(head);
    key.send(&report);
    for (sequence, chunk) in rest.chunks(59).enumerate() {
        let mut report: Report = [0; 64];
        report[..4].copy_from_slice(&channel.to_be_bytes());
        report[4] = sequence as u8;
        report[5..5 + chunk.len()].copy_from_slice(chunk);
        key.send(&report);
    }
}

/// authenticatorMakeCredential, not discoverable.
pub fn make_credential() -> Value {
    cbor!({
        1 => Value::Bytes(vec![1; 32]),
        2 => { "id" => "wardkey.test", "name" => "Wardkey" },
        3 => { "id" => Value::Bytes(vec![2; 16]), "name" => "hanako", "displayName" => "Hanako" },
        4 => [{ "alg" => -7, "type" => "public-key" }],
    })
    .expect("CBOR")
}

/// authenticatorGetAssertion for one credential, with or without a touch.
pub fn get_assertion(credential: &[u8], touch: bool) -> Value {
    cbor!({
        1 => "wardkey.test",
        2 => Value::Bytes(vec![3; 32]),
        3 => [{ "id" => Value::Bytes(credential.to_vec()), "type" => "public-key" }],
        5 => { "up" => touch },
    })
    .expect("CBOR")
}

pub fn entry(value: &Value, key: i32) -> Value {
    let Value::Map(entries) = value else { panic!("not a map: {value:?}") };
    let found = entries.iter().find(|(k, _)| *k == Value::from(key));
    found.unwrap_or_else(|| panic!("no {key} in {value:?}")).1.clone()
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + SOON;
    while !done() {
        assert!(Instant::now() < limit, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
