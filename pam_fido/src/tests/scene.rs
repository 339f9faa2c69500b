//! The scene of a login: who plays which part, and what they saw.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pam::constants::PamResultCode;
use wardkey_core::codec::List;
use wardkey_core::id::EventId;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{
    Grant, LoginOutcome, LoginResult, Refusal as AgentRefusal, Reply as AgentReply,
    Request as AgentRequest,
};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::name::Language;

use crate::journal::Journal;
use crate::login::{self, Admitted, Login};
use crate::refusal::Refusal;
use crate::typed_name::TypedName;
use crate::world::{Timeouts, World};
use wardkey_settings::pam::Settings;
use wardkey_testkit::{Deployment, T0};

pub use super::fake_machine::FakeMachine;
pub use super::keys::*;
pub use super::peers::*;
pub use super::person::Person;

/// A grant of this evidence and nothing else.
pub fn grant_of(evidence: wardkey_core::snapshot::Evidence) -> Grant {
    Grant {
        evidence: Some(evidence),
        candidates: List::default(),
        locked: None,
        decoys: None,
        more: None,
        answers_time: None,
        takes_codes: None,
        finds_people: None,
        changes_pins: None,
        takes_vouches: None,
        breaks_glass: None,
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
    pub timeouts: Timeouts,
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
                language: Language::En,
                ..Settings::default()
            },
            timeouts: LONG,
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
    pub fn key_instead(
        &mut self,
        instead: impl Fn(usize, &KeyRequest) -> Vec<Act<KeyReply>> + Send + Sync + 'static,
    ) {
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

    pub fn run(self) -> Seen {
        self.run_with(login::authenticate)
    }

    pub fn run_with(mut self, work: fn(World<'_>, &Login) -> Result<Admitted, Refusal>) -> Seen {
        let journal = Lines::default();
        let anchor = Deployment::new().anchor();
        let world = World {
            talk: &mut self.person,
            sockets: &mut Both { agent: &mut self.agent, key: &mut self.key },
            machine: &self.machine,
            journal: &journal,
            settings: &self.settings,
            timeouts: self.timeouts,
            anchor: &anchor,
        };
        let result = work(world, &self.login);
        let agent = self.agent.heard.lock().unwrap().clone();
        let key = self.key.heard.lock().unwrap().clone();
        let marks = self.machine.marks.lock().unwrap().clone();
        assert!(
            self.person.answers.is_empty() || result.is_err(),
            "an expected question was not asked"
        );
        let seen = Seen {
            result,
            agent,
            key,
            person: self.person,
            marks,
            journal: journal.0.lock().unwrap().clone(),
        };
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
            timeouts: self.timeouts,
            anchor: &anchor,
        };
        let result = login::check_account(&mut world, &self.login);
        assert_eq!(self.key.connections, 0);
        result
    }

    /// A session of this login begins or ends: what came of telling it, and what the agent heard.
    pub fn tell_session(
        mut self,
        admitted: &Admitted,
        phase: crate::session::Phase,
    ) -> (Result<(), Refusal>, Vec<AgentRequest>) {
        let anchor = Deployment::new().anchor();
        let mut world = World {
            talk: &mut self.person,
            sockets: &mut Both { agent: &mut self.agent, key: &mut self.key },
            machine: &self.machine,
            journal: &Lines::default(),
            settings: &self.settings,
            timeouts: self.timeouts,
            anchor: &anchor,
        };
        let result = crate::session::tell(&mut world, &self.login, admitted, phase);
        assert_eq!(self.key.connections, 0);
        assert!(self.person.infos.is_empty() && self.person.errors.is_empty());
        let heard = self.agent.heard.lock().unwrap().clone();
        (result, heard)
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
        let agent =
            self.agent.iter().map(wardkey_core::codec::to_message).collect::<Vec<_>>().concat();
        let said = format!(
            "{:?} {:?} {:?} {:?}",
            self.person.infos, self.person.errors, self.journal, self.result
        );
        assert!(
            !agent.windows(PIN.len()).any(|window| window == PIN.as_bytes()),
            "the agent saw the PIN"
        );
        let code = wardkey_testkit::CODE.replace('-', "");
        assert!(
            !agent.windows(code.len()).any(|window| window == code.as_bytes()),
            "the agent saw the code"
        );
        assert!(!said.contains(&code), "the code was said: {said}");
        let chosen = wardkey_testkit::CHOSEN;
        assert!(
            !agent.windows(chosen.len()).any(|window| window == chosen.as_bytes()),
            "the agent saw the chosen code"
        );
        assert!(!said.contains(chosen), "the chosen code was said: {said}");
        assert!(!said.contains(PIN), "the PIN was said: {said}");
    }
}

#[derive(Default)]
pub struct Lines(pub Mutex<Vec<String>>);

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
        by_key: false,
        changes_pin: false,
        at_text_console: false,
        vouches_for: None,
    }
}

pub fn granted(deployment: &Deployment, person: &str) -> AgentReply {
    let grant = grant_of(deployment.evidence(person));
    AgentReply::Granted(Box::new(Grant { changes_pins: Some(true), ..grant }))
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
            AgentRequest::Hold | AgentRequest::PinChange { .. } => AgentReply::Held,
            AgentRequest::Outcome(outcome) => AgentReply::Recorded(event_of(outcome), None),
            AgentRequest::SessionOpen(open) => AgentReply::Recorded(open.login, None),
            AgentRequest::SessionClose(_) => AgentReply::Recorded(EventId::new([8; 16]), None),
            other => panic!("the module never asks {other:?}"),
        };
        vec![Act::Say(reply)]
    })
}

pub fn event_of(outcome: &LoginOutcome) -> EventId {
    match &outcome.result {
        LoginResult::Success(assertion) => {
            wardkey_core::client_data::ClientData::from_bytes(assertion.client_data.as_slice())
                .unwrap()
                .event_id()
        }
        LoginResult::SuccessByCode(signed) => {
            wardkey_core::client_data::ClientData::from_bytes(signed.client_data.as_slice())
                .unwrap()
                .event_id()
        }
        LoginResult::SuccessByVouch(signed, _) => {
            wardkey_core::client_data::ClientData::from_bytes(signed.client_data.as_slice())
                .unwrap()
                .event_id()
        }
        LoginResult::Vouched(assertion) => {
            wardkey_core::vouch::Vouch::from_bytes(assertion.client_data.as_slice())
                .unwrap()
                .event_id()
        }
        LoginResult::Failure(_) | LoginResult::PinChanged => outcome.attempt,
    }
}
