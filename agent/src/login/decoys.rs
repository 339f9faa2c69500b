//! Made-up credential ids for unknown names. They are the same each time and look like those of a
//! real person, so that a device learns nothing from the request.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wardkey_core::codec::List;
use wardkey_core::id::{CredentialId, Hash};
use wardkey_core::name::LoginName;

use crate::agent::Agent;
use crate::error::AgentError;

/// Lengths in bytes of ids where the directory has nobody yet.
const USUAL: [usize; 2] = [64, 64];

/// The ids for a name.
///
/// # Errors
/// [`AgentError`] when the store cannot be used.
pub fn of(agent: &Agent, name: &LoginName) -> Result<List<CredentialId, 32>, AgentError> {
    let point = keyed(agent, &[b"shape", name.as_str().as_bytes()]);
    let mut shape = agent.directory.shape_at(&point)?;
    if shape.is_empty() {
        shape = USUAL.to_vec();
    }
    let ids = shape.iter().take(32).enumerate().map(|(number, length)| {
        let number = [u8::try_from(number).unwrap_or(u8::MAX)];
        let blocks = (0..=u8::MAX).flat_map(|block| {
            let parts = [&b"decoy"[..], name.as_str().as_bytes(), &number, &[block]];
            *keyed(agent, &parts).as_bytes()
        });
        CredentialId::new(blocks.take(*length).collect::<Vec<u8>>())
    });
    Ok(List::new(ids.collect::<Result<_, _>>()?)?)
}

/// A hash with a key that only this agent knows.
fn keyed(agent: &Agent, parts: &[&[u8]]) -> Hash {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(agent.name_secret()) else {
        return Hash::new([0; 32]);
    };
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Hash::new(mac.finalize().into_bytes().into())
}
