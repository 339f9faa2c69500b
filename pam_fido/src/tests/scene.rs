//! The scene of a login: who plays which part, and what they saw.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pam::constants::PamResultCode;
use wardkey_core::codec::{List, sha256};
use wardkey_core::id::{Aaguid, CredentialId, EventId};
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{
    Grant, LoginOutcome, LoginResult, Refusal as AgentRefusal, Reply as AgentReply, Request as AgentRequest,
};
use wardkey_core::message::key::{
    Identified, KeyAssertion, KeyDetails, KeyFailure, KeyInfo, Reply as KeyReply, Request as KeyRequest,
};
use wardkey_core::time::ClockReading;
use zeroize::Zeroizing;

use crate::journal::Journal;
use crate::login::{self, Admitted, Login};
use crate::refusal::Refusal;
use crate::talk::{Answer, Talk};
use crate::typed_name::TypedName;
use crate::world::{Timeouts, World};
use wardkey_settings::pam::Settings;
use wardkey_testkit::{Deployment, Key, RP, T0};

pub use super::fake_machine::FakeMachine;
pub use super::peers::*;

pub const PIN: &str = "135790";

/// A tenth of the usual: tests see every time-out pass.
const SHORT: Timeouts = Timeouts::per_second(Duration::from_millis(100));

/// A grant of this evidence and nothing else.
pub fn grant_of(evidence: wardkey_core::snapshot::Evidence) -> Grant {
    Grant {
        evidence: Some(evidence),
        candidates: List::default(),
        locked: None,
        decoys: None,
        more: None,
        answers_time: None,
    }
}

/// A login with everyone in it.
pub struct Scene {
    pub agent: Peer<AgentRequest, AgentReply>,
    pub key: Peer<KeyRequest, KeyReply>,
    pub person: Person,
    pub machine: FakeMachine,
    pub login: Login,
    pub settings: Settings,
}

/// How it went.
pub struct Seen {
    pub result: Result<Admitted, Refusal>,
    pub agent: Vec<AgentRequest>,
    pub key: Vec<KeyRequest>,
    pub person: Person,
    pub marks: Marks,
    pub journal: Vec<String>,
}

impl Scene {
    /// `hanako` with her own key at an honest terminal, touching at once.
    pub fn new() -> Self {
        Self::of(&Deployment::new())
    }

    pub fn of(deployment: &Deployment) -> Self {
        Self {
            agent: Peer::new(honest_agent(deployment)),
            key: Peer::new(key_with(1)),
            person: Person::types(PIN),
            machine: FakeMachine::at(T0),
            login: login_as("hanako"),
            settings: Settings {
                key_wait: Duration::from_millis(1500),
                touch_wait: Duration::from_secs(1),
                language: wardkey_core::name::Language::En,
                ..Settings::default()
            },
        }
    }

    /// Answers of the agent that differ from the honest ones; empty: the honest one.
    pub fn agent_instead(
        &mut self,
        instead: impl Fn(usize, &AgentRequest) -> Vec<Act<AgentReply>> + Send + Sync + 'static,
    ) {
        let honest = Arc::clone(&self.agent.script);
        self.agent.script = Arc::new(move |number, request| {
            let acts = instead(number, request);
            if acts.is_empty() { honest(number, request) } else { acts }
        });
    }

    /// The same for the key process.
    pub fn key_instead(&mut self, instead: impl Fn(usize, &KeyRequest) -> Vec<Act<KeyReply>> + Send + Sync + 'static) {
        let honest = Arc::clone(&self.key.script);
        self.key.script = Arc::new(move |number, request| {
            let acts = instead(number, request);
            if acts.is_empty() { honest(number, request) } else { acts }
        });
    }

    /// The key takes this many seconds to sign.
    pub fn key_signs_after(&mut self, seconds: u64) {
        let clock = Arc::clone(&self.machine.clock);
        self.key_instead(move |_, request| {
            if matches!(request, KeyRequest::Assert(_)) {
                clock.lock().unwrap().boottime += seconds;
            }
            vec![]
        });
    }

    /// The agent shows this instead of its evidence.
    pub fn agent_shows(&mut self, deployment: &Deployment) {
        self.agent.script = honest_agent(deployment);
    }

    pub fn run(mut self) -> Seen {
        let journal = Lines::default();
        let anchor = Deployment::new().anchor();
        let world = World {
            talk: &mut self.person,
            sockets: &mut Both { agent: &mut self.agent, key: &mut self.key },
            machine: &self.machine,
            journal: &journal,
            settings: &self.settings,
            timeouts: SHORT,
            anchor: &anchor,
        };
        let result = login::authenticate(world, &self.login);
        let agent = self.agent.heard.lock().unwrap().clone();
        let key = self.key.heard.lock().unwrap().clone();
        let marks = self.machine.marks.lock().unwrap().clone();
        assert!(self.person.answers.is_empty() || result.is_err(), "an expected question was not asked");
        let seen = Seen { result, agent, key, person: self.person, marks, journal: journal.0.lock().unwrap().clone() };
        seen.assert_nothing_leaked();
        seen
    }

    pub fn check_account(mut self) -> Result<(), Refusal> {
        let anchor = Deployment::new().anchor();
        let mut world = World {
            talk: &mut self.person,
            sockets: &mut Both { agent: &mut self.agent, key: &mut self.key },
            machine: &self.machine,
            journal: &Lines::default(),
            settings: &self.settings,
            timeouts: SHORT,
            anchor: &anchor,
        };
        let result = login::check_account(&mut world, &self.login);
        assert_eq!(self.key.connections, 0);
        result
    }
}

impl Seen {
    /// The PAM result.
    pub fn pam(&self) -> PamResultCode {
        self.result.as_ref().map_or_else(Refusal::authentication, |_| PamResultCode::PAM_SUCCESS)
    }

    pub fn code(&self) -> u16 {
        self.result.as_ref().map_or_else(|refusal| refusal.code.number(), |_| 0)
    }

    /// Whether a PIN left for the key process.
    pub fn pin_sent(&self) -> bool {
        self.key.iter().any(|request| matches!(request, KeyRequest::Assert(_)))
    }

    /// The outcomes that the agent heard, in order.
    pub fn outcomes(&self) -> Vec<&LoginOutcome> {
        self.agent
            .iter()
            .filter_map(|request| match request {
                AgentRequest::Outcome(outcome) => Some(&**outcome),
                _ => None,
            })
            .collect()
    }

    fn assert_nothing_leaked(&self) {
        let agent = self.agent.iter().map(wardkey_core::codec::to_message).collect::<Vec<_>>().concat();
        let said = format!("{:?} {:?} {:?} {:?}", self.person.infos, self.person.errors, self.journal, self.result);
        assert!(!agent.windows(PIN.len()).any(|window| window == PIN.as_bytes()), "the agent saw the PIN");
        assert!(!said.contains(PIN), "the PIN was said: {said}");
    }
}

/// Who sits at the terminal.
#[derive(Default)]
pub struct Person {
    pub answers: VecDeque<Answer>,
    pub thinks: Duration,
    /// The machine is suspended for so many seconds while the question stands.
    pub sleeps: Option<(Arc<Mutex<ClockReading>>, u64)>,
    /// The application shows no notices (PAM_SILENT).
    pub silent: bool,
    pub questions: Vec<String>,
    pub infos: Vec<String>,
    pub errors: Vec<String>,
}

impl Person {
    pub fn types(pin: &str) -> Self {
        Self::answers(Answer::Typed(Zeroizing::new(pin.into())))
    }
    pub fn answers(answer: Answer) -> Self {
        Self { answers: VecDeque::from([answer]), ..Self::default() }
    }
}

impl Talk for Person {
    fn info(&mut self, text: &str) {
        self.infos.push(text.into());
    }
    fn error(&mut self, text: &str) {
        self.errors.push(text.into());
    }
    fn silent(&self) -> bool {
        self.silent
    }
    fn ask(&mut self, question: &str) -> Answer {
        self.questions.push(question.into());
        std::thread::sleep(self.thinks);
        if let Some((clock, seconds)) = self.sleeps.take() {
            clock.lock().unwrap().boottime += seconds;
        }
        self.answers.pop_front().unwrap_or_else(|| panic!("unexpected question: {question}"))
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Journal for Lines {
    fn error(&self, line: &str) {
        self.0.lock().unwrap().push(line.into());
    }
    fn notice(&self, line: &str) {
        self.error(line);
    }
    fn debug(&self, line: &str) {
        self.error(line);
    }
}

pub fn login_as(name: &str) -> Login {
    Login {
        name: TypedName::of(name, None),
        service: wardkey_testkit::service("login"),
        tty: Some("tty1".into()),
        rhost: None,
        invoker: None,
        remote: false,
    }
}

pub fn granted(deployment: &Deployment, person: &str) -> AgentReply {
    AgentReply::Granted(Box::new(Grant {
        evidence: Some(deployment.evidence(person)),
        candidates: List::default(),
        locked: None,
        decoys: None,
        more: None,
        answers_time: None,
    }))
}

pub fn refused(code: wardkey_core::code::Code) -> AgentReply {
    AgentReply::Refused(AgentRefusal { code, detail: None, retry_after: Some(30), record: None })
}

/// Answers as an agent should.
pub fn honest_agent(deployment: &Deployment) -> AgentScript {
    let deployment = deployment.clone();
    Arc::new(move |_, request| {
        let reply = match request {
            AgentRequest::Begin(begin) | AgentRequest::Account(begin) => match &begin.account {
                Some(account) => granted(&deployment, account.as_str()),
                None => granted(&deployment, "_"),
            },
            AgentRequest::Prove(person) => granted(&deployment, person.as_str()),
            AgentRequest::Hold => AgentReply::Held,
            AgentRequest::Outcome(outcome) => AgentReply::Recorded(event_of(outcome), None),
            other => panic!("the module never asks {other:?}"),
        };
        vec![Act::Say(reply)]
    })
}

pub fn event_of(outcome: &LoginOutcome) -> EventId {
    match &outcome.result {
        LoginResult::Success(assertion) => {
            wardkey_core::client_data::ClientData::from_bytes(assertion.client_data.as_slice()).unwrap().event_id()
        }
        LoginResult::Failure(_) => outcome.attempt,
    }
}

pub fn key_info(tries: u8) -> KeyInfo {
    let versions = List::new(vec!["FIDO_2_1".into()]).unwrap();
    let details = KeyDetails {
        aaguid: Aaguid::new([9; 16]),
        versions,
        pin_set: true,
        pin_must_change: false,
        min_pin_length: 4,
        pin_tries: Some(tries),
    };
    KeyInfo {
        path: "/dev/hidraw0".into(),
        vendor: 1,
        product: 2,
        name: "key".into(),
        details: Some(details),
        problem: None,
    }
}

/// The key of `seed` claims credential `id`, and signs the challenge.
pub fn claims(request: &KeyRequest, seed: u8, id: u8) -> KeyReply {
    let KeyRequest::Identify(identify) = request else { panic!("not asked whose key it is: {request:?}") };
    let KeyReply::Assertion(proof) = signature(seed, id, identify.client_data.as_slice(), 0x00) else { unreachable!() };
    KeyReply::Identified(Identified {
        key: key_info(8),
        credential: Some(proof.credential.clone()),
        proof: Some(proof),
        others: None,
    })
}

/// An honest key that holds credential `id`.
pub fn identified(request: &KeyRequest, id: u8) -> KeyReply {
    claims(request, id, id)
}

/// A key is plugged that is not registered for the name, and no other one comes.
pub fn nobodys() -> Vec<Act<KeyReply>> {
    vec![
        Act::Say(KeyReply::Unregistered(wardkey_core::code::Code::KeyNotRegistered)),
        Act::Say(failed(wardkey_core::code::Code::KeyAndNameDoNotMatch, None)),
    ]
}

/// What was plugged is passed over, and nothing else comes.
pub fn nothing_comes() -> Vec<Act<KeyReply>> {
    vec![Act::Say(KeyReply::Insert), Act::Say(failed(wardkey_core::code::Code::KeyTimeout, None))]
}

pub fn failed(code: wardkey_core::code::Code, tries_left: Option<u8>) -> KeyReply {
    KeyReply::Failed(KeyFailure { code, status: None, tries_left, detail: None })
}

/// A key process with one key plugged, which holds credential `id`.
pub fn key_with(id: u8) -> KeyScript {
    Arc::new(move |_, request| match request {
        KeyRequest::Identify(identify) => {
            assert!(!identify.allow.is_empty(), "always an allow list");
            let own = CredentialId::new(vec![id; 32]).unwrap();
            if identify.allow.contains(&own) { vec![Act::Say(identified(request, id))] } else { nobodys() }
        }
        KeyRequest::PassOver(_) => nothing_comes(),
        KeyRequest::Assert(assert) if assert.pin.expose() != PIN => {
            vec![Act::Say(failed(wardkey_core::code::Code::PinWrong, Some(7)))]
        }
        KeyRequest::Assert(assert) => {
            let signed = signature(id, id, assert.client_data.as_slice(), 0x05);
            vec![Act::Say(KeyReply::Touch), Act::Say(signed)]
        }
        other => panic!("the module never asks {other:?}"),
    })
}

/// What the key of `seed` signs as credential `id`.
pub fn signature(seed: u8, id: u8, client_data: &[u8], flags: u8) -> KeyReply {
    let assertion = Key::es256(seed).assert(id, client_data, flags, 1, RP);
    KeyReply::Assertion(KeyAssertion {
        credential: assertion.credential_id,
        auth_data: assertion.auth_data,
        signature: assertion.signature,
        user_handle: None,
    })
}

/// The fingerprint of credential `id`.
pub fn fingerprint(id: u8) -> wardkey_core::id::Hash {
    sha256(&[id; 32])
}
