//! Who may ask for what: by the kernel's word about the peer, never by its own.

use wardkey_core::code::Code;
use wardkey_core::message::PROTOCOL;
use wardkey_core::message::agent::{Begin, Refusal};
use wardkey_core::name::LoginName;
use wardkey_ipc::Peer;

use crate::agent::Agent;
use crate::session::{Place, is_remote_host};

/// A refusal with a code and a detail for administrators.
pub fn refusal(code: Code, detail: impl Into<String>) -> Refusal {
    Refusal { code, detail: Some(detail.into()), retry_after: None }
}

/// A caller that may ask for the account.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The peer.
    pub peer: Peer,
    /// Where it is.
    pub place: Place,
}

/// Checks protocol, peer and place of a login.
///
/// # Errors
/// The [`Refusal`] for the peer.
pub fn authorise(agent: &Agent, peer: Peer, begin: &Begin) -> Result<Caller, Refusal> {
    if begin.protocol == 0 || begin.protocol > PROTOCOL {
        return Err(refusal(Code::ProtocolError, format!("protocol {} is newer than {PROTOCOL}", begin.protocol)));
    }
    if !may_ask_for(peer, begin.account.as_ref()) {
        return Err(refusal(Code::CallerNotAllowed, format!("uid {} may ask for its own account only", peer.uid)));
    }
    let session = agent.sessions.of_process(peer.pid);
    if is_remote_host(begin.rhost.as_deref()) || session.as_ref().is_some_and(|session| session.remote) {
        return Err(refusal(Code::RemoteSession, "the session comes over the network"));
    }
    // What anyone but root says about its line proves nothing: it would claim the foreground.
    let root = peer.is_root();
    let tty = begin.tty.clone().filter(|_| root);
    Ok(Caller { peer, place: Place { session, tty, uid: (!root).then_some(peer.uid) } })
}

/// Root may ask for any account, anyone else for the account whose uid is the peer's.
fn may_ask_for(peer: Peer, account: Option<&LoginName>) -> bool {
    peer.is_root()
        || account.is_some_and(|account| {
            // The spelling must be the account's own: NSS may map names (LESSONS, sssd CVE-2025-11561).
            matches!(nix::unistd::User::from_name(account.as_str()),
                Ok(Some(user)) if user.uid.as_raw() == peer.uid && user.name == account.as_str())
        })
}

/// Whether the directory names an account. Takes the same time for every name: no NSS.
pub fn is_listed(agent: &Agent, account: &LoginName) -> bool {
    matches!(agent.directory.person(account), Ok(Some(_))) || agent.directory.view().is_shared(account)
}

/// Whether an account exists here or in the directory: only then its name is recorded.
pub fn is_known(agent: &Agent, account: &LoginName) -> bool {
    is_listed(agent, account)
        || matches!(nix::unistd::User::from_name(account.as_str()), Ok(Some(user)) if user.name == account.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lesson_himmelblau_only_root_asks_for_others() {
        let peer = |uid| Peer { uid, gid: 0, pid: 1 };
        let name = |text: &str| LoginName::new(text).unwrap();
        // root exists everywhere with uid 0; nobody with some other uid
        let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
        for (uid, account, allowed) in [
            (0, Some("nobody"), true),
            (0, None, true),
            (nobody, Some("nobody"), true),
            (nobody, Some("root"), false),
            (nobody, None, false),
            (nobody, Some("no-such-account"), false),
            (nobody + 1, Some("nobody"), false),
        ] {
            assert_eq!(may_ask_for(peer(uid), account.map(name).as_ref()), allowed, "{uid} {account:?}");
        }
    }
}
