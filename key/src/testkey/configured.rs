//! A key that is configured, as the specification has it (CTAP 2.1, 6.11.4 and 12.4): strict about
//! the encoding, the token and its permission.

use std::sync::{Arc, Mutex};

use hidapi::scripted::Reply;
use wardkey_core::codec::sha256;

use super::agreeing::Agreeing;
use super::{
    AGREEMENT, About, CHANGE_PIN, CONFIG, INFO, MAKE, TOKEN, TOKEN_FOR, TestKey, attested, id,
    info, registration,
};
use crate::cbor::{Item, Value, parse};

const OK: u8 = 0x00;
const INVALID_PARAMETER: u8 = 0x02;
const INVALID_CBOR: u8 = 0x12;
const KEY_STORE_FULL: u8 = 0x28;
const PIN_INVALID: u8 = 0x31;
const PIN_AUTH_INVALID: u8 = 0x33;
const PIN_POLICY_VIOLATION: u8 = 0x37;

/// acfg (6.5.5.7).
const CONFIGURATION: i64 = 0x20;
/// An encrypted token; each asker makes another one of it.
const ENCRYPTED: [u8; 32] = [7; 32];

/// By PIN protocol 1. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Configured {
    agreeing: Agreeing,
    state: Arc<Mutex<State>>,
}

/// What it keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub min_pin: u8,
    pin_length: usize,
    pub rp_ids: Vec<String>,
    pub force_change: bool,
    /// It takes no configuration, although it says that it does.
    pub declines: bool,
    /// How many relying parties it can tell.
    pub room: u8,
    /// The token of now, where it has the permission to configure.
    token: Option<Vec<u8>>,
}

impl Configured {
    /// With a PIN, for PINs of at least so many characters.
    pub fn new(pin: &'static str, min_pin: u8) -> Self {
        let state = State { min_pin, pin_length: pin.len(), room: 1, ..State::default() };
        Self { agreeing: Agreeing::with_pin(pin), state: Arc::new(Mutex::new(state)) }
    }

    /// The same, plugged in.
    pub fn plugged(&self) -> TestKey {
        let key = self.clone();
        TestKey::new(move |about, payload| key.answer(about, payload))
    }

    pub fn with(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.state.lock().unwrap());
        self
    }

    /// How it is now.
    pub fn state(&self) -> State {
        State { token: None, ..self.state.lock().unwrap().clone() }
    }

    /// Its answer, where it has one of its own.
    pub fn answer(&self, about: About, payload: &[u8]) -> Option<Vec<Reply>> {
        let says = |status, body| Some(vec![Reply::Cbor(status, body)]);
        let mut state = self.state.lock().unwrap();
        match about {
            INFO => says(
                OK,
                info(&|of| {
                    (of.min_pin, of.force_change) = (state.min_pin, state.force_change);
                    (of.configurable, of.tells_length) = (true, Some(state.room));
                }),
            ),
            AGREEMENT => self.agreeing.answer(about, payload),
            TOKEN | TOKEN_FOR if !self.agreeing.is_right(payload) => says(PIN_INVALID, vec![]),
            TOKEN | TOKEN_FOR if state.force_change => says(PIN_POLICY_VIOLATION, vec![]),
            TOKEN | TOKEN_FOR => {
                let permissions = parse(&payload[1..]).unwrap();
                let permissions =
                    permissions.value.at(9).and_then(|item| item.value.integer()).unwrap_or(0);
                state.token = (permissions & CONFIGURATION != 0)
                    .then(|| self.agreeing.token_of(payload, &ENCRYPTED));
                says(OK, [&[0xa1, 0x02, 0x58, 32][..], &ENCRYPTED].concat())
            }
            CONFIG => says(state.configure(&payload[1..]), vec![]),
            CHANGE_PIN => {
                state.force_change = false;
                None
            }
            MAKE => says(OK, registration(&state.made(&payload[1..]), "packed")),
            _ => None,
        }
    }
}

impl State {
    /// authenticatorConfig (6.11).
    fn configure(&mut self, map: &[u8]) -> u8 {
        let Ok(request) = parse(map) else { return INVALID_CBOR };
        if !is_canonical(&request) {
            return INVALID_CBOR;
        }
        let (Some(params), Some(3)) = (request.value.at(2), number(&request, 1)) else {
            return INVALID_PARAMETER;
        };
        let authenticated = [&[0xff; 32][..], &[0x0d, 3], params.raw].concat();
        let is_theirs = self.token.take().is_some_and(|token| {
            request.value.at(4).and_then(|item| item.value.bytes())
                == Some(&hmac(&token, &authenticated)[..16])
        });
        if number(&request, 3) != Some(1) || !is_theirs {
            return PIN_AUTH_INVALID;
        }
        if self.declines {
            return INVALID_PARAMETER;
        }
        self.set_min_pin_length(params)
    }

    /// 6.11.4.
    fn set_min_pin_length(&mut self, params: &Item<'_>) -> u8 {
        let least = number(params, 1).map_or(self.min_pin, |least| u8::try_from(least).unwrap());
        if least < self.min_pin {
            return PIN_POLICY_VIOLATION;
        }
        if let Some(ids) = params.value.at(2) {
            let ids: Vec<String> =
                ids.value.items().iter().map(|id| id.value.text().unwrap().to_owned()).collect();
            if ids.len() > usize::from(self.room) {
                return KEY_STORE_FULL;
            }
            self.rp_ids = ids;
        }
        self.force_change |= params.value.at(3).is_some_and(|it| it.value.boolean() == Some(true));
        self.force_change |= usize::from(least) > self.pin_length;
        self.min_pin = least;
        OK
    }

    /// Authenticator data, with the extension where it is asked for and the relying party may know.
    fn made(&self, map: &[u8]) -> Vec<u8> {
        let request = parse(map).unwrap();
        let rp_id = request.value.at(2).and_then(|rp| rp.value.named("id")).unwrap();
        let asks = request
            .value
            .at(6)
            .and_then(|extensions| extensions.value.named("minPinLength"))
            .and_then(|asked| asked.value.boolean());
        let mut data = attested(&id(9));
        let may_know = self.rp_ids.iter().any(|id| rp_id.value.text() == Some(id));
        if asks == Some(true) && may_know {
            data[32] |= 0x80;
            data.extend([&b"\xa1\x6cminPinLength"[..], &[self.min_pin]].concat());
        }
        data
    }
}

fn number(map: &Item<'_>, key: i64) -> Option<i64> {
    map.value.at(key).and_then(|item| item.value.integer())
}

/// Whether the keys of a map of small numbers ascend.
fn is_canonical(map: &Item<'_>) -> bool {
    let Value::Map(entries) = &map.value else { return false };
    entries.is_sorted_by_key(|(key, _)| key.raw)
}

/// HMAC-SHA-256 (RFC 2104) with a key of at most a block.
pub(super) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let padded = |with: u8| -> Vec<u8> {
        (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect()
    };
    let inner = sha256(&[padded(0x36), message.to_vec()].concat());
    *sha256(&[&padded(0x5c)[..], inner.as_bytes()].concat()).as_bytes()
}
