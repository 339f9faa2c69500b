//! Who may ask for what, by the kernel's word about the caller.

use std::io::Read;
use std::path::{Path, PathBuf};

use nix::unistd::User;
use wardkey_core::message::key::Request;
use wardkey_ipc::Peer;

/// Seats and bytes of a seat's file that are looked at.
pub(crate) const MAX_SEATS: usize = 64;
const MAX_SEAT_FILE: u64 = 4096;
/// The seat that has the virtual terminals.
const FIRST_SEAT: &str = "seat0";

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
    /// The enrollment console, while the first seat shows nobody's session: making a key
    /// somebody's, and nothing that uses one.
    Enroller,
}

impl Caller {
    /// Whether this caller may make this request.
    #[must_use]
    pub fn may(self, request: &Request) -> bool {
        if self == Self::Enroller {
            return matches!(
                request,
                Request::List
                    | Request::Watch
                    | Request::Cancel
                    | Request::SetPin(_)
                    | Request::MakeCredential(_)
                    | Request::ForcePinChange(_)
            );
        }
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
    /// Users of services.
    pub services: Services,
}

/// Users of services that are served; `None`: there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Services {
    /// The agent's uid.
    pub agent: Option<u32>,
    /// The uid of the enrollment console, which runs as nobody else.
    pub enroller: Option<u32>,
}

/// Who is in front of the seats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InFront {
    /// Uids of their active sessions.
    pub uids: Vec<u32>,
    /// Whether the first seat, the one with virtual terminals, is known to show nobody's session.
    pub is_nobody: bool,
}

impl Authority {
    /// With the users of agent and enrollment console by name or uid. A name is looked up, which
    /// may ask a directory service: before the sandbox only.
    #[must_use]
    pub fn new(seats: PathBuf, agent: &str, enroller: &str) -> Self {
        let uid = |user: &str| {
            let uid = user.parse().ok();
            let uid = uid.or_else(|| Some(User::from_name(user).ok()??.uid.as_raw()));
            // Root is no service: a user that turned out to be root would say nothing about the
            // caller.
            uid.filter(|uid| *uid != 0)
        };
        let agent = uid(agent);
        // A user that is both is the agent, which gets less.
        let enroller = uid(enroller).filter(|uid| Some(*uid) != agent);
        Self { seats, services: Services { agent, enroller } }
    }

    /// What `peer` is at this moment; `None`: nobody who may ask for anything.
    #[must_use]
    pub fn authorise(&self, peer: Peer) -> Option<Caller> {
        authorise(peer, self.services, || in_front(&self.seats))
    }
}

/// What `peer` is, when `services` are the uids of services and `in_front` tells who is in front.
#[must_use]
pub fn authorise(
    peer: Peer,
    services: Services,
    in_front: impl FnOnce() -> InFront,
) -> Option<Caller> {
    if peer.is_root() {
        return Some(Caller::Root);
    }
    let InFront { uids, is_nobody } = in_front();
    if uids.contains(&peer.uid) {
        return Some(Caller::ActiveSession);
    }
    if services.enroller == Some(peer.uid) {
        // Whoever sits before somebody's session does not type at the console.
        return is_nobody.then_some(Caller::Enroller);
    }
    (services.agent == Some(peer.uid)).then_some(Caller::Agent)
}

/// The uids of the sessions in front of the seats, as sd_seat_get_active(3) tells them, without its
/// library.
#[must_use]
pub fn in_front(seats: &Path) -> InFront {
    let mut found = InFront::default();
    let Ok(entries) = std::fs::read_dir(seats) else {
        return found;
    };
    for entry in entries.take(MAX_SEATS).filter_map(Result::ok) {
        let name = entry.file_name();
        // logind writes to a hidden file first.
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let mut text = String::new();
        let read = std::fs::File::open(entry.path())
            .and_then(|file| file.take(MAX_SEAT_FILE).read_to_string(&mut text));
        if read.is_err() {
            continue;
        }
        let uid = active_uid(&text);
        let is_first = name == FIRST_SEAT && text.lines().any(|line| line == "IS_SEAT0=1");
        found.is_nobody |= is_first && !text.lines().any(|line| line.starts_with("ACTIVE"));
        found.uids.extend(uid);
    }
    found
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
    fn the_enrollment_console_makes_keys_somebodys_and_uses_none() {
        for (request, _) in all_requests() {
            let enrolls = matches!(
                request,
                Request::List
                    | Request::Watch
                    | Request::Cancel
                    | Request::SetPin(_)
                    | Request::MakeCredential(_)
                    | Request::ForcePinChange(_)
            );
            assert_eq!(Caller::Enroller.may(&request), enrolls, "{request:?}");
        }
        assert!(!Caller::Enroller.may_stay());
    }

    /// logind writes no `ACTIVE` where a virtual terminal without a session is shown.
    #[test]
    fn the_enrollment_console_is_served_while_nobodys_session_is_in_front() {
        let services = Services { agent: Some(998), enroller: Some(997) };
        for (what, files, served) in [
            ("a console", vec![("seat0", "IS_SEAT0=1\nSESSIONS=c2\n")], true),
            ("a desktop", vec![("seat0", "IS_SEAT0=1\nACTIVE=c2\nACTIVE_UID=1000\n")], false),
            ("a greeter", vec![("seat0", "IS_SEAT0=1\nACTIVE=c1\nACTIVE_UID=115\n")], false),
            ("cut off", vec![("seat0", "IS_SEAT0=1\nACTIVE=c1\n")], false),
            ("being written", vec![("seat0", "")], false),
            ("being replaced", vec![(".#seat0", "IS_SEAT0=1\n")], false),
            ("another seat", vec![("seat1", "IS_SEAT0=1\n")], false),
            (
                "somebody at another seat",
                vec![("seat0", "IS_SEAT0=1\n"), ("seat1", "ACTIVE=3\nACTIVE_UID=1001\n")],
                true,
            ),
            ("no logind", vec![], false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            let judged = |uid| authorise(peer(uid), services, || in_front(folder.path()));
            assert_eq!(judged(997), served.then_some(Caller::Enroller), "{what}");
            assert_eq!(judged(998), Some(Caller::Agent), "{what}");
            assert_eq!(judged(996), None, "{what}");
        }
        let gone = authorise(peer(997), services, || in_front(Path::new("/nonexistent")));
        assert_eq!(gone, None);
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
        let authority = Authority::new(folder.path().to_owned(), "998", "997");
        for (uid, expected) in [
            (0, Some(Caller::Root)),
            (1000, Some(Caller::ActiveSession)),
            (1003, Some(Caller::ActiveSession)),
            (998, Some(Caller::Agent)),
            (997, None),
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
        for user in ["", "no-such-user-of-wardkey", "root", "0"] {
            let authority = Authority::new("/nonexistent".into(), user, user);
            assert_eq!(authority.services, Services::default(), "{user}");
            assert_eq!(authority.authorise(peer(0)), Some(Caller::Root));
            assert_eq!(authority.authorise(peer(1000)), None);
        }
        let one = Authority::new("/nonexistent".into(), "998", "998").services;
        assert_eq!(one, Services { agent: Some(998), enroller: None });
    }
}
