//! How many connections there are, and whose.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use wardkey_ipc::Peer;

use super::accounts::Accounts;

use crate::lock::lock;

/// Connections of one uid that is not root, and those that it gets in any case.
const PER_UID: u32 = 8;
const FEW: u32 = 2;
/// Stands for the uids of which it is not known yet whether they are accounts (the kernel's "no uid").
const UNKNOWN: u32 = u32::MAX;

/// The connections that are open, by uid.
#[derive(Debug, Default)]
pub struct Connections {
    open: Mutex<HashMap<u32, u32>>,
    accounts: Accounts,
}

/// A connection that may be served once it is known whether its uid is an account's.
#[derive(Debug)]
pub enum Admitted {
    /// It is.
    Counted(Counted),
    /// Nobody has looked lately.
    Unknown(Counted, u32),
}

impl Admitted {
    /// Looks whether the uid is an account's, where that is not known; it may take as long as the directory
    /// services take. `None` for a uid that is nobody's, or has too many connections.
    pub fn counted(self, max: u64) -> Option<Counted> {
        match self {
            Self::Counted(counted) => Some(counted),
            Self::Unknown(waiting, uid) => {
                let connections = Arc::clone(&waiting.connections);
                if !connections.accounts.look_up(uid) {
                    return None;
                }
                drop(waiting);
                connections.admit(uid, max)
            }
        }
    }
}

/// A connection that counts against a uid until it is dropped.
#[derive(Debug)]
pub struct Counted {
    connections: Arc<Connections>,
    uid: u32,
}

impl Counted {
    /// Counts against the user who started the program of root's from here on; `false` when that is one
    /// too many.
    pub(super) fn charge(&mut self, uid: u32, max: u64) -> bool {
        if uid == self.uid {
            return true;
        }
        // In its own place first: it is open already, and counts once.
        self.connections.release(self.uid);
        let fits = self.connections.enter(uid, max);
        if fits {
            self.uid = uid;
        } else {
            *self.connections.open().entry(self.uid).or_default() += 1;
        }
        fits
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.release(self.uid);
    }
}

impl Connections {
    /// Counts a connection, unless it is one too many of `max` or of the uid's own.
    pub fn admit(self: &Arc<Self>, uid: u32, max: u64) -> Option<Counted> {
        self.enter(uid, max).then(|| Counted { connections: Arc::clone(self), uid })
    }

    /// Counts a connection of a peer. Subordinate uids of a user namespace are anybody's by the ten thousand: a
    /// uid that is no account's is refused before it counts.
    pub fn admit_peer(self: &Arc<Self>, peer: Peer, max: u64) -> Option<Admitted> {
        match self.accounts.known(peer.uid) {
            Some(true) => self.admit(peer.uid, max).map(Admitted::Counted),
            Some(false) => None,
            None => {
                let counted = self.admit(UNKNOWN, max)?;
                Some(Admitted::Unknown(counted, peer.uid))
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u32, u32>> {
        lock(&self.open)
    }

    fn release(&self, uid: u32) {
        let mut open = self.open();
        if let Some(count) = open.get_mut(&uid) {
            *count -= 1;
            if *count == 0 {
                open.remove(&uid);
            }
        }
    }

    fn enter(&self, uid: u32, max: u64) -> bool {
        let mut open = self.open();
        let all: u64 = open.values().map(|count| u64::from(*count)).sum();
        let users = all - u64::from(open.get(&0).copied().unwrap_or(0));
        let own = open.get(&uid).copied().unwrap_or(0);
        let fits = if uid == 0 {
            all < max
        } else {
            // The last quarter is root's, so that users cannot keep logins away; and more than two are for a
            // uid only while few are open, so that a few users cannot keep the others away.
            all < max / 4 * 3 && own < PER_UID && (own < FEW || users < max / 8 * 3)
        };
        if fits {
            *open.entry(uid).or_default() += 1;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_cannot_keep_root_away() {
        let connections = Arc::new(Connections::default());
        let own: Vec<_> = (0..20).filter_map(|_| connections.admit(1000, 64)).collect();
        assert_eq!(own.len(), PER_UID as usize);
        let all: Vec<_> = (1001..1100).filter_map(|uid| connections.admit(uid, 64)).collect();
        assert_eq!(own.len() + all.len(), 48, "each of the others got one");
        let roots: Vec<_> = (0..100).filter_map(|_| connections.admit(0, 64)).collect();
        assert_eq!(roots.len(), 16);
        drop((own, all, roots));
        assert!(connections.open.lock().unwrap().is_empty());
    }

    #[test]
    fn programs_of_root_count_against_who_started_them() {
        let connections = Arc::new(Connections::default());
        let mut roots: Vec<_> = (0..64).filter_map(|_| connections.admit(0, 64)).collect();
        assert_eq!(roots.len(), 64);
        // All of root's are taken: the last quarter stays root's.
        assert!(!roots[0].charge(1000, 64));
        roots.truncate(48);
        let charged = roots.iter_mut().filter_map(|one| one.charge(1000, 64).then_some(())).count();
        assert_eq!(charged, PER_UID as usize);
        assert!(roots[0].charge(1000, 64), "counted already");
        assert_eq!(*connections.open(), HashMap::from([(0, 40), (1000, PER_UID)]));
        assert!(connections.admit(1000, 64).is_none());
        drop(roots);
        assert!(connections.open().is_empty());
    }

    #[test]
    fn six_users_do_not_keep_the_others_away() {
        let connections = Arc::new(Connections::default());
        let uids = (1001..=1006).flat_map(|uid| std::iter::repeat_n(uid, 20));
        let held: Vec<_> = uids.filter_map(|uid| connections.admit(uid, 64)).collect();
        assert!(held.len() <= 34, "{}", held.len());
        for uid in 1007..1012 {
            assert!(connections.admit(uid, 64).is_some(), "{uid}");
        }
    }

    #[test]
    fn a_uid_that_is_no_account_is_refused_before_it_counts() {
        let connections = Arc::new(Connections::default());
        let peer = |uid| Peer { uid, gid: 0, pid: 1 };
        // A subordinate uid as /etc/subuid gives them out.
        const NOBODYS: u32 = 4_000_123_456;
        let admitted = connections.admit_peer(peer(NOBODYS), 64).unwrap();
        assert!(matches!(admitted, Admitted::Unknown(..)));
        assert!(admitted.counted(64).is_none());
        assert!(connections.admit_peer(peer(NOBODYS), 64).is_none(), "and at once from then on");
        let daemon = nix::unistd::User::from_name("daemon").unwrap().unwrap().uid.as_raw();
        let counted = connections.admit_peer(peer(daemon), 64).unwrap().counted(64).unwrap();
        assert_eq!(*connections.open(), HashMap::from([(daemon, 1)]));
        assert!(matches!(connections.admit_peer(peer(daemon), 64), Some(Admitted::Counted(_))));
        drop(counted);
        // However many come at once, those of whom nothing is known have eight places.
        let waiting: Vec<_> = (0..100).filter_map(|n| connections.admit_peer(peer(NOBODYS + 1 + n), 64)).collect();
        assert_eq!(waiting.len(), PER_UID as usize);
        assert!(connections.admit(0, 64).is_some() && connections.admit(daemon, 64).is_some());
    }
}
