//! What is left of the agent's evidence after every check.

use wardkey_core::code::{Code, Denial};
use wardkey_core::id::CredentialId;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Candidate, CandidatePage, Grant, Locked};
use wardkey_core::message::key::MAX_ALLOW;
use wardkey_core::name::{LoginName, RpId};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::evaluate::{Evaluation, Permit, evaluate};
use wardkey_core::policy::stage::{self, Stage};
use wardkey_core::server_time::Attested;
use wardkey_core::snapshot::Snapshot;
use wardkey_core::time::UnixTime;

use super::states::Recognised;
use super::{Attempt, Login};
use crate::refusal::Refusal;
use crate::world::World;

/// Length in bytes of a credential id that no key holds.
const DECOY: usize = 64;
/// Whose evidence the agent shows for a name that cannot be one.
const NO_NAME: &str = "_";
/// The longest lock-out in seconds that is told: an agent could say any number.
const LONGEST_LOCK: u64 = 86_400;

/// The person of a login, as the verified directory has it. Immutable for the login.
#[derive(Clone)]
pub struct Person {
    pub snapshot: Snapshot,
    pub marks: Marks,
    /// Whether directory and policy allow the login. A refusal is kept until the key proved who asks.
    pub permit: Result<Permit, Denial>,
    /// How fresh the directory is.
    pub stage: Stage,
    /// The server's time, where it was asked for.
    time: Option<Attested>,
    /// Credentials of the person that are locked out.
    locked: Vec<Locked>,
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
        grant: &Grant,
        person: &LoginName,
        account: &LoginName,
        time: Option<&Attested>,
    ) -> Result<Self, Refusal> {
        Self::verify_for(evaluate, world, login, grant, person, account, time)
    }

    /// The same for what `evaluate` judges.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_for(
        evaluate: fn(&Snapshot, &LoginContext<'_>) -> Evaluation,
        world: &World<'_>,
        login: &Login,
        grant: &Grant,
        person: &LoginName,
        account: &LoginName,
        time: Option<&Attested>,
    ) -> Result<Self, Refusal> {
        let evidence =
            grant.evidence.as_ref().ok_or_else(|| Refusal::new(Code::ProofInvalid, "the agent shows nothing"))?;
        let marks = world.machine.marks()?;
        let snapshot = Snapshot::verify(evidence, world.anchor, &marks, person)?;
        super::outcome::note_verified(world, &snapshot, time);
        let now = now(world, &snapshot, &marks, time)?;
        let context = LoginContext { account, service: &login.service, remote: login.remote, now, marks: &marks };
        let permit = evaluate(&snapshot, &context).into_permit();
        if let Err(denial) = &permit
            && matches!(denial.code, Code::RemoteSession | Code::TerminalDisabled)
        {
            return Err(denial.clone().into());
        }
        // Also for names that nobody has, so that nothing tells them from others.
        let stage = stage::stage_by_time(&snapshot, now)?;
        let locked = grant.locked.iter().flat_map(|locked| locked.iter().cloned()).collect();
        Ok(Self { snapshot, marks, permit, stage, time: time.cloned(), locked })
    }

    /// The server's time, where it was asked for.
    pub const fn server_time(&self) -> Option<&Attested> {
        self.time.as_ref()
    }

    /// The time to judge this person's login by.
    ///
    /// # Errors
    /// The clock cannot be read.
    pub fn now(&self, world: &World<'_>) -> Result<UnixTime, Refusal> {
        now(world, &self.snapshot, &self.marks, self.time.as_ref())
    }

    fn exists(&self) -> bool {
        self.snapshot.records().next().is_some()
    }
}

/// The time to judge by: the server's if it was asked for, else the clock; never below what was signed.
fn now(world: &World<'_>, snapshot: &Snapshot, marks: &Marks, time: Option<&Attested>) -> Result<UnixTime, Refusal> {
    let reading = world.machine.clock()?;
    let floor = marks.floor.raised(snapshot.signed_time(), &reading);
    Ok(match time.and_then(|time| time.at(&reading)) {
        Some(time) => time.max(floor.at(&reading)),
        None => floor.now(&reading),
    })
}

/// Who is looked for among the keys.
pub enum Sought {
    /// Nobody: the name is no account's. Looks the same from outside.
    Nobody,
    /// The person of the account.
    Person(Box<Person>),
    /// One of those who may use a shared account.
    Shared(Vec<Candidate>),
}

/// What the keys are asked for.
pub struct Search {
    pub sought: Sought,
    pub rp_id: RpId,
    pub allow: Vec<CredentialId>,
    /// Where the next page of candidates begins.
    pub more: Option<CandidatePage>,
    /// How fresh the directory is.
    pub stage: Stage,
}

impl Person {
    /// Whether the person may log in with this credential, which a key has proved to hold.
    ///
    /// # Errors
    /// The refusal.
    pub fn may_use(&self, credential: &CredentialId, login: &Login) -> Result<(), Refusal> {
        if let Some(why) = login.name.why_no_account() {
            return Err(Refusal::new(Code::KeyAndNameDoNotMatch, why));
        }
        self.permit.clone()?;
        if !self.snapshot.allow_list().contains(credential) {
            return Err(Refusal::new(Code::CredentialDisabled, "credential is disabled"));
        }
        if let Some(locked) = self.locked.iter().find(|locked| locked.credential == *credential) {
            let seconds = locked.seconds.min(LONGEST_LOCK);
            let refusal = Refusal::new(Code::LockedOut, format!("key is locked out for {seconds} s"));
            return Err(Refusal { seconds: Some(seconds), ..refusal });
        }
        Ok(())
    }
}

impl Search {
    /// Looks for nothing but the key that was recognised: at a shared account it may be on a later page.
    pub fn only(&mut self, recognised: &Recognised) {
        let (person, credential) = (recognised.person.snapshot.login().clone(), recognised.proven.credential());
        if let Sought::Shared(candidates) = &mut self.sought {
            *candidates = vec![Candidate { person, credential: credential.clone() }];
        }
        self.allow = vec![credential.clone()];
        self.more = None;
    }
}

impl Attempt<'_, '_> {
    /// Judges what was granted.
    pub(super) fn judge(&self, grant: &Grant) -> Result<Search, Refusal> {
        let no_name = LoginName::new(NO_NAME).map_err(|error| Refusal::new(Code::Internal, error))?;
        let account = self.login.name.login_name().unwrap_or(&no_name);
        let person = Person::verify(&self.world, self.login, grant, account, account, self.time.as_ref())?;
        let (rp_id, stage) = (person.snapshot.root().rp_id.clone(), person.stage);
        let shared = person.snapshot.policies().any(|policy| policy.shared_account(account).is_some());
        let (sought, allow) =
            if self.login.name.login_name().is_none() || (self.login.name.why_no_account().is_some() && shared) {
                (Sought::Nobody, Vec::new())
            } else if shared {
                let ids = grant.candidates.iter().map(|candidate| candidate.credential.clone()).collect();
                (Sought::Shared(grant.candidates.to_vec()), ids)
            } else if person.exists() {
                let ids = person.snapshot.known_credentials();
                (Sought::Person(Box::new(person)), ids)
            } else {
                (Sought::Nobody, Vec::new())
            };
        let more = grant.more.filter(|_| matches!(sought, Sought::Shared(_)) && !allow.is_empty());
        Ok(Search { sought, rp_id, allow: self.or_decoys(allow, grant)?, more, stage })
    }

    /// An empty list would mean "any credential" to a key: then made-up ids stand in it. The agent's are the
    /// same each time and look like a person's.
    fn or_decoys(&self, mut allow: Vec<CredentialId>, grant: &Grant) -> Result<Vec<CredentialId>, Refusal> {
        allow.truncate(MAX_ALLOW);
        if allow.is_empty() {
            allow.extend(grant.decoys.iter().flat_map(|decoys| decoys.iter().cloned()));
        }
        if allow.is_empty() {
            let mut id = vec![0; DECOY];
            self.world.machine.random(&mut id)?;
            allow.push(CredentialId::new(id).map_err(|error| Refusal::new(Code::Internal, error))?);
        }
        Ok(allow)
    }
}
