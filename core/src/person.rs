//! People and their credentials, as the server publishes them.

use minicbor::{Decode, Encode};

use crate::codec::{Bytes, Document, List};
use crate::id::{Aaguid, CredentialId, Hash, LoanId, UserHandle};
use crate::name::{DisplayText, GroupName, Language, LoginName, RpId};
use crate::pass::Pass;
use crate::time::UnixTime;

/// Credentials that one record can hold; the server's own limit is 10.
pub const MAX_CREDENTIALS: usize = 32;
/// Groups that one record can hold.
pub const MAX_GROUPS: usize = 64;
/// The credProtect level (CTAP 2.1, 12.1) at which a key tells nobody without its PIN that it has a
/// credential. Which person's PIN to ask for is known only from that.
pub const NEVER_SILENT: u8 = 3;

/// A person, with all that person's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PersonRecord {
    /// Login name; also the Unix account of the person.
    #[n(0)]
    pub login: LoginName,
    /// The person's name, for prompts and records.
    #[n(1)]
    pub display_name: DisplayText,
    /// The language of the person's messages.
    #[n(2)]
    pub language: Language,
    /// WebAuthn user handle.
    #[n(3)]
    pub user_handle: UserHandle,
    /// Groups, sorted, each once.
    #[n(4)]
    pub groups: List<GroupName, MAX_GROUPS>,
    /// Not valid before this.
    #[n(5)]
    pub not_before: Option<UnixTime>,
    /// Not valid from this on.
    #[n(6)]
    pub not_after: Option<UnixTime>,
    /// Whether the person may log in at all.
    #[n(7)]
    pub status: Status,
    /// The person's security keys.
    #[n(8)]
    pub credentials: List<CredentialRecord, MAX_CREDENTIALS>,
    /// A pass, while the person is without the key. A reader that does not know it lets nobody in
    /// by it.
    #[n(101)]
    pub pass: Option<Pass>,
    /// A key of the pool that the person has on loan. It stands outside of `credentials`, as a
    /// reader that passes this over must not take it for a key of the person's own, without end.
    #[n(102)]
    pub loan: Option<Loan>,
    /// A sealed code (break-glass) that lets somebody in as this person once. A reader that does
    /// not know it lets nobody in by it.
    #[n(103)]
    pub break_glass: Option<Pass>,
    /// The person's name in Latin letters, for consoles, which have no others. Whoever shows it
    /// looks whether the place can: what a later server allows may be more.
    #[n(104)]
    pub latin_name: Option<DisplayText>,
}

impl Document for PersonRecord {
    const DOMAIN: &'static str = "wardkey/person/1";
    const MAX_BYTES: usize = 96 * 1024;
    const GROWS: bool = true;
}

impl PersonRecord {
    /// The person's own credentials, and one on loan, whether its time is over or not.
    pub fn keys(&self) -> impl Iterator<Item = &CredentialRecord> {
        self.credentials.iter().chain(self.loan.iter().map(|loan| &loan.credential))
    }

    /// The credential with this id.
    pub fn credential(&self, id: &CredentialId) -> Option<&CredentialRecord> {
        self.keys().find(|credential| credential.id == *id)
    }

    /// The loan by which the person has this credential, if it is by one.
    pub fn loan_of(&self, id: &CredentialId) -> Option<&Loan> {
        self.loan.as_ref().filter(|loan| loan.credential.id == *id)
    }

    /// Ids of the active credentials for a relying party id: what a key is asked for.
    pub fn allow_list(&self, rp_id: &RpId) -> Vec<CredentialId> {
        self.keys()
            .filter(|credential| credential.status == Status::Active && credential.rp_id == *rp_id)
            .map(|credential| credential.id.clone())
            .collect()
    }
}

/// The longest that any policy may let a loan be, in seconds.
pub const MAX_LOAN_SECONDS: u64 = 72 * 3600;

/// Loaner keys that a deployment can have. A key that is enrolled is asked for all of them.
pub const MAX_POOL: usize = 200;

/// A key of the server's pool, lent to one person until an end. Who has it next has another loan,
/// with another id.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Loan {
    /// Names it in records.
    #[n(0)]
    pub id: LoanId,
    /// The credential of the key, as it was enrolled for the pool.
    #[n(1)]
    pub credential: CredentialRecord,
    /// The user handle that the key has for the pool.
    #[n(2)]
    pub holder: UserHandle,
    /// Not valid before this.
    #[n(3)]
    pub from: UnixTime,
    /// Not valid from this on.
    #[n(4)]
    pub until: UnixTime,
    /// Who lent it.
    #[n(5)]
    pub lender: DisplayText,
    /// Why.
    #[n(6)]
    pub reason: DisplayText,
}

/// A credential of a person.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CredentialRecord {
    /// Credential id.
    #[n(0)]
    pub id: CredentialId,
    /// COSE_Key, as the key gave it.
    #[n(1)]
    pub public_key: Bytes<256>,
    /// Relying party id under which it was made.
    #[n(2)]
    pub rp_id: RpId,
    /// Model of the key; counts only with [`CredentialFlags::ATTESTED`].
    #[n(3)]
    pub aaguid: Aaguid,
    /// What was true at enrollment.
    #[n(4)]
    pub flags: CredentialFlags,
    /// credProtect level 1 to 3; 0 when the key did not say.
    #[n(5)]
    pub cred_protect: u8,
    /// Whether it may be used.
    #[n(6)]
    pub status: Status,
    /// What the person calls the key.
    #[n(7)]
    pub label: DisplayText,
    /// When it was enrolled.
    #[n(8)]
    pub enrolled: UnixTime,
}

impl CredentialRecord {
    /// Fingerprint for logs.
    pub fn fingerprint(&self) -> Hash {
        self.id.fingerprint()
    }
}

/// Facts of a credential, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct CredentialFlags(#[n(0)] pub u8);

impl CredentialFlags {
    /// Backup eligible (BE), as in the signed flags at enrollment.
    pub const BACKUP_ELIGIBLE: u8 = 1;
    /// Attestation verified up to a trusted root.
    pub const ATTESTED: u8 = 2;
    /// Discoverable credential.
    pub const DISCOVERABLE: u8 = 4;

    /// True when the bit is set.
    pub const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Whether a person, a credential or a terminal may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Status {
    /// May be used.
    #[n(0)]
    Active,
    /// Switched off, may be switched on again.
    #[n(1)]
    Disabled,
}
