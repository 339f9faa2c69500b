//! The session phase: the agent is told that a session begins or ends which a login of this handle
//! opened. The login stands, whatever becomes of that: nobody is refused here. What the agent did
//! not take is in syslog, and the agent sees the session itself, by logind.

use wardkey_core::code::Code;
use wardkey_core::message::agent::Request;
use wardkey_core::message::session::SessionOpen;
use wardkey_ipc::{Deadline, IpcError};

use crate::login::{Admitted, AgentReply, Login};
use crate::refusal::Refusal;
use crate::world::World;

/// Times that it is told: an agent that is restarted hangs up once.
const TRIES: usize = 2;

/// What happens to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It begins.
    Open,
    /// It ends.
    Close,
}

impl Phase {
    /// For the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "begins",
            Self::Close => "ends",
        }
    }
}

/// Tells the agent.
///
/// # Errors
/// [`Code::SessionNotRecorded`], with why.
pub fn tell(
    world: &mut World<'_>,
    login: &Login,
    admitted: &Admitted,
    phase: Phase,
) -> Result<(), Refusal> {
    let not_recorded = |why: &dyn std::fmt::Display| Refusal::new(Code::SessionNotRecorded, why);
    let account = login.name.login_name().ok_or_else(|| not_recorded(&"no account"))?.clone();
    let request = match phase {
        Phase::Open => Request::SessionOpen(Box::new(SessionOpen {
            account,
            service: login.service.clone(),
            tty: login.tty.clone(),
            person: admitted.person.clone(),
            key: admitted.key,
            login: admitted.login,
        })),
        Phase::Close => Request::SessionClose(account),
    };
    let mut last = IpcError::Closed;
    for _ in 0..TRIES {
        match ask(world, &request) {
            Ok(AgentReply::Recorded(..)) => return Ok(()),
            Ok(AgentReply::Refused(refusal)) => {
                return Err(not_recorded(&Refusal::from(refusal).detail));
            }
            Ok(_) => return Err(not_recorded(&"the agent answers something else")),
            Err(error) => last = error,
        }
    }
    Err(not_recorded(&last))
}

fn ask(world: &mut World<'_>, request: &Request) -> Result<AgentReply, IpcError> {
    let deadline = Deadline::after(world.timeouts.answer);
    let mut agent = world.sockets.agent()?;
    agent.send(request, deadline)?;
    agent.receive(deadline)
}
