//! What is shown: the signed head of each scope.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use wardkey_core::code::Code;
use wardkey_core::document::Head;
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use super::recent::Recent;
use crate::error::Error;
use crate::lock::{read, write};
use crate::texts::Text;

/// A scope as it is published.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The head.
    pub head: Head,
    /// The head, signed.
    pub signed: Arc<[u8]>,
    /// Why it is not published, when it is not.
    pub halted: Option<String>,
    /// The changes that led to it.
    pub recent: Recent,
}

/// The heads of all scopes.
#[derive(Debug, Default)]
pub struct Board {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    scopes: BTreeMap<ScopeName, Arc<Shown>>,
    /// By the time of the signature: the first ones are due first.
    by_issue: BTreeSet<(UnixTime, ScopeName)>,
}

impl Board {
    /// One scope.
    pub fn get(&self, name: &ScopeName) -> Option<Arc<Shown>> {
        self.read(|state| state.scopes.get(name).cloned())
    }

    /// Those of some scopes that are shown, as of one moment.
    pub fn some(&self, names: &BTreeSet<ScopeName>) -> Vec<(ScopeName, Arc<Shown>)> {
        self.read(|state| {
            let shown = |name: &ScopeName| {
                state.scopes.get(name).map(|shown| (name.clone(), Arc::clone(shown)))
            };
            names.iter().filter_map(shown).collect()
        })
    }

    /// All scopes.
    pub fn all(&self) -> BTreeMap<ScopeName, Arc<Shown>> {
        self.read(|state| state.scopes.clone())
    }

    /// Shows a scope.
    pub fn put(&self, name: &ScopeName, shown: Shown) {
        let mut state = write(&self.state);
        state.by_issue.insert((shown.head.issued, name.clone()));
        if let Some(before) = state.scopes.insert(name.clone(), Arc::new(shown)) {
            let same_time =
                state.scopes.get(name).is_some_and(|shown| shown.head.issued == before.head.issued);
            if !same_time {
                state.by_issue.remove(&(before.head.issued, name.clone()));
            }
        }
    }

    /// Scopes whose head was signed `age` seconds ago or before, or after `now`: that is so only
    /// when an administrator has confirmed an earlier time.
    pub fn due(&self, now: UnixTime, age: u64) -> Vec<ScopeName> {
        self.read(|state| {
            let old = state.by_issue.iter().take_while(|(issued, _)| now.since(*issued) >= age);
            let ahead = state.by_issue.iter().rev().take_while(|(issued, _)| now < *issued);
            old.chain(ahead).map(|(_, name)| name.clone()).collect()
        })
    }

    /// Whether any is due.
    pub fn is_due(&self, now: UnixTime, age: u64) -> bool {
        self.read(|state| {
            let is_old =
                state.by_issue.first().is_some_and(|(issued, _)| now.since(*issued) >= age);
            is_old || state.by_issue.last().is_some_and(|(issued, _)| now < *issued)
        })
    }

    fn read<T>(&self, of: impl FnOnce(&State) -> T) -> T {
        of(&read(&self.state))
    }
}

/// The refusal of a scope that is not published.
pub fn halted(name: &ScopeName, why: &str) -> Error {
    let message = Text::ScopeHalted.with([("name", name.as_str().into()), ("why", why.into())]);
    Error::refused(Code::ServerBehind, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardkey_core::id::Hash;

    fn shown(name: &ScopeName, issued: u64) -> Shown {
        let head = Head {
            scope: name.clone(),
            epoch: 1,
            seq: 1,
            root: Hash::new([0; 32]),
            count: 0,
            policy: Hash::new([0; 32]),
            issued: UnixTime(issued),
            expires: UnixTime(issued + 900),
        };
        Shown { head, signed: Arc::new([]), halted: None, recent: Recent::default() }
    }

    #[test]
    fn heads_are_due_by_the_time_of_their_latest_signature() {
        let board = Board::default();
        let names: Vec<ScopeName> =
            ["a", "b", "c"].map(|name| ScopeName::new(name).unwrap()).to_vec();
        for (name, issued) in names.iter().zip([1000, 1100, 1200]) {
            board.put(name, shown(name, issued));
        }
        let due =
            |now| board.due(UnixTime(now), 450).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(due(1449).is_empty() && !board.is_due(UnixTime(1449), 450));
        assert_eq!(due(1550), ["a", "b"]);
        assert!(board.is_due(UnixTime(1550), 450));
        assert_eq!(due(1150), ["c"], "signed by a time that was confirmed to be wrong");
        // Signed again: at the same time, and later.
        board.put(&names[0], shown(&names[0], 1000));
        board.put(&names[1], shown(&names[1], 1550));
        assert_eq!(due(1550), ["a"]);
        board.put(&names[0], shown(&names[0], 1550));
        assert!(due(1600).is_empty());
    }
}
