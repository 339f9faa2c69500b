//! Steps about the person's keys: those that are registered, those that are plugged in, and the way
//! of a person who is without.

use wardkey_core::code::{Code, Denial};
use wardkey_core::id::CredentialId;
use wardkey_core::message::agent::{Grant, Locked};
use wardkey_core::message::key::{Identified, KeyAssertion, KeyDetails, KeyInfo};
use wardkey_core::person::{CredentialFlags, CredentialRecord, PersonRecord};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::policy::lending;
use wardkey_core::policy::ways::{is_offered, is_valid, takes};
use wardkey_core::proof::ProofKind;
use wardkey_core::proof::identification::SilentAssertion;
use wardkey_core::snapshot::Snapshot;

use super::step::{Step, Topic};
use crate::output::{date, duration, name_of};
use crate::security_key::{Challenge, Looked};
use crate::texts::{Phrase, Text};

fn lock_of<'g>(grant: &'g Grant, id: &CredentialId) -> Option<&'g Locked> {
    grant.locked.iter().flat_map(|locked| locked.iter()).find(|locked| locked.credential == *id)
}

/// Why a key that the person has on loan is not taken; nothing of a key of the person's own.
fn loan_refused(
    snapshot: &Snapshot,
    context: &LoginContext<'_>,
    id: &CredentialId,
) -> Option<Denial> {
    snapshot
        .loans_of(id)
        .find_map(|loan| lending::may_be_used(snapshot, context.service, loan, context.now).err())
}

/// The person's keys, own and on loan, each once.
fn registered(snapshot: &Snapshot) -> Vec<&CredentialRecord> {
    let mut all: Vec<&CredentialRecord> = Vec::new();
    for credential in snapshot.records().flat_map(PersonRecord::keys) {
        if !all.iter().any(|one| one.id == credential.id) {
            all.push(credential);
        }
    }
    all
}

/// The person's keys, and which of them may be used now.
pub(super) fn keys(snapshot: &Snapshot, grant: &Grant, context: &LoginContext<'_>) -> Step {
    let refused = |id: &CredentialId| loan_refused(snapshot, context, id);
    let mut usable = snapshot.allow_list();
    usable.retain(|id| refused(id).is_none());
    let told = registered(snapshot);
    let free = usable.iter().filter(|id| lock_of(grant, id).is_none()).count();
    let step = if free > 0 {
        Step::passes(Topic::Keys, Text::TryUsable.with([("count", (free as u64).into())]))
    } else if let Some(locked) = usable.iter().find_map(|id| lock_of(grant, id)) {
        Step::refuses(Topic::Keys, Code::LockedOut).argument("seconds", locked.seconds)
    } else if told.is_empty() {
        Step::refuses(Topic::Keys, Code::KeyAndNameDoNotMatch).detail(Text::TryNoKeys)
    } else if let Some(denial) = told.iter().find_map(|one| refused(&one.id)) {
        Step::denied(Topic::Keys, &denial)
    } else {
        Step::refuses(Topic::Keys, Code::CredentialDisabled)
    };

    told.into_iter().fold(step, |step, credential| {
        let state: Phrase = match lock_of(grant, &credential.id) {
            _ if refused(&credential.id).is_some() => Text::TryKeyLoanOff.into(),
            _ if !usable.contains(&credential.id) => Text::TryKeyOff.into(),
            Some(locked) => Text::TryKeyLocked.with([("time", duration(locked.seconds))]),
            None => match snapshot.loans_of(&credential.id).next() {
                Some(loan) => Text::TryKeyLoan.with([("date", date(loan.until).into())]),
                None => Text::TryKeyOn.into(),
            },
        };
        let model = if credential.flags.has(CredentialFlags::ATTESTED) {
            Text::TryModel.with([("model", credential.aaguid.to_hex().into())])
        } else {
            Text::TryModelUnknown.into()
        };
        let args = [
            ("label", credential.label.to_string().into()),
            ("key", credential.fingerprint().short().into()),
            ("model", model),
            ("date", date(credential.enrolled).into()),
            ("state", state),
        ];
        step.detail(Text::TryKey.with(args))
    })
}

/// What the keys that are plugged in proved, by the module's own check of their signatures;
/// `takes_finger`: those that know a finger are asked for it first.
pub(crate) fn plugged(
    (snapshot, context): (&Snapshot, &LoginContext<'_>),
    grant: &Grant,
    takes_finger: bool,
    asked: &Challenge,
    looked: Looked,
) -> Step {
    let claims = match looked {
        Looked::None => return Step::note(Topic::Plugged, Text::TryNoKey),
        Looked::Others(code) => return Step::noted(Topic::Plugged, code),
        Looked::Claims(identified) => claims(*identified),
    };
    let (mut lines, mut hindrance, mut is_usable) = (Vec::new(), None, false);
    for (key, proof) in claims {
        match silent(proof, asked).prove(&asked.data, snapshot) {
            Ok(proven) => {
                lines.push(proven_line(snapshot, &key, proven.credential()));
                if takes_finger && key.details.as_ref().is_some_and(KeyDetails::takes_finger) {
                    lines.push(Text::TryFinger.into());
                }
                match hindrance_of((snapshot, context), grant, &key, proven.credential()) {
                    None => is_usable = true,
                    Some(found) => hindrance = hindrance.or(Some(found)),
                }
            }
            Err(denial) => {
                let args = [("device", name_of(&key).into()), ("why", denial.detail.into())];
                lines.push(Text::TryNotProven.with(args));
            }
        }
    }

    let mut lines = lines.into_iter();
    let step = match hindrance {
        _ if is_usable => Step::passes(Topic::Plugged, lines.next().unwrap_or_else(|| "".into())),
        Some((code, seconds)) => seconds
            .into_iter()
            .fold(Step::refuses(Topic::Plugged, code), |step, s| step.argument("seconds", s)),
        None => Step::noted(Topic::Plugged, Code::DeviceNotProven),
    };
    lines.fold(step, Step::detail)
}

/// Each device that claims a credential, and what it signed.
fn claims(identified: Identified) -> Vec<(KeyInfo, KeyAssertion)> {
    let Identified { key, proof, others, .. } = identified;
    let first = proof.map(|proof| (key, proof));
    let others = others.into_iter().flat_map(|others| others.into_vec());
    first.into_iter().chain(others.map(|claim| (claim.key, claim.proof))).collect()
}

fn silent(proof: KeyAssertion, asked: &Challenge) -> SilentAssertion {
    let KeyAssertion { credential, auth_data, signature, .. } = proof;
    SilentAssertion { credential, client_data: asked.bytes.clone(), auth_data, signature }
}

fn proven_line(snapshot: &Snapshot, key: &KeyInfo, credential: &CredentialId) -> Phrase {
    let label = registered(snapshot)
        .into_iter()
        .find(|one| one.id == *credential)
        .map_or_else(String::new, |one| one.label.to_string());
    let tries = key.details.as_ref().and_then(|details| details.pin_tries);
    let args = [
        ("label", label.into()),
        ("key", credential.fingerprint().short().into()),
        ("device", name_of(key).into()),
        ("tries", tries.map_or_else(|| "?".into(), |tries| u64::from(tries).into())),
    ];
    Text::TryProven.with(args)
}

/// Why a login with this key would end, and for how many seconds.
fn hindrance_of(
    (snapshot, context): (&Snapshot, &LoginContext<'_>),
    grant: &Grant,
    key: &KeyInfo,
    credential: &CredentialId,
) -> Option<(Code, Option<u64>)> {
    if !snapshot.allow_list().contains(credential) {
        return Some((Code::CredentialDisabled, None));
    }
    if let Some(locked) = lock_of(grant, credential) {
        return Some((Code::LockedOut, Some(locked.seconds)));
    }
    if let Some(denial) = loan_refused(snapshot, context, credential) {
        return Some((denial.code, None));
    }
    let code = key.details.as_ref()?.hindrance(false)?;
    Some((code, None))
}

/// The way of a person who is without the key; nothing where it is not offered here.
pub(super) fn temporary_code(snapshot: &Snapshot, context: &LoginContext<'_>) -> Option<Step> {
    let kind = ProofKind::TemporaryCode;
    let pass = snapshot.pass();
    if pass.is_none() && !is_offered(snapshot, context.service, kind) {
        return None;
    }
    let Some(pass) = pass else {
        return Some(Step::note(Topic::TemporaryCode, Text::TryNoPass));
    };
    let denial = takes(snapshot, context.service, kind)
        .and_then(|()| is_valid(snapshot, pass, context.now))
        .err();
    Some(match denial {
        Some(denial) => Step::noted(Topic::TemporaryCode, denial.code).detail(denial.detail),
        None => {
            let detail = Text::TryPass.with([("date", date(pass.until).into())]);
            Step::passes(Topic::TemporaryCode, detail)
        }
    })
}
