//! The evidence of an event: what the key signed, verified again against what the event says.

use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::TerminalId;
use wardkey_core::proof::{ProofKind, SignedByCode};

use super::by_colleague;
use super::client_data::matches;
use crate::error::Result;
use crate::store::credential::{self, Credential};
use crate::store::event::Verdict;
use crate::store::{Tx, pass, person};

/// Verifies the evidence of an event; a success without any is a claim, not a login. With what the
/// evidence proves: the key and its signed counter.
pub async fn verify(
    tx: &mut Tx,
    event: &Event,
    terminal: &TerminalId,
) -> Result<(Verdict, Option<Credential>, Option<u32>)> {
    if event.voucher.is_some() || event.name == EventName::Vouched {
        return by_colleague::verify(tx, event, terminal).await;
    }
    if let Some(signed) = &event.signed_by_code {
        let verdict = by_pass(tx, event, signed, terminal).await?;
        return Ok((verdict, None, None));
    }
    let Some(evidence) = &event.evidence else {
        let claims = event.name.is_login() && event.outcome == Outcome::Success;
        let verdict = if claims {
            Verdict::Invalid("a login without evidence".into())
        } else {
            Verdict::None
        };
        return Ok((verdict, None, None));
    };
    let Some(key) = credential::find(tx, &evidence.credential_id).await? else {
        return Ok((Verdict::Invalid("the key was never enrolled".into()), None, None));
    };
    let person = person::by_id(tx, key.person).await?;
    // A pass is never shown by a key.
    if event.name == EventName::PassLogin {
        let finding = "a login by a pass that a key signed".into();
        return Ok((Verdict::Invalid(finding), Some(key), None));
    }
    if let Err(finding) = matches(evidence.client_data.as_slice(), event, terminal, &person.login) {
        return Ok((Verdict::Invalid(finding.into()), Some(key), None));
    }
    match evidence.verify(&key.record()) {
        Err(denial) => Ok((Verdict::Invalid(denial.to_string()), Some(key), None)),
        Ok(facts) if event.counter.is_some_and(|counter| counter != facts.counter) => {
            Ok((Verdict::Invalid("the counter is not the signed one".into()), Some(key), None))
        }
        // One assertion may stand in a second event (a clone suspicion): only the login counts it.
        Ok(facts) => {
            // So does a failure that was reported with it, unless it is about the counter itself.
            let counted =
                event.outcome == Outcome::Success || event.reason == Some(Code::CounterRegressed);
            let counter = (event.name == EventName::Login && counted).then_some(facts.counter);
            Ok((Verdict::Valid, Some(key), counter))
        }
    }
}

/// Verifies a login that the code of a pass signed.
async fn by_pass(
    tx: &mut Tx,
    event: &Event,
    signed: &SignedByCode,
    terminal: &TerminalId,
) -> Result<Verdict> {
    let invalid = |finding: &str| Ok(Verdict::Invalid(finding.into()));
    // Of another kind it is a vouch's, and says who vouched.
    let is_pass = event.proof.is_none_or(|proof| proof == ProofKind::TemporaryCode);
    if event.name != EventName::PassLogin || !is_pass || event.pass != Some(signed.pass) {
        return invalid("signed by the code of another pass");
    }
    let Some(pass) = pass::find(tx, &signed.pass).await? else {
        return invalid("the pass was never issued");
    };
    let person = person::by_id(tx, pass.person).await?;
    if let Err(finding) = matches(signed.client_data.as_slice(), event, terminal, &person.login) {
        return invalid(finding);
    }
    if let Err(denial) = signed.verify(&pass.pass) {
        return Ok(Verdict::Invalid(denial.to_string()));
    }
    if event.time < pass.pass.from || event.time >= pass.pass.until {
        return invalid("the pass was not valid then");
    }
    if pass.pass.terminal.is_some_and(|place| place != *terminal) {
        return invalid("the pass is for another terminal");
    }
    pass::used(tx, &pass, event.time).await?;
    Ok(Verdict::Valid)
}
