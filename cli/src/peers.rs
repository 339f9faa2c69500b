//! The agent and the key process, at the other ends of two sockets.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::message::{MAX_FRAME, MAX_KEY_FRAME, agent, key};
use wardkey_ipc::{Channel, Deadline, IpcError};

use crate::context::Context;
use crate::error::CliError;

/// How long connecting and sending may take.
const SOON: Duration = Duration::from_secs(5);

/// A connection to the agent.
pub(crate) struct Agent(Channel);

impl Agent {
    pub(crate) fn connect(context: &Context<'_, '_>) -> Result<Self, CliError> {
        let owner = context.env.agent_owner;
        Channel::connect(&context.cli.agent_socket, owner, MAX_FRAME, Deadline::after(SOON))
            .map(Self)
            .map_err(|error| unreachable(Code::AgentUnreachable, error))
    }

    /// Asks; a refusal is an error.
    pub(crate) fn ask(
        &mut self,
        request: &agent::Request,
        wait: Duration,
    ) -> Result<agent::Reply, CliError> {
        self.0
            .send(request, Deadline::after(SOON))
            .and_then(|()| self.0.receive(Deadline::after(wait)))
            .map_err(|error| unreachable(Code::AgentUnreachable, error))
            .and_then(|reply| match reply {
                agent::Reply::Refused(refusal) => Err(refusal.into()),
                reply => Ok(reply),
            })
    }
}

/// A connection to the key process.
pub(crate) struct Key(Channel);

impl Key {
    pub(crate) fn connect(context: &Context<'_, '_>) -> Result<Self, CliError> {
        let owner = context.env.key_owner;
        Channel::connect(&context.cli.key_socket, owner, MAX_KEY_FRAME, Deadline::after(SOON))
            .map(Self)
            .map_err(|error| unreachable(Code::KeyProcessUnreachable, error))
    }

    pub(crate) fn send(&mut self, request: &key::Request) -> Result<(), CliError> {
        self.0
            .send(request, Deadline::after(SOON))
            .map_err(|error| unreachable(Code::KeyProcessUnreachable, error))
    }

    /// The next answer; a failure is an error, and `late` is what it means that none comes.
    pub(crate) fn next(&mut self, deadline: Deadline, late: Code) -> Result<key::Reply, CliError> {
        match self.0.receive(deadline) {
            Ok(key::Reply::Failed(failure)) => Err(failure.into()),
            Ok(reply) => Ok(reply),
            Err(IpcError::TimedOut) if late != Code::KeyProcessUnreachable => {
                Err(CliError::new(late))
            }
            Err(error) => Err(unreachable(Code::KeyProcessUnreachable, error)),
        }
    }

    /// Asks what is answered at once.
    pub(crate) fn ask(
        &mut self,
        request: &key::Request,
        wait: Duration,
    ) -> Result<key::Reply, CliError> {
        self.send(request)?;
        self.next(Deadline::after(wait), Code::KeyProcessUnreachable)
    }
}

/// An answer that does not follow the question.
pub(crate) fn unexpected() -> CliError {
    CliError::with(Code::ProtocolError, "an answer that does not follow the question")
}

fn unreachable(code: Code, error: IpcError) -> CliError {
    match error {
        IpcError::Codec(_) | IpcError::FrameLength(_) => {
            CliError::because(Code::ProtocolError, error)
        }
        _ => CliError::Unreachable { code, cause: error.into() },
    }
}
