//! The server said where it is: taken when it is newer, kept beside the address of the join.

use std::sync::Arc;

use wardkey_core::addresses::ServerAddresses;
use wardkey_core::code::{Code, Denial};
use wardkey_core::document::RootDocument;
use wardkey_core::message::http::WaitReply;

use crate::agent::Agent;
use crate::error::AgentError;
use crate::identity::{Addresses, Identity};
use crate::lock::lock;
use crate::sync::upstream::Upstream;

/// The number of the list that is here under a root document. One from before it does not count: a
/// key that is gone may have signed it, under the highest number there is.
pub fn number(identity: Option<&Identity>, root: Option<&RootDocument>) -> Option<u64> {
    let (has, root) = (&identity?.addresses, root?);
    (has.root_version == root.version).then_some(has.number)
}

/// Takes what an answer says of addresses. Says which number is new.
///
/// # Errors
/// [`AgentError`] when it is not signed, or cannot be kept.
pub fn apply(
    agent: &Agent,
    upstream: &dyn Upstream,
    reply: &WaitReply,
) -> Result<Option<u64>, AgentError> {
    let (Some(signed), Some(identity)) = (&reply.addresses, agent.identity()) else {
        return Ok(None);
    };
    let view = agent.directory.view();
    let root =
        view.root.as_ref().ok_or_else(|| Denial::new(Code::RootInvalid, "no root document"))?;
    let said = ServerAddresses::verify(&signed.0, root)?;
    if number(Some(identity.as_ref()), Some(&**root)).is_some_and(|has| said.number <= has) {
        return Ok(None);
    }
    let list: Vec<String> =
        said.addresses.iter().map(|address| address.as_str().to_owned()).collect();
    let before = &identity.addresses;
    let moves = list != before.list;
    // The place where the server is now, if the list does not say it; else the one before stays.
    let place = upstream.place().filter(|place| !list.contains(place));
    let addresses = Addresses {
        root_version: root.version,
        number: said.number,
        list,
        came_from: place.or_else(|| before.came_from.clone()),
        answered: before.answered.clone().filter(|_| !moves),
    };
    put(agent, &identity, addresses)?;
    Ok(moves.then_some(said.number))
}

/// Remembers where the server answered, for a terminal that starts again. `asked` is the identity
/// by which it was asked: by another one there may be other places.
///
/// # Errors
/// [`AgentError`] when it cannot be kept.
pub fn keep_place(
    agent: &Agent,
    upstream: &dyn Upstream,
    asked: Option<&Arc<Identity>>,
) -> Result<(), AgentError> {
    let _one_at_a_time = lock(&agent.applying);
    let (Some(place), Some(identity)) = (upstream.place(), agent.identity()) else {
        return Ok(());
    };
    let answered = Some(place).filter(|place| identity.places().first() != Some(place));
    if !asked.is_some_and(|asked| Arc::ptr_eq(asked, &identity))
        || answered == identity.addresses.answered
    {
        return Ok(());
    }
    put(agent, &identity, Addresses { answered, ..identity.addresses.clone() })
}

fn put(agent: &Agent, identity: &Identity, addresses: Addresses) -> Result<(), AgentError> {
    let identity = Identity { addresses, ..identity.clone() };
    identity.write_places(&agent.config.state_dir)?;
    agent.set_identity(Arc::new(identity));
    Ok(())
}
