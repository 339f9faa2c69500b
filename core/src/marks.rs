//! Marks: the least that this machine will accept from now on, in a root-owned file.

use minicbor::{Decode, Encode};

use crate::codec::{Document, List};
use crate::document::{Head, Position, RootDocument, TerminalDocument};
use crate::id::{Hash, SigningPublicKey};
use crate::name::ScopeName;
use crate::time::{ClockFloor, UnixTime};

/// People whose login at this terminal is remembered.
pub const MAX_SEEN: usize = 2048;
/// Scopes whose position is remembered, also those that the terminal no longer takes.
pub const MAX_SCOPE_MARKS: usize = 64;

/// What was seen before. Empty at first; only ever rises.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Marks {
    /// Greatest root document version.
    #[n(0)]
    pub root_version: u64,
    /// Greatest terminal document number.
    #[n(1)]
    pub terminal_number: u64,
    /// Per scope, the greatest position and its state root.
    #[n(2)]
    pub scopes: List<ScopeMark, MAX_SCOPE_MARKS>,
    /// Greatest signed time.
    #[n(3)]
    pub floor: ClockFloor,
    /// People who logged in here, the latest first.
    #[n(4)]
    pub seen: List<Seen, MAX_SEEN>,
    /// The root key of the document of [`Self::root_version`]: what this machine rests on since.
    /// None in marks from before there was any.
    #[n(101)]
    pub root_key: Option<SigningPublicKey>,
}

impl Document for Marks {
    const DOMAIN: &'static str = "wardkey/marks/1";
    const MAX_BYTES: usize = 256 * 1024;
    const GROWS: bool = true;
}

/// The greatest position seen of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ScopeMark {
    /// The scope.
    #[n(0)]
    pub scope: ScopeName,
    /// Epoch and sequence.
    #[n(1)]
    pub position: Position,
    /// The state root at that position: another one there is a fork.
    #[n(2)]
    pub root: Hash,
    /// The policy hash at that position.
    #[n(3)]
    pub policy: Hash,
}

/// A person who logged in at this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Seen {
    /// [`crate::directory::leaf_key`] of the person.
    #[n(0)]
    pub person: Hash,
    /// When last.
    #[n(1)]
    pub last: UnixTime,
}

impl Marks {
    /// The mark of a scope.
    pub fn scope(&self, scope: &ScopeName) -> Option<&ScopeMark> {
        self.scopes.iter().find(|mark| mark.scope == *scope)
    }

    /// Whether a root document is the one that was followed here, as far as that is known: whoever
    /// has the root key of an older one can sign others of the same version, but none with this
    /// key.
    pub fn is_followed(&self, root: &RootDocument) -> bool {
        self.root_key.is_none_or(|key| root.version == self.root_version && root.root_key == key)
    }

    /// Whether a person has logged in here.
    pub fn has_seen(&self, person: &Hash) -> bool {
        self.seen.iter().any(|seen| seen.person == *person)
    }

    /// Raises the marks to verified documents; what is lower changes nothing. The clock floor is
    /// the caller's to raise.
    pub fn raise<'h>(
        &mut self,
        root: &RootDocument,
        terminal: Option<&TerminalDocument>,
        heads: impl Iterator<Item = &'h Head>,
    ) {
        let is_newer = root.version > self.root_version;
        if is_newer || (root.version == self.root_version && self.root_key.is_none()) {
            self.root_version = root.version;
            self.root_key = Some(root.root_key);
        }
        if let Some(terminal) = terminal {
            self.terminal_number = self.terminal_number.max(terminal.number);
        }
        for head in heads {
            self.raise_scope(ScopeMark {
                scope: head.scope.clone(),
                position: head.position(),
                root: head.root,
                policy: head.policy,
            });
        }
    }

    /// Raises the mark of a scope; a lower one changes nothing.
    pub fn raise_scope(&mut self, mark: ScopeMark) {
        let mut scopes = std::mem::take(&mut self.scopes).into_vec();
        if let Some(known) = scopes.iter_mut().find(|known| known.scope == mark.scope) {
            if known.position < mark.position {
                *known = mark;
            }
        } else if scopes.len() < MAX_SCOPE_MARKS {
            // Beyond 64 scopes in a terminal's life none is forgotten, as that would let it roll
            // back: the newest has no mark and is judged by expiry alone.
            scopes.push(mark);
        }
        self.scopes = List::new(scopes).unwrap_or_default();
    }

    /// Remembers a person, forgetting the one seen longest ago when the list is full.
    pub fn remember(&mut self, person: Hash, now: UnixTime) {
        let mut seen = std::mem::take(&mut self.seen).into_vec();
        seen.retain(|known| known.person != person);
        seen.insert(0, Seen { person, last: now });
        seen.truncate(MAX_SEEN);
        self.seen = List::new(seen).unwrap_or_default();
    }
}
