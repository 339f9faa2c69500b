//! After the answer and before the PIN leaves: is everything still as it was, and is the key ours?

use std::time::Duration;

use wardkey_core::message::agent::Request as AgentRequest;
use wardkey_ipc::{Deadline, IpcError};

use super::establish::unexpected;
use super::replies::{AgentReply, KeyReply};
use super::states::Recognised;
use super::{Attempt, MAX_MESSAGES};
use crate::refusal::Refusal;

impl Attempt<'_, '_> {
    /// Whether evidence, key and agent are as they were; false: establish again.
    ///
    /// # Errors
    /// A refusal that came in the meantime.
    pub(super) fn is_unchanged(&mut self, recognised: &Recognised) -> Result<bool, Refusal> {
        if !recognised.is_fresh(&self.world)? {
            self.agent = None;
            self.key = None;
            return Ok(false);
        }
        let now = Deadline::after(Duration::ZERO);
        for _ in 0..MAX_MESSAGES {
            match self.hear_agent(now) {
                Err(IpcError::TimedOut) => return self.key_is_there(now),
                Ok(AgentReply::Granted(_) | AgentReply::Held) => {}
                Ok(AgentReply::Wait) => {
                    self.key = None;
                    self.wait_for_turn();
                    return Ok(false);
                }
                Ok(AgentReply::Refused(refusal)) => return Err(refusal.into()),
                Ok(AgentReply::Recorded(..) | AgentReply::Candidates(_) | AgentReply::Time(_)) => {
                    return Err(unexpected("agent"));
                }
                Err(error) => {
                    self.note_lost_agent(&error)?;
                    return Ok(false);
                }
            }
        }
        Err(unexpected("agent"))
    }

    fn key_is_there(&mut self, now: Deadline) -> Result<bool, Refusal> {
        let Some(key) = self.key.as_mut() else { return Ok(false) };
        match key.receive::<KeyReply>(now) {
            Err(IpcError::TimedOut) => Ok(true),
            // Nothing was sent yet, so a new process can be asked.
            Err(IpcError::Closed) => {
                self.agent = None;
                self.key = None;
                Ok(false)
            }
            Err(error) => Err(Refusal::key(&error)),
            Ok(KeyReply::Failed(failure)) => Err(failure.into()),
            Ok(_) => Err(unexpected("key process")),
        }
    }

    /// Asks the agent to keep the key for this login until its outcome; false: establish again.
    ///
    /// # Errors
    /// A refusal, or an agent that is silent or gone for good.
    pub(super) fn hold(&mut self) -> Result<bool, Refusal> {
        if let Err(error) = self.tell_agent(&AgentRequest::Hold) {
            self.note_lost_agent(&error)?;
            return Ok(false);
        }
        let deadline = Deadline::after(self.world.timeouts.answer);
        for _ in 0..MAX_MESSAGES {
            match self.hear_agent(deadline) {
                Ok(AgentReply::Held) => return Ok(true),
                Ok(AgentReply::Wait) => {
                    self.key = None;
                    self.wait_for_turn();
                    return Ok(false);
                }
                Ok(AgentReply::Granted(_)) => {}
                Ok(AgentReply::Refused(refusal)) => return Err(refusal.into()),
                Ok(_) => return Err(unexpected("agent")),
                Err(error) => {
                    self.note_lost_agent(&error)?;
                    return Ok(false);
                }
            }
        }
        Err(unexpected("agent"))
    }
}
