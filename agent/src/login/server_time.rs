//! The server's time for a module whose clock makes the directory look old.
//!
//! The agent carries question and answer. It keeps the answer too, which it has verified: what the
//! module decided by this time it must not judge by a clock that is known to be wrong.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::{Refusal, Reply};
use wardkey_core::message::http::{Base64, TimeRequest};
use wardkey_core::server_time::{Attested, SignedTime};
use wardkey_core::time::UnixTime;
use wardkey_ipc::Peer;

use crate::agent::Agent;
use crate::error::AgentError;
use crate::login::authorise::{later, refusal};
use crate::sync::exchange::upstream;

/// Questions of one login: it asks once, and again when it starts over.
const PER_LOGIN: u8 = 4;
/// Account phases in [`WINDOW`] of one user other than root that may ask: each is a request to the
/// server.
const PER_WINDOW: usize = 30;
const WINDOW: Duration = Duration::from_secs(60);

/// How many questions for the time a connection may ask: none before it was granted something.
pub struct Questions(u8);

impl Questions {
    /// Before anything was granted.
    pub const NONE: Self = Self(0);
    /// Of a login.
    pub const LOGIN: Self = Self(PER_LOGIN);

    /// After an account phase.
    pub fn of_account_phase(agent: &Agent, peer: Peer) -> Self {
        let is_due = |slot| agent.is_due(&format!("time {} {slot}", peer.uid), WINDOW);
        Self(u8::from(peer.is_root() || (0..PER_WINDOW).any(is_due)))
    }

    /// Answers a question.
    pub fn answer(&mut self, agent: &Agent, nonce: &Nonce) -> Reply {
        let Some(left) = self.0.checked_sub(1) else {
            return Reply::Refused(later("too many questions for the time, or no login"));
        };
        self.0 = left;

        match ask(agent, nonce) {
            Ok(signed) => Reply::Time(signed),
            Err(error) => {
                let offline = || refusal(Code::ServerUnreachable, error.to_string());
                Reply::Refused(cause(agent).unwrap_or_else(offline))
            }
        }
    }
}

/// The time that a module which asks for the server's would judge by.
pub fn as_the_server_says(agent: &Agent) -> UnixTime {
    let now = agent.clock.now();
    let ahead = agent.clock_hides_the_server().unwrap_or_default();
    UnixTime(now.0.saturating_sub(ahead))
}

/// Why logins are refused as "offline" by a clock that is ahead, while the server is reached.
pub fn cause(agent: &Agent) -> Option<Refusal> {
    let ahead = agent.clock_hides_the_server()?;
    let view = agent.directory.view();
    let offline = view.expires().map_or(0, |expires| agent.clock.now().since(expires));
    (offline > view.offline_limit()).then(|| {
        let detail =
            format!("the terminal's clock is {ahead} s ahead of the server, which is reached");
        refusal(Code::ClockAhead, detail)
    })
}

fn ask(agent: &Agent, nonce: &Nonce) -> Result<SignedTime, AgentError> {
    // The login waits: nobody is asked who did not answer just now.
    if agent.link().connected != Some(true) {
        return Err(AgentError::Server(crate::error::ServerError::Unreachable(
            "not connected".into(),
        )));
    }
    let asked = agent.clock.reading();
    let reply = upstream(agent)?.time(&TimeRequest { nonce: Base64(nonce.as_bytes().to_vec()) })?;
    let signed = SignedTime::new(reply.signed.0)?;
    let view = agent.directory.view();
    let not_joined =
        || wardkey_core::code::Denial::new(Code::NotJoined, "this terminal has not joined");
    let (root, anchor) =
        (view.root.as_ref().ok_or_else(not_joined)?, agent.anchor().ok_or_else(not_joined)?);
    agent.clock.attest(Attested::verify(signed.as_slice(), root, &anchor.terminal, nonce, asked)?);
    Ok(signed)
}
