//! The module's end of a connection, and what it says.

use super::people::*;
use std::time::Duration;
use wardkey_core::code::Code;
use wardkey_core::id::{EventId, Nonce};
use wardkey_core::message::PROTOCOL;
use wardkey_core::message::agent::{
    Begin, Failure, Grant, LoginOutcome, LoginResult, Reply, Request,
};
use wardkey_core::name::ServiceName;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::proof::identification::{IdentifyData, SilentAssertion};
use wardkey_ipc::{Channel, Deadline};

/// After this a test that waits is one that hangs.
pub const LONG: Duration = Duration::from_secs(60);

/// The module's end of a connection.
pub struct Client {
    pub channel: Channel,
}

impl Client {
    pub fn send(&mut self, request: &Request) {
        self.channel.send(request, Deadline::after(LONG)).unwrap();
    }
    pub fn receive(&mut self) -> Reply {
        self.channel.receive(Deadline::after(LONG)).unwrap()
    }
    /// Nothing comes for a while.
    pub fn is_silent(&mut self) -> bool {
        self.channel.receive::<Reply>(Deadline::after(Duration::from_millis(400))).is_err()
    }
    pub fn ask(&mut self, request: &Request) -> Reply {
        self.send(request);
        self.receive()
    }
    /// The answer after `Wait`: a login whose client is gone leaves the queue a moment later.
    pub fn in_turn(&mut self, request: &Request) -> Reply {
        let mut reply = self.ask(request);
        while reply == Reply::Wait {
            reply = self.receive();
        }
        reply
    }
    pub fn granted(&mut self, request: &Request) -> Grant {
        match self.in_turn(request) {
            Reply::Granted(grant) => *grant,
            other => panic!("{other:?}"),
        }
    }
    pub fn refused(&mut self, request: &Request) -> Code {
        match self.ask(request) {
            Reply::Refused(refusal) => refusal.code,
            other => panic!("{other:?}"),
        }
    }
}

pub fn begin(account: &str) -> Begin {
    Begin {
        protocol: PROTOCOL,
        account: Some(login(account)),
        service: ServiceName::new("login").unwrap(),
        tty: Some("tty1".into()),
        rhost: None,
        invoker: None,
        asks_time: None,
        changes_pin: None,
    }
}

pub fn success(account: &str, assertion: &Assertion) -> Request {
    Request::Outcome(Box::new(LoginOutcome {
        login: begin(account),
        attempt: EventId::new(wardkey_agent::random::random().unwrap()),
        person: Some(login(account)),
        credential: Some(assertion.credential_id.clone()),
        result: LoginResult::Success(assertion.clone()),
        proof: seed_of(assertion).map(silent),
        suspects: None,
        pass: None,
        finger: None,
    }))
}

/// The seed of the key that made an assertion.
fn seed_of(assertion: &Assertion) -> Option<u8> {
    assertion.credential_id.as_slice().first().copied()
}

/// What the key of `seed` signs when it is asked whose it is.
pub fn silent(seed: u8) -> SilentAssertion {
    let challenge = IdentifyData {
        nonce: Nonce::new(wardkey_agent::random::random().unwrap()),
        terminal: TERMINAL,
    };
    silent_over(seed, seed, &challenge)
}

/// The same by the key of `seed` in the name of credential `id`.
pub fn silent_over(seed: u8, id: u8, challenge: &IdentifyData) -> SilentAssertion {
    Key::es256(seed).identify(id, challenge)
}

/// A failure of a login; with a key that proved itself, if there is a seed.
pub fn failure(account: &str, person: Option<&str>, seed: Option<u8>, code: Code) -> Request {
    failure_with(account, person, seed.map(silent), code)
}

/// The same with any proof.
pub fn failure_with(
    account: &str,
    person: Option<&str>,
    proof: Option<SilentAssertion>,
    code: Code,
) -> Request {
    Request::Outcome(Box::new(LoginOutcome {
        login: begin(account),
        attempt: EventId::new(wardkey_agent::random::random().unwrap()),
        person: person.map(login),
        credential: proof.as_ref().map(|proof| proof.credential.clone()),
        result: LoginResult::Failure(Failure { code, detail: None, tries_left: Some(7) }),
        proof,
        suspects: None,
        pass: None,
        finger: None,
    }))
}
