//! What a colleague's key signed for somebody who had none, verified again: the vouch itself, and
//! each login by it.

use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{Salt, TerminalId};
use wardkey_core::proof::ProofKind;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::vouch::{MAX_SECONDS, Vouch};

use super::client_data::{RECORDED_WITHIN, matches};
use crate::error::Result;
use crate::store::credential::{self, Credential};
use crate::store::event::Verdict;
use crate::store::{Tx, person};

/// What was found: the verdict, and of a vouch the key and its signed counter.
pub type Found = (Verdict, Option<Credential>, Option<u32>);

/// Verifies the evidence of an event about a vouch.
pub async fn verify(tx: &mut Tx, event: &Event, terminal: &TerminalId) -> Result<Found> {
    let is_success = event.outcome == Outcome::Success;
    let invalid = |finding: &str, key| Ok((Verdict::Invalid(finding.into()), key, None));
    let Some(evidence) = &event.evidence else {
        let claims = is_success && (event.name.is_login() || event.name == EventName::Vouched);
        let finding = "nobody's word without evidence";
        return if claims { invalid(finding, None) } else { Ok((Verdict::None, None, None)) };
    };
    let Some(key) = credential::find(tx, &evidence.credential_id).await? else {
        return invalid("the key was never enrolled", None);
    };

    let voucher = person::by_id(tx, key.person).await?;
    let vouch = match vouch_of(event, evidence, terminal) {
        Ok(vouch) => vouch,
        Err(finding) => return invalid(finding, Some(key)),
    };
    if vouch.voucher != voucher.login {
        return invalid("signed by another colleague", Some(key));
    }
    if person::find(tx, &vouch.person).await?.is_none() {
        return invalid("vouched for nobody", Some(key));
    }
    let facts = match evidence.verify(&key.record()) {
        Ok(facts) => facts,
        Err(denial) => return Ok((Verdict::Invalid(denial.to_string()), Some(key), None)),
    };

    if event.name.is_login() {
        // The key is not the person's who logged in.
        let verdict = match is_login_by(event, &vouch, terminal) {
            Ok(()) => Verdict::Valid,
            Err(finding) => Verdict::Invalid(finding),
        };
        return Ok((verdict, None, None));
    }
    if event.counter.is_some_and(|counter| counter != facts.counter) {
        return invalid("the counter is not the signed one", Some(key));
    }
    if is_success && event.time.0.abs_diff(vouch.from.0) > RECORDED_WITHIN {
        return invalid("vouched for at another time", Some(key));
    }
    if is_success && event.id != vouch.event_id() {
        return invalid("the event id is not that of the vouch", Some(key));
    }
    let counter = (event.name == EventName::Vouched).then_some(facts.counter);
    Ok((Verdict::Valid, Some(key), counter))
}

/// What was signed, if it is what the event says.
fn vouch_of(
    event: &Event,
    evidence: &Assertion,
    terminal: &TerminalId,
) -> std::result::Result<Vouch, &'static str> {
    let vouch = Vouch::from_bytes(evidence.client_data.as_slice())
        .map_err(|_| "what was vouched for is malformed")?;
    if vouch.terminal != *terminal {
        return Err("vouched for at another terminal");
    }
    if event.voucher.as_ref() != Some(&vouch.voucher)
        || vouch.credential != evidence.credential_id.fingerprint()
    {
        return Err("signed by another colleague");
    }
    if event.person.as_ref() != Some(&vouch.person) || event.pass != Some(vouch.id()) {
        return Err("vouched for somebody else");
    }
    if vouch.person == vouch.voucher {
        return Err("nobody vouches for themselves");
    }
    if vouch.until <= vouch.from || vouch.until.since(vouch.from) > MAX_SECONDS {
        return Err("vouched for longer than anybody may");
    }
    Ok(vouch)
}

/// A login by a code for which somebody vouched.
fn is_login_by(
    event: &Event,
    vouch: &Vouch,
    terminal: &TerminalId,
) -> std::result::Result<(), String> {
    let signed = event.signed_by_code.as_ref().ok_or("a login that no code signed")?;
    if event.name != EventName::PassLogin || event.proof != Some(ProofKind::Vouch) {
        return Err("a login by another proof".into());
    }
    matches(signed.client_data.as_slice(), event, terminal, &vouch.person)?;
    signed
        .verify(&vouch.as_pass(Salt::new([0; Salt::LEN])))
        .map_err(|denial| denial.to_string())?;
    if event.time < vouch.from || event.time >= vouch.until {
        return Err("nobody vouched for then".into());
    }
    Ok(())
}
