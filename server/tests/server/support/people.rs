//! Several people with keys, and what terminals say of them.

use serde_json::json;
use wardkey_core::client_data::ClientData;
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::document::Position;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{EventId, Nonce, TerminalId};
use wardkey_core::message::http::{Base64, EventsReply};
use wardkey_core::name::{LoginName, ScopeName, ServiceName};
use wardkey_core::time::UnixTime;
use wardkey_server::secret;

use super::authenticator::{Credential, Making};
use super::client::Terminal;
use super::ward::{Ward, enroll};

/// A person, and the key that the person has.
pub struct Keeper {
    pub login: LoginName,
    pub key: Credential,
}

impl Ward {
    /// Enrolls a key for somebody who is there.
    pub fn keeper(&self, login: &str) -> Keeper {
        let code = self.deployment.ok(&["code", "issue", login]);
        let (key, answer) = enroll(&self.terminal, &code, &self.maker, Making::default());
        assert_eq!(answer.status, 200, "{}", answer.body);
        Keeper { login: LoginName::new(login).unwrap(), key }
    }
}

impl Keeper {
    /// What the key or the code of a pass signs.
    pub fn data(&self, terminal: TerminalId, account: &str, service: &str, at: u64) -> ClientData {
        ClientData {
            nonce: Nonce::new(secret::random().unwrap()),
            terminal,
            service: ServiceName::new(service).unwrap(),
            account: LoginName::new(account).unwrap(),
            person: self.login.clone(),
            time: UnixTime(at),
            scope: ScopeName::new("icu").unwrap(),
            position: Position { epoch: 1, seq: 3 },
        }
    }

    /// A login that the key signed; its counter is the time, so that it rises.
    pub fn login_at(&self, terminal: &Terminal, account: &str, service: &str, at: u64) -> Event {
        let data = self.data(terminal.id, account, service, at);
        let counter = u32::try_from(at).unwrap();
        let mut event = entered(EventName::Login, &data);
        event.counter = Some(counter);
        event.evidence = Some(self.key.assert(&data, counter, 0x05));
        event
    }

    /// A login with the own account at the greeter.
    pub fn login(&self, terminal: &Terminal, at: u64) -> Event {
        self.login_at(terminal, self.login.as_str(), "gdm-password", at)
    }
}

/// What a record says of a success, without its proof.
pub fn entered(name: EventName, data: &ClientData) -> Event {
    let mut event = Event::new(data.event_id(), data.time, name, Outcome::Success);
    event.terminal = Some(data.terminal);
    event.person = Some(data.person.clone());
    event.account = Some(data.account.clone());
    event.service = Some(data.service.to_string());
    event.stage = Some("online".into());
    event
}

/// Something that a terminal records.
pub fn recorded(name: EventName, outcome: Outcome, terminal: &Terminal, at: u64) -> Event {
    let id = EventId::new(secret::random().unwrap());
    let mut event = Event::new(id, UnixTime(at), name, outcome);
    event.terminal = Some(terminal.id);
    event
}

/// A refusal.
pub fn refused(terminal: &Terminal, at: u64, reason: Code) -> Event {
    let mut event = recorded(EventName::Login, Outcome::Failure, terminal, at);
    event.reason = Some(reason);
    event.service = Some("gdm-password".into());
    event
}

/// Sends them; all must be taken.
pub fn report(terminal: &Terminal, events: &[Event]) {
    let all: Vec<Base64> = events.iter().map(|event| Base64(codec::to_bytes(event))).collect();
    let reply: EventsReply = terminal.client.post("/v1/events", &json!({ "events": all })).json();
    assert_eq!(reply.accepted.len(), events.len(), "{:?}", reply.refused);
}

/// A moment in UTC.
pub fn moment(text: &str) -> u64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second().try_into().unwrap()
}
