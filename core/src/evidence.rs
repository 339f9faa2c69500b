//! The evidence of an event: what a key or a code signed, verified against what the event says. By
//! the server when the record arrives, and by whoever audits it later.

use crate::client_data::ClientData;
use crate::code::{Code, Denial};
use crate::event::{Event, EventName, Outcome};
use crate::id::{Salt, TerminalId};
use crate::log_keys::{ListedLoan, ListedPass};
use crate::name::LoginName;
use crate::person::CredentialRecord;
use crate::proof::assertion::{Assertion, AuthenticatorData};
use crate::proof::{ProofKind, SignedByCode};
use crate::time::UnixTime;
use crate::vouch::{MAX_SECONDS, Vouch};

/// Seconds between a login's signed time and its record: challenge, touch, and two readings of a
/// clock.
pub const RECORDED_WITHIN: u64 = 300;

/// Why the evidence of an event does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// A success that nothing proves.
    #[error("a login without evidence")]
    Nothing,
    /// Passes are shown by their codes.
    #[error("a login by a pass that a key signed")]
    PassByKey,
    /// The event names another pass, or none.
    #[error("signed by the code of another pass")]
    OtherPass,
    /// What was signed cannot be read.
    #[error("the client data is malformed")]
    ClientData,
    /// It names another terminal.
    #[error("signed for another terminal")]
    Terminal,
    /// It names another person, or the key is somebody else's.
    #[error("signed by another person")]
    Person,
    /// It names another account.
    #[error("signed for another account")]
    Account,
    /// It names another service.
    #[error("signed for another service")]
    Service,
    /// It names another time.
    #[error("signed at another time")]
    Time,
    /// The event has another id.
    #[error("the event id is not that of the client data")]
    EventId,
    /// The event has another counter.
    #[error("the counter is not the signed one")]
    Counter,
    /// The pass was not valid at the time of the event.
    #[error("the pass was not valid then")]
    PassTime,
    /// The pass is for one terminal, another one than this.
    #[error("the pass is for another terminal")]
    PassTerminal,
    /// A loaner key is nobody's own.
    #[error("a loaner key without its loan")]
    NoLoan,
    /// It names a loan that never was, or another key's.
    #[error("the key was never lent so")]
    OtherLoan,
    /// The loan was not valid at the time that was signed.
    #[error("the key was not on loan then")]
    LoanTime,
    /// The key was at the desk by then, or with somebody else.
    #[error("the key had been returned")]
    Returned,
    /// The signature, or what the key says of itself.
    #[error("{0}")]
    Signature(Denial),
    /// A colleague's word.
    #[error("{0}")]
    Word(NoWord),
}

/// Why a colleague's word does not hold, or a login by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWord {
    /// A success that nobody signed.
    #[error("nobody's word without evidence")]
    Nothing,
    /// What was signed cannot be read.
    #[error("what was vouched for is malformed")]
    Malformed,
    /// It names another terminal.
    #[error("vouched for at another terminal")]
    Terminal,
    /// It names another colleague or key, or the key is somebody else's.
    #[error("signed by another colleague")]
    Colleague,
    /// The key is one that is lent.
    #[error("a loaner key vouches for nobody")]
    Loaner,
    /// It names another person, or the event another vouch.
    #[error("vouched for somebody else")]
    Person,
    /// It is for who signed it.
    #[error("nobody vouches for themselves")]
    Themselves,
    /// It is longer than any policy allows, or ends before it begins.
    #[error("vouched for longer than anybody may")]
    TooLong,
    /// The event has another time.
    #[error("vouched for at another time")]
    Time,
    /// The event has another id.
    #[error("the event id is not that of the vouch")]
    EventId,
    /// A login that no code signed.
    #[error("a login that no code signed")]
    NoCode,
    /// A login that says that something else proved it.
    #[error("a login by another proof")]
    OtherProof,
    /// The login was before the vouch, or after its end.
    #[error("nobody vouched for then")]
    NotThen,
}

/// Whether an event says that somebody was let in.
pub fn claims_success(event: &Event) -> bool {
    event.name.is_login() && event.outcome == Outcome::Success
}

/// Whether an event says something that needs a proof: that somebody was let in, or vouched for.
pub fn claims_proof(event: &Event) -> bool {
    let is_vouch = event.name == EventName::Vouched && event.outcome == Outcome::Success;
    is_vouch || claims_success(event)
}

/// Whether the counter that a key signed says something of the key: where it was signed for events
/// of this name. A failure that was reported with it does not, unless it is about the counter
/// itself.
pub fn counts(event: &Event, signed_for: EventName) -> bool {
    event.name == signed_for
        && (event.outcome == Outcome::Success || event.reason == Some(Code::CounterRegressed))
}

/// Whether what proves an event is a colleague's word: [`by_colleague`] judges it, nothing else.
pub fn is_by_colleague(event: &Event) -> bool {
    event.voucher.is_some() || event.name == EventName::Vouched
}

/// For whom a key stands.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// For its owner.
    Own(&'a LoginName),
    /// A loaner key, for whoever had it by the loan that the event names; none: there is no such
    /// loan.
    Loaner(Option<&'a ListedLoan>),
}

impl<'a> Whose<'a> {
    /// For whom the key stood when it signed. By the signed time, which the module judged the loan
    /// by: the clock of the record may be behind it.
    fn person(
        self,
        event: &Event,
        key: &CredentialRecord,
        signed: UnixTime,
    ) -> Result<&'a LoginName, Unproven> {
        let loan = match (self, event.loan) {
            (Self::Own(person), None) => return Ok(person),
            (Self::Loaner(_), None) => return Err(Unproven::NoLoan),
            (Self::Loaner(Some(loan)), Some(id)) if loan.id == id => loan,
            (Self::Own(_) | Self::Loaner(_), Some(_)) => return Err(Unproven::OtherLoan),
        };
        if loan.key != key.fingerprint() {
            return Err(Unproven::OtherLoan);
        }
        if signed < loan.from || signed >= loan.until {
            return Err(Unproven::LoanTime);
        }
        // A terminal that had not heard of it yet. The clocks of both differ a little.
        if loan.back.is_some_and(|back| signed > back.plus(RECORDED_WITHIN)) {
            return Err(Unproven::Returned);
        }
        Ok(&loan.person)
    }
}

/// Verifies what a key signed; what it says of itself.
///
/// # Errors
/// [`Unproven`].
pub fn by_key(
    event: &Event,
    evidence: &Assertion,
    terminal: &TerminalId,
    (whose, key): (Whose<'_>, &CredentialRecord),
) -> Result<AuthenticatorData, Unproven> {
    if matches!(event.name, EventName::PassLogin | EventName::BreakGlassLogin) {
        return Err(Unproven::PassByKey);
    }
    let data = client_data(evidence.client_data.as_slice())?;
    matches(&data, event, terminal, whose.person(event, key, data.time)?)?;
    let facts = evidence.verify(key).map_err(Unproven::Signature)?;
    if event.counter.is_some_and(|counter| counter != facts.counter) {
        return Err(Unproven::Counter);
    }
    Ok(facts)
}

/// Verifies what the code of a pass signed, or a sealed code.
///
/// # Errors
/// [`Unproven`].
pub fn by_code(
    event: &Event,
    signed: &SignedByCode,
    terminal: &TerminalId,
    pass: &ListedPass,
) -> Result<(), Unproven> {
    names_its_pass(event, signed, pass.is_sealed == Some(true))?;
    let data = client_data(signed.client_data.as_slice())?;
    matches(&data, event, terminal, &pass.person)?;
    signed.verify_with(&pass.id, &pass.key).map_err(Unproven::Signature)?;
    if event.time < pass.from || event.time >= pass.until {
        return Err(Unproven::PassTime);
    }
    if pass.terminal.is_some_and(|place| place != *terminal) {
        return Err(Unproven::PassTerminal);
    }
    Ok(())
}

/// Whether it is a login by the pass whose code signed. One by a sealed code says that it is: as
/// anything else it would raise no alarm.
///
/// # Errors
/// [`Unproven::OtherPass`], or [`Unproven::OtherLoan`].
pub fn names_its_pass(
    event: &Event,
    signed: &SignedByCode,
    is_sealed: bool,
) -> Result<(), Unproven> {
    let (name, is_kind) = if is_sealed {
        (EventName::BreakGlassLogin, event.proof == Some(ProofKind::BreakGlass))
    } else {
        // Of another kind it is a vouch's, and says who vouched.
        let is_pass = event.proof.is_none_or(|proof| proof == ProofKind::TemporaryCode);
        (EventName::PassLogin, is_pass)
    };
    // What was refused is recorded without a signature: no use is called a failure.
    let is_kind = is_kind && (!is_sealed || claims_success(event));
    if event.name != name || !is_kind || event.pass != Some(signed.pass) {
        return Err(Unproven::OtherPass);
    }
    is_of_no_loan(event)
}

/// A code and a colleague's word are no key on loan.
fn is_of_no_loan(event: &Event) -> Result<(), Unproven> {
    if event.loan.is_none() { Ok(()) } else { Err(Unproven::OtherLoan) }
}

/// Verifies what a colleague's key signed for somebody who had none, and of a login the code's
/// signature too: what was vouched for, and what the key says of itself. Whether there is such a
/// person as was vouched for, whoever has a directory must see.
///
/// # Errors
/// [`Unproven`].
pub fn by_colleague(
    event: &Event,
    evidence: &Assertion,
    terminal: &TerminalId,
    (whose, key): (Whose<'_>, &CredentialRecord),
) -> Result<(Vouch, AuthenticatorData), Unproven> {
    let vouch = vouch_of(event, evidence, terminal).map_err(Unproven::Word)?;
    match whose {
        Whose::Own(voucher) if vouch.voucher == *voucher => {}
        Whose::Own(_) => return Err(Unproven::Word(NoWord::Colleague)),
        Whose::Loaner(_) => return Err(Unproven::Word(NoWord::Loaner)),
    }
    is_of_no_loan(event)?;
    let facts = evidence.verify(key).map_err(Unproven::Signature)?;
    if event.name.is_login() {
        is_login_by(event, &vouch, terminal)?;
        return Ok((vouch, facts));
    }

    if event.counter.is_some_and(|counter| counter != facts.counter) {
        return Err(Unproven::Counter);
    }
    // What is refused for its counter is recorded with the evidence, under the id that it would
    // have had, and once more as a key that was copied. All else that fails comes without.
    if event.time.0.abs_diff(vouch.from.0) > RECORDED_WITHIN {
        return Err(Unproven::Word(NoWord::Time));
    }
    if event.name == EventName::Vouched && event.id != vouch.event_id() {
        return Err(Unproven::Word(NoWord::EventId));
    }
    Ok((vouch, facts))
}

/// What was signed, if it is what the event says.
fn vouch_of(event: &Event, evidence: &Assertion, terminal: &TerminalId) -> Result<Vouch, NoWord> {
    let vouch =
        Vouch::from_bytes(evidence.client_data.as_slice()).map_err(|_| NoWord::Malformed)?;
    if vouch.terminal != *terminal {
        return Err(NoWord::Terminal);
    }
    if event.voucher.as_ref() != Some(&vouch.voucher)
        || vouch.credential != evidence.credential_id.fingerprint()
    {
        return Err(NoWord::Colleague);
    }
    if event.person.as_ref() != Some(&vouch.person) || event.pass != Some(vouch.id()) {
        return Err(NoWord::Person);
    }
    if vouch.person == vouch.voucher {
        return Err(NoWord::Themselves);
    }
    if vouch.until <= vouch.from || vouch.until.since(vouch.from) > MAX_SECONDS {
        return Err(NoWord::TooLong);
    }
    Ok(vouch)
}

/// A login by a code for which somebody vouched.
fn is_login_by(event: &Event, vouch: &Vouch, terminal: &TerminalId) -> Result<(), Unproven> {
    let signed = event.signed_by_code.as_ref().ok_or(Unproven::Word(NoWord::NoCode))?;
    if event.name != EventName::PassLogin || event.proof != Some(ProofKind::Vouch) {
        return Err(Unproven::Word(NoWord::OtherProof));
    }
    let data = client_data(signed.client_data.as_slice())?;
    matches(&data, event, terminal, &vouch.person)?;
    // No login fails with both signatures: what is refused is recorded without them.
    is_of_then(event, &data)?;
    // The salt is root's of that terminal; a signature is verified without it.
    let as_pass = vouch.as_pass(Salt::new([0; Salt::LEN]));
    signed.verify(&as_pass).map_err(Unproven::Signature)?;
    if event.time < vouch.from || event.time >= vouch.until {
        return Err(Unproven::Word(NoWord::NotThen));
    }
    Ok(())
}

/// The login at this terminal that a sealed code signed, whatever the event says of it: then it was
/// used, and the login counts though its record may not.
pub fn use_of_sealed(
    signed: &SignedByCode,
    terminal: &TerminalId,
    sealed: &ListedPass,
) -> Option<ClientData> {
    let data = client_data(signed.client_data.as_slice()).ok()?;
    let is_here = data.terminal == *terminal && data.person == sealed.person;
    (is_here && signed.verify_with(&sealed.id, &sealed.key).is_ok()).then_some(data)
}

fn client_data(signed: &[u8]) -> Result<ClientData, Unproven> {
    ClientData::from_bytes(signed).map_err(|_| Unproven::ClientData)
}

/// Whether what was signed is what the event says.
fn matches(
    data: &ClientData,
    event: &Event,
    terminal: &TerminalId,
    person: &LoginName,
) -> Result<(), Unproven> {
    if data.terminal != *terminal {
        return Err(Unproven::Terminal);
    }
    if event.person.as_ref() != Some(&data.person) || *person != data.person {
        return Err(Unproven::Person);
    }
    if event.account.as_ref() != Some(&data.account) {
        return Err(Unproven::Account);
    }
    if event.service.as_deref().is_some_and(|service| service != data.service.as_str()) {
        return Err(Unproven::Service);
    }
    if claims_success(event) {
        is_of_then(event, data)?;
    }
    Ok(())
}

/// The time is signed too: a genuine login cannot be moved to another day.
fn is_of_then(event: &Event, data: &ClientData) -> Result<(), Unproven> {
    if event.time.0.abs_diff(data.time.0) > RECORDED_WITHIN {
        return Err(Unproven::Time);
    }
    if event.id != data.event_id() {
        return Err(Unproven::EventId);
    }
    Ok(())
}
