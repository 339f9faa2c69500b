//! The person of a login: what is left of the agent's evidence after every check.

use wardkey_core::code::{Code, Denial};
use wardkey_core::id::CredentialId;
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{Grant, Locked};
use wardkey_core::name::LoginName;
use wardkey_core::person::Loan;
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::evaluate::{Evaluation, Permit, evaluate};
use wardkey_core::policy::lending;
use wardkey_core::policy::stage::{self, Stage};
use wardkey_core::server_time::Attested;
use wardkey_core::snapshot::Snapshot;
use wardkey_core::time::{ClockFloor, ClockReading, DAY, UnixTime};

use super::marks::note_verified;
use super::request::Login;
use crate::refusal::Refusal;
use crate::world::World;

/// The longest lock-out in seconds that is told: an agent could say any number.
const LONGEST_LOCK: u64 = DAY;

/// The person of a login, as the verified directory has it. Immutable for the login.
#[derive(Clone)]
pub struct VerifiedPerson {
    pub snapshot: Snapshot,
    pub marks: Marks,
    /// Whether directory and policy allow the login. A refusal is kept until the key proved who
    /// asks.
    pub permit: Result<Permit, Denial>,
    /// How fresh the directory is.
    pub stage: Stage,
    /// The server's time, where it was asked for.
    time: Option<Attested>,
    /// Credentials of the person that are locked out.
    locked: Vec<Locked>,
}

impl VerifiedPerson {
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
        let evidence = grant
            .evidence
            .as_ref()
            .ok_or_else(|| Refusal::new(Code::ProofInvalid, "the agent shows nothing"))?;
        let marks = world.machine.marks()?;
        let snapshot = Snapshot::verify(evidence, world.anchor, &marks, person)?;
        note_verified(world, &snapshot, time);
        let now = now(world, &snapshot, &marks, time)?;
        let context = LoginContext {
            account,
            service: &login.service,
            remote: login.remote,
            now,
            marks: &marks,
        };
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

    /// Whether the directory has a record of the person.
    pub fn exists(&self) -> bool {
        self.snapshot.records().next().is_some()
    }
}

/// The time to judge by: the server's if it was asked for, else the clock; never below what was
/// signed.
fn now(
    world: &World<'_>,
    snapshot: &Snapshot,
    marks: &Marks,
    time: Option<&Attested>,
) -> Result<UnixTime, Refusal> {
    let reading = world.machine.clock()?;
    let floor = marks.floor.raised(snapshot.signed_time(), &reading);
    Ok(by(&floor, &reading, time))
}

/// The same where nobody's evidence is at hand: by the signed time that the marks know of.
///
/// # Errors
/// Clock or marks cannot be read.
pub(super) fn time_by_marks(
    world: &World<'_>,
    time: Option<&Attested>,
) -> Result<UnixTime, Refusal> {
    let reading = world.machine.clock()?;
    Ok(by(&world.machine.marks()?.floor, &reading, time))
}

fn by(floor: &ClockFloor, reading: &ClockReading, time: Option<&Attested>) -> UnixTime {
    match time.and_then(|time| time.at(reading)) {
        Some(time) => time.max(floor.at(reading)),
        None => floor.now(reading),
    }
}

impl VerifiedPerson {
    /// Whether the person may log in with this credential, which a key has proved to hold.
    ///
    /// # Errors
    /// The refusal.
    pub fn may_use(
        &self,
        credential: &CredentialId,
        login: &Login,
        world: &World<'_>,
    ) -> Result<(), Refusal> {
        if let Some(why) = login.name.why_no_account() {
            return Err(Refusal::new(Code::KeyAndNameDoNotMatch, why));
        }
        self.permit.clone()?;
        if !self.snapshot.allow_list().contains(credential) {
            return Err(Refusal::new(Code::CredentialDisabled, "credential is disabled"));
        }
        if let Some(locked) = self.locked.iter().find(|locked| locked.credential == *credential) {
            let seconds = locked.seconds.min(LONGEST_LOCK);
            let refusal =
                Refusal::new(Code::LockedOut, format!("key is locked out for {seconds} s"));
            return Err(Refusal { seconds: Some(seconds), ..refusal });
        }
        self.snapshot
            .loans_of(credential)
            .try_for_each(|loan| self.may_use_loan(loan, login, world))
    }

    /// # Errors
    /// The refusal of a key on loan, before its PIN is asked for.
    fn may_use_loan(&self, loan: &Loan, login: &Login, world: &World<'_>) -> Result<(), Refusal> {
        if login.vouches_for.is_some() {
            return Err(Refusal::new(Code::LoanRefused, "a key on loan vouches for nobody"));
        }
        lending::may_be_used(&self.snapshot, &login.service, loan, self.now(world)?)?;
        // Who is not root cannot read the notes. There a loan ends when the directory says so.
        if !world.machine.may_write() {
            return Ok(());
        }
        let mut has_ended = false;
        world
            .machine
            .note_passes(&mut |notes| has_ended = notes.loan_has_ended(loan))
            .map_err(|error| Refusal::new(Code::LoanRefused, error.detail))?;
        if has_ended {
            let why = "the loan ended here by a login with the person's own key";
            return Err(Refusal::new(Code::LoanEnded, why));
        }
        Ok(())
    }
}
