//! The server said where it is: taken when it is newer, kept beside the address of the join.

use std::sync::Arc;

use wardkey_core::addresses::ServerAddresses;
use wardkey_core::code::{Code, Denial};
use wardkey_core::document::RootDocument;
use wardkey_core::message::http::WaitReply;

use crate::agent::Agent;
use crate::error::AgentError;
use crate::identity::{Addresses, Identity};
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
    let addresses = Addresses {
        root_version: root.version,
        number: said.number,
        list: said.addresses.iter().map(|address| address.as_str().to_owned()).collect(),
        came_from: upstream.place().or_else(|| identity.addresses.came_from.clone()),
    };
    let moves = addresses.list != identity.addresses.list;
    let identity = Identity { addresses, ..Identity::clone(&identity) };
    identity.write_places(&agent.config.state_dir)?;
    agent.set_identity(Arc::new(identity));
    Ok(moves.then_some(said.number))
}
