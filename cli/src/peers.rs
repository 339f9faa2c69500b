//! The agent and the key process, at the other ends of two sockets.

use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::message::{MAX_FRAME, MAX_KEY_FRAME, agent, key};
use wardkey_ipc::{Channel, Deadline, IpcError};

use crate::console::{NoAnswer, Operator};
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
        self.send(request)?;
        self.next(Deadline::after(wait))
    }

    /// The same, and whoever sits there may stop it.
    pub(crate) fn ask_unless_stopped(
        &mut self,
        person: &mut dyn Operator,
        request: &agent::Request,
        wait: Duration,
    ) -> Result<agent::Reply, CliError> {
        self.send(request)?;
        let deadline = Deadline::after(wait);
        unless_stopped(person, &self.0, deadline)?;
        self.next(deadline)
    }

    fn send(&mut self, request: &agent::Request) -> Result<(), CliError> {
        let sent = self.0.send(request, Deadline::after(SOON));
        sent.map_err(|error| unreachable(Code::AgentUnreachable, error))
    }

    fn next(&mut self, deadline: Deadline) -> Result<agent::Reply, CliError> {
        match self.0.receive(deadline) {
            Ok(agent::Reply::Refused(refusal)) => Err(refusal.into()),
            Ok(reply) => Ok(reply),
            Err(error) => Err(unreachable(Code::AgentUnreachable, error)),
        }
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

    /// The same, and whoever sits there may stop it: then the key process lets the key go.
    pub(crate) fn next_unless_stopped(
        &mut self,
        person: &mut dyn Operator,
        deadline: Deadline,
        late: Code,
    ) -> Result<key::Reply, CliError> {
        if let Err(stopped) = unless_stopped(person, &self.0, deadline) {
            // A connection that ends is as good.
            let _ = self.send(&key::Request::Cancel);
            return Err(stopped);
        }
        self.next(deadline, late)
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

/// Waits for the next answer, until somebody does not want to wait any more.
fn unless_stopped(
    person: &mut dyn Operator,
    channel: &Channel,
    deadline: Deadline,
) -> Result<(), CliError> {
    if channel.has_message() {
        return Ok(());
    }
    match person.wait_for(channel.as_fd(), Instant::now() + deadline.left()) {
        // That it is late is said by who reads.
        Ok(()) | Err(NoAnswer::TimedOut) => Ok(()),
        Err(_) => Err(CliError::new(Code::Cancelled)),
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
