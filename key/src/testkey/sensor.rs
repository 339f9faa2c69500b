//! A key with a sensor for fingerprints, as the specification has it (CTAP 2.1, 6.5.5.7.3): a token
//! for one purpose and relying party after a finger, tries of its own, and the PIN that gives them
//! back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use hidapi::scripted::Reply;

use super::agreeing::Agreeing;
use super::configured::hmac;
use super::{
    AGREEMENT, ASSERT, About, FINGER_TRIES, INFO, RP_ID, TOKEN, TOKEN_BY_FINGER, TestKey,
    assertion, auth_data, id, info,
};
use crate::cbor::{Item, Value, parse};

const OK: u8 = 0x00;
const INVALID_PARAMETER: u8 = 0x02;
const OPERATION_DENIED: u8 = 0x27;
const PIN_INVALID: u8 = 0x31;
const PIN_AUTH_INVALID: u8 = 0x33;
const UV_BLOCKED: u8 = 0x3c;
const UV_INVALID: u8 = 0x3f;

/// ga (6.5.5.7).
const ASSERTIONS: i64 = 0x02;
/// Tries of its sensor.
pub(crate) const TRIES: u8 = 3;
/// An encrypted token; each asker makes another one of it.
const ENCRYPTED: [u8; 32] = [7; 32];

/// What a person puts on the sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finger {
    Right,
    Wrong,
    /// Nothing, as long as anybody waits.
    None,
}

/// By PIN protocol 1. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Sensor {
    agreeing: Agreeing,
    state: Arc<Mutex<State>>,
}

struct State {
    fingers: VecDeque<Finger>,
    tries: u8,
    /// PINs that came, right or wrong.
    pins: usize,
    token: Option<Vec<u8>>,
    /// Of CTAP 2.0: no tokens, the finger is verified with the assertion.
    is_old: bool,
    /// It says that it verified a finger, and signs that it verified nobody.
    lies: bool,
    /// It waits on for a finger when it is told to stop.
    is_deaf: bool,
}

impl Sensor {
    /// Its PIN is "1234".
    pub fn with(fingers: &[Finger]) -> Self {
        let state = State {
            fingers: fingers.iter().copied().collect(),
            tries: TRIES,
            pins: 0,
            token: None,
            is_old: false,
            lies: false,
            is_deaf: false,
        };
        Self { agreeing: Agreeing::new(), state: Arc::new(Mutex::new(state)) }
    }

    pub fn old(self) -> Self {
        self.state.lock().unwrap().is_old = true;
        self
    }

    pub fn lying(self) -> Self {
        self.state.lock().unwrap().lies = true;
        self
    }

    pub fn deaf(self) -> Self {
        self.state.lock().unwrap().is_deaf = true;
        self
    }

    /// The same, plugged in, as each process finds it.
    pub fn plugged(&self) -> TestKey {
        let key = self.clone();
        let is_deaf = key.state.lock().unwrap().is_deaf;
        let answer = move |about, payload: &[u8]| key.answer(about, payload);
        if is_deaf { TestKey::deaf(answer) } else { TestKey::new(answer) }
    }

    /// How many PINs came.
    pub fn pins(&self) -> usize {
        self.state.lock().unwrap().pins
    }

    pub fn answer(&self, about: About, payload: &[u8]) -> Option<Vec<Reply>> {
        let says = |status, body| Some(vec![Reply::Cbor(status, body)]);
        let mut state = self.state.lock().unwrap();
        match about {
            INFO => says(OK, information(state.is_old)),
            AGREEMENT => self.agreeing.answer(about, payload),
            TOKEN_BY_FINGER => {
                if !is_for_assertions(&payload[1..]) {
                    return says(INVALID_PARAMETER, vec![]);
                }
                Some(match state.verify(UV_INVALID) {
                    OK => {
                        state.token = Some(self.agreeing.token_of(payload, &ENCRYPTED));
                        vec![Reply::KeepAlive(2), Reply::Cbor(OK, token())]
                    }
                    INVALID_PARAMETER => vec![Reply::KeepAlive(2)],
                    UV_BLOCKED => vec![Reply::Cbor(UV_BLOCKED, vec![])],
                    status => vec![Reply::KeepAlive(2), Reply::Cbor(status, vec![])],
                })
            }
            FINGER_TRIES if state.is_old => says(INVALID_PARAMETER, vec![]),
            FINGER_TRIES => says(OK, vec![0xa1, 0x05, state.tries]),
            TOKEN => {
                state.pins += 1;
                if !self.agreeing.is_right(payload) {
                    return says(PIN_INVALID, vec![]);
                }
                state.token = Some(self.agreeing.token_of(payload, &ENCRYPTED));
                state.tries = TRIES;
                says(OK, token())
            }
            ASSERT => Some(state.sign(&payload[1..])),
            _ => None,
        }
    }
}

impl State {
    /// What comes of the next finger: [`INVALID_PARAMETER`] where none comes.
    fn verify(&mut self, wrong: u8) -> u8 {
        if self.tries == 0 {
            return UV_BLOCKED;
        }
        match self.fingers.pop_front() {
            Some(Finger::Right) => {
                self.tries = TRIES;
                OK
            }
            Some(Finger::Wrong) => {
                self.tries -= 1;
                wrong
            }
            Some(Finger::None) | None => INVALID_PARAMETER,
        }
    }

    /// authenticatorGetAssertion (6.2).
    fn sign(&mut self, map: &[u8]) -> Vec<Reply> {
        let request = parse(map).unwrap();
        let option = |name| {
            request
                .value
                .at(5)
                .and_then(|options| options.value.named(name))
                .and_then(|option| option.value.boolean())
        };
        let signed = |flags| vec![Reply::Cbor(OK, assertion(&id(1), &auth_data(flags, &[]), None))];
        let flags = if self.lies { 0x01 } else { 0x05 };
        if option("up") == Some(false) {
            return signed(0);
        }
        if let Some(authenticated) = request.value.at(6).and_then(|item| item.value.bytes()) {
            let hash = request.value.at(2).and_then(|item| item.value.bytes()).unwrap();
            let is_theirs =
                self.token.take().is_some_and(|token| hmac(&token, hash)[..16] == *authenticated);
            return if is_theirs && option("uv").is_none() {
                signed(flags)
            } else {
                vec![Reply::Cbor(PIN_AUTH_INVALID, vec![])]
            };
        }
        match (option("uv"), self.is_old) {
            (Some(true), true) => match self.verify(OPERATION_DENIED) {
                OK => [vec![Reply::KeepAlive(2)], signed(flags)].concat(),
                status => vec![Reply::KeepAlive(2), Reply::Cbor(status, vec![])],
            },
            _ => vec![Reply::Cbor(0x36, vec![])],
        }
    }
}

/// As those of a YubiKey Bio, and of an older key.
fn information(is_old: bool) -> Vec<u8> {
    const NEW: &[&str] = &["uv", "bioEnroll", "pinUvAuthToken"];
    const OLD: &[&str] = &["uv", "userVerificationMgmtPreview"];
    info(&|of| {
        (of.has, of.modality) = if is_old { (OLD, None) } else { (NEW, Some(2)) };
        of.always_uv = !is_old;
    })
}

fn token() -> Vec<u8> {
    [&[0xa1, 0x02, 0x58, 32][..], &ENCRYPTED].concat()
}

/// Whether a token is wanted for assertions of the one relying party, and nothing else: protocol,
/// subcommand, half of the agreement, permissions and relying party, in this order.
fn is_for_assertions(map: &[u8]) -> bool {
    let Ok(request) = parse(map) else { return false };
    let Value::Map(entries) = &request.value else { return false };
    let keys: Vec<_> = entries.iter().map(|(Item { value, .. }, _)| value.integer()).collect();
    keys == [1, 2, 3, 9, 10].map(Some)
        && request.value.at(9).and_then(|item| item.value.integer()) == Some(ASSERTIONS)
        && request.value.at(10).and_then(|item| item.value.text()) == Some(RP_ID)
}
