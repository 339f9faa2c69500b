//! Counts connections by user.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use wardkey_ipc::Peer;

use super::accounts::Accounts;

use crate::lock::lock;

/// The most connections of one uid other than root, and how many it gets in any case.
const PER_UID: u32 = 8;
const FEW: u32 = 2;
/// Stands for all uids that have not been looked up yet (the kernel's "no uid").
const UNKNOWN: u32 = u32::MAX;

/// The connections that are open, by uid.
#[derive(Debug, Default)]
pub struct Connections {
    open: Mutex<HashMap<u32, u32>>,
    accounts: Accounts,
}

/// A connection that is served once its uid is known to belong to an account.
#[derive(Debug)]
pub enum Admitted {
    /// It does.
    Slot(Slot),
    /// It has to be looked up.
    Unknown(Slot, u32),
}

impl Admitted {
    /// Looks the uid up if necessary, which takes as long as the name services take. `None` for a
    /// uid without an account, or with too many connections.
    pub fn slot(self, max: u64) -> Option<Slot> {
        match self {
            Self::Slot(slot) => Some(slot),
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
pub struct Slot {
    connections: Arc<Connections>,
    uid: u32,
}

impl Slot {
    /// Counts against the user who started a program of root's from now on; `false` when that user
    /// has too many connections.
    pub(super) fn charge(&mut self, uid: u32, max: u64) -> bool {
        if uid == self.uid {
            return true;
        }
        // Released first: the connection is open already and counts once.
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

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.release(self.uid);
    }
}

impl Connections {
    /// Counts a connection, unless all of them or those of the uid are too many.
    pub fn admit(self: &Arc<Self>, uid: u32, max: u64) -> Option<Slot> {
        self.enter(uid, max).then(|| Slot { connections: Arc::clone(self), uid })
    }

    /// Counts a connection of a peer. A user namespace gives anybody thousands of subordinate uids,
    /// so a uid without an account is refused before it counts.
    pub fn admit_peer(self: &Arc<Self>, peer: Peer, max: u64) -> Option<Admitted> {
        match self.accounts.known(peer.uid) {
            Some(true) => self.admit(peer.uid, max).map(Admitted::Slot),
            Some(false) => None,
            None => {
                let slot = self.admit(UNKNOWN, max)?;
                Some(Admitted::Unknown(slot, peer.uid))
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
            // The last quarter is reserved for root, so that users cannot block logins. A uid gets
            // more than two only while few are open, so that a few users cannot block the others.
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
        assert!(admitted.slot(64).is_none());
        assert!(connections.admit_peer(peer(NOBODYS), 64).is_none(), "and at once from then on");
        let daemon = nix::unistd::User::from_name("daemon").unwrap().unwrap().uid.as_raw();
        let slot = connections.admit_peer(peer(daemon), 64).unwrap().slot(64).unwrap();
        assert_eq!(*connections.open(), HashMap::from([(daemon, 1)]));
        assert!(matches!(connections.admit_peer(peer(daemon), 64), Some(Admitted::Slot(_))));
        drop(slot);
        // However many come at once, those of whom nothing is known have eight places.
        let waiting: Vec<_> =
            (0..100).filter_map(|n| connections.admit_peer(peer(NOBODYS + 1 + n), 64)).collect();
        assert_eq!(waiting.len(), PER_UID as usize);
        assert!(connections.admit(0, 64).is_some() && connections.admit(daemon, 64).is_some());
    }
}
