//! After the answer and before the PIN leaves: is everything still as it was, and is the key ours?

use std::time::Duration;

use wardkey_ipc::{Channel, Deadline, IpcError};

use super::agent::{Interrupted, unexpected};
use super::attempt::{Attempt, MAX_MESSAGES};
use super::replies::{AgentReply, KeyReply};
use super::requests::AgentRequest;
use super::states::Recognition;
use crate::refusal::Refusal;

impl Attempt<'_, '_> {
    /// Keeps the key for this login until its outcome, if evidence, key and agent are as they were.
    pub(super) fn hold(
        &mut self,
        agent: &mut Channel,
        key: &mut Channel,
        recognition: &Recognition,
    ) -> Result<(), Interrupted> {
        if !recognition.is_fresh(&self.world)? {
            return Err(Interrupted::Anew);
        }
        let now = Deadline::after(Duration::ZERO);
        self.agent_has_changed_nothing(agent, now)?;
        key_is_there(key, now)?;
        self.ask_to_hold(agent, &AgentRequest::Hold)
    }

    /// Hears what has come in the meantime.
    fn agent_has_changed_nothing(
        &mut self,
        agent: &mut Channel,
        now: Deadline,
    ) -> Result<(), Interrupted> {
        for _ in 0..MAX_MESSAGES {
            match agent.receive(now) {
                Err(IpcError::TimedOut) => return Ok(()),
                Ok(AgentReply::Granted(_) | AgentReply::Held) => {}
                Ok(AgentReply::Wait) => return Err(self.wait_for_turn()),
                Ok(AgentReply::Refused(refusal)) => return Err(Refusal::from(refusal).into()),
                Ok(AgentReply::Recorded(..) | AgentReply::Candidates(_) | AgentReply::Time(_)) => {
                    return Err(unexpected("agent").into());
                }
                Err(error) => return Err(self.agent_lost(&error)),
            }
        }
        Err(unexpected("agent").into())
    }

    /// Asks the agent by this request to keep the key for this login until its outcome.
    pub(super) fn ask_to_hold(
        &mut self,
        agent: &mut Channel,
        request: &AgentRequest,
    ) -> Result<(), Interrupted> {
        self.tell_agent(agent, request)?;
        let deadline = Deadline::after(self.world.timeouts.answer);
        for _ in 0..MAX_MESSAGES {
            match agent.receive(deadline).map_err(|error| self.agent_lost(&error))? {
                AgentReply::Held => return Ok(()),
                AgentReply::Wait => return Err(self.wait_for_turn()),
                AgentReply::Granted(_) => {}
                AgentReply::Refused(refusal) => return Err(Refusal::from(refusal).into()),
                _ => return Err(unexpected("agent").into()),
            }
        }
        Err(unexpected("agent").into())
    }
}

fn key_is_there(key: &mut Channel, now: Deadline) -> Result<(), Interrupted> {
    match key.receive::<KeyReply>(now) {
        Err(IpcError::TimedOut) => Ok(()),
        // Nothing was sent yet, so a new process can be asked.
        Err(IpcError::Closed) => Err(Interrupted::Anew),
        Err(error) => Err(Refusal::key(&error).into()),
        Ok(KeyReply::Failed(failure)) => Err(Refusal::from(failure).into()),
        Ok(_) => Err(unexpected("key process").into()),
    }
}
