//! What the agent shows for one person, and what is left of it after every check: a [`Snapshot`].
//!
//! The agent is not believed. Each document is verified from the trust anchor down; each scope of
//! the terminal must show the person's record or prove that there is none; nothing older than the
//! marks is accepted.

use minicbor::{Decode, Encode};

use crate::code::{Code, Denial};
use crate::codec::{self, Bytes, Document, List};
use crate::directory::Proof;
use crate::document::{Head, MAX_ROOTS, MAX_SCOPES, RootDocument, SignedRoot, TerminalDocument};
use crate::id::{CredentialId, SigningPublicKey, TerminalId};
use crate::marks::Marks;
use crate::name::{LoginName, ScopeName};
use crate::pass::Pass;
use crate::person::{Loan, PersonRecord, Status};
use crate::policy::document::PolicyDocument;
use crate::sign::{self, SignatureError, Verified};
use crate::time::UnixTime;

/// What a machine believes from its own disk: who its server is, and who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Public key of the first root document.
    pub root_key: SigningPublicKey,
    /// This terminal.
    pub terminal: TerminalId,
}

/// Everything that the agent shows for one person.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Evidence {
    /// Root documents from the anchor's to the current one.
    #[n(0)]
    pub roots: List<SignedRoot, MAX_ROOTS>,
    /// Signed [`TerminalDocument`].
    #[n(1)]
    pub terminal: Bytes<{ TerminalDocument::MAX_BYTES + 128 }>,
    /// One for each scope of the terminal.
    #[n(2)]
    pub scopes: List<ScopeEvidence, MAX_SCOPES>,
}

/// What is shown of one scope.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ScopeEvidence {
    /// Signed [`Head`].
    #[n(0)]
    pub head: Bytes<{ Head::MAX_BYTES + 128 }>,
    /// The [`PolicyDocument`] that the head names by its hash.
    #[n(1)]
    pub policy: Bytes<{ PolicyDocument::MAX_BYTES }>,
    /// The person's record, or that there is none.
    #[n(2)]
    pub proof: Proof,
}

/// One person in the verified directory at one moment; immutable for the whole login.
#[derive(Clone, Debug)]
pub struct Snapshot {
    root: Verified<RootDocument>,
    terminal: Verified<TerminalDocument>,
    scopes: Vec<VerifiedScope>,
    login: LoginName,
}

/// One verified scope.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedScope {
    pub(crate) head: Verified<Head>,
    pub(crate) policy: PolicyDocument,
    pub(crate) record: Option<PersonRecord>,
}

impl Snapshot {
    /// Verifies what the agent shows for the person `login`.
    ///
    /// # Errors
    /// A [`Denial`] (11xx) that says which document does not hold.
    pub fn verify(
        evidence: &Evidence,
        anchor: &Anchor,
        marks: &Marks,
        login: &LoginName,
    ) -> Result<Self, Denial> {
        let root = verify_roots(&evidence.roots, &anchor.root_key, marks)?;
        let terminal = verify_terminal(evidence.terminal.as_slice(), &root, anchor, marks)?;
        let scopes = evidence
            .scopes
            .iter()
            .map(|scope| verify_scope(scope, &root, marks, login))
            .collect::<Result<Vec<_>, _>>()?;
        let shown: Vec<&ScopeName> = scopes.iter().map(|scope| &scope.head.scope).collect();
        if shown != terminal.scopes.iter().collect::<Vec<_>>() {
            return Err(Denial::new(
                Code::ScopesIncomplete,
                "the scopes shown are not the terminal's",
            ));
        }
        Ok(Self { root, terminal, scopes, login: login.clone() })
    }

    /// The root document.
    pub fn root(&self) -> &RootDocument {
        &self.root
    }

    /// The terminal document.
    pub fn terminal(&self) -> &TerminalDocument {
        &self.terminal
    }

    /// The person that this is about, who may be unknown.
    pub fn login(&self) -> &LoginName {
        &self.login
    }

    /// The person's records, one for each scope that holds the person. Deny wins among them.
    pub fn records(&self) -> impl Iterator<Item = &PersonRecord> {
        self.scopes.iter().filter_map(|scope| scope.record.as_ref())
    }

    /// The same with the scope of each.
    pub fn records_by_scope(&self) -> impl Iterator<Item = (&ScopeName, &PersonRecord)> {
        self.scopes.iter().filter_map(|scope| Some((&scope.head.scope, scope.record.as_ref()?)))
    }

    /// The heads of the scopes.
    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.scopes.iter().map(|scope| &*scope.head)
    }

    pub(crate) fn scopes(&self) -> &[VerifiedScope] {
        &self.scopes
    }

    /// The policies of the scopes. Deny wins among them.
    pub fn policies(&self) -> impl Iterator<Item = &PolicyDocument> {
        self.scopes.iter().map(|scope| &scope.policy)
    }

    /// The credentials that a key is asked for: active in every record of the person.
    pub fn allow_list(&self) -> Vec<CredentialId> {
        let Some(first) = self.records().next() else {
            return Vec::new();
        };
        let usable = |id: &CredentialId| {
            self.records()
                .all(|record| record.credential(id).is_some_and(|c| c.status == Status::Active))
        };
        first.allow_list(&self.root.rp_id).into_iter().filter(usable).collect()
    }

    /// Every credential of the person, also disabled ones: to tell a person whose key was disabled
    /// that it was, once that key proved who asks.
    pub fn known_credentials(&self) -> Vec<CredentialId> {
        let mut ids = Vec::new();
        // A few, and no sorting in the PAM module.
        for credential in self.records().flat_map(PersonRecord::keys) {
            if credential.rp_id == self.root.rp_id && !ids.contains(&credential.id) {
                ids.push(credential.id.clone());
            }
        }
        ids
    }

    /// The loans by which the person has this credential: one for each record that has it so. Each
    /// of them must allow what is asked.
    pub fn loans_of<'s>(&'s self, id: &'s CredentialId) -> impl Iterator<Item = &'s Loan> {
        self.records().filter_map(move |record| record.loan_of(id))
    }

    /// Every loan of the person's records.
    pub fn loans(&self) -> impl Iterator<Item = &Loan> {
        self.records().filter_map(|record| record.loan.as_ref())
    }

    /// The person's pass: one that every record of the person has, so that a scope which has taken
    /// it away is heard though another has not.
    pub fn pass(&self) -> Option<&Pass> {
        self.in_every_record(|record| record.pass.as_ref())
    }

    /// The person's sealed code (break-glass), as [`Self::pass`].
    pub fn break_glass(&self) -> Option<&Pass> {
        self.in_every_record(|record| record.break_glass.as_ref())
    }

    fn in_every_record(&self, of: fn(&PersonRecord) -> Option<&Pass>) -> Option<&Pass> {
        let pass = of(self.records().next()?)?;
        self.records().all(|record| of(record) == Some(pass)).then_some(pass)
    }

    /// When the first of the signed documents expires: from then on the terminal is offline.
    pub fn expires(&self) -> UnixTime {
        self.heads().map(|head| head.expires).fold(self.terminal.expires, Ord::min)
    }

    /// The greatest signed time in it.
    pub fn signed_time(&self) -> UnixTime {
        self.heads().map(|head| head.issued).fold(self.terminal.issued, Ord::max)
    }

    /// Raises marks to what this snapshot shows; the clock floor is the caller's to raise.
    pub fn raise(&self, marks: &mut Marks) {
        marks.raise(&self.root, Some(&*self.terminal), self.heads());
    }
}

/// Verifies a chain of root documents from the key of the anchor on, against the marks: it goes on
/// from the document that was followed last, with the root key that this had. The key of the anchor
/// alone, which may have been exchanged for good reasons, makes no other chain.
///
/// # Errors
/// [`Code::RootInvalid`] or [`Code::Rollback`].
#[inline(never)]
pub fn verify_roots(
    chain: &[SignedRoot],
    anchor: &SigningPublicKey,
    marks: &Marks,
) -> Result<Verified<RootDocument>, Denial> {
    let invalid = |error: SignatureError| Denial::new(Code::RootInvalid, error);
    let (first, rest) = chain.split_first().ok_or_else(|| invalid(SignatureError::UnknownKey))?;
    let mut root = first.verify_first(anchor).map_err(invalid)?;
    let mut is_followed = marks.is_followed(&root);
    for next in rest {
        root = next.verify_next(&root).map_err(invalid)?;
        is_followed |= marks.is_followed(&root);
    }
    if root.version < marks.root_version {
        let detail = format!("root document {} < {}", root.version, marks.root_version);
        return Err(Denial::new(Code::Rollback, detail));
    }
    if is_followed { Ok(root) } else { Err(invalid(SignatureError::UnknownKey)) }
}

/// Verifies the signed document of this terminal.
///
/// # Errors
/// [`Code::TerminalInvalid`] or [`Code::Rollback`].
pub fn verify_terminal(
    signed: &[u8],
    root: &RootDocument,
    anchor: &Anchor,
    marks: &Marks,
) -> Result<Verified<TerminalDocument>, Denial> {
    let invalid = |detail: &dyn std::fmt::Display| Denial::new(Code::TerminalInvalid, detail);
    let terminal: Verified<TerminalDocument> =
        sign::verify(signed, &root.publish_keys).map_err(|error| invalid(&error))?;
    if terminal.terminal != anchor.terminal {
        return Err(invalid(&"document of another terminal"));
    }
    let ascending = terminal.scopes.iter().zip(terminal.scopes.iter().skip(1)).all(|(a, b)| a < b);
    if terminal.scopes.is_empty() || !ascending {
        return Err(invalid(&"scopes are not 1 to 8 different ones in order"));
    }
    if terminal.number < marks.terminal_number {
        let detail = format!("terminal document {} < {}", terminal.number, marks.terminal_number);
        return Err(Denial::new(Code::Rollback, detail));
    }
    Ok(terminal)
}

/// Verifies the signed head of a scope against the marks.
///
/// # Errors
/// [`Code::HeadInvalid`], [`Code::Rollback`] or [`Code::Fork`].
pub fn verify_head(
    signed: &[u8],
    root: &RootDocument,
    marks: &Marks,
) -> Result<Verified<Head>, Denial> {
    let head: Verified<Head> = sign::verify(signed, &root.publish_keys)
        .map_err(|error| Denial::new(Code::HeadInvalid, error))?;
    if head.expires < head.issued {
        return Err(Denial::new(Code::HeadInvalid, "expires before it is issued"));
    }
    if let Some(mark) = marks.scope(&head.scope) {
        if head.position() < mark.position {
            let detail = format!("scope {} at {} < {}", head.scope, head.position(), mark.position);
            return Err(Denial::new(Code::Rollback, detail));
        }
        if head.position() == mark.position
            && (head.root != mark.root || head.policy != mark.policy)
        {
            let detail = format!("scope {} at {} has two states", head.scope, head.position());
            return Err(Denial::new(Code::Fork, detail));
        }
    }
    Ok(head)
}

fn verify_scope(
    shown: &ScopeEvidence,
    root: &RootDocument,
    marks: &Marks,
    login: &LoginName,
) -> Result<VerifiedScope, Denial> {
    let head = verify_head(shown.head.as_slice(), root, marks)?;
    let policy = verify_policy(shown.policy.as_slice(), &head)?;
    let record = shown
        .proof
        .check(login, &head.root)
        .map_err(|error| Denial::new(Code::ProofInvalid, error))?;
    Ok(VerifiedScope { head, policy, record })
}

/// Verifies a policy against the head that names it.
///
/// # Errors
/// [`Code::PolicyInvalid`].
pub fn verify_policy(bytes: &[u8], head: &Head) -> Result<PolicyDocument, Denial> {
    let invalid = |detail: &dyn std::fmt::Display| Denial::new(Code::PolicyInvalid, detail);
    if codec::sha256(bytes) != head.policy {
        return Err(invalid(&"not the policy that the head names"));
    }
    let policy: PolicyDocument = codec::from_bytes(bytes).map_err(|error| invalid(&error))?;
    if policy.scope != head.scope || !policy.offline.is_ordered() {
        return Err(invalid(&"policy of another scope, or offline limits out of order"));
    }
    Ok(policy)
}
