//! Proven keys of several people are plugged in at a shared account: the person touches the one
//! meant.
//!
//! Each key gets a key process of its own, which asks for a touch and nothing else. The first that
//! is touched is the one; the others are cancelled by hanging up. Nothing is decided by the touch:
//! the key that is chosen has proved itself, and the login's signature needs its PIN and another
//! touch.

use std::time::Duration;

use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::List;
use wardkey_core::message::key::{Identify, MAX_DEVICES};
use wardkey_core::name::RpId;
use wardkey_ipc::{Channel, Deadline, IpcError};

use super::agent::{Interrupted, unexpected};
use super::attempt::Attempt;
use super::claims::{Found, all_of, client_data_of, silent_of};
use super::replies::{AgentReply, KeyReply};
use super::requests::KeyRequest;
use crate::refusal::Refusal;

/// How long one channel is listened to before the next.
const TURN: Duration = Duration::from_millis(20);

impl Attempt<'_, '_> {
    /// Has the person touch one of the keys: which, and the process that has it. `None`: none of
    /// them answers any longer, look again.
    ///
    /// # Errors
    /// No touch in time, or a refusal of agent or key process.
    pub(super) fn choose(
        &mut self,
        agent: &mut Channel,
        found: Vec<Found>,
        rp_id: &RpId,
    ) -> Result<Option<(Found, Channel)>, Interrupted> {
        let mut asked: Vec<(Found, Channel)> = Vec::new();
        for one in found {
            // One that is gone, or busy, is no longer there to be chosen.
            asked.extend(self.identify_alone(one, rp_id)?);
        }
        let wait_ms = self.patience.wait_ms();
        for (one, channel) in &mut asked {
            let request = KeyRequest::Touch { path: one.key.path.clone(), wait_ms };
            channel
                .send(&request, Deadline::after(self.world.timeouts.answer))
                .map_err(|error| Refusal::key(&error))?;
        }
        self.speaker.inform(self.world.talk, Prompt::TouchToChoose);
        let silent = self.patience.silent();
        while !asked.is_empty() {
            if silent.has_passed() {
                let why = "none of several keys was touched";
                return Err(Refusal::new(Code::TouchTimeout, why).into());
            }
            match agent.receive::<AgentReply>(Deadline::after(Duration::ZERO)) {
                Err(IpcError::TimedOut) | Ok(AgentReply::Granted(_) | AgentReply::Held) => {}
                Ok(AgentReply::Wait) => return Err(self.wait_for_turn()),
                Ok(AgentReply::Refused(refusal)) => return Err(Refusal::from(refusal).into()),
                Ok(AgentReply::Recorded(..) | AgentReply::Candidates(_) | AgentReply::Time(_)) => {
                    return Err(unexpected("agent").into());
                }
                Err(error) => return Err(self.agent_lost(&error)),
            }
            let mut index = 0;
            while let Some((_, channel)) = asked.get_mut(index) {
                match channel.receive::<KeyReply>(Deadline::after(TURN)) {
                    Err(IpcError::TimedOut) | Ok(KeyReply::Touch) => index += 1,
                    Ok(KeyReply::Done) => {
                        let (chosen, channel) = asked.swap_remove(index);
                        // The others hear that nobody waits for them, and stop blinking.
                        drop(asked);
                        return Ok(Some((chosen, channel)));
                    }
                    Ok(KeyReply::Failed(failure)) if failure.code == Code::TouchTimeout => {
                        return Err(Refusal::from(failure).into());
                    }
                    // Pulled out, or broken: the others remain.
                    _ => drop(asked.swap_remove(index)),
                }
            }
        }
        Ok(None)
    }

    /// A key process that holds this key and no other, which proves itself anew: what stands behind
    /// a node now need not be what stood there before.
    fn identify_alone(
        &mut self,
        one: Found,
        rp_id: &RpId,
    ) -> Result<Option<(Found, Channel)>, Refusal> {
        let challenge = self.challenge()?;
        let mut channel = self.world.sockets.key(true).map_err(|error| Refusal::key(&error))?;
        let request = KeyRequest::Identify(Identify {
            rp_id: rp_id.clone(),
            allow: List::new(vec![one.proven.credential().clone()])
                .map_err(|error| Refusal::new(Code::Internal, error))?,
            wait_ms: 0,
            client_data: client_data_of(&challenge)?,
            every: false,
            more: None,
        });
        channel
            .send(&request, Deadline::after(self.world.timeouts.answer))
            .map_err(|error| Refusal::key(&error))?;
        let until = Deadline::after(self.world.timeouts.answer + self.world.timeouts.search_grace);
        // Another device may claim the same; the one that is meant is found by its node.
        for _ in 0..MAX_DEVICES {
            let identified = match channel.receive::<KeyReply>(until) {
                Ok(KeyReply::Identified(identified)) => identified,
                Ok(KeyReply::Insert | KeyReply::Unregistered(_) | KeyReply::Failed(_))
                | Err(IpcError::TimedOut) => {
                    return Ok(None);
                }
                Ok(_) => return Err(unexpected("key process")),
                Err(error) => return Err(Refusal::key(&error)),
            };
            let Some(claim) = all_of(identified)?.into_iter().next() else { return Ok(None) };
            if claim.key.path == one.key.path {
                return match silent_of(&claim, &challenge)?.prove(&challenge, &one.person.snapshot)
                {
                    Ok(proven) => Ok(Some((Found { proven, key: claim.key, ..one }, channel))),
                    Err(denial) => {
                        self.suspect(&claim.key, &denial);
                        Ok(None)
                    }
                };
            }
            let other = List::new(vec![claim.key.path])
                .map_err(|error| Refusal::new(Code::Internal, error))?;
            channel
                .send(&KeyRequest::PassOver(other), until)
                .map_err(|error| Refusal::key(&error))?;
        }
        Ok(None)
    }
}
