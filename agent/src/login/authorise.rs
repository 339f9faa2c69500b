//! Who may ask for what: by the kernel's word about the peer, never by its own.

use wardkey_core::code::Code;
use wardkey_core::message::agent::{Begin, Refusal};
use wardkey_core::message::{PROTOCOL, is_served};
use wardkey_core::name::LoginName;
use wardkey_core::origin::is_remote;
use wardkey_ipc::Peer;

use crate::agent::Agent;
use crate::session::{NotHere, Place, locate};

/// Seconds after which those who ask for too much at once are told to come again.
const LATER: u64 = 10;

/// A refusal with a code and a detail for administrators.
pub fn refusal(code: Code, detail: impl Into<String>) -> Refusal {
    Refusal { code, detail: Some(detail.into()), retry_after: None, record: None }
}

/// Too much at once of this caller.
pub fn later(detail: &str) -> Refusal {
    Refusal { retry_after: Some(LATER), ..refusal(Code::TooManyRequests, detail) }
}

/// A caller that may ask for the account.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The peer.
    pub peer: Peer,
    /// Where it is.
    pub place: Place,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A login: somebody at this terminal shall touch a key.
    Authentication,
    /// Whether the account may be used: also for jobs without a person (cron, services of systemd).
    Account,
}

/// Checks protocol, peer and place of a login.
///
/// # Errors
/// The [`Refusal`] for the peer.
pub fn authorise(
    agent: &Agent,
    peer: Peer,
    begin: &Begin,
    phase: Phase,
) -> Result<Caller, Refusal> {
    if !is_served(begin.protocol, PROTOCOL) {
        let (theirs, word) =
            (begin.protocol, if begin.protocol > PROTOCOL { "newer" } else { "older" });
        let fix = "restart what is the older one after an upgrade";
        return Err(refusal(
            Code::ProtocolError,
            format!("module's protocol {theirs} is {word} than the agent's {PROTOCOL}: {fix}"),
        ));
    }
    if !may_ask_for(peer, begin.account.as_ref()) {
        return Err(refusal(
            Code::CallerNotAllowed,
            format!("uid {} may ask for its own account only", peer.uid),
        ));
    }
    if is_remote(begin.rhost.as_deref(), begin.tty.as_deref(), &own_name()) {
        return Err(refusal(Code::RemoteSession, "the login comes over the network"));
    }
    let of_account = || uid_of(begin.account.as_ref()?);
    let place = match locate(agent.sessions.as_ref(), peer, begin, of_account) {
        Err(why) if phase == Phase::Authentication || why == NotHere::Remote => {
            return Err(refusal(Code::RemoteSession, why.to_string()));
        }
        place => place.unwrap_or_default(),
    };
    Ok(Caller { peer, place })
}

/// This machine's name; without one no other machine can be taken for it.
fn own_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
}

/// Root may ask for any account, anyone else for the account whose uid is the peer's.
fn may_ask_for(peer: Peer, account: Option<&LoginName>) -> bool {
    peer.is_root() || account.and_then(uid_of) == Some(peer.uid)
}

/// The uid of an account here. The spelling must be the account's own: NSS may map names (sssd
/// CVE-2025-11561).
pub(crate) fn uid_of(account: &LoginName) -> Option<u32> {
    let user = nix::unistd::User::from_name(account.as_str()).ok().flatten()?;
    (user.name == account.as_str()).then(|| user.uid.as_raw())
}

/// Whether the directory names an account. Takes the same time for every name: no NSS.
pub fn is_listed(agent: &Agent, account: &LoginName) -> bool {
    matches!(agent.directory.person(account), Ok(Some(_)))
        || agent.directory.view().is_shared(account)
}

/// Whether an account exists here or in the directory: only then its name is recorded. Both are
/// always asked: who is refused must not see by the time which of them has the name.
pub fn is_known(agent: &Agent, account: &LoginName) -> bool {
    let (listed, here) = (is_listed(agent, account), uid_of(account).is_some());
    listed || here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_asks_for_others() {
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
            assert_eq!(
                may_ask_for(peer(uid), account.map(name).as_ref()),
                allowed,
                "{uid} {account:?}"
            );
        }
    }
}
