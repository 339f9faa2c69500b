//! Connections, evidence, and whose key is plugged.

use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::id::CredentialId;
use wardkey_core::message::agent::{Grant, Request as AgentRequest};
use wardkey_core::message::key::{Identified, Identify, Request as KeyRequest};
use wardkey_core::name::LoginName;
use wardkey_ipc::{Channel, Deadline, IpcError, Ready, wait_readable};

use super::judge::{Person, Search, Sought, Standing};
use super::replies::{AgentReply, KeyReply};
use super::{ANSWER, Attempt, MAX_MESSAGES, seconds};
use crate::refusal::Refusal;

/// Times that a login starts over because the agent was lost.
const MAX_LOST: u8 = 2;
/// Times that the key goes to another login and comes back.
const MAX_ROUNDS: usize = 32;
/// The key process answers at its own deadline; this much later it counts as silent.
const GRACE: Duration = seconds(3);

/// Something that ends a round without a refusal: start over, or go on.
enum Round<T> {
    Done(T),
    Again,
}

impl Attempt<'_, '_> {
    /// Connects, has the evidence judged and the key identified. With `again`, the question has been
    /// answered: only the key that holds this credential will do, and at once.
    pub(super) fn establish(&mut self, again: Option<&CredentialId>) -> Result<Standing, Refusal> {
        for _ in 0..MAX_ROUNDS {
            if let Round::Done(standing) = self.round(again)? {
                return Ok(standing);
            }
        }
        Err(Refusal::new(Code::KeyInUse, "the key went to another login again and again"))
    }

    fn round(&mut self, again: Option<&CredentialId>) -> Result<Round<Standing>, Refusal> {
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
        let search = self.judge(&grant)?;
        let connected = match early {
            Some(Ok(key)) => Ok(key),
            Some(Err(_)) | None => self.world.sockets.key(true),
        };
        self.key = Some(connected.map_err(|error| Refusal::key(&error))?);
        let identified = match self.identify(&search, again.is_some())? {
            Round::Done(identified) => identified,
            Round::Again => {
                self.key = None;
                return Ok(Round::Again);
            }
        };
        let credential = identified.credential.filter(|credential| search.allow.contains(credential));
        if again.is_some() && credential.as_ref() != again {
            return Err(Refusal::new(Code::KeyRemoved, "the key was changed after it was identified"));
        }
        let details = identified.key.details;
        let since = Instant::now();
        let sought = match (search.sought, &credential) {
            (Sought::Shared(candidates), Some(credential)) => {
                let found = candidates.iter().find(|candidate| candidate.credential == *credential);
                let Some(candidate) = found else {
                    return Err(Refusal::new(Code::Internal, "a candidate was lost"));
                };
                match self.prove(&candidate.person)? {
                    Round::Done(person) if person.snapshot.known_credentials().contains(credential) => {
                        Sought::Person(person)
                    }
                    // The agent's list was wrong: then the key is nobody's.
                    Round::Done(_) => Sought::Nobody("the key is not of the person that the agent named".into()),
                    Round::Again => {
                        self.key = None;
                        return Ok(Round::Again);
                    }
                }
            }
            (sought, _) => sought,
        };
        Ok(Round::Done(Standing { sought, credential, details, since }))
    }

    /// Waits for the key to be this login's. Who waits does not keep a key process.
    fn wait_granted(&mut self, early: &mut Option<Result<Channel, IpcError>>) -> Result<Round<Box<Grant>>, Refusal> {
        for _ in 0..MAX_MESSAGES {
            let deadline = if self.waiting { self.until } else { Deadline::after(ANSWER) };
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

    /// Asks the key process whose key is plugged, and watches the agent meanwhile.
    fn identify(&mut self, search: &Search, at_once: bool) -> Result<Round<Identified>, Refusal> {
        let left = u32::try_from(self.until.left().as_millis()).unwrap_or(u32::MAX);
        let allow = List::new(search.allow.clone()).map_err(|error| Refusal::new(Code::Internal, error))?;
        let request = Identify { rp_id: search.rp_id.clone(), allow, wait_ms: left };
        let (Some(mut key), Some(mut agent)) = (self.key.take(), self.agent.take()) else {
            return Err(Refusal::new(Code::Internal, "not connected"));
        };
        key.send(&KeyRequest::Identify(request), Deadline::after(ANSWER)).map_err(|error| Refusal::key(&error))?;
        let silent = Deadline::after(self.until.left() + GRACE);
        let result = self.watch_both(&mut agent, &mut key, silent, at_once);
        self.key = Some(key);
        match result {
            Ok(round) => {
                self.agent = Some(agent);
                Ok(round)
            }
            Err(Interrupted::Refused(refusal)) => {
                self.agent = Some(agent);
                Err(refusal)
            }
            Err(Interrupted::AgentLost(error)) => self.agent_lost(&error),
        }
    }

    fn watch_both(
        &mut self,
        agent: &mut Channel,
        key: &mut Channel,
        silent: Deadline,
        at_once: bool,
    ) -> Result<Round<Identified>, Interrupted> {
        for _ in 0..MAX_MESSAGES {
            let ready = match wait_readable(agent, key, silent) {
                Ok(ready) => ready,
                Err(IpcError::TimedOut) if self.told_insert => {
                    return Err(Refusal::new(Code::KeyTimeout, "no key was inserted").into());
                }
                Err(error) => return Err(Refusal::key(&error).into()),
            };
            if ready == Ready::First {
                match agent.receive(Deadline::after(ANSWER)).map_err(Interrupted::AgentLost)? {
                    AgentReply::Wait => {
                        self.wait_for_turn();
                        return Ok(Round::Again);
                    }
                    AgentReply::Refused(refusal) => return Err(Refusal::from(refusal).into()),
                    // The answer to a Hold that a Wait crossed; it is asked again.
                    AgentReply::Granted(_) | AgentReply::Held => {}
                    AgentReply::Recorded(..) => return Err(unexpected("agent").into()),
                }
                continue;
            }
            match key.receive(Deadline::after(ANSWER)).map_err(|error| Refusal::key(&error))? {
                KeyReply::Identified(identified) => return Ok(Round::Done(identified)),
                KeyReply::Insert if at_once => {
                    return Err(Refusal::new(Code::KeyRemoved, "the key was removed while the PIN was typed").into());
                }
                KeyReply::Insert => {
                    if !std::mem::replace(&mut self.told_insert, true) {
                        self.inform(Code::InsertKey);
                    }
                }
                KeyReply::Failed(failure) => return Err(Refusal::from(failure).into()),
                _ => return Err(unexpected("key process").into()),
            }
        }
        Err(Refusal::new(Code::ProtocolError, "messages without end").into())
    }

    /// For a shared account: evidence for the person whose key was found.
    fn prove(&mut self, person: &LoginName) -> Result<Round<Box<Person>>, Refusal> {
        let account = self.login.account.as_ref().unwrap_or(person);
        if let Err(error) = self.tell_agent(&AgentRequest::Prove(person.clone())) {
            return self.agent_lost(&error);
        }
        for _ in 0..MAX_MESSAGES {
            match self.hear_agent(Deadline::after(ANSWER)) {
                Ok(AgentReply::Granted(grant)) => {
                    let evidence = grant.evidence.as_ref();
                    let proven = Person::verify(&self.world, self.login, evidence, person, account)?;
                    return Ok(Round::Done(Box::new(proven)));
                }
                Ok(AgentReply::Wait) => {
                    self.wait_for_turn();
                    // What comes next could answer either request: a new connection leaves no doubt.
                    self.agent = None;
                    return Ok(Round::Again);
                }
                Ok(AgentReply::Held) => {}
                Ok(AgentReply::Refused(refusal)) => return Err(refusal.into()),
                Ok(AgentReply::Recorded(..)) => break,
                Err(error) => return self.agent_lost(&error),
            }
        }
        Err(unexpected("agent"))
    }

    /// Another login has the key.
    pub(super) fn wait_for_turn(&mut self) {
        self.waiting = true;
        if !std::mem::replace(&mut self.told_wait, true) {
            self.inform(Code::WaitForKey);
        }
    }

    /// The agent hung up or is silent: it may have been restarted, so the login starts over, a few times.
    fn agent_lost<T>(&mut self, error: &IpcError) -> Result<Round<T>, Refusal> {
        self.agent = None;
        self.key = None;
        self.lost += 1;
        let gone = matches!(error, IpcError::Closed | IpcError::Io(_));
        if gone && self.lost <= MAX_LOST { Ok(Round::Again) } else { Err(Refusal::agent(error)) }
    }

    /// Counts a lost agent outside a round.
    pub(super) fn note_lost_agent(&mut self, error: &IpcError) -> Result<(), Refusal> {
        self.agent_lost::<()>(error).map(drop)
    }

    pub(super) fn tell_agent(&mut self, request: &AgentRequest) -> Result<(), IpcError> {
        self.agent.as_mut().ok_or(IpcError::Closed)?.send(request, Deadline::after(ANSWER))
    }

    pub(super) fn hear_agent(&mut self, deadline: Deadline) -> Result<AgentReply, IpcError> {
        self.agent.as_mut().ok_or(IpcError::Closed)?.receive(deadline)
    }
}

/// What ends the wait for a key early.
enum Interrupted {
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
