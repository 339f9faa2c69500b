//! A taken-over agent: it knows everything, has the network, and neither the server's signing key
//! nor a security key. Nothing that it says may end in a login, and nothing but an honest login in
//! a PIN sent.

use std::sync::Arc;

use pam::constants::PamResultCode;
use wardkey_core::code::Code;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::id::{EventId, TerminalId};
use wardkey_core::marks::Marks;
use wardkey_core::message::agent::{
    Candidate, Grant, LoginResult, Reply as AgentReply, Request as AgentRequest,
};
use wardkey_core::message::key::Request as KeyRequest;
use wardkey_core::name::LoginName;
use wardkey_core::person::{PersonRecord, Status};
use wardkey_core::snapshot::Evidence;

use super::scene::*;
use wardkey_testkit::{Deployment, Key, group, login, person, signing};

/// Runs a login in which the agent shows `evidence` for whatever is asked.
pub fn shown(evidence: Evidence, marks: &Marks) -> Seen {
    shown_with(attackers_key(), evidence, marks)
}

fn shown_with(key: KeyScript, evidence: Evidence, marks: &Marks) -> Seen {
    let mut scene = Scene::new();
    *scene.machine.marks.lock().unwrap() = marks.clone();
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) | AgentRequest::Prove(_) => {
            let grant = grant_of(evidence.clone());
            vec![Act::Say(AgentReply::Granted(Box::new(grant)))]
        }
        _ => vec![],
    });
    scene.key.script = key;
    scene.run()
}

/// Holds every credential that it is asked for, knows every PIN, and signs with the attacker's key
/// 66.
fn attackers_key() -> KeyScript {
    Arc::new(|_, request| match request {
        KeyRequest::Identify(identify) => {
            let id = identify.allow[0].as_slice()[0];
            vec![Act::Say(claims(request, 66, id))]
        }
        KeyRequest::PassOver(_) => nothing_comes(),
        KeyRequest::Assert(assert) => {
            let id = assert.credential.as_slice()[0];
            vec![Act::Say(signature(66, id, assert.client_data.as_slice(), 0x05))]
        }
        _ => vec![],
    })
}

/// Hanako's record, with the attacker's key in place of hers.
fn forged() -> PersonRecord {
    let mut record = person("hanako", 66, &Key::es256(66));
    record.groups = List::new(vec![group("nurses")]).unwrap();
    record
}

#[test]
fn lies_about_the_directory_are_found_before_anyone_is_asked() {
    let honest = Deployment::new();
    let signed_by = |deployment: &Deployment, seed| {
        let mut deployment = deployment.clone();
        deployment.publish_seed = seed;
        deployment.evidence("hanako")
    };
    let with = |change: &dyn Fn(&mut Deployment)| {
        let mut deployment = honest.clone();
        change(&mut deployment);
        deployment
    };
    let swap_people = |deployment: &mut Deployment| deployment.scopes[1].0.people = vec![forged()];
    let mut cases: Vec<(&str, Evidence, Code)> = Vec::new();

    // Signed by a key of the agent's own.
    let forged_directory = with(&|deployment| {
        swap_people(deployment);
        deployment.refresh();
    });
    cases.push(("heads by another key", signed_by(&forged_directory, 55), Code::TerminalInvalid));
    let mut heads_only = honest.evidence("hanako");
    heads_only.scopes = signed_by(&forged_directory, 55).scopes;
    cases.push(("heads by another key, terminal document right", heads_only, Code::HeadInvalid));

    // The right head with another bucket, record or policy.
    let mut bucket = honest.evidence("hanako");
    let mut scopes = bucket.scopes.into_vec();
    scopes[1].proof = forged_directory.scopes[1].0.proof(&login("hanako"));
    bucket.scopes = List::new(scopes).unwrap();
    cases.push(("another bucket", bucket, Code::ProofInvalid));
    let mut record = honest.evidence("hanako");
    let mut scopes = record.scopes.into_vec();
    scopes[1].proof.record = Some(Bytes::new(wardkey_core::codec::to_bytes(&forged())).unwrap());
    record.scopes = List::new(scopes).unwrap();
    cases.push(("another record", record, Code::ProofInvalid));
    let mut none = honest.evidence("hanako");
    let mut scopes = none.scopes.into_vec();
    scopes[1].proof.record = None;
    none.scopes = List::new(scopes).unwrap();
    cases.push(("the record withheld", none, Code::ProofInvalid));
    let mut policy = honest.evidence("hanako");
    let mut scopes = policy.scopes.into_vec();
    let generous = with(&|deployment| deployment.scopes[1].1.offline.hard = u64::MAX);
    scopes[1].policy = Bytes::new(wardkey_core::codec::to_bytes(&generous.scopes[1].1)).unwrap();
    policy.scopes = List::new(scopes).unwrap();
    cases.push(("another policy", policy, Code::PolicyInvalid));

    // Roots, terminal documents, scopes.
    let other_root = with(&|deployment| {
        deployment.root_seed = 54;
        deployment.root.root_key = signing(54).public();
    });
    cases.push(("another root key", other_root.evidence("hanako"), Code::RootInvalid));
    let published = with(&|deployment| {
        deployment.root.publish_keys = List::new(vec![signing(55).public()]).unwrap();
        deployment.root_seed = 54;
    });
    cases.push((
        "a root document signed by another key",
        published.evidence("hanako"),
        Code::RootInvalid,
    ));
    let mut no_root = honest.evidence("hanako");
    no_root.roots = List::default();
    cases.push(("no root document", no_root, Code::RootInvalid));
    let terminal = with(&|deployment| deployment.terminal.terminal = TerminalId::new([5; 16]));
    cases.push(("another terminal's document", terminal.evidence("hanako"), Code::TerminalInvalid));
    let mut hidden = honest.evidence("hanako");
    hidden.scopes = List::new(hidden.scopes.into_vec().split_off(1)).unwrap();
    cases.push(("a scope hidden", hidden, Code::ScopesIncomplete));
    let mut twice = honest.evidence("hanako");
    let first = twice.scopes.into_vec().remove(1);
    twice.scopes = List::new(vec![first.clone(), first]).unwrap();
    cases.push(("a scope twice", twice, Code::ScopesIncomplete));
    cases.push(("somebody else's evidence", honest.evidence("taro"), Code::ProofInvalid));

    for (what, evidence, code) in cases {
        let seen = shown(evidence, &Marks::default());
        assert_eq!(
            (seen.code(), seen.pam()),
            (code.number(), PamResultCode::PAM_AUTH_ERR),
            "{what}"
        );
        assert!(
            !seen.pin_sent() && seen.person.questions.is_empty() && seen.key.is_empty(),
            "{what}"
        );
        assert_eq!(seen.person.errors.len(), 1, "{what}");
        assert_eq!(seen.marks, Marks::default(), "{what}");
    }
}

#[test]
fn a_scope_in_which_the_person_is_disabled_cannot_be_hidden() {
    let mut deployment = Deployment::new();
    let mut disabled = deployment.hanako().clone();
    disabled.status = Status::Disabled;
    deployment.scopes[0].0.people = vec![disabled];
    deployment.refresh();
    // Shown in full it refuses once her key proved itself; with the scope left out, at once.
    let seen = shown_with(key_with(1), deployment.evidence("hanako"), &Marks::default());
    assert_eq!((seen.code(), seen.person.questions.len()), (Code::PersonDisabled.number(), 0));
    let mut hidden = deployment.evidence("hanako");
    hidden.scopes = List::new(hidden.scopes.into_vec().split_off(1)).unwrap();
    assert_eq!(shown(hidden, &Marks::default()).code(), Code::ScopesIncomplete.number());
    // With the scope's older state, in which there was nobody: behind the mark.
    let older = Deployment::new();
    let mut newer = deployment.clone();
    newer.scopes[0].0.head.seq = 11;
    let mut marks = Marks::default();
    newer.snapshot("hanako").unwrap().raise(&mut marks);
    assert_eq!(shown(older.evidence("hanako"), &marks).code(), Code::Rollback.number());
}

#[test]
fn somebody_elses_key_gets_no_question_and_no_name() {
    let mut deployment = Deployment::new();
    deployment.scopes[1].0.people.push(person("taro", 2, &Key::es256(2)));
    deployment.refresh();
    let mut scene = Scene::of(&deployment);
    scene.key.script = key_with(2);
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::KeyAndNameDoNotMatch.number(), false));
    assert_eq!(seen.person.questions, [""; 0]);
    let told =
        wardkey_core::texts::message(Code::KeyNotRegistered, wardkey_core::name::Language::En, &[]);
    assert_eq!(seen.person.infos, [told]);
    assert_eq!((&seen.outcomes()[0].person, &seen.outcomes()[0].proof), (&None, &None));

    // The agent adds taro's credential as a candidate of hanako's account: it is not a shared one.
    let mut scene = Scene::of(&deployment);
    scene.key.script = key_with(2);
    let evidence = deployment.evidence("hanako");
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => {
            let credential = wardkey_core::id::CredentialId::new(vec![2; 32]).unwrap();
            let candidates =
                List::new(vec![Candidate { person: login("taro"), credential }]).unwrap();
            let grant = Grant { candidates, ..grant_of(evidence.clone()) };
            vec![Act::Say(AgentReply::Granted(Box::new(grant)))]
        }
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!((seen.code(), seen.pin_sent()), (Code::KeyAndNameDoNotMatch.number(), false));
}

#[test]
fn a_key_process_that_is_the_attackers_own_cannot_sign_for_the_person() {
    // The module's socket check keeps the agent's uid from being this; the decision does not rest
    // on it. Nor does it get her PIN: what it identifies with is not her key's signature.
    let seen = shown(Deployment::new().evidence("hanako"), &Marks::default());
    assert_eq!((seen.code(), seen.pam()), (Code::KeyTimeout.number(), PamResultCode::PAM_AUTH_ERR));
    assert!(!seen.pin_sent() && seen.person.questions.is_empty());
    let outcome = seen.outcomes()[0];
    assert_eq!((&outcome.person, &outcome.credential, &outcome.proof), (&None, &None, &None));
    assert_eq!(outcome.suspects.as_ref().map(|suspects| suspects.len()), Some(1));
    assert!(seen.marks.seen.is_empty(), "nobody was here");
}

#[test]
fn assertions_of_before_and_of_elsewhere_are_refused() {
    // (what the key process says to Assert, code)
    type Say = fn(&wardkey_core::message::key::Assert) -> wardkey_core::message::key::Reply;
    let cases: [(Say, Code); 6] = [
        (|_| signature(1, 1, b"something else", 0x05), Code::AssertionSignature),
        (
            |assert| signature(1, 1, assert.client_data.as_slice(), 0x01),
            Code::UserVerificationMissing,
        ),
        (|assert| signature(1, 1, assert.client_data.as_slice(), 0x04), Code::UserPresenceMissing),
        (|assert| signature(1, 1, assert.client_data.as_slice(), 0x0d), Code::BackupFlags),
        (|assert| signature(2, 1, assert.client_data.as_slice(), 0x05), Code::AssertionSignature),
        (|assert| signature(1, 2, assert.client_data.as_slice(), 0x05), Code::KeyAndNameDoNotMatch),
    ];
    for (say, code) in cases {
        let mut scene = Scene::new();
        scene.key_instead(move |_, request| match request {
            KeyRequest::Assert(assert) => vec![Act::Say(say(assert))],
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!((seen.code(), seen.pam()), (code.number(), PamResultCode::PAM_AUTH_ERR));
        let result = &seen.outcomes()[0].result;
        assert!(matches!(result, LoginResult::Failure(failure) if failure.code == code));
    }
}

#[test]
fn two_logins_never_share_a_challenge() {
    let client_data = || {
        let seen = Scene::new().run();
        let KeyRequest::Assert(assert) = &seen.key[1] else { panic!("{:?}", seen.key) };
        assert.client_data.as_slice().to_vec()
    };
    assert_ne!(client_data(), client_data());
}

#[test]
fn lies_about_the_outcome_are_no_login() {
    let other = EventId::new([9; 16]);
    for (reply, code, result) in [
        (AgentReply::Recorded(other, None), Code::ProtocolError, PamResultCode::PAM_AUTH_ERR),
        (refused(Code::CounterRegressed), Code::CounterRegressed, PamResultCode::PAM_AUTH_ERR),
        (refused(Code::LockedOut), Code::LockedOut, PamResultCode::PAM_MAXTRIES),
        (AgentReply::Done(), Code::ProtocolError, PamResultCode::PAM_AUTH_ERR),
    ] {
        let mut scene = Scene::new();
        scene.agent_instead(move |_, request| match request {
            AgentRequest::Outcome(outcome) if matches!(outcome.result, LoginResult::Success(_)) => {
                vec![Act::Say(reply.clone())]
            }
            _ => vec![],
        });
        let seen = scene.run();
        assert_eq!((seen.code(), seen.pam()), (code.number(), result));
        assert!(seen.marks.seen.is_empty(), "nobody was here");
    }
}

#[test]
fn shared_accounts_that_no_policy_names_do_not_exist() {
    // The agent names candidates for an account that nobody shares, and "proves" the attacker's
    // record.
    let mut scene = Scene::new();
    scene.login = login_as("ward3");
    scene.key.script = attackers_key();
    let honest = Deployment::new();
    let evidence = honest.evidence("ward3");
    scene.agent_instead(move |_, request| match request {
        AgentRequest::Begin(_) => {
            let credential = wardkey_core::id::CredentialId::new(vec![66; 32]).unwrap();
            let candidates =
                List::new(vec![Candidate { person: login("hanako"), credential }]).unwrap();
            let grant = Grant { candidates, ..grant_of(evidence.clone()) };
            vec![Act::Say(AgentReply::Granted(Box::new(grant)))]
        }
        AgentRequest::Prove(_) => vec![Act::Say(granted(&honest, "hanako"))],
        _ => vec![],
    });
    let seen = scene.run();
    assert_eq!((seen.code(), seen.person.questions.len()), (Code::KeyTimeout.number(), 0));
}

/// An answer that does not belong to a login.
trait Done {
    #[allow(non_snake_case)]
    fn Done() -> Self;
}

impl Done for AgentReply {
    fn Done() -> Self {
        Self::Synced(List::default())
    }
}

#[test]
fn names_are_compared_exactly() {
    for name in ["Hanako", "HANAKO", "hanako@ward", "hanak"] {
        let mut scene = Scene::new();
        scene.login = login_as(name);
        let seen = scene.run();
        let outcome = seen.outcomes()[0];
        assert_eq!(
            (seen.code(), seen.pin_sent()),
            (Code::KeyAndNameDoNotMatch.number(), false),
            "{name}"
        );
        assert_eq!(
            (outcome.login.account.clone(), outcome.person.clone()),
            (LoginName::new(name).ok(), None)
        );
    }
}
