//! Whose key is plugged in: what devices claim, and what they prove.
//!
//! ```text
//!   Identify{challenge} ─> key process ─ claims ─> proven? ─┬─ yes: this person's, and only now a name,
//!                             ^                             │       a question, a failure that counts
//!                             └────── PassOver <────────────┴─ no: remembered as a suspect
//! ```
//! The agent is watched meanwhile, as the key may go to another login.

use std::time::Duration;

use wardkey_core::code::{Code, Denial};
use wardkey_core::codec::{self, Bytes, Document, List};
use wardkey_core::id::{CredentialId, Nonce};
use wardkey_core::message::agent::{Candidates, MAX_SUSPECTS, Suspect};
use wardkey_core::message::key::{Claim, Identified, Identify, KeyInfo, MAX_DEVICES, Request as KeyRequest};
use wardkey_core::name::printable;
use wardkey_core::proof::identification::{IdentifyData, Proven, SilentAssertion};
use wardkey_ipc::{Channel, Deadline, IpcError, Ready, wait_readable};

use super::establish::{Interrupted, Round, unexpected};
use super::replies::{AgentReply, KeyReply};
use super::search::{Search, Target};
use super::states::Recognised;
use super::verified_person::VerifiedPerson;
use super::{Attempt, MAX_MESSAGES};
use crate::refusal::Refusal;

/// Answers of the key process in one search: a device that lies may be plugged in again and again.
const MAX_CLAIMS: usize = 512;

/// Candidates of one login. The agent could go on for ever.
const MAX_CANDIDATES: usize = 1 << 15;
/// After so many the person is told that it takes long.
const PATIENT: usize = 1024;

/// What a claim was worth.
type ClaimResult = Result<(Box<VerifiedPerson>, Proven), Denial>;

/// A device that proved whose it is.
pub(super) struct Found {
    pub person: Box<VerifiedPerson>,
    pub proven: Proven,
    pub key: KeyInfo,
}

impl Attempt<'_, '_> {
    /// Has the keys that are plugged in, or will be, prove whose they are, until one is of who is looked for.
    /// With `at_once` it must be there already; one that stumbles has a moment to answer.
    pub(super) fn identify(&mut self, mut search: Search, at_once: bool) -> Result<Round<Recognised>, Refusal> {
        let challenge = self.challenge()?;
        let left = u32::try_from(self.until.left().as_millis()).unwrap_or(u32::MAX);
        let internal = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error);
        let request = KeyRequest::Identify(Identify {
            rp_id: search.rp_id.clone(),
            allow: List::new(search.allow.clone()).map_err(|error| internal(&error))?,
            wait_ms: left,
            client_data: client_data_of(&challenge)?,
            every: matches!(search.target, Target::Shared(_)),
            more: search.more.map(|_| true),
        });
        self.ask_key(&request)?;
        let moment = at_once.then(|| Deadline::after(self.world.timeouts.search_grace));
        // Why a key of the person that proved itself cannot be used: said when there is no other one.
        let mut unusable: Option<Refusal> = None;
        for _ in 0..MAX_CLAIMS {
            let absent_until = if unusable.is_some() { Some(Deadline::after(Duration::ZERO)) } else { moment };
            let identified = match (self.claims(absent_until), &unusable) {
                (Ok(Round::Done(Some(identified))), _) => identified,
                // The person's own key was there: all further pages would only put the refusal off.
                (Ok(Round::Done(None)), Some(refusal)) => return Err(refusal.clone()),
                (Ok(Round::Done(None)), None) => match self.ask_further(&mut search)? {
                    Round::Done(()) => continue,
                    Round::Again => return Ok(Round::Again),
                },
                (Ok(Round::Again), _) => return Ok(Round::Again),
                (Err(_), Some(refusal)) => return Err(refusal.clone()),
                (Err(refusal), None) => return Err(refusal),
            };
            let mut found: Vec<Found> = Vec::new();
            let mut passed_over = Vec::new();
            for claim in all_of(identified)? {
                let Round::Done(outcome) = self.proof(&mut search, &challenge, &claim)? else {
                    return Ok(Round::Again);
                };
                match outcome {
                    Ok((person, proven)) => match person.may_use(proven.credential(), self.login) {
                        Ok(()) => found.push(Found { person, proven, key: claim.key }),
                        Err(refusal) => {
                            self.recognise(&person, &proven);
                            unusable = Some(refusal);
                            passed_over.push(claim.key.path);
                        }
                    },
                    Err(denial) => {
                        self.suspect(&claim.key, &denial);
                        passed_over.push(claim.key.path);
                    }
                }
            }
            let first = found.first().map(|found| found.person.snapshot.login().clone());
            let chosen = if found.iter().any(|found| Some(found.person.snapshot.login()) != first.as_ref()) {
                match self.choose(found, &search.rp_id)? {
                    Round::Done(Some(chosen)) => Some(chosen),
                    Round::Done(None) => {
                        // Those that were there are gone: begin anew.
                        self.agent = None;
                        return Ok(Round::Again);
                    }
                    Round::Again => return Ok(Round::Again),
                }
            } else {
                found.into_iter().next()
            };
            if let Some(Found { person, proven, key }) = chosen {
                let KeyInfo { path, details, .. } = key;
                self.recognise(&person, &proven);
                let recognised = Recognised::new(person, proven, path, details, &self.world, self.login)?;
                return Ok(Round::Done(recognised));
            }
            let passed_over = List::new(passed_over).map_err(|error| internal(&error))?;
            self.ask_key(&KeyRequest::PassOver(passed_over))?;
        }
        Err(Refusal::new(Code::KeyFault, "devices that claim to be keys without end"))
    }

    pub(super) fn challenge(&self) -> Result<IdentifyData, Refusal> {
        let mut nonce = [0; Nonce::LEN];
        self.world.machine.random(&mut nonce)?;
        Ok(IdentifyData { nonce: Nonce::new(nonce), terminal: self.world.anchor.terminal })
    }

    fn ask_key(&mut self, request: &KeyRequest) -> Result<(), Refusal> {
        let key = self.key.as_mut().ok_or_else(|| Refusal::key(&IpcError::Closed))?;
        key.send(request, Deadline::after(self.world.timeouts.answer)).map_err(|error| Refusal::key(&error))
    }

    /// The next answer of the key process that names devices; none: further credentials are to be named. Where
    /// the key must be there already, it may seem absent until `absent_until`.
    fn claims(&mut self, absent_until: Option<Deadline>) -> Result<Round<Option<Identified>>, Refusal> {
        let (Some(mut key), Some(mut agent)) = (self.key.take(), self.agent.take()) else {
            return Err(Refusal::new(Code::Internal, "not connected"));
        };
        let silent = Deadline::after(self.until.left() + self.world.timeouts.search_grace);
        match self.watch_both(&mut agent, &mut key, silent, absent_until) {
            Ok(round) => {
                self.agent = Some(agent);
                self.key = matches!(round, Round::Done(_)).then_some(key);
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
        mut silent: Deadline,
        absent_until: Option<Deadline>,
    ) -> Result<Round<Option<Identified>>, Interrupted> {
        let mut is_absent = false;
        for _ in 0..MAX_MESSAGES {
            let ready = match wait_readable(agent, key, silent) {
                Ok(ready) => ready,
                Err(IpcError::TimedOut) if is_absent => return Err(removed().into()),
                Err(IpcError::TimedOut) if self.told.insert => {
                    return Err(Refusal::new(Code::KeyTimeout, "no key was inserted").into());
                }
                Err(error) => return Err(Refusal::key(&error).into()),
            };
            if ready == Ready::First {
                match agent.receive(Deadline::after(self.world.timeouts.answer)).map_err(Interrupted::AgentLost)? {
                    AgentReply::Wait => {
                        self.wait_for_turn();
                        return Ok(Round::Again);
                    }
                    AgentReply::Refused(refusal) => return Err(Refusal::from(refusal).into()),
                    // The answer to a Hold that a Wait crossed; it is asked again.
                    AgentReply::Granted(_) | AgentReply::Held => {}
                    AgentReply::Recorded(..) | AgentReply::Candidates(_) | AgentReply::Time(_) => {
                        return Err(unexpected("agent").into());
                    }
                }
                continue;
            }
            match key.receive(Deadline::after(self.world.timeouts.answer)).map_err(|error| Refusal::key(&error))? {
                KeyReply::Identified(identified) => return Ok(Round::Done(Some(identified))),
                KeyReply::NoneYet => return Ok(Round::Done(None)),
                KeyReply::Insert | KeyReply::Unregistered(_) if absent_until.is_some() => {
                    is_absent = true;
                    silent = absent_until.map_or(silent, |until| silent.min(until));
                }
                KeyReply::Insert => {
                    if !std::mem::replace(&mut self.told.insert, true) {
                        self.say_or_ask(Code::InsertKey, Code::InsertThenEnter)?;
                        silent = silent.min(Deadline::after(self.until.left() + self.world.timeouts.search_grace));
                    }
                }
                KeyReply::Unregistered(why) => {
                    if !std::mem::replace(&mut self.told.unregistered, true) {
                        let why = match why {
                            Code::KeyCannotIdentify => Code::KeyCannotIdentify,
                            _ => Code::KeyNotRegistered,
                        };
                        self.say_or_ask(why, Code::InsertThenEnter)?;
                        silent = silent.min(Deadline::after(self.until.left() + self.world.timeouts.search_grace));
                    }
                }
                KeyReply::Failed(_) if is_absent => return Err(removed().into()),
                KeyReply::Failed(failure) => return Err(Refusal::from(failure).into()),
                _ => return Err(unexpected("key process").into()),
            }
        }
        Err(Refusal::new(Code::ProtocolError, "messages without end").into())
    }

    /// A shared account of many: asks the keys for the next page of those who may use it.
    fn ask_further(&mut self, search: &mut Search) -> Result<Round<()>, Refusal> {
        let (Some(page), Target::Shared(candidates)) = (search.more.take(), &mut search.target) else {
            return Err(unexpected("key process"));
        };
        if candidates.len() >= PATIENT && !std::mem::replace(&mut self.told.searching, true) {
            self.inform(Code::KeySearching);
        }
        let Candidates { candidates: further, more } = match self.candidates(page)? {
            Round::Done(page) => *page,
            Round::Again => return Ok(Round::Again),
        };

        let ids: Vec<CredentialId> = further.iter().map(|candidate| candidate.credential.clone()).collect();
        search.allow.extend(ids.iter().cloned());
        candidates.extend(further.into_vec());
        search.more = more.filter(|_| candidates.len() < MAX_CANDIDATES && !ids.is_empty());
        let allow = List::new(ids).map_err(|error| Refusal::new(Code::Internal, error))?;
        self.ask_key(&KeyRequest::AskFurther { allow, more: search.more.is_some() })?;
        Ok(Round::Done(()))
    }

    /// Whether a device holds the credential that it claims, and whose that is.
    fn proof(
        &mut self,
        search: &mut Search,
        challenge: &IdentifyData,
        claim: &Claim,
    ) -> Result<Round<ClaimResult>, Refusal> {
        let denied = |why: &str| Ok(Round::Done(Err(Denial::new(Code::DeviceNotProven, why))));
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
                match self.prove(&name)? {
                    Round::Done(person) => person,
                    Round::Again => return Ok(Round::Again),
                }
            }
        };
        let silent = silent_of(claim, challenge)?;
        Ok(Round::Done(silent.prove(challenge, &person.snapshot).map(|proven| (person, proven))))
    }

    /// Remembers a device that claimed what it did not prove, for the record.
    pub(super) fn suspect(&mut self, key: &KeyInfo, denial: &Denial) {
        let suspect = Suspect {
            vendor: key.vendor,
            product: key.product,
            path: printable(&key.path, 64),
            name: printable(&key.name, 64),
            why: printable(&denial.detail, 128),
        };
        if self.suspects.len() >= MAX_SUSPECTS || self.suspects.iter().any(|other| other.path == suspect.path) {
            return;
        }
        let Suspect { vendor, product, path, name, why } = &suspect;
        let device = format!("{name} ({vendor:04x}:{product:04x}, {path})");
        self.world.journal.notice(&format!("a device proved nothing and is passed over: {device}: {why}"));
        self.suspects.push(suspect);
    }
}

fn removed() -> Refusal {
    Refusal::new(Code::KeyRemoved, "the key was removed while the PIN was typed")
}

/// The challenge as what a key signs.
pub(super) fn client_data_of(challenge: &IdentifyData) -> Result<Bytes<{ IdentifyData::MAX_BYTES }>, Refusal> {
    Bytes::new(codec::to_bytes(challenge)).map_err(|error| Refusal::new(Code::Internal, error))
}

/// What a device says it signed of the challenge.
pub(super) fn silent_of(claim: &Claim, challenge: &IdentifyData) -> Result<SilentAssertion, Refusal> {
    Ok(SilentAssertion {
        credential: claim.proof.credential.clone(),
        client_data: client_data_of(challenge)?,
        auth_data: claim.proof.auth_data.clone(),
        signature: claim.proof.signature.clone(),
    })
}

/// All that claim something, of a key process that shows what they signed.
pub(super) fn all_of(identified: Identified) -> Result<Vec<Claim>, Refusal> {
    let Identified { key, proof, others, .. } = identified;
    let proof = proof.ok_or_else(|| {
        Refusal::new(Code::ProtocolError, "the key process shows no proof: restart wardkey-key after an upgrade")
    })?;
    let others = others.map(List::into_vec).unwrap_or_default();
    Ok(std::iter::once(Claim { key, proof }).chain(others).take(MAX_DEVICES).collect())
}
