//! What the keys are asked for: whose credentials, and those of nobody where there is nobody.

use wardkey_core::code::Code;
use wardkey_core::id::CredentialId;
use wardkey_core::message::agent::{Candidate, CandidatePage, Grant};
use wardkey_core::message::key::MAX_ALLOW;
use wardkey_core::name::{LoginName, RpId};
use wardkey_core::policy::stage::Stage;

use super::Attempt;
use super::states::Recognised;
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;

/// Length in bytes of a credential id that no key holds.
const DECOY: usize = 64;
/// Whose evidence the agent shows for a name that cannot be one.
const NO_NAME: &str = "_";

/// Who is looked for among the keys.
pub enum Target {
    /// Nobody: the name is no account's. Looks the same from outside.
    Nobody,
    /// The person of the account.
    Person(Box<VerifiedPerson>),
    /// One of those who may use a shared account.
    Shared(Vec<Candidate>),
}

/// What the keys are asked for.
pub struct Search {
    pub target: Target,
    pub rp_id: RpId,
    pub allow: Vec<CredentialId>,
    /// Where the next page of candidates begins.
    pub more: Option<CandidatePage>,
    /// How fresh the directory is.
    pub stage: Stage,
}

impl Search {
    /// Looks for nothing but the key that was recognised: at a shared account it may be on a later page.
    pub fn only(&mut self, recognised: &Recognised) {
        let (person, credential) = (recognised.person.snapshot.login().clone(), recognised.proven.credential());
        if let Target::Shared(candidates) = &mut self.target {
            *candidates = vec![Candidate { person, credential: credential.clone() }];
        }
        self.allow = vec![credential.clone()];
        self.more = None;
    }
}

impl Attempt<'_, '_> {
    /// What the keys are asked for, by the evidence of the agent.
    ///
    /// # Errors
    /// What refuses everyone; see [`VerifiedPerson::verify`].
    pub(super) fn search_for(&self, grant: &Grant) -> Result<Search, Refusal> {
        let no_name = LoginName::new(NO_NAME).map_err(|error| Refusal::new(Code::Internal, error))?;
        let account = self.login.name.login_name().unwrap_or(&no_name);
        let person = VerifiedPerson::verify(&self.world, self.login, grant, account, account, self.time.as_ref())?;
        let (rp_id, stage) = (person.snapshot.root().rp_id.clone(), person.stage);
        let shared = person.snapshot.policies().any(|policy| policy.shared_account(account).is_some());
        let (target, allow) =
            if self.login.name.login_name().is_none() || (self.login.name.why_no_account().is_some() && shared) {
                (Target::Nobody, Vec::new())
            } else if shared {
                let ids = grant.candidates.iter().map(|candidate| candidate.credential.clone()).collect();
                (Target::Shared(grant.candidates.to_vec()), ids)
            } else if person.exists() {
                let ids = person.snapshot.known_credentials();
                (Target::Person(Box::new(person)), ids)
            } else {
                (Target::Nobody, Vec::new())
            };
        let more = grant.more.filter(|_| matches!(target, Target::Shared(_)) && !allow.is_empty());
        Ok(Search { target, rp_id, allow: self.or_decoys(allow, grant)?, more, stage })
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
