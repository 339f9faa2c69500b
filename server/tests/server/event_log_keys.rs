//! What goes along with an export so that its logins can be verified elsewhere.

use std::path::Path;

use wardkey_core::evidence::{self, Whose};
use wardkey_core::id::SigningPublicKey;
use wardkey_core::log_keys::{ListedStatus, LogKeys};
use wardkey_core::sign::{self, SignatureError, Verified};
use wardkey_tlog::Verifier;

use super::events::{login, send};
use super::support::Deployment;
use super::support::now;
use super::support::ward::Ward;

pub fn listed(deployment: &Deployment, folder: &Path) -> Result<Verified<LogKeys>, SignatureError> {
    let key = deployment.log(&["show"])["verifier"].as_str().unwrap().to_owned();
    let key = SigningPublicKey::new(*Verifier::parse(&key).unwrap().public());
    sign::verify(&std::fs::read(folder.join("keys.cbor")).unwrap(), &[key])
}

#[test]
fn the_keys_and_passes_of_an_export_verify_the_logins_in_it() {
    let (ward, key) = Ward::with_key();
    let deployment = &ward.deployment;
    let event = login(&key, ward.terminal.id, now(), 5);
    assert_eq!(send(&ward.terminal, std::slice::from_ref(&event)).accepted.len(), 1);
    let folder = deployment.exported("log");
    let list = listed(deployment, &folder).unwrap();
    let shown = deployment.log(&["show"]);
    assert_eq!((list.origin.as_str(), list.size), (shown["origin"].as_str().unwrap(), 1));

    let [own] = &*list.keys else { panic!("{:?}", list.keys) };
    let evidence = event.evidence.as_ref().unwrap();
    let whose = Whose::Own(&own.person);
    evidence::by_key(&event, evidence, &ward.terminal.id, (whose, &own.key)).unwrap();
    assert!(own.changes.is_empty() && list.people.is_empty());

    // A later export knows what has become of them; a deleted key still verifies.
    let digits = own.key.fingerprint().short();
    deployment.ok(&["key", "disable", &digits]);
    deployment.ok(&["key", "delete", &digits]);
    deployment.ok(&["person", "disable", "sato"]);
    deployment.exported("log");
    let list = listed(deployment, &folder).unwrap();
    let [own] = &*list.keys else { panic!("{:?}", list.keys) };
    let changes: Vec<_> = own.changes.iter().map(|change| change.to).collect();
    assert_eq!(changes, [ListedStatus::Disabled, ListedStatus::Deleted]);
    let whose = Whose::Own(&own.person);
    evidence::by_key(&event, evidence, &ward.terminal.id, (whose, &own.key)).unwrap();
    let [sato] = &*list.people else { panic!("{:?}", list.people) };
    assert_eq!((sato.login.as_str(), sato.changes[0].to), ("sato", ListedStatus::Disabled));

    // Nobody else signs it.
    let other = Deployment::new();
    assert!(listed(&other, &folder).is_err());
}

#[test]
fn a_pass_is_listed_with_the_times_of_its_person() {
    let ward = Ward::new();
    let deployment = &ward.deployment;
    deployment.ok(&["scope", "set", "icu", "--passes", "12h"]);
    deployment.ok(&["pass", "add", "yamada", "--reason", "key at home"]);
    let folder = deployment.exported("log");
    let list = listed(deployment, &folder).unwrap();
    let [pass] = &*list.passes else { panic!("{:?}", list.passes) };
    assert_eq!(pass.person.as_str(), "yamada");
    assert!(pass.until > pass.from);
    let shown = deployment.json(&["pass", "show", "yamada"]);
    assert!(shown.to_string().contains(&pass.id.to_hex()), "{shown}");
}
