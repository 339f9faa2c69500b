//! Where the clock makes the directory look old, the server is asked for the time.
//!
//! The answer is signed over a nonce of this login, so the agent can keep it back and not make it. It is asked
//! for only where it can change something: a terminal whose directory is fresh by its clock asks nobody.

use wardkey_core::code::Code;
use wardkey_core::document::SignedRoot;
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::{Grant, Request as AgentRequest};
use wardkey_core::policy::stage::Stage;
use wardkey_core::server_time::{Attested, SignedTime};
use wardkey_core::time::ClockReading;
use wardkey_ipc::Deadline;

use super::establish::{Round, unexpected};
use super::replies::AgentReply;
use super::search::Search;
use super::verified_person::VerifiedPerson;
use super::{Attempt, MAX_MESSAGES};
use crate::refusal::Refusal;
use crate::world::World;

/// Whether the server's time could change the evaluation.
pub(super) fn is_late(verified: &Result<Search, Refusal>) -> bool {
    match verified {
        Ok(search) => search.stage != Stage::Online,
        Err(refusal) => is_too_old(refusal),
    }
}

fn is_too_old(refusal: &Refusal) -> bool {
    refusal.code == Code::OfflineTooLong
}

/// The same of a person.
pub(super) fn is_late_for(verified: &Result<VerifiedPerson, Refusal>) -> bool {
    match verified {
        Ok(person) => person.stage != Stage::Online,
        Err(refusal) => is_too_old(refusal),
    }
}

/// A challenge, and what the clocks say as it is made.
pub(super) struct Question {
    pub nonce: Nonce,
    asked: ClockReading,
}

impl Question {
    /// # Errors
    /// No randomness, or no clock.
    pub fn new(world: &World<'_>) -> Result<Self, Refusal> {
        let mut nonce = [0; Nonce::LEN];
        world.machine.random(&mut nonce)?;
        Ok(Self { nonce: Nonce::new(nonce), asked: world.machine.clock()? })
    }

    /// What the answer says, by the root documents that the agent shows.
    ///
    /// # Errors
    /// The answer is not the server's.
    pub fn verify(self, world: &World<'_>, grant: &Grant, signed: &SignedTime) -> Result<Attested, Refusal> {
        let evidence =
            grant.evidence.as_ref().ok_or_else(|| Refusal::new(Code::ProofInvalid, "the agent shows nothing"))?;
        let root = SignedRoot::verify_chain(&evidence.roots, &world.anchor.root_key)
            .map_err(|error| Refusal::new(Code::RootInvalid, error))?;
        Ok(Attested::verify(signed.as_slice(), &root, &world.anchor.terminal, &self.nonce, self.asked)?)
    }
}

impl Attempt<'_, '_> {
    /// Asks the server for the time, through the agent. False: it is not reached, and the clock counts.
    ///
    /// # Errors
    /// The clock is ahead and the server's time cannot be had, or what came is not the server's.
    pub(super) fn ask_server_time(&mut self, grant: &Grant) -> Result<Round<bool>, Refusal> {
        let question = Question::new(&self.world)?;
        if let Err(error) = self.tell_agent(&AgentRequest::Time(question.nonce)) {
            return self.agent_lost(&error);
        }
        for _ in 0..MAX_MESSAGES {
            match self.hear_agent(Deadline::after(self.world.timeouts.answer)) {
                Ok(AgentReply::Time(signed)) => {
                    self.time = Some(question.verify(&self.world, grant, &signed)?);
                    return Ok(Round::Done(true));
                }
                Ok(AgentReply::Refused(refusal)) => return refused(refusal.into()).map(Round::Done),
                Ok(AgentReply::Wait) => {
                    self.wait_for_turn();
                    (self.agent, self.key) = (None, None);
                    return Ok(Round::Again);
                }
                Ok(AgentReply::Granted(_) | AgentReply::Held) => {}
                Ok(AgentReply::Recorded(..) | AgentReply::Candidates(_)) => break,
                Err(error) => return self.agent_lost(&error),
            }
        }
        Err(unexpected("agent"))
    }
}

/// Why there is no answer: a clock that is ahead is the true cause, all else means offline.
pub(super) fn refused(refusal: Refusal) -> Result<bool, Refusal> {
    if refusal.code == Code::ClockAhead { Err(refusal) } else { Ok(false) }
}
