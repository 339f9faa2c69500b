//! Whose key is plugged in: what devices claim, and what they prove.
//!
//! ```text
//!   Identify{challenge} ─> key process ─ claims ─> proven? ─┬─ yes: this person's, and only now
//!                             ^                             │       a name, a question, a failure
//!                             │                             │       that counts
//!                             └────── PassOver <────────────┴─ no: remembered as a suspect
//! ```
//! The agent is watched meanwhile, as the key may go to another login.

use std::time::Duration;

use wardkey_core::code::{Code, Denial, Notice, Prompt};
use wardkey_core::codec::List;
use wardkey_core::id::CredentialId;
use wardkey_core::message::agent::Candidates;
use wardkey_core::message::key::{Claim, Identified, Identify, KeyInfo};
use wardkey_core::proof::identification::{IdentifyData, Proven};
use wardkey_ipc::{Channel, Deadline, IpcError, Ready, wait_readable};

use super::agent::{Interrupted, unexpected};
use super::attempt::{Attempt, MAX_MESSAGES};
use super::claims::{Found, all_of, client_data_of, silent_of};
use super::replies::{AgentReply, KeyReply};
use super::requests::KeyRequest;
use super::search::{Search, Target};
use super::speaker::Once;
use super::states::{Recognition, SearchResult};
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;

/// Answers of the key process in one search: a device that lies may be plugged in again and again.
const MAX_CLAIMS: usize = 512;

/// Candidates of one login. The agent could go on for ever.
const MAX_CANDIDATES: usize = 1 << 15;
/// After so many the person is told that it takes long.
const PATIENT: usize = 1024;

/// What a claim was worth.
type ClaimResult = Result<(Box<VerifiedPerson>, Proven), Denial>;

/// What is asked for where no key comes.
#[derive(Clone, Copy)]
pub(super) enum Instead {
    /// Nothing: the login ends.
    Nothing,
    /// At this time a code.
    Code(Deadline),
    /// The name of who logs in; at once, when a key comes that does not say it.
    Name,
}

/// What was heard while a key was looked for.
pub(super) enum Heard {
    /// Devices claim credentials.
    Claims(Box<Identified>),
    /// Further credentials are to be named.
    NoneYet,
    /// No key has come for so long that something else is asked for.
    NoKey,
}

impl Attempt<'_, '_> {
    /// Has the keys that are plugged in, or will be, prove whose they are, until one is of who is
    /// looked for. With `at_once` it must be there already; one that stumbles has a moment to
    /// answer.
    pub(super) fn identify(
        &mut self,
        agent: &mut Channel,
        mut key: Channel,
        mut search: Search,
        at_once: bool,
    ) -> Result<SearchResult, Interrupted> {
        let challenge = self.request_identification(&mut key, &search)?;
        let instead = self.code_is_asked_for(at_once).map_or(Instead::Nothing, Instead::Code);
        let moment = at_once.then(|| Deadline::after(self.world.timeouts.search_grace));
        // Why a key of the person that proved itself cannot be used: said when there is no other
        // one.
        let mut unusable: Option<Refusal> = None;
        for _ in 0..MAX_CLAIMS {
            let absent_until =
                if unusable.is_some() { Some(Deadline::after(Duration::ZERO)) } else { moment };
            let identified = match (self.claims(agent, &mut key, absent_until, instead), &unusable)
            {
                (Ok(Heard::Claims(identified)), _) => *identified,
                // The person's own key was there: all further pages would only put the refusal off.
                (Ok(_), Some(refusal)) => return Err(refusal.clone().into()),
                (Ok(Heard::NoKey), None) => {
                    drop(key);
                    let shared = matches!(search.target, Target::Shared(_));
                    return self.ask_for_code(shared).map(SearchResult::Code);
                }
                (Ok(Heard::NoneYet), None) => {
                    self.ask_further(agent, &mut key, &mut search)?;
                    continue;
                }
                (Err(interrupted), Some(refusal)) => return Err(interrupted.because(refusal)),
                (Err(interrupted), None) => return Err(interrupted),
            };
            let (proven, mut passed_over) =
                self.verify_claims(agent, &search, &challenge, identified)?;
            let mut found: Vec<Found> = Vec::new();
            for one in proven {
                match one.person.may_use(one.proven.credential(), self.login, &self.world) {
                    Ok(()) => found.push(one),
                    Err(refusal) => {
                        self.recognise(&one.person, &one.proven);
                        unusable = Some(refusal);
                        passed_over.push(one.key.path);
                    }
                }
            }
            if found.is_empty() {
                self.pass_over(&mut key, passed_over)?;
                continue;
            }

            // Those that were there may be gone.
            let chosen = self.the_one(agent, key, found, &search)?;
            let (Found { person, proven, key: info }, key) = chosen.ok_or(Interrupted::Anew)?;
            self.recognise(&person, &proven);
            let KeyInfo { path, details, .. } = info;
            let recognition =
                Recognition::new(person, proven, path, details, &self.world, self.login)?;
            return Ok(SearchResult::Key(key, Box::new(recognition)));
        }
        Err(Refusal::new(Code::KeyFault, "devices that claim to be keys without end").into())
    }

    /// Asks whose key is plugged in, or will be while it is waited, by a fresh challenge.
    pub(super) fn request_identification(
        &self,
        key: &mut Channel,
        search: &Search,
    ) -> Result<IdentifyData, Refusal> {
        let challenge = self.challenge()?;
        let allow =
            List::new(search.allow.clone()).map_err(|error| Refusal::new(Code::Internal, error))?;
        let request = KeyRequest::Identify(Identify {
            rp_id: search.rp_id.clone(),
            allow,
            wait_ms: self.patience.wait_ms(),
            client_data: client_data_of(&challenge)?,
            // Who changes a PIN must mean that key, also of several of one's own.
            every: matches!(search.target, Target::Shared(_)) || self.login.changes_pin,
            more: search.more.map(|_| true),
        });
        self.ask_key(key, &request)?;
        Ok(challenge)
    }

    /// Has the search go on without these devices, which proved nothing that helps.
    pub(super) fn pass_over(&self, key: &mut Channel, paths: Vec<String>) -> Result<(), Refusal> {
        let paths = List::new(paths).map_err(|error| Refusal::new(Code::Internal, error))?;
        self.ask_key(key, &KeyRequest::PassOver(paths))
    }

    /// Those of several claims that are proven, and the nodes of the others: suspects from here on.
    pub(super) fn verify_claims(
        &mut self,
        agent: &mut Channel,
        search: &Search,
        challenge: &IdentifyData,
        identified: Identified,
    ) -> Result<(Vec<Found>, Vec<String>), Interrupted> {
        let (mut found, mut passed_over) = (Vec::new(), Vec::new());
        for claim in all_of(identified)? {
            match self.proof(agent, search, challenge, &claim)? {
                Ok((person, proven)) => found.push(Found { person, proven, key: claim.key }),
                Err(denial) => {
                    self.suspect(&claim.key, &denial);
                    passed_over.push(claim.key.path);
                }
            }
        }
        Ok((found, passed_over))
    }

    /// The key that is meant, and the process that has it: of several people's keys the one that is
    /// touched. None: there is none, or none any more.
    fn the_one(
        &mut self,
        agent: &mut Channel,
        key: Channel,
        found: Vec<Found>,
        search: &Search,
    ) -> Result<Option<(Found, Channel)>, Interrupted> {
        let Some(first) = found.first() else { return Ok(None) };
        // A device that lies says that it was touched, and both PINs would go to it. At a login
        // the signature comes after the PIN; here nothing does.
        if self.login.changes_pin && found.len() > 1 {
            let why = "more than one device has proved itself where a PIN is to be changed";
            return Err(Refusal::new(Code::SeveralKeys, why).into());
        }
        let of_the_same =
            |other: &Found| other.person.snapshot.login() == first.person.snapshot.login();
        if found.iter().all(of_the_same) {
            return Ok(found.into_iter().next().map(|found| (found, key)));
        }
        drop(key);
        self.choose(agent, found, &search.rp_id)
    }

    fn ask_key(&self, key: &mut Channel, request: &KeyRequest) -> Result<(), Refusal> {
        key.send(request, self.patience.answer()).map_err(|error| Refusal::key(&error))
    }

    /// The next answer of the key process that names devices, or why there is none. Where the key
    /// must be there already, it may seem absent until `absent_until`.
    pub(super) fn claims(
        &mut self,
        agent: &mut Channel,
        key: &mut Channel,
        absent_until: Option<Deadline>,
        instead: Instead,
    ) -> Result<Heard, Interrupted> {
        let asks_name = matches!(instead, Instead::Name);
        let code_at = match instead {
            Instead::Code(at) => Some(at),
            Instead::Nothing | Instead::Name => None,
        };
        let mut silent = self.patience.within(self.patience.silent());
        let mut is_absent = false;

        for _ in 0..MAX_MESSAGES {
            let waits =
                self.speaker.has_said(Once::Insert) || self.speaker.has_said(Once::Unregistered);
            let asked_at = code_at.filter(|_| waits);
            let until = asked_at.map_or(silent, |at| silent.min(at));

            let ready = match wait_readable(agent, key, until) {
                Ok(ready) => ready,
                Err(IpcError::TimedOut) if asked_at.is_some_and(|at| at.has_passed()) => {
                    return Ok(Heard::NoKey);
                }
                Err(IpcError::TimedOut) if asks_name => return Ok(Heard::NoKey),
                Err(IpcError::TimedOut) if is_absent => return Err(removed().into()),
                Err(IpcError::TimedOut) if self.speaker.has_said(Once::Insert) => {
                    return Err(Refusal::new(Code::KeyTimeout, "no key was inserted").into());
                }
                Err(error) => return Err(Refusal::key(&error).into()),
            };

            if ready == Ready::First {
                self.hear_agent(agent)?;
                continue;
            }

            match key.receive(self.patience.answer()).map_err(|error| Refusal::key(&error))? {
                KeyReply::Identified(identified) => return Ok(Heard::Claims(Box::new(identified))),
                KeyReply::NoneYet => return Ok(Heard::NoneYet),
                KeyReply::Unregistered(_) | KeyReply::Failed(_) if asks_name => {
                    return Ok(Heard::NoKey);
                }
                KeyReply::Insert if asks_name => {
                    if self.speaker.is_first(Once::Insert) {
                        self.speaker.aside(self.world.talk, Prompt::InsertOrWait);
                    }
                }
                KeyReply::Insert | KeyReply::Unregistered(_) if absent_until.is_some() => {
                    is_absent = true;
                    silent = absent_until.map_or(silent, |until| silent.min(until));
                }
                // Whom no notice reaches is asked for either.
                KeyReply::Insert | KeyReply::Unregistered(_)
                    if code_at.is_some() && self.world.talk.silent() =>
                {
                    return Ok(Heard::NoKey);
                }
                KeyReply::Insert => {
                    if self.speaker.is_first(Once::Insert) {
                        self.ask_for_key(Prompt::InsertKey.into())?;
                        silent = silent.min(self.patience.silent());
                    }
                }
                KeyReply::Unregistered(why) => {
                    if self.speaker.is_first(Once::Unregistered) {
                        let why = match why {
                            Code::KeyCannotIdentify | Code::PinMustChange => why,
                            _ => Code::KeyNotRegistered,
                        };
                        self.ask_for_key(why.into())?;
                        silent = silent.min(self.patience.silent());
                    }
                }
                KeyReply::Failed(_) if is_absent => return Err(removed().into()),
                KeyReply::Failed(failure) => return Err(Refusal::from(failure).into()),
                _ => return Err(unexpected("key process").into()),
            }
        }
        Err(Refusal::new(Code::ProtocolError, "messages without end").into())
    }

    /// What the agent says while a key is looked for: whether it is looked for still.
    fn hear_agent(&mut self, agent: &mut Channel) -> Result<(), Interrupted> {
        match agent.receive(self.patience.answer()).map_err(|error| self.agent_lost(&error))? {
            AgentReply::Wait => Err(self.wait_for_turn()),
            AgentReply::Refused(refusal) => Err(Refusal::from(refusal).into()),
            // The answer to a Hold that a Wait crossed; it is asked again.
            AgentReply::Granted(_) | AgentReply::Held => Ok(()),
            AgentReply::Recorded(..) | AgentReply::Candidates(_) | AgentReply::Time(_) => {
                Err(unexpected("agent").into())
            }
        }
    }

    /// A shared account of many: asks the keys for the next page of those who may use it.
    fn ask_further(
        &mut self,
        agent: &mut Channel,
        key: &mut Channel,
        search: &mut Search,
    ) -> Result<(), Interrupted> {
        let (Some(page), Target::Shared(candidates)) = (search.more.take(), &mut search.target)
        else {
            return Err(unexpected("key process").into());
        };
        if candidates.len() >= PATIENT && self.speaker.is_first(Once::Searching) {
            self.speaker.aside(self.world.talk, Notice::KeySearching);
        }
        let Candidates { candidates: further, more } = *self.candidates(agent, page)?;

        let ids: Vec<CredentialId> =
            further.iter().map(|candidate| candidate.credential.clone()).collect();
        search.allow.extend(ids.iter().cloned());
        candidates.extend(further.into_vec());
        search.more = more.filter(|_| candidates.len() < MAX_CANDIDATES && !ids.is_empty());
        let allow = List::new(ids).map_err(|error| Refusal::new(Code::Internal, error))?;
        self.ask_key(key, &KeyRequest::AskFurther { allow, more: search.more.is_some() })?;
        Ok(())
    }

    /// Whether a device holds the credential that it claims, and whose that is.
    fn proof(
        &mut self,
        agent: &mut Channel,
        search: &Search,
        challenge: &IdentifyData,
        claim: &Claim,
    ) -> Result<ClaimResult, Interrupted> {
        let denied = |why: &str| Ok(Err(Denial::new(Code::DeviceNotProven, why)));
        if !search.allow.contains(&claim.proof.credential) {
            return denied("claims a credential that was not asked for");
        }
        let person = match &search.target {
            // Only what was made up is asked for then.
            Target::Nobody => return denied("claims a credential that nobody has"),
            Target::Person(person) => person.clone(),
            Target::Shared(candidates) => {
                let of = |candidate: &&wardkey_core::message::agent::Candidate| {
                    candidate.credential == claim.proof.credential
                };
                let Some(candidate) = candidates.iter().find(of) else {
                    return denied("claims a credential of no candidate");
                };
                let name = candidate.person.clone();
                self.prove(agent, &name)?
            }
        };
        let silent = silent_of(claim, challenge)?;
        Ok(silent.prove(challenge, &person.snapshot).map(|proven| (person, proven)))
    }
}

fn removed() -> Refusal {
    Refusal::new(Code::KeyRemoved, "the key was removed while the PIN was typed")
}
