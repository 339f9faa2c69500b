//! Connections and evidence, until a key has proved whose it is.

use wardkey_core::code::Code;
use wardkey_core::message::agent::{CandidatePage, Candidates, Grant, Request as AgentRequest};
use wardkey_core::name::LoginName;
use wardkey_ipc::{Channel, Deadline, IpcError};

use super::replies::AgentReply;
use super::server_time::is_late;
use super::states::Recognised;
use super::verified_person::VerifiedPerson;
use super::{Attempt, MAX_MESSAGES};
use crate::refusal::Refusal;

/// Times that a login starts over because the agent was lost.
const MAX_LOST: u8 = 2;
/// Times in all that a login begins anew, because the key went to another login or the question stood long.
const MAX_ROUNDS: usize = 32;

/// Something that ends a round without a refusal: start over, or go on.
pub(super) enum Round<T> {
    Done(T),
    Again,
}

impl Attempt<'_, '_> {
    /// Connects, has the evidence verified, and a key prove whose it is. With `again`, the question has been
    /// answered: only the key that was recognised will do, and at once.
    pub(super) fn establish(&mut self, again: Option<&Recognised>) -> Result<Recognised, Refusal> {
        while self.rounds < MAX_ROUNDS {
            self.rounds += 1;
            if let Round::Done(recognised) = self.round(again)? {
                return Ok(recognised);
            }
        }
        Err(Refusal::new(Code::KeyInUse, "the key went to another login again and again"))
    }

    fn round(&mut self, again: Option<&Recognised>) -> Result<Round<Recognised>, Refusal> {
        let mut early = None;
        if self.agent.is_none() {
            // The key process starts while the agent works.
            early = Some(self.world.sockets.key(false));
            self.waiting = false;
            let agent = self.world.sockets.agent().map_err(|error| Refusal::agent(&error))?;
            self.agent = Some(agent);
            if let Err(error) = self.tell_agent(&AgentRequest::Begin(self.login.begin())) {
                return self.agent_lost(&error);
            }
        }
        let grant = match self.wait_granted(&mut early)? {
            Round::Done(grant) => grant,
            Round::Again => return Ok(Round::Again),
        };
        self.granted = true;
        let mut search_result = self.search_for(&grant);
        if self.time.is_none()
            && grant.answers_time == Some(true)
            && is_late(search_result.as_ref().map(|search| search.stage))
        {
            match self.ask_server_time(&grant)? {
                Round::Done(false) => {}
                Round::Done(true) => search_result = self.search_for(&grant),
                Round::Again => return Ok(Round::Again),
            }
        }
        let mut search = search_result?;
        if let Some(recognised) = again {
            search.only(recognised);
        }
        let connected = match early {
            Some(Ok(key)) => Ok(key),
            Some(Err(_)) | None => self.world.sockets.key(true),
        };
        self.key = Some(connected.map_err(|error| Refusal::key(&error))?);
        self.identify(search, again.is_some())
    }

    /// Waits for the key to be this login's. Who waits does not keep a key process.
    fn wait_granted(&mut self, early: &mut Option<Result<Channel, IpcError>>) -> Result<Round<Box<Grant>>, Refusal> {
        let mut asked = false;
        for _ in 0..MAX_MESSAGES {
            if self.waiting && self.world.talk.silent() && !std::mem::replace(&mut asked, true) {
                self.say_or_ask(Code::WaitForKey, Code::WaitThenEnter)?;
            }
            let deadline = if self.waiting { self.until } else { Deadline::after(self.world.timeouts.answer) };
            match self.hear_agent(deadline) {
                Ok(AgentReply::Granted(grant)) => {
                    self.waiting = false;
                    return Ok(Round::Done(grant));
                }
                Ok(AgentReply::Wait) => {
                    *early = None;
                    self.wait_for_turn();
                }
                Ok(AgentReply::Refused(refusal)) => return Err(refusal.into()),
                Ok(_) => return Err(unexpected("agent")),
                Err(IpcError::TimedOut) if self.waiting => {
                    return Err(Refusal::new(Code::KeyInUse, "another login kept the key"));
                }
                Err(error) => return self.agent_lost(&error),
            }
        }
        Err(Refusal::new(Code::ProtocolError, "the agent says Wait without end"))
    }

    /// For a shared account: evidence for the person whose key was found.
    pub(super) fn prove(&mut self, person: &LoginName) -> Result<Round<Box<VerifiedPerson>>, Refusal> {
        let account = self.login.name.login_name().unwrap_or(person);
        match self.ask_agent(&AgentRequest::Prove(person.clone()))? {
            Round::Done(AgentReply::Granted(grant)) => {
                let time = self.time.as_ref();
                let proven = VerifiedPerson::verify(&self.world, self.login, &grant, person, account, time)?;
                Ok(Round::Done(Box::new(proven)))
            }
            Round::Done(AgentReply::Refused(refusal)) => Err(refusal.into()),
            Round::Done(_) => Err(unexpected("agent")),
            Round::Again => Ok(Round::Again),
        }
    }

    /// For a shared account of many: the next page of who may use it.
    pub(super) fn candidates(&mut self, page: CandidatePage) -> Result<Round<Box<Candidates>>, Refusal> {
        match self.ask_agent(&AgentRequest::Candidates(page))? {
            Round::Done(AgentReply::Candidates(page)) => Ok(Round::Done(page)),
            Round::Done(AgentReply::Refused(refusal)) => Err(refusal.into()),
            Round::Done(_) => Err(unexpected("agent")),
            Round::Again => Ok(Round::Again),
        }
    }

    /// Asks the agent something while the login is granted. Begin anew: the key went to another login, or the
    /// agent is lost.
    pub(super) fn ask_agent(&mut self, request: &AgentRequest) -> Result<Round<AgentReply>, Refusal> {
        if let Err(error) = self.tell_agent(request) {
            return self.agent_lost(&error);
        }
        let wants_grant = matches!(request, AgentRequest::Prove(_));
        for _ in 0..MAX_MESSAGES {
            match self.hear_agent(Deadline::after(self.world.timeouts.answer)) {
                Ok(AgentReply::Wait) => {
                    self.wait_for_turn();
                    // What comes next could answer either request: a new connection leaves no doubt.
                    (self.agent, self.key) = (None, None);
                    return Ok(Round::Again);
                }
                // Of what was asked before.
                Ok(AgentReply::Held) => {}
                Ok(AgentReply::Granted(_)) if !wants_grant => {}
                Ok(reply) => return Ok(Round::Done(reply)),
                Err(error) => return self.agent_lost(&error),
            }
        }
        Err(unexpected("agent"))
    }

    /// Another login has the key.
    pub(super) fn wait_for_turn(&mut self) {
        self.waiting = true;
        if !std::mem::replace(&mut self.told.wait, true) {
            self.inform(Code::WaitForKey);
        }
    }

    /// The agent hung up or is silent: it may have been restarted, so the login starts over, a few times.
    pub(super) fn agent_lost<T>(&mut self, error: &IpcError) -> Result<Round<T>, Refusal> {
        self.agent = None;
        self.key = None;
        // Another agent knows nothing of it, and judges the outcome by its clock.
        self.time = None;
        self.lost += 1;
        let gone = matches!(error, IpcError::Closed | IpcError::Io(_));
        if gone && self.lost <= MAX_LOST { Ok(Round::Again) } else { Err(Refusal::agent(error)) }
    }

    /// Counts a lost agent outside a round.
    pub(super) fn note_lost_agent(&mut self, error: &IpcError) -> Result<(), Refusal> {
        self.agent_lost::<()>(error).map(drop)
    }

    pub(super) fn tell_agent(&mut self, request: &AgentRequest) -> Result<(), IpcError> {
        self.agent.as_mut().ok_or(IpcError::Closed)?.send(request, Deadline::after(self.world.timeouts.answer))
    }

    pub(super) fn hear_agent(&mut self, deadline: Deadline) -> Result<AgentReply, IpcError> {
        self.agent.as_mut().ok_or(IpcError::Closed)?.receive(deadline)
    }
}

/// What ends the wait for a key early.
pub(super) enum Interrupted {
    Refused(Refusal),
    AgentLost(IpcError),
}

impl From<Refusal> for Interrupted {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A message that does not belong here.
pub(super) fn unexpected(who: &str) -> Refusal {
    Refusal::new(Code::ProtocolError, format!("{who}: a message that does not belong here"))
}
