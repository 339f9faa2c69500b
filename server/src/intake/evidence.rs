//! The evidence of an event: what the key signed, verified again against what the event says.

use wardkey_core::event::{Event, EventName};
use wardkey_core::evidence::{self, Unproven, Whose};
use wardkey_core::id::TerminalId;
use wardkey_core::log_keys::ListedPass;
use wardkey_core::proof::SignedByCode;

use super::by_colleague;
use crate::error::Result;
use crate::store::credential::{self, Credential};
use crate::store::event::Verdict;
use crate::store::person::PersonKind;
use crate::store::{Tx, break_glass, loan, pass, person};

/// Verifies the evidence of an event; a success without any is a claim, not a login. With what the
/// evidence proves: the key and its signed counter.
pub async fn verify(
    tx: &mut Tx,
    event: &Event,
    terminal: &TerminalId,
) -> Result<(Verdict, Option<Credential>, Option<u32>)> {
    if evidence::is_by_colleague(event) {
        return by_colleague::verify(tx, event, terminal).await;
    }
    if let Some(signed) = &event.signed_by_code {
        let verdict = by_pass(tx, event, signed, terminal).await?;
        return Ok((verdict, None, None));
    }
    let Some(evidence) = &event.evidence else {
        let claims = evidence::claims_success(event);
        let verdict = if claims { invalid(&Unproven::Nothing) } else { Verdict::None };
        return Ok((verdict, None, None));
    };
    let Some(key) = credential::find(tx, &evidence.credential_id).await? else {
        return Ok((Verdict::Invalid("the key was never enrolled".into()), None, None));
    };
    let owner = person::by_id(tx, key.person).await?;
    let loan = match &event.loan {
        Some(id) => loan::find(tx, id).await?,
        None => None,
    };
    let whose = match owner.kind {
        PersonKind::Staff => Whose::Own(&owner.login),
        PersonKind::Loaner => Whose::Loaner(loan.as_ref()),
    };
    match evidence::by_key(event, evidence, terminal, (whose, &key.record())) {
        Err(unproven) => Ok((invalid(&unproven), Some(key), None)),
        // One assertion may stand in a second event (a clone suspicion): only the login counts it.
        Ok(facts) => {
            let counter = evidence::counts(event, EventName::Login).then_some(facts.counter);
            Ok((Verdict::Valid, Some(key), counter))
        }
    }
}

/// Verifies a login that the code of a pass signed, or a sealed code.
async fn by_pass(
    tx: &mut Tx,
    event: &Event,
    signed: &SignedByCode,
    terminal: &TerminalId,
) -> Result<Verdict> {
    if let Some(sealed) = break_glass::find(tx, &signed.pass).await? {
        let listed = super::break_glass::listed(&sealed);
        let proved = evidence::by_code(event, signed, terminal, &listed);
        return Ok(proved.map_or_else(|unproven| invalid(&unproven), |()| Verdict::Valid));
    }
    if let Err(unproven) = evidence::names_its_pass(event, signed, false) {
        return Ok(invalid(&unproven));
    }
    let Some(pass) = pass::find(tx, &signed.pass).await? else {
        return Ok(Verdict::Invalid("the pass was never issued".into()));
    };
    let person = person::by_id(tx, pass.person).await?;
    let listed = ListedPass::of(person.login, &pass.pass);
    if let Err(unproven) = evidence::by_code(event, signed, terminal, &listed) {
        return Ok(invalid(&unproven));
    }
    pass::used(tx, &pass, event.time).await?;
    Ok(Verdict::Valid)
}

fn invalid(unproven: &Unproven) -> Verdict {
    Verdict::Invalid(unproven.to_string())
}
