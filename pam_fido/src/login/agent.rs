//! The connection to the agent: what is asked, what is heard, and what ends a state early.

use wardkey_core::code::{Code, Notice};
use wardkey_ipc::{Channel, IpcError};

use super::attempt::{Attempt, MAX_MESSAGES};
use super::replies::AgentReply;
use super::requests::AgentRequest;
use super::speaker::Once;
use crate::refusal::Refusal;

/// A login that ended in a refusal.
pub struct Ended {
    pub refusal: Refusal,
    /// The agent that is to hear of it, if it still listens.
    pub agent: Option<Channel>,
}

/// Without an agent that listens.
impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, agent: None }
    }
}

/// Where a login begins, and begins again.
pub enum Start {
    /// With new connections.
    Anew,
    /// Another login has the key: this agent will say when it is this one's.
    Waiting(Channel),
}

impl Start {
    /// A refusal before it has begun again.
    pub fn refused(self, refusal: Refusal) -> Ended {
        match self {
            Self::Anew => refusal.into(),
            Self::Waiting(agent) => Ended { refusal, agent: Some(agent) },
        }
    }
}

/// What ends a state before the next one is reached.
pub enum Interrupted {
    /// The login is refused.
    Refused(Refusal),
    /// So it is, and the agent is lost for good.
    AgentLost(Refusal),
    /// The agent gave the key to another login, and will say when it is this one's.
    OtherLogin,
    /// Agent or key are others from here on: all is asked anew.
    Anew,
}

impl From<Refusal> for Interrupted {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Interrupted {
    /// The same; a refusal for this reason instead.
    pub fn because(self, refusal: &Refusal) -> Self {
        match self {
            Self::Refused(_) => Self::Refused(refusal.clone()),
            Self::AgentLost(_) => Self::AgentLost(refusal.clone()),
            other => other,
        }
    }

    /// Where the login goes on, after what happened on this connection.
    ///
    /// # Errors
    /// It does not.
    pub fn on(self, agent: Channel) -> Result<Start, Ended> {
        match self {
            Self::Refused(refusal) => Err(Ended { refusal, agent: Some(agent) }),
            Self::AgentLost(refusal) => Err(refusal.into()),
            Self::OtherLogin => Ok(Start::Waiting(agent)),
            Self::Anew => Ok(Start::Anew),
        }
    }
}

impl Attempt<'_, '_> {
    /// Asks the agent something while the login is granted.
    pub fn ask_agent(
        &mut self,
        agent: &mut Channel,
        request: &AgentRequest,
    ) -> Result<AgentReply, Interrupted> {
        self.tell_agent(agent, request)?;
        let wants_grant = matches!(request, AgentRequest::Prove(_));
        for _ in 0..MAX_MESSAGES {
            let deadline = self.patience.answer();
            match agent.receive(deadline).map_err(|error| self.agent_lost(&error))? {
                AgentReply::Wait => {
                    self.wait_for_turn();
                    // What comes next could answer either request: a new connection leaves no
                    // doubt.
                    return Err(Interrupted::Anew);
                }
                // Of what was asked before.
                AgentReply::Held => {}
                AgentReply::Granted(_) if !wants_grant => {}
                reply => return Ok(reply),
            }
        }
        Err(unexpected("agent").into())
    }

    /// Tells the agent something.
    pub fn tell_agent(
        &mut self,
        agent: &mut Channel,
        request: &AgentRequest,
    ) -> Result<(), Interrupted> {
        let sent = agent.send(request, self.patience.answer());
        sent.map_err(|error| self.agent_lost(&error))
    }

    /// Another login has the key.
    pub fn wait_for_turn(&mut self) -> Interrupted {
        if self.speaker.is_first(Once::Wait) {
            self.speaker.aside(self.world.talk, Notice::WaitForKey);
        }
        Interrupted::OtherLogin
    }

    /// The agent hung up or is silent: it may have been restarted, so the login starts over, a few
    /// times.
    pub fn agent_lost(&mut self, error: &IpcError) -> Interrupted {
        // Another agent knows nothing of it, and judges the outcome by its clock.
        self.time = None;
        let may_start_over = self.patience.lose_agent();
        let is_gone = matches!(error, IpcError::Closed | IpcError::Io(_));
        if is_gone && may_start_over {
            Interrupted::Anew
        } else {
            Interrupted::AgentLost(Refusal::agent(error))
        }
    }
}

/// A message that does not belong here.
pub fn unexpected(who: &str) -> Refusal {
    Refusal::new(Code::ProtocolError, format!("{who}: a message that does not belong here"))
}
