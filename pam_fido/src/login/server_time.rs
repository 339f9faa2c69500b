//! Where the clock makes the directory look old, the server is asked for the time.
//!
//! The answer is signed over a nonce of this login, so the agent can keep it back and not make it.
//! It is asked for only where it can change something: a terminal whose directory is fresh by its
//! clock asks nobody.

use wardkey_core::code::Code;
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::Grant;
use wardkey_core::policy::stage::Stage;
use wardkey_core::server_time::{Attested, SignedTime};
use wardkey_core::snapshot::verify_roots;
use wardkey_core::time::ClockReading;
use wardkey_ipc::Channel;

use super::agent::{Interrupted, unexpected};
use super::attempt::Attempt;
use super::replies::AgentReply;
use super::requests::AgentRequest;
use crate::refusal::Refusal;
use crate::world::World;

/// Whether the server's time could change an evaluation that came to this stage, or to this
/// refusal.
pub(super) fn is_late(stage: Result<Stage, &Refusal>) -> bool {
    match stage {
        Ok(stage) => stage != Stage::Online,
        Err(refusal) => refusal.code == Code::OfflineTooLong,
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
    pub fn verify(
        self,
        world: &World<'_>,
        grant: &Grant,
        signed: &SignedTime,
    ) -> Result<Attested, Refusal> {
        let evidence = grant
            .evidence
            .as_ref()
            .ok_or_else(|| Refusal::new(Code::ProofInvalid, "the agent shows nothing"))?;
        let marks = world.machine.marks()?;
        let root = verify_roots(&evidence.roots, &world.anchor.root_key, &marks)?;
        Ok(Attested::verify(
            signed.as_slice(),
            &root,
            &world.anchor.terminal,
            &self.nonce,
            self.asked,
        )?)
    }
}

impl Attempt<'_, '_> {
    /// Asks the server for the time, through the agent. False: it is not reached, and the clock
    /// counts.
    ///
    /// # Errors
    /// The clock is ahead and the server's time cannot be had, or what came is not the server's.
    pub(super) fn ask_server_time(
        &mut self,
        agent: &mut Channel,
        grant: &Grant,
    ) -> Result<bool, Interrupted> {
        let question = Question::new(&self.world)?;
        match self.ask_agent(agent, &AgentRequest::Time(question.nonce))? {
            AgentReply::Time(signed) => {
                self.time = Some(question.verify(&self.world, grant, &signed)?);
                Ok(true)
            }
            AgentReply::Refused(refusal) => {
                is_not_the_clock(refusal.into())?;
                Ok(false)
            }
            _ => Err(unexpected("agent").into()),
        }
    }
}

/// Why there is no answer: a clock that is ahead is the true cause, all else means offline.
pub(super) fn is_not_the_clock(refusal: Refusal) -> Result<(), Refusal> {
    if refusal.code == Code::ClockAhead { Err(refusal) } else { Ok(()) }
}
