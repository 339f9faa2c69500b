//! What the keys are asked for: whose credentials, and those of nobody where there is nobody.

use wardkey_core::code::Code;
use wardkey_core::id::CredentialId;
use wardkey_core::message::agent::{Candidate, CandidatePage, Grant};
use wardkey_core::message::key::MAX_ALLOW;
use wardkey_core::name::{LoginName, RpId};
use wardkey_core::policy::stage::Stage;
use wardkey_core::policy::ways::is_offered;
use wardkey_core::proof::ProofKind;

use super::attempt::Attempt;
use super::states::Recognition;
use super::verified_person::VerifiedPerson;
use crate::refusal::Refusal;

/// Length in bytes of a credential id that no key holds.
const DECOY: usize = 64;
/// Whose evidence the agent shows for a name that cannot be one.
pub(super) const NO_NAME: &str = "_";

/// Who is looked for among the keys.
pub enum Target {
    /// Nobody: the name is no account's. Looks the same from outside.
    Nobody,
    /// The person of the account.
    Person(Box<VerifiedPerson>),
    /// One of those who may use a shared account, or of those seen here where nobody is named.
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
    /// Whether somebody without a key may type a code here.
    pub takes_codes: bool,
    /// Whether a colleague may vouch for somebody here.
    pub takes_vouches: bool,
    /// Whether a sealed code (break-glass) is taken here.
    pub breaks_glass: bool,
    /// Whether who logs in is always asked for here, by the policy of any scope.
    pub asks_name: bool,
}

impl Search {
    /// Looks for the keys of these people and nobody else's. False: they have none.
    pub fn among(&mut self, people: Vec<Candidate>) -> bool {
        self.allow = people.iter().map(|candidate| candidate.credential.clone()).collect();
        self.target = Target::Shared(people);
        self.more = None;
        !self.allow.is_empty()
    }

    /// The same without one of them.
    pub fn without(&mut self, person: &LoginName) -> bool {
        let Target::Shared(people) = &mut self.target else { return false };
        let mut others = std::mem::take(people);
        others.retain(|other| other.person != *person);
        self.among(others)
    }

    /// Looks for nothing but the key that was recognised: at a shared account it may be on a later
    /// page.
    pub fn only(&mut self, recognition: &Recognition) {
        let (person, credential) =
            (recognition.person.snapshot.login().clone(), recognition.proven.credential());
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
        let person = self.account_of(grant)?;
        let account = person.snapshot.login().clone();
        let account = &account;
        let offers = |kind| {
            self.world.machine.may_write()
                && is_offered(&person.snapshot, &self.login.service, kind)
        };
        let takes_codes = offers(ProofKind::TemporaryCode);
        let takes_vouches = offers(ProofKind::Vouch);
        let breaks_glass = offers(ProofKind::BreakGlass);
        let asks_name = person.snapshot.policies().any(|policy| policy.ask_name == Some(true));
        let (rp_id, stage) = (person.snapshot.root().rp_id.clone(), person.stage);
        let shared =
            person.snapshot.policies().any(|policy| policy.shared_account(account).is_some());
        let (target, allow) = if self.login.name.login_name().is_none()
            || (self.login.name.why_no_account().is_some() && shared)
        {
            (Target::Nobody, Vec::new())
        } else if shared {
            let ids =
                grant.candidates.iter().map(|candidate| candidate.credential.clone()).collect();
            (Target::Shared(grant.candidates.to_vec()), ids)
        } else if person.exists() {
            let ids = person.snapshot.known_credentials();
            (Target::Person(person), ids)
        } else {
            (Target::Nobody, Vec::new())
        };
        let more = grant.more.filter(|_| matches!(target, Target::Shared(_)) && !allow.is_empty());
        let allow = self.or_decoys(allow, grant)?;
        Ok(Search {
            target,
            rp_id,
            allow,
            more,
            stage,
            takes_codes,
            takes_vouches,
            breaks_glass,
            asks_name,
        })
    }

    /// Whose name was typed, as the directory has it: also somebody whom nobody is, and the shared
    /// account itself.
    ///
    /// # Errors
    /// What refuses everyone; see [`VerifiedPerson::verify`].
    pub(super) fn account_of(&self, grant: &Grant) -> Result<Box<VerifiedPerson>, Refusal> {
        let no_name =
            LoginName::new(NO_NAME).map_err(|error| Refusal::new(Code::Internal, error))?;
        let account = self.login.name.login_name().unwrap_or(&no_name);
        let time = self.time.as_ref();
        VerifiedPerson::verify(&self.world, self.login, grant, account, account, time).map(Box::new)
    }

    /// An empty list would mean "any credential" to a key: then made-up ids stand in it. The
    /// agent's are the same each time and look like a person's.
    fn or_decoys(
        &self,
        mut allow: Vec<CredentialId>,
        grant: &Grant,
    ) -> Result<Vec<CredentialId>, Refusal> {
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
