//! A scripted CTAP2 key: answers as a good one does, except where a test says
//! otherwise. It verifies PINs where a test has it agree ([`agreeing`]); the
//! firmware of a real key does that in the end-to-end tests.

pub(crate) mod agreeing;
pub(crate) mod configured;
pub(crate) mod sensor;

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hidapi::scripted::{HidRequest, Reply, Scripted};
use minicbor::Encoder;
use wardkey_core::message::key::Pin;

use crate::answer::Assertion;
use crate::bus::open_in_process;
use crate::error::KeyError;
use crate::keys::{Description, Limits, NewCredential, Plugging, SecurityKey};

pub(crate) const CBOR: u8 = 0x90;
pub(crate) const CANCEL: u8 = 0x91;
pub(crate) const RP_ID: &str = "example.org";

/// What a request is about: command, and for a PIN request its subcommand.
pub(crate) type About = (u8, u8);
pub(crate) const INIT: About = (0, 0);
pub(crate) const INFO: About = (0x04, 0);
pub(crate) const RETRIES: About = (0x06, 1);
pub(crate) const AGREEMENT: About = (0x06, 2);
pub(crate) const SET_PIN: About = (0x06, 3);
pub(crate) const CHANGE_PIN: About = (0x06, 4);
pub(crate) const TOKEN: About = (0x06, 5);
pub(crate) const TOKEN_BY_FINGER: About = (0x06, 6);
pub(crate) const FINGER_TRIES: About = (0x06, 7);
pub(crate) const TOKEN_FOR: About = (0x06, 9);
pub(crate) const SELECTION: About = (0x0b, 0);
pub(crate) const CONFIG: About = (0x0d, 0);
pub(crate) const ASSERT: About = (0x02, 0);
pub(crate) const NEXT: About = (0x08, 0);
pub(crate) const MAKE: About = (0x01, 0);

pub(crate) fn about(payload: &[u8]) -> About {
    match payload {
        // [6, map, 1, protocol, 2, subcommand, ...]
        [0x06, _, _, _, _, subcommand, ..] => (0x06, *subcommand),
        [command, ..] => (*command, 0),
        [] => (0, 0),
    }
}

pub(crate) fn pin() -> Pin {
    Pin::new("1234".to_owned().into()).unwrap()
}

pub(crate) fn id(n: u8) -> Vec<u8> {
    vec![n; 32]
}

pub(crate) fn soon() -> Limits {
    Limits::until(Instant::now() + Duration::from_secs(60))
}

thread_local! {
    /// Number of the node that the next key of this thread stands behind.
    pub(crate) static NEXT_NODE: Cell<u32> = const { Cell::new(0) };
}

/// A key with `special` answers: `None` means the usual one.
pub(crate) struct TestKey {
    pub key: Box<dyn SecurityKey>,
    pub log: Arc<Mutex<Vec<HidRequest>>>,
}

impl TestKey {
    pub fn new(special: impl FnMut(About, &[u8]) -> Option<Vec<Reply>> + Send + 'static) -> Self {
        Self::behind(scripted(special))
    }

    /// One that does not stop when it is told to.
    pub fn deaf(
        mut special: impl FnMut(About, &[u8]) -> Option<Vec<Reply>> + Send + 'static,
    ) -> Self {
        Self::behind(Scripted::new(move |(command, payload)| match *command {
            CBOR => answer(&mut special, payload),
            _ => vec![],
        }))
    }

    fn behind(link: Scripted) -> Self {
        let log = link.log();
        let path = format!("test:{}", NEXT_NODE.replace(NEXT_NODE.get() + 1));
        let name = "Scripted".to_owned();
        let plugging = Some(Plugging { node: 1, made: 1 });
        let description = Description { path, vendor: 0x1209, product: 0x5749, name, plugging };
        let key = open_in_process(description, Box::new(link)).unwrap();
        Self { key, log }
    }

    /// One that answers `about` with `replies`, and all else as usual.
    pub fn answering(wanted: About, replies: Vec<Reply>) -> Self {
        Self::new(move |about, _| (about == wanted).then(|| replies.clone()))
    }

    /// What it was asked, the channel's allocation as (0, 0).
    pub fn asked(&self) -> Vec<About> {
        let log = self.log.lock().unwrap();
        log.iter()
            .filter(|(command, _)| *command != CANCEL)
            .map(|(command, payload)| match *command {
                CBOR => about(payload),
                _ => (0, 0),
            })
            .collect()
    }

    pub fn identify(&mut self, ids: &[Vec<u8>]) -> Result<Option<Vec<u8>>, KeyError> {
        let found = self.key.identify(RP_ID, ids, b"challenge", &soon())?;
        Ok(found.map(|assertion| assertion.credential_id))
    }

    pub fn assert(&mut self) -> Result<Assertion, KeyError> {
        self.assert_by(&pin())
    }

    pub fn assert_by(&mut self, pin: &Pin) -> Result<Assertion, KeyError> {
        self.key.assert(RP_ID, &id(1), b"client data", pin, &soon())
    }
}

/// The way to such a key.
pub(crate) fn scripted(
    mut special: impl FnMut(About, &[u8]) -> Option<Vec<Reply>> + Send + 'static,
) -> Scripted {
    Scripted::new(move |(command, payload)| match *command {
        CBOR => answer(&mut special, payload),
        CANCEL => vec![Reply::Cbor(0x2d, vec![])],
        _ => vec![],
    })
}

fn answer(
    special: &mut impl FnMut(About, &[u8]) -> Option<Vec<Reply>>,
    payload: &[u8],
) -> Vec<Reply> {
    let about = about(payload);
    special(about, payload).unwrap_or_else(|| usual(about, payload))
}

fn usual(about: About, payload: &[u8]) -> Vec<Reply> {
    let ok = |body| vec![Reply::Cbor(0, body)];
    match about {
        INFO => ok(info(&|_| {})),
        RETRIES => ok(vec![0xa1, 0x03, 0x08]),
        AGREEMENT => ok(agreement()),
        TOKEN | TOKEN_FOR => ok([&[0xa1, 0x02, 0x58, 32][..], &[7; 32]].concat()),
        SET_PIN | CHANGE_PIN | SELECTION => ok(vec![]),
        // What it made, and what it held before.
        ASSERT | NEXT => {
            let made = payload.windows(32).any(|window| window == id(9));
            ok(assertion(&id(if made { 9 } else { 1 }), &auth_data(0x05, &[]), None))
        }
        MAKE => ok(registration(&attested(&id(9)), "packed")),
        _ => vec![Reply::Cbor(0x01, vec![])],
    }
}

/// What a getInfo answer may differ in.
#[derive(Clone)]
pub(crate) struct InfoOf {
    pub client_pin: Option<bool>,
    pub protocols: Vec<u8>,
    pub max_list: Option<u32>,
    pub max_message: u32,
    pub force_change: bool,
    pub min_pin: u8,
    pub resident: bool,
    pub protect: bool,
    pub always_uv: bool,
    /// Takes setMinPINLength, and has the tokens for it.
    pub configurable: bool,
    /// Has the extension minPinLength, for so many relying parties.
    pub tells_length: Option<u8>,
    /// Options that it says are true besides.
    pub has: &'static [&'static str],
    /// uvModality.
    pub modality: Option<u8>,
}

pub(crate) fn info(change: &dyn Fn(&mut InfoOf)) -> Vec<u8> {
    let mut of = InfoOf {
        client_pin: Some(true),
        protocols: vec![1],
        max_list: Some(10),
        max_message: 2048,
        force_change: false,
        min_pin: 4,
        resident: true,
        protect: true,
        always_uv: false,
        configurable: false,
        tells_length: None,
        has: &[],
        modality: None,
    };
    change(&mut of);
    let mut out = Vec::new();
    let mut e = Encoder::new(&mut out);
    let rp_ids = of.tells_length.filter(|count| *count > 0);
    let more = [of.max_list.is_some(), rp_ids.is_some(), of.modality.is_some()];
    e.map(8 + more.map(u64::from).iter().sum::<u64>()).unwrap();
    e.u8(1).unwrap().array(2).unwrap();
    e.str("FIDO_2_0").unwrap().str("FIDO_2_1").unwrap();
    e.u8(2).unwrap().array(1 + u64::from(of.tells_length.is_some())).unwrap();
    e.str(if of.protect { "credProtect" } else { "hmac-secret" }).unwrap();
    if of.tells_length.is_some() {
        e.str("minPinLength").unwrap();
    }
    e.u8(3).unwrap().bytes(&[0xaa; 16]).unwrap();
    e.u8(4).unwrap();
    let more = of.has.len() as u64 + if of.configurable { 3 } else { 0 };
    e.map(2 + more + u64::from(of.client_pin.is_some())).unwrap();
    e.str("rk").unwrap().bool(of.resident).unwrap();
    e.str("alwaysUv").unwrap().bool(of.always_uv).unwrap();
    if let Some(set) = of.client_pin {
        e.str("clientPin").unwrap().bool(set).unwrap();
    }
    if of.configurable {
        for option in ["authnrCfg", "pinUvAuthToken", "setMinPINLength"] {
            e.str(option).unwrap().bool(true).unwrap();
        }
    }
    for option in of.has {
        e.str(option).unwrap().bool(true).unwrap();
    }
    e.u8(5).unwrap().u32(of.max_message).unwrap();
    e.u8(6).unwrap().array(of.protocols.len() as u64).unwrap();
    for protocol in &of.protocols {
        e.u8(*protocol).unwrap();
    }
    if let Some(max) = of.max_list {
        e.u8(7).unwrap().u32(max).unwrap();
    }
    e.u8(12).unwrap().bool(of.force_change).unwrap();
    e.u8(13).unwrap().u8(of.min_pin).unwrap();
    if let Some(count) = rp_ids {
        e.u8(16).unwrap().u8(count).unwrap();
    }
    if let Some(modality) = of.modality {
        e.u8(18).unwrap().u8(modality).unwrap();
    }
    out
}

/// The generator of P-256 as the key's key agreement key.
fn agreement() -> Vec<u8> {
    const X: &str = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    const Y: &str = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let hex = |text| wardkey_core::id::from_hex(text).unwrap();
    agreement_of(&hex(X), &hex(Y))
}

/// The answer with this point.
fn agreement_of(x: &[u8], y: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut e = Encoder::new(&mut out);
    e.map(1).unwrap().u8(1).unwrap().map(5).unwrap();
    e.u8(1).unwrap().u8(2).unwrap().u8(3).unwrap().i8(-25).unwrap();
    e.i8(-1).unwrap().u8(1).unwrap();
    e.i8(-2).unwrap().bytes(x).unwrap();
    e.i8(-3).unwrap().bytes(y).unwrap();
    out
}

pub(crate) fn auth_data(flags: u8, rest: &[u8]) -> Vec<u8> {
    let mut data = vec![0x11; 32];
    data.push(flags);
    data.extend([0, 0, 0, 1]);
    data.extend(rest);
    data
}

pub(crate) fn assertion(id: &[u8], auth_data: &[u8], count: Option<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut e = Encoder::new(&mut out);
    e.map(4 + u64::from(count.is_some())).unwrap();
    e.u8(1).unwrap().map(2).unwrap();
    e.str("id").unwrap().bytes(id).unwrap();
    e.str("type").unwrap().str("public-key").unwrap();
    e.u8(2).unwrap().bytes(auth_data).unwrap();
    e.u8(3).unwrap().bytes(&[0x30; 70]).unwrap();
    e.u8(4).unwrap().map(1).unwrap();
    e.str("id").unwrap().bytes(&[5; 32]).unwrap();
    if let Some(count) = count {
        e.u8(5).unwrap().u64(count).unwrap();
    }
    out
}

/// Authenticator data of a registration.
pub(crate) fn attested(id: &[u8]) -> Vec<u8> {
    let mut rest = vec![0xaa; 16];
    rest.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
    rest.extend(id);
    rest.extend([0xa2, 0x01, 0x02, 0x03, 0x26]);
    auth_data(0x45, &rest)
}

pub(crate) fn registration(auth_data: &[u8], format: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut e = Encoder::new(&mut out);
    e.map(3).unwrap();
    e.u8(1).unwrap().str(format).unwrap();
    e.u8(2).unwrap().bytes(auth_data).unwrap();
    e.u8(3).unwrap().map(3).unwrap();
    e.str("alg").unwrap().i8(-7).unwrap();
    e.str("sig").unwrap().bytes(&[0x30; 71]).unwrap();
    e.str("x5c").unwrap().array(1).unwrap().bytes(&[0x30; 500]).unwrap();
    out
}

/// A credential of Tanaka's.
pub(crate) fn new_credential<'a>(pin: &'a Pin, exclude: &'a [Vec<u8>]) -> NewCredential<'a> {
    NewCredential {
        pin,
        rp_id: RP_ID,
        user_handle: &[5; 32],
        user_name: "tanaka",
        display_name: "\u{7530}\u{4e2d}",
        client_data: b"client data",
        algorithms: &[-7, -8],
        exclude,
        protection: 2,
        min_pin_length: None,
    }
}
