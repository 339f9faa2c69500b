//! What a colleague's key signed for somebody who had none, verified again: the vouch itself, and
//! each login by it.

use wardkey_core::event::{Event, EventName};
use wardkey_core::evidence::{self, NoWord, Unproven, Whose};
use wardkey_core::id::TerminalId;

use crate::error::Result;
use crate::store::credential::{self, Credential};
use crate::store::event::Verdict;
use crate::store::person::PersonKind;
use crate::store::{Tx, person};

/// What was found: the verdict, and of a vouch the key and its signed counter.
pub type Found = (Verdict, Option<Credential>, Option<u32>);

/// Verifies the evidence of an event about a vouch.
pub async fn verify(tx: &mut Tx, event: &Event, terminal: &TerminalId) -> Result<Found> {
    let invalid = |finding: String, key| Ok((Verdict::Invalid(finding), key, None));
    let Some(signed) = &event.evidence else {
        let claims = evidence::claims_proof(event);
        let finding = Unproven::Word(NoWord::Nothing).to_string();
        return if claims { invalid(finding, None) } else { Ok((Verdict::None, None, None)) };
    };
    let Some(key) = credential::find(tx, &signed.credential_id).await? else {
        return invalid("the key was never enrolled".into(), None);
    };

    let owner = person::by_id(tx, key.person).await?;
    let whose = match owner.kind {
        PersonKind::Staff => Whose::Own(&owner.login),
        PersonKind::Loaner => Whose::Loaner(None),
    };
    let proved = evidence::by_colleague(event, signed, terminal, (whose, &key.record()));
    // The key is not the person's who logged in.
    let key = Some(key).filter(|_| !event.name.is_login());
    let (vouch, facts) = match proved {
        Ok(proved) => proved,
        Err(unproven) => return invalid(unproven.to_string(), key),
    };
    if person::find(tx, &vouch.person).await?.is_none() {
        return invalid("vouched for nobody".into(), key);
    }
    // A genuine word that is sent again as a failure says nothing of the key.
    let counter = evidence::counts(event, EventName::Vouched).then_some(facts.counter);
    Ok((Verdict::Valid, key, counter))
}
