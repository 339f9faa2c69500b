//! What a login looks like to agent and key process: all that they are asked, but for what is
//! random each time, and for what the agent alone has in its records.

use wardkey_core::id::{EventId, Nonce};
use wardkey_core::message::agent::{Failure, LoginOutcome, LoginResult, Request as AgentRequest};
use wardkey_core::message::key::Request as KeyRequest;
use wardkey_core::vouch::Vouch;

use super::scene::Seen;

/// A line for each request; the name that was typed is not told from others.
pub fn look_of(seen: &Seen, name: &str) -> Vec<String> {
    let agent = seen.agent.iter().map(of_agent);
    let lines = agent.chain(seen.key.iter().map(of_key));
    lines.map(|line| line.replace(name, "NAME")).collect()
}

fn of_agent(request: &AgentRequest) -> String {
    let AgentRequest::Outcome(outcome) = request else { return format!("{request:?}") };
    let result = match &outcome.result {
        LoginResult::Failure(failure) => {
            LoginResult::Failure(Failure { detail: None, ..failure.clone() })
        }
        other => panic!("only refusals are compared: {other:?}"),
    };
    let proof = outcome.proof.as_ref().map(|proof| &proof.credential);
    let rest = LoginOutcome {
        attempt: EventId::new([0; 16]),
        proof: None,
        pass: None,
        result,
        ..(**outcome).clone()
    };
    format!("{rest:?} {proof:?}")
}

fn of_key(request: &KeyRequest) -> String {
    match request {
        KeyRequest::Identify(one) => {
            let ids: Vec<usize> = one.allow.iter().map(|id| id.as_slice().len()).collect();
            let signs = one.client_data.as_slice().len();
            format!("Identify {:?} {ids:?} {signs} {} {:?}", one.rp_id, one.every, one.more)
        }
        KeyRequest::HashCode(one) => format!("HashCode {}", one.hash),
        KeyRequest::SignByCode(one) => format!("SignByCode {}", one.hash),
        KeyRequest::Assert(one) => {
            let vouch = Vouch::from_bytes(one.client_data.as_slice()).unwrap();
            let vouch = Vouch { nonce: Nonce::new([0; 32]), ..vouch };
            format!("Assert {vouch:?} {:?} {} {}", one.credential, one.wait_ms, one.path)
        }
        other => format!("{other:?}"),
    }
}
