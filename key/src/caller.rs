//! Who may ask for what, by the kernel's word about the caller.

use std::io::Read;
use std::path::{Path, PathBuf};

use nix::unistd::User;
use wardkey_core::message::key::Request;
use wardkey_ipc::Peer;

/// Seats and bytes of a seat's file that are looked at.
pub(crate) const MAX_SEATS: usize = 64;
const MAX_SEAT_FILE: u64 = 4096;

/// Somebody who may ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Root: everything.
    Root,
    /// The uid of the active session of a local seat, for example a locker:
    /// everything about a key, as it may open the device anyway.
    ActiveSession,
    /// The agent: watching and identifying, nothing that takes a PIN.
    Agent,
}

impl Caller {
    /// Whether this caller may make this request.
    #[must_use]
    pub fn may(self, request: &Request) -> bool {
        match request {
            Request::List
            | Request::Watch
            | Request::Identify(_)
            | Request::PassOver(_)
            | Request::AskFurther { .. }
            | Request::Cancel => true,
            Request::Touch { .. }
            | Request::Assert(_)
            | Request::AssertByFinger(_)
            | Request::MakeCredential(_)
            | Request::ChangePin { .. }
            | Request::ForcePinChange(_)
            | Request::SetPin(_) => self != Self::Agent,
            // Takes 64 MiB, and only root can count the tries.
            Request::SignByCode(_) | Request::HashCode(_) => self == Self::Root,
            // Only root's programs find out first whose key it is.
            Request::ChangePinOf(_) => self == Self::Root,
        }
    }

    /// Whether this caller may stay connected without end, to watch: the agent. For all others a
    /// connection is for one login, and one that stays is somebody who keeps others out.
    #[must_use]
    pub fn may_stay(self) -> bool {
        self == Self::Agent
    }
}

/// Says what a peer is, and whether it may ask for anything.
pub type Authorise<'a> = dyn Fn(Peer) -> Option<Caller> + 'a;

/// Whom the key process serves.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Where logind keeps a file per seat, with a line `ACTIVE_UID=`.
    pub seats: PathBuf,
    /// The agent's uid; `None`: there is no agent.
    pub agent: Option<u32>,
}

impl Authority {
    /// With the agent's user by name or uid. A name is looked up, which may ask a directory
    /// service: before the sandbox only.
    #[must_use]
    pub fn new(seats: PathBuf, agent: &str) -> Self {
        let uid = agent.parse().ok().or_else(|| Some(User::from_name(agent).ok()??.uid.as_raw()));
        // Root is no agent: an agent's user that turned out to be root would say
        // nothing about the caller.
        Self { seats, agent: uid.filter(|uid| *uid != 0) }
    }

    /// What `peer` is at this moment; `None`: nobody who may ask for anything.
    #[must_use]
    pub fn authorise(&self, peer: Peer) -> Option<Caller> {
        authorise(peer, self.agent, || active_uids(&self.seats))
    }
}

/// What `peer` is, when `agent` is the agent's uid and `active` tells those of the active sessions.
#[must_use]
pub fn authorise(
    peer: Peer,
    agent: Option<u32>,
    active: impl FnOnce() -> Vec<u32>,
) -> Option<Caller> {
    if peer.is_root() {
        return Some(Caller::Root);
    }
    if active().contains(&peer.uid) {
        return Some(Caller::ActiveSession);
    }
    (agent == Some(peer.uid)).then_some(Caller::Agent)
}

/// The uids of the sessions in front of the seats, as sd_seat_get_active(3) tells them, without its
/// library.
#[must_use]
pub fn active_uids(seats: &Path) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(seats) else {
        return Vec::new();
    };
    entries
        .take(MAX_SEATS)
        .filter_map(Result::ok)
        // logind writes to a hidden file first.
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter_map(|entry| {
            let mut text = String::new();
            std::fs::File::open(entry.path())
                .ok()?
                .take(MAX_SEAT_FILE)
                .read_to_string(&mut text)
                .ok()?;
            active_uid(&text)
        })
        .collect()
}

fn active_uid(seat: &str) -> Option<u32> {
    seat.lines().find_map(|line| line.strip_prefix("ACTIVE_UID="))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use wardkey_core::codec::{Bytes, List};
    use wardkey_core::id::CredentialId;
    use wardkey_core::message::key::{Assert, ForcePinChange, Identify, MakeCredential, Pin};
    use wardkey_core::name::RpId;

    use super::*;

    fn peer(uid: u32) -> Peer {
        Peer { uid, gid: uid, pid: 1 }
    }

    fn pin() -> Pin {
        Pin::new("1234".to_owned().into()).unwrap()
    }

    fn all_requests() -> Vec<(Request, bool)> {
        let rp_id: RpId = "example.org".parse().unwrap();
        let credential = CredentialId::new([7; 16]).unwrap();
        let (allow, client_data) = (List::default(), Bytes::default());
        let identify = Identify {
            rp_id: rp_id.clone(),
            allow,
            wait_ms: 0,
            client_data,
            every: false,
            more: None,
        };
        vec![
            (Request::List, false),
            (Request::Watch, false),
            (Request::Cancel, false),
            (Request::Identify(identify), false),
            (Request::PassOver(List::default()), false),
            (Request::Touch { path: String::new(), wait_ms: 0 }, true),
            (
                Request::Assert(Assert {
                    pin: pin(),
                    client_data: Bytes::default(),
                    credential,
                    wait_ms: 0,
                    path: String::new(),
                }),
                true,
            ),
            (
                Request::MakeCredential(Box::new(MakeCredential {
                    pin: pin(),
                    rp_id,
                    rp_name: String::new(),
                    user_handle: Bytes::default(),
                    user_name: String::new(),
                    display_name: String::new(),
                    client_data: Bytes::default(),
                    algorithms: List::default(),
                    exclude: List::default(),
                    cred_protect: 2,
                    wait_ms: 0,
                    min_pin_length: None,
                })),
                true,
            ),
            (Request::ChangePin { old: pin(), new: pin() }, true),
            (Request::SetPin(pin()), true),
            (
                Request::ForcePinChange(ForcePinChange {
                    pin: pin(),
                    rp_id: "hospital.example".parse().unwrap(),
                    credential: CredentialId::new(vec![7; 64]).unwrap(),
                }),
                true,
            ),
        ]
    }

    #[test]
    fn the_agent_gets_nothing_that_takes_a_pin() {
        for (request, takes_pin) in all_requests() {
            assert!(Caller::Root.may(&request));
            assert!(Caller::ActiveSession.may(&request));
            assert_eq!(Caller::Agent.may(&request), !takes_pin, "{request:?}");
        }
    }

    #[test]
    fn callers_are_judged_by_uid() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("seat0"),
            "IS_SEAT0=1\nACTIVE=c2\nACTIVE_UID=1000\nSESSIONS=c2 5\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("seat1"), "ACTIVE_UID=1003\n").unwrap();
        std::fs::write(folder.path().join(".#seat2"), "ACTIVE_UID=1004\n").unwrap();
        std::fs::write(folder.path().join("seat3"), "UIDS=1005\nNOT_ACTIVE_UID=1005\n").unwrap();
        std::fs::write(folder.path().join("seat4"), "ACTIVE_UID=1006x\n").unwrap();
        let authority = Authority::new(folder.path().to_owned(), "998");
        for (uid, expected) in [
            (0, Some(Caller::Root)),
            (1000, Some(Caller::ActiveSession)),
            (1003, Some(Caller::ActiveSession)),
            (998, Some(Caller::Agent)),
            (1001, None),
            (1004, None),
            (1005, None),
            (1006, None),
            (65534, None),
        ] {
            assert_eq!(authority.authorise(peer(uid)), expected, "{uid}");
        }
    }

    #[test]
    fn nothing_known_means_root_only() {
        for agent in ["", "no-such-user-of-wardkey", "root", "0"] {
            let authority = Authority::new("/nonexistent".into(), agent);
            assert_eq!(authority.agent, None, "{agent}");
            assert_eq!(authority.authorise(peer(0)), Some(Caller::Root));
            assert_eq!(authority.authorise(peer(1000)), None);
        }
    }
}
