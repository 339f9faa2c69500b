//! What goes along with an exported log so that whoever has no server can verify the logins in it:
//! every key that was ever enrolled, every pass, and every loan of a key, with whose it is and when
//! it was valid.
//!
//! No secret is in it: of a pass neither the code nor the salt with which it is hashed.

use minicbor::{Decode, Encode};

use crate::codec::{Document, List};
use crate::document::MAX_ROOTS;
use crate::id::{Hash, LoanId, PassId, SigningPublicKey, TerminalId};
use crate::name::LoginName;
use crate::pass::Pass;
use crate::person::CredentialRecord;
use crate::time::UnixTime;

/// The most keys, passes, people and loans of a list.
pub const MAX_LISTED: usize = 1 << 20;
/// The most changes of one key or person.
pub const MAX_CHANGES: usize = 4096;

/// Keys and passes. Signed with the key of the log, as documents are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LogKeys {
    /// The log's name.
    #[n(0)]
    pub origin: String,
    /// Entries in the log when the list was made.
    #[n(1)]
    pub size: u64,
    /// When it was made.
    #[n(2)]
    pub made: UnixTime,
    /// Every key, in the order of enrollment.
    #[n(3)]
    pub keys: List<ListedKey, MAX_LISTED>,
    /// Every pass, the oldest first.
    #[n(4)]
    pub passes: List<ListedPass, MAX_LISTED>,
    /// People who were disabled, enabled or deleted, in the order of their names.
    #[n(5)]
    pub people: List<ListedPerson, MAX_LISTED>,
    /// Keys that signed the log until they were stolen, the oldest first; none when there are none.
    #[n(100)]
    pub replaced: Option<List<ReplacedLogKey, MAX_ROOTS>>,
    /// Every loan of a loaner key, the oldest first; none in a list from before there were any.
    #[n(101)]
    pub loans: Option<List<ListedLoan, MAX_LISTED>>,
}

impl LogKeys {
    /// The keys that signed the log until they were stolen.
    pub fn replaced(&self) -> &[ReplacedLogKey] {
        self.replaced.as_deref().unwrap_or_default()
    }
}

impl Document for LogKeys {
    const DOMAIN: &'static str = "wardkey/log-keys/1";
    const MAX_BYTES: usize = 512 * 1024 * 1024;
    const GROWS: bool = true;
}

/// A key that signed the log until it was stolen. What it signs from then on means nothing, and
/// nobody can tell by the signature when that was made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReplacedLogKey {
    /// The log's name by then.
    #[n(0)]
    pub origin: String,
    /// The key.
    #[n(1)]
    pub key: SigningPublicKey,
    /// When another one took its place.
    #[n(2)]
    pub replaced: UnixTime,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListedKey {
    /// Whose it is; of a loaner key, its name in the pool, which is nobody's.
    #[n(0)]
    pub person: LoginName,
    /// What was enrolled, and its status now.
    #[n(1)]
    pub key: CredentialRecord,
    /// When it was switched off, on, or deleted.
    #[n(2)]
    pub changes: List<Change, MAX_CHANGES>,
    /// Whether it is a loaner key: then it stands for whoever had it on loan.
    #[n(101)]
    pub is_loaner: Option<bool>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListedPerson {
    /// Login name.
    #[n(0)]
    pub login: LoginName,
    /// When the person was switched off, on, or deleted.
    #[n(1)]
    pub changes: List<Change, MAX_CHANGES>,
}

/// A change of a key or a person, as the trail has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Change {
    /// When.
    #[n(0)]
    pub time: UnixTime,
    /// What it was from then on.
    #[n(1)]
    pub to: ListedStatus,
}

/// What a key or a person may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ListedStatus {
    /// May log in.
    #[n(0)]
    Active,
    /// May not.
    #[n(1)]
    Disabled,
    /// Gone for ever.
    #[n(2)]
    Deleted,
}

/// A pass.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListedPass {
    /// Names it in records.
    #[n(0)]
    pub id: PassId,
    /// Whose it is.
    #[n(1)]
    pub person: LoginName,
    /// The public key that is made of the code.
    #[n(2)]
    pub key: SigningPublicKey,
    /// Not valid before this.
    #[n(3)]
    pub from: UnixTime,
    /// Not valid from this on.
    #[n(4)]
    pub until: UnixTime,
    /// At this terminal only.
    #[n(5)]
    pub terminal: Option<TerminalId>,
    /// Whether it is a sealed code (break-glass).
    #[n(101)]
    pub is_sealed: Option<bool>,
}

impl ListedPass {
    /// What is needed to verify logins by a pass.
    pub fn of(person: LoginName, pass: &Pass) -> Self {
        Self {
            id: pass.id,
            person,
            key: pass.key,
            from: pass.from,
            until: pass.until,
            terminal: pass.terminal,
            is_sealed: None,
        }
    }

    /// The same of a sealed code.
    pub fn of_sealed(person: LoginName, sealed: &Pass) -> Self {
        Self { is_sealed: Some(true), ..Self::of(person, sealed) }
    }
}

/// A loan of a loaner key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListedLoan {
    /// Names it in records.
    #[n(0)]
    pub id: LoanId,
    /// Fingerprint of the key.
    #[n(1)]
    pub key: Hash,
    /// The borrower.
    #[n(2)]
    pub person: LoginName,
    /// Not valid before this.
    #[n(3)]
    pub from: UnixTime,
    /// Not valid from this on.
    #[n(4)]
    pub until: UnixTime,
    /// When the key was returned, as far as the server knows: it is lent to nobody before.
    #[n(5)]
    pub back: Option<UnixTime>,
}
