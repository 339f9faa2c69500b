//! Whether a person's key is plugged in: it signs a challenge of the agent, silently, and the
//! signature is verified against the directory. A device that only looks like it is passed over.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::codec::{self, Bytes, List};
use wardkey_core::id::{Nonce, TerminalId};
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_core::message::key::{Identify, KeyAssertion, KeyFailure, Reply, Request};
use wardkey_core::person::CredentialRecord;
use wardkey_core::proof::identification::{IdentifyData, SilentAssertion};
use wardkey_ipc::{Channel, Deadline, IpcError};

use super::book::Sight;
use super::desk::Look;
use crate::agent::Agent;
use crate::random::random;

/// How long after a device was pulled out its key may come back: a reset of the port takes some
/// hundred milliseconds. What is left of the second is for locking.
const RESET: Duration = Duration::from_millis(700);
/// How long a key that should be there may take, for example while a login uses it.
const PATIENCE: Duration = Duration::from_secs(3);
/// The key process answers at its deadline; this much later it counts as silent.
const GRACE: Duration = Duration::from_millis(150);
const SOON: Duration = Duration::from_millis(500);
/// Pulled out or not is known before the second is over in which the session locks.
const _: () = assert!(RESET.as_millis() + GRACE.as_millis() < 900);
/// Answers to one question.
const MAX_ANSWERS: usize = 64;

/// Looks.
pub fn look(agent: &Agent, look: &Look) -> Sight {
    let Some(terminal) = agent.identity().map(|identity| identity.terminal) else {
        return Sight::Unreachable;
    };
    let person = match agent.directory.person(&look.person) {
        Ok(person) => person,
        Err(_) => return Sight::Unreachable,
    };
    let is_it = |credential: &&CredentialRecord| credential.fingerprint() == look.key;
    // Whose record is gone has nothing that could prove anything.
    let Some(credential) = person.as_ref().and_then(|person| person.keys().find(is_it)) else {
        return Sight::Absent;
    };
    let wait = if look.is_removal { RESET } else { PATIENCE };
    match ask(agent, &terminal, credential, wait) {
        Ok(sight) => sight,
        Err(_) => Sight::Unreachable,
    }
}

fn ask(
    agent: &Agent,
    terminal: &TerminalId,
    credential: &CredentialRecord,
    wait: Duration,
) -> Result<Sight, IpcError> {
    let until = Deadline::after(wait + GRACE);
    let Ok(nonce) = random() else { return Ok(Sight::Unreachable) };
    let challenge = IdentifyData { nonce: Nonce::new(nonce), terminal: *terminal };
    let soon = Deadline::after(SOON);
    let mut key = Channel::connect(&agent.config.key_socket, Some(0), MAX_KEY_FRAME, soon)?;
    let request = Identify {
        rp_id: credential.rp_id.clone(),
        allow: List::new(vec![credential.id.clone()])?,
        wait_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX),
        client_data: Bytes::new(codec::to_bytes(&challenge))?,
        every: false,
        more: None,
    };
    key.send(&Request::Identify(request), soon)?;
    for _ in 0..MAX_ANSWERS {
        match key.receive::<Reply>(until) {
            Ok(Reply::Identified(found)) => {
                let proof = found.proof.map(|proof| silent(&challenge, proof));
                let is_proven = proof.flatten().is_some_and(|proof| {
                    proof.client_data.as_slice() == codec::to_bytes(&challenge)
                        && proof.verify(terminal, credential).is_ok()
                });
                if is_proven {
                    return Ok(Sight::Here(found.key.path));
                }
                key.send(&Request::PassOver(List::new(vec![found.key.path])?), soon)?;
            }
            Ok(Reply::Failed(failure)) => return Ok(of_failure(&failure)),
            // Insert, or another key is there: it waits.
            Ok(_) => {}
            Err(IpcError::TimedOut) => return Ok(Sight::Absent),
            Err(error) => return Err(error),
        }
    }
    Ok(Sight::Absent)
}

fn silent(challenge: &IdentifyData, proof: KeyAssertion) -> Option<SilentAssertion> {
    Some(SilentAssertion {
        credential: proof.credential,
        client_data: Bytes::new(codec::to_bytes(challenge)).ok()?,
        auth_data: proof.auth_data,
        signature: proof.signature,
    })
}

/// A key process that refuses the agent says nothing about keys.
fn of_failure(failure: &KeyFailure) -> Sight {
    match failure.code {
        Code::KeyAccessDenied | Code::ProtocolError | Code::Internal | Code::TooManyRequests => {
            Sight::Unreachable
        }
        _ => Sight::Absent,
    }
}
