//! The decision: whether this person may log in to this account by this service now, and whether
//! this assertion proves the person. One function, [`decide`], used by the module before it lets
//! anyone in and by the agent before it records anything.

use crate::client_data::ClientData;
use crate::code::{Code, Denial};
use crate::codec::Bytes;
use crate::id::{Hash, Nonce, Salt, TerminalId};
use crate::pass::Pass;
use crate::person::{CredentialRecord, Loan, Status};
use crate::policy::context::LoginContext;
use crate::policy::evaluate::{Permit, evaluate};
use crate::policy::lending;
use crate::policy::vouching::holds;
use crate::policy::ways::{is_valid, is_valid_sealed, takes};
use crate::proof::assertion::{Assertion, AuthenticatorData};
use crate::proof::{ProofKind, SignedByCode};
use crate::snapshot::Snapshot;
use crate::time::UnixTime;
use crate::vouch::Vouch;

/// Longest time in seconds from the challenge to the decision.
pub const CHALLENGE_SECONDS: u64 = 60;

/// A login that may go on: made by [`decide`], [`decide_by_code`] and [`decide_by_vouch`] only.
#[derive(Clone, Debug)]
pub struct Granted {
    permit: Permit,
    client_data: ClientData,
    by: By,
}

/// What proved the person.
#[derive(Clone, Debug)]
pub enum By {
    /// A security key of the person.
    Key(Box<ByKey>),
    /// The code of a pass.
    Code(Box<Pass>),
    /// A sealed code, which is void from then on.
    BreakGlass(Box<Pass>),
    /// A code for which a colleague vouched.
    Vouch(Box<Vouch>),
}

/// What a security key proved.
#[derive(Clone, Debug)]
pub struct ByKey {
    /// By which two factors.
    pub kind: ProofKind,
    /// What the key signed about itself.
    pub facts: AuthenticatorData,
    /// Fingerprint of the credential.
    pub key: Hash,
    /// The credential that signed.
    pub credential: CredentialRecord,
    /// The loan by which the person has the key; none for a key of the person's own.
    pub loan: Option<Loan>,
}

impl Granted {
    /// What directory and policy said.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// By which proof.
    pub fn proof(&self) -> ProofKind {
        match &self.by {
            By::Key(key) => key.kind,
            By::Code(_) => ProofKind::TemporaryCode,
            By::Vouch(_) => ProofKind::Vouch,
            By::BreakGlass(_) => ProofKind::BreakGlass,
        }
    }

    /// What proved the person.
    pub fn by(&self) -> &By {
        &self.by
    }

    /// What a security key proved, if one did.
    pub fn by_key(&self) -> Option<&ByKey> {
        match &self.by {
            By::Key(key) => Some(key),
            By::Code(_) | By::Vouch(_) | By::BreakGlass(_) => None,
        }
    }

    /// What was signed about the login.
    pub fn client_data(&self) -> &ClientData {
        &self.client_data
    }
}

/// How the decider knows that the challenge is fresh.
#[derive(Clone, Copy, Debug)]
pub enum Freshness<'a> {
    /// The module made the nonce itself; seconds by a clock that cannot be set.
    Own {
        /// The nonce that it made.
        nonce: &'a Nonce,
        /// Seconds since.
        elapsed: u64,
    },
    /// The agent goes by the time in the client data, and refuses what it has recorded before. The
    /// module may stand below the agent's floor (it has seen less signed time), but never below
    /// `least`: the clock, or the signed time that both have seen.
    Reported {
        /// The least that the module's time can be.
        least: UnixTime,
    },
}

/// The decision. Takes the verified directory and the raw assertion; the only way to a [`Granted`].
///
/// # Errors
/// A [`Denial`] with the first check that failed. Every path but the last denies.
pub fn decide(
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    terminal: &TerminalId,
    freshness: Freshness<'_>,
    assertion: &Assertion,
) -> Result<Granted, Denial> {
    let permit = evaluate(snapshot, context).into_permit()?;
    takes(snapshot, context.service, ProofKind::KeyWithPin)?;
    let client_data =
        client_data_of(&assertion.client_data, snapshot, context, terminal, freshness)?;

    let mut granted = None;
    for record in snapshot.records() {
        let credential = record.credential(&assertion.credential_id).ok_or_else(|| {
            Denial::new(Code::KeyAndNameDoNotMatch, "credential is not this person's")
        })?;
        if credential.status != Status::Active {
            return Err(Denial::new(Code::CredentialDisabled, "credential is disabled"));
        }
        if credential.rp_id != snapshot.root().rp_id {
            return Err(Denial::new(Code::RpIdMismatch, "credential of another relying party"));
        }
        let loan = record.loan_of(&assertion.credential_id);
        if let Some(loan) = loan {
            lending::may_be_used(snapshot, context.service, loan, context.now)?;
        }
        // A key on loan was made for the pool, and says so.
        let owner = loan.map_or(&record.user_handle, |loan| &loan.holder);
        if let Some(handle) = &assertion.user_handle
            && handle.as_slice() != owner.as_bytes()
        {
            return Err(Denial::new(Code::UserHandleMismatch, "user handle is not this person's"));
        }
        let facts = assertion.verify(credential)?;
        granted = Some((facts, credential.clone(), loan.cloned()));
    }
    let (facts, credential, loan) = granted
        .ok_or_else(|| Denial::new(Code::KeyAndNameDoNotMatch, "no such person in any scope"))?;
    let key = credential.fingerprint();
    let by = ByKey { kind: ProofKind::KeyWithPin, facts, key, credential, loan };
    Ok(Granted { permit, client_data, by: By::Key(Box::new(by)) })
}

/// The same decision about what the code of a pass signed, or a sealed code: knowledge of the code,
/// at a terminal that has joined. Whether it is void or ended at this terminal, its own notes say.
///
/// # Errors
/// A [`Denial`] with the first check that failed. Every path but the last denies.
pub fn decide_by_code(
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    terminal: &TerminalId,
    freshness: Freshness<'_>,
    signed: &SignedByCode,
) -> Result<Granted, Denial> {
    // First of all who asks: nothing about a person is said for a wrong code.
    let sealed = snapshot.break_glass().filter(|sealed| sealed.id == signed.pass);
    let pass = sealed
        .or_else(|| snapshot.pass())
        .ok_or_else(|| Denial::new(Code::PassWrong, "the person has no pass"))?;
    signed.verify(pass)?;

    let permit = evaluate(snapshot, context).into_permit()?;
    let by = if sealed.is_some() {
        takes(snapshot, context.service, ProofKind::BreakGlass)?;
        is_valid_sealed(snapshot, pass, context.now)?;
        By::BreakGlass(Box::new(pass.clone()))
    } else {
        takes(snapshot, context.service, ProofKind::TemporaryCode)?;
        is_valid(snapshot, pass, context.now)?;
        By::Code(Box::new(pass.clone()))
    };
    let client_data = client_data_of(&signed.client_data, snapshot, context, terminal, freshness)?;
    Ok(Granted { permit, client_data, by })
}

/// The same decision about what a code signed for which a colleague vouched at this terminal.
/// `assertion` is what the colleague's key signed, `voucher` the colleague in the directory of now.
///
/// # Errors
/// A [`Denial`] with the first check that failed. Every path but the last denies.
pub fn decide_by_vouch(
    snapshot: &Snapshot,
    voucher: &Snapshot,
    context: &LoginContext<'_>,
    terminal: &TerminalId,
    freshness: Freshness<'_>,
    signed: &SignedByCode,
    assertion: &Assertion,
) -> Result<Granted, Denial> {
    // First of all who asks, as for a pass.
    let vouch = Vouch::from_bytes(assertion.client_data.as_slice())
        .map_err(|error| Denial::new(Code::PassWrong, error))?;
    signed.verify(&vouch.as_pass(Salt::new([0; Salt::LEN])))?;

    let permit = evaluate(snapshot, context).into_permit()?;
    takes(snapshot, context.service, ProofKind::Vouch)?;
    holds(snapshot, voucher, &vouch, assertion, context.now)?;
    let client_data = client_data_of(&signed.client_data, snapshot, context, terminal, freshness)?;
    Ok(Granted { permit, client_data, by: By::Vouch(Box::new(vouch)) })
}

/// Whether a colleague may vouch for somebody: what the key of `voucher` has signed just now, about
/// the snapshot's person, who could log in by it at once.
///
/// # Errors
/// A [`Denial`] with the first check that failed. Every path but the last denies.
pub fn decide_vouch(
    snapshot: &Snapshot,
    voucher: &Snapshot,
    context: &LoginContext<'_>,
    terminal: &TerminalId,
    freshness: Freshness<'_>,
    assertion: &Assertion,
) -> Result<Vouch, Denial> {
    let vouch = Vouch::from_bytes(assertion.client_data.as_slice())
        .map_err(|error| Denial::new(Code::ClientData, error))?;
    if vouch.terminal != *terminal || vouch.terminal != snapshot.terminal().terminal {
        return Err(Denial::new(Code::ClientData, "vouched for at another terminal"));
    }
    is_fresh(&vouch.nonce, vouch.from, context, freshness)?;
    holds(snapshot, voucher, &vouch, assertion, context.now)?;
    may_log_in(voucher, context)?;

    takes(snapshot, context.service, ProofKind::Vouch)?;
    evaluate(snapshot, context).into_permit()?;
    Ok(vouch)
}

/// Who vouches could log in here now: also by what time offline takes away.
fn may_log_in(voucher: &Snapshot, context: &LoginContext<'_>) -> Result<(), Denial> {
    let own = LoginContext { account: voucher.login(), ..*context };
    let permit = evaluate(voucher, &own).into_permit();
    permit.map(drop).map_err(|denial| Denial::new(Code::VouchLapsed, denial.detail))
}

/// Client data of this login, fresh.
fn client_data_of(
    bytes: &Bytes<512>,
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    terminal: &TerminalId,
    freshness: Freshness<'_>,
) -> Result<ClientData, Denial> {
    let client_data = ClientData::from_bytes(bytes.as_slice())
        .map_err(|error| Denial::new(Code::ClientData, error))?;
    client_data_is_ours(&client_data, snapshot, context, terminal)?;
    is_fresh(&client_data.nonce, client_data.time, context, freshness)?;
    Ok(client_data)
}

fn client_data_is_ours(
    data: &ClientData,
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    terminal: &TerminalId,
) -> Result<(), Denial> {
    let wrong = |what: &str| {
        Err(Denial::new(Code::ClientData, format!("client data is of another {what}")))
    };
    if data.terminal != *terminal || data.terminal != snapshot.terminal().terminal {
        return wrong("terminal");
    }
    if data.account != *context.account {
        return wrong("account");
    }
    if data.service != *context.service {
        return wrong("service");
    }
    if data.person != *snapshot.login() {
        return wrong("person");
    }
    Ok(())
}

/// Whether what was signed over this nonce, at this time, is of now.
fn is_fresh(
    signed: &Nonce,
    time: UnixTime,
    context: &LoginContext<'_>,
    freshness: Freshness<'_>,
) -> Result<(), Denial> {
    let late = || Err(Denial::new(Code::TooLate, "more than 60 seconds since the challenge"));
    match freshness {
        Freshness::Own { nonce, .. } if signed != nonce => {
            Err(Denial::new(Code::ClientData, "client data has another nonce"))
        }
        Freshness::Own { elapsed, .. } if elapsed > CHALLENGE_SECONDS => late(),
        // A challenge from the future is as wrong as an old one.
        Freshness::Reported { least }
            if least.since(time) > CHALLENGE_SECONDS
                || time.since(context.now) > CHALLENGE_SECONDS =>
        {
            late()
        }
        Freshness::Own { .. } | Freshness::Reported { .. } => Ok(()),
    }
}
