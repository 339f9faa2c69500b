//! The server's time for a module whose clock makes the directory look old.
//!
//! The agent carries question and answer. It keeps the answer too, which it has verified: what the module decided
//! by this time it must not judge by a clock that is known to be wrong.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::{Refusal, Reply};
use wardkey_core::message::http::{Base64, TimeRequest};
use wardkey_core::server_time::{Attested, SignedTime};
use wardkey_ipc::Peer;

use crate::agent::Agent;
use crate::error::AgentError;
use crate::login::authorise::{later, refusal};
use crate::sync::exchange::upstream;

/// Questions in [`WINDOW`] of one user other than root: each is a request to the server.
const QUESTIONS: usize = 6;
const WINDOW: Duration = Duration::from_secs(60);

/// Answers a question for the time.
pub fn answer(agent: &Agent, peer: Peer, nonce: &Nonce) -> Reply {
    if !peer.is_root() && !(0..QUESTIONS).any(|slot| agent.is_due(&format!("time {} {slot}", peer.uid), WINDOW)) {
        return Reply::Refused(later("too many questions for the time"));
    }
    match ask(agent, nonce) {
        Ok(signed) => Reply::Time(signed),
        Err(error) => {
            let offline = || refusal(Code::ServerUnreachable, error.to_string());
            Reply::Refused(cause(agent).unwrap_or_else(offline))
        }
    }
}

/// Why logins are refused as "offline" by a clock that is ahead, while the server is reached.
pub fn cause(agent: &Agent) -> Option<Refusal> {
    let ahead = agent.clock_hides_the_server()?;
    let view = agent.directory.view();
    let offline = view.expires().map_or(0, |expires| agent.clock.now().since(expires));
    (offline > view.offline_limit()).then(|| {
        let detail = format!("the terminal's clock is {ahead} s ahead of the server, which is reached");
        refusal(Code::ClockAhead, detail)
    })
}

fn ask(agent: &Agent, nonce: &Nonce) -> Result<SignedTime, AgentError> {
    // The login waits: nobody is asked who did not answer just now.
    if agent.link().connected != Some(true) {
        return Err(AgentError::Server(crate::error::ServerError::Unreachable("not connected".into())));
    }
    let asked = agent.clock.reading();
    let reply = upstream(agent)?.time(&TimeRequest { nonce: Base64(nonce.as_bytes().to_vec()) })?;
    let signed = SignedTime::new(reply.signed.0)?;
    let view = agent.directory.view();
    let not_joined = || wardkey_core::code::Denial::new(Code::NotJoined, "this terminal has not joined");
    let (root, anchor) = (view.root.as_ref().ok_or_else(not_joined)?, agent.anchor().ok_or_else(not_joined)?);
    agent.clock.attest(Attested::verify(signed.as_slice(), root, &anchor.terminal, nonce, asked)?);
    Ok(signed)
}
