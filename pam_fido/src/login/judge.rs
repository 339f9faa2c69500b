//! What is left of the agent's evidence after every check.

use wardkey_core::code::{Code, Denial};
use wardkey_core::decide::{self, Permit, Request};
use wardkey_core::id::CredentialId;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Candidate, Grant};
use wardkey_core::message::key::{KeyDetails, MAX_ALLOW};
use wardkey_core::name::{LoginName, RpId};
use wardkey_core::snapshot::{Evidence, Snapshot};
use wardkey_core::time::UnixTime;

use super::{Attempt, Login, World};
use crate::refusal::Refusal;

/// Length in bytes of a credential id that no key holds.
const DECOY: usize = 64;
/// Asked of a key for a name that cannot be one, when no root document was shown.
const DECOY_RP_ID: &str = "unknown.invalid";

/// The person of a login, as the verified directory has it. Immutable for the login.
pub struct Person {
    pub snapshot: Snapshot,
    pub marks: Marks,
    /// Whether directory and policy allow the login. A refusal is kept until the key proved who asks.
    pub permit: Result<Permit, Denial>,
}

impl Person {
    /// Verifies what the agent shows for `person` and asks policy about `account` for a login.
    ///
    /// # Errors
    /// What refuses everyone: evidence that does not hold, a disabled terminal, a remote session, a
    /// directory that is too old.
    pub fn verify(
        world: &World<'_>,
        login: &Login,
        evidence: Option<&Evidence>,
        person: &LoginName,
        account: &LoginName,
    ) -> Result<Self, Refusal> {
        Self::verify_for(decide::permit, world, login, evidence, person, account)
    }

    /// The same for what `permit` decides about.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_for(
        permit: fn(&Snapshot, &Request<'_>) -> Result<Permit, Denial>,
        world: &World<'_>,
        login: &Login,
        evidence: Option<&Evidence>,
        person: &LoginName,
        account: &LoginName,
    ) -> Result<Self, Refusal> {
        let evidence = evidence.ok_or_else(|| Refusal::new(Code::ProofInvalid, "the agent shows nothing"))?;
        let marks = world.machine.marks()?;
        let snapshot = Snapshot::verify(evidence, world.anchor, &marks, person)?;
        super::outcome::note_verified(world, &snapshot);
        let now = now(world, &snapshot, &marks)?;
        let request = Request { account, service: &login.service, remote: login.remote, now, marks: &marks };
        let permit = permit(&snapshot, &request);
        if let Err(denial) = &permit
            && matches!(denial.code, Code::RemoteSession | Code::TerminalDisabled)
        {
            return Err(denial.clone().into());
        }
        // Also for names that nobody has, so that nothing tells them from others.
        decide::stage_by_time(&snapshot, now)?;
        Ok(Self { snapshot, marks, permit })
    }

    fn exists(&self) -> bool {
        self.snapshot.records().next().is_some()
    }
}

/// The time to judge by: never below what was signed.
pub fn now(world: &World<'_>, snapshot: &Snapshot, marks: &Marks) -> Result<UnixTime, Refusal> {
    let reading = world.machine.clock()?;
    Ok(marks.floor.raised(snapshot.signed_time(), &reading).now(&reading))
}

/// Who is looked for among the keys.
pub enum Sought {
    /// Nobody: the name is no account's. Looks the same from outside.
    Nobody(String),
    /// The person of the account.
    Person(Box<Person>),
    /// One of those who may use a shared account.
    Shared(Vec<Candidate>),
}

/// What the key is asked for.
pub struct Search {
    pub sought: Sought,
    pub rp_id: RpId,
    pub allow: Vec<CredentialId>,
}

/// Where a login stands when the key was identified.
pub struct Standing {
    pub sought: Sought,
    /// The credential of the person that the key holds.
    pub credential: Option<CredentialId>,
    /// What the key says of itself.
    pub details: Option<KeyDetails>,
    pub since: std::time::Instant,
}

impl Standing {
    /// Person and credential, when a key proved who asks.
    pub fn matched(&self) -> Option<(&Person, &CredentialId)> {
        match &self.sought {
            Sought::Person(person) => Some((&**person, self.credential.as_ref()?)),
            Sought::Nobody(_) | Sought::Shared(_) => None,
        }
    }

    /// Person and credential, when the login may go on.
    ///
    /// # Errors
    /// The refusal that was kept until the question was answered.
    pub fn permitted(&self) -> Result<(&Person, &CredentialId), Refusal> {
        let Some((person, credential)) = self.matched() else {
            let detail = match &self.sought {
                Sought::Nobody(detail) => detail,
                Sought::Person(_) => "the key holds no credential of the person",
                Sought::Shared(_) => "the key is of nobody who may use the shared account",
            };
            return Err(Refusal::new(Code::KeyAndNameDoNotMatch, detail));
        };
        person.permit.clone()?;
        if !person.snapshot.allow_list().contains(credential) {
            return Err(Refusal::new(Code::CredentialDisabled, "credential is disabled"));
        }
        Ok((person, credential))
    }
}

impl Attempt<'_, '_> {
    /// Judges what was granted.
    pub(super) fn judge(&self, grant: &Grant) -> Result<Search, Refusal> {
        let Some(account) = &self.login.account else {
            return self.nobody("the name cannot be a login name", None);
        };
        let person = Person::verify(&self.world, self.login, grant.evidence.as_ref(), account, account)?;
        if let Some(why) = self.login.nobody {
            return self.nobody(why, Some(&person));
        }
        if person.snapshot.policies().any(|policy| policy.shared_account(account).is_some()) {
            return self.shared(&person, &grant.candidates);
        }
        if !person.exists() {
            return self.nobody("no such person in any scope of this terminal", Some(&person));
        }
        let rp_id = person.snapshot.root().rp_id.clone();
        let allow = self.or_decoy(person.snapshot.known_credentials())?;
        Ok(Search { sought: Sought::Person(Box::new(person)), rp_id, allow })
    }

    fn nobody(&self, why: &str, shown: Option<&Person>) -> Result<Search, Refusal> {
        let rp_id = match shown {
            Some(person) => person.snapshot.root().rp_id.clone(),
            None => RpId::new(DECOY_RP_ID).map_err(|error| Refusal::new(Code::Internal, error))?,
        };
        Ok(Search { sought: Sought::Nobody(why.to_owned()), rp_id, allow: self.or_decoy(Vec::new())? })
    }

    fn shared(&self, account: &Person, candidates: &[Candidate]) -> Result<Search, Refusal> {
        let allow = self.or_decoy(candidates.iter().map(|candidate| candidate.credential.clone()).collect())?;
        let rp_id = account.snapshot.root().rp_id.clone();
        Ok(Search { sought: Sought::Shared(candidates.to_vec()), rp_id, allow })
    }

    /// An empty list would mean "any credential" to a key: then a random id stands in it.
    fn or_decoy(&self, mut allow: Vec<CredentialId>) -> Result<Vec<CredentialId>, Refusal> {
        allow.truncate(MAX_ALLOW);
        if allow.is_empty() {
            let mut id = vec![0; DECOY];
            self.world.machine.random(&mut id)?;
            allow.push(CredentialId::new(id).map_err(|error| Refusal::new(Code::Internal, error))?);
        }
        Ok(allow)
    }
}
