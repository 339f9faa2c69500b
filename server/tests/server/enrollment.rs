//! Registrations: a challenge lives for 60 seconds and once,
//! what is verified, ten keys, attestation.

use serde_json::{Value, json};
use wardkey_core::codec;
use wardkey_core::message::http::{Base64, ChangesReply, EnrollBeginReply, EnrollFinishReply};
use wardkey_core::person::{CredentialFlags, PersonRecord};

use super::support::ORIGIN;
use super::support::authenticator::{AAGUID, Credential, Maker, Making, Statement};
use super::support::ward::{Ward, begin, enroll, finish_body};

impl Ward {
    fn record(&self) -> PersonRecord {
        let changes: ChangesReply = self.terminal.changes("icu", 0);
        codec::from_bytes(&changes.changes[0].record.as_ref().unwrap().0).unwrap()
    }
}

#[test]
fn a_key_is_enrolled_as_it_says_and_published_at_once() {
    let ward =
        Ward::with(|root| format!("attestation_roots = [\"{root}\"]\nattestation_required = true"));
    let code = ward.code();
    let begun: EnrollBeginReply =
        begin(&ward.terminal, &code.to_lowercase().replace('-', " ")).json();
    assert_eq!(
        (begun.login.as_str(), begun.origin.as_str(), begun.cred_protect),
        ("yamada", ORIGIN, 2)
    );
    assert_eq!(begun.public_key.rp.id, "wardkey.test");
    assert_eq!(begun.public_key.user.id.0.len(), 32);
    assert_eq!(begun.public_key.challenge.0.len(), 32);
    let (credential, answer) = enroll(&ward.terminal, &code, &ward.maker, Making::default());
    let reply: EnrollFinishReply = answer.json();
    assert!(reply.attested);
    assert_eq!((reply.login.as_str(), reply.display_name.as_str()), ("yamada", "山田花子"));
    let record = ward.record();
    let key = &record.credentials[0];
    assert_eq!(key.id.as_slice(), credential.id);
    assert_eq!(key.public_key.as_slice(), credential.public_key, "exactly as the key wrote it");
    assert_eq!(key.aaguid.as_bytes(), &AAGUID);
    assert_eq!(key.cred_protect, 2);
    assert_eq!(key.flags.0, CredentialFlags::ATTESTED | CredentialFlags::DISCOVERABLE);
    assert_eq!(key.label.as_str(), "blue key");
    // The code is used up.
    assert_eq!(begin(&ward.terminal, &code).refusal(), (403, "WK-1506".into()));
    // A key that the person has is named, so that it is not enrolled twice.
    let begun: EnrollBeginReply = begin(&ward.terminal, &ward.code()).json();
    assert_eq!(begun.public_key.exclude_credentials.unwrap()[0].id.0, credential.id);
    // The trail says by which code, and not what was typed.
    let rows = ward.deployment.rows(&["audit", "list"]);
    let number_in = |action: &str| {
        let all: Vec<_> = rows.as_array().unwrap().iter().collect();
        let of = |row: &&&serde_json::Value| row["action"] == action;
        let last = all.iter().rfind(of).unwrap()["detail"].as_str().unwrap().to_owned();
        let (_, after) = last.split_once("code ").unwrap();
        after.split(',').next().unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(number_in("code.issue"), number_in("key.enroll"));
}

/// Consoles show it, at logins and where keys are enrolled.
#[test]
fn a_name_in_latin_letters_is_published_said_at_an_enrollment_and_found() {
    let ward = Ward::with(|_| String::new());
    let said = || -> Option<String> {
        begin(&ward.terminal, &ward.code()).json::<EnrollBeginReply>().latin_name
    };
    let found = |sought: &str| {
        let people = ward.deployment.rows(&["person", "list", "--search", sought]);
        people.as_array().unwrap().len()
    };
    let set = |given: &[&str]| ward.deployment.ok(&[&["person", "set", "yamada"], given].concat());
    set(&["--group", "nurses"]);
    assert_eq!((said(), ward.record().latin_name, found("hanako")), (None, None, 0));

    set(&["--latin-name", "YAMADA Hanako"]);
    let name = Some("YAMADA Hanako".to_owned());
    assert_eq!(ward.deployment.json(&["person", "show", "yamada"])["latin_name"], json!(name));
    assert_eq!(ward.record().latin_name.map(|name| name.to_string()), name);
    assert_eq!((said(), found("hanako")), (name.clone(), 1));
    // What is not given stays.
    set(&["--language", "en"]);
    assert_eq!(said(), name);
    for wrong in ["花子", "", " Hanako", "a\u{1b}[2J", "--", "a\u{ad}b", "\u{180}"] {
        let wrong = ["person", "set", "yamada", "--latin-name", wrong];
        ward.deployment.refused(2, &wrong);
    }

    set(&["--no-latin-name"]);
    assert_eq!((said(), ward.record().latin_name, found("hanako")), (None, None, 0));
}

#[test]
fn eddsa_and_backup_eligible_keys_are_enrolled_as_such() {
    let ward = Ward::with(|root| format!("attestation_roots = [\"{root}\"]"));
    let good = Making { eddsa: true, cred_protect: None, flags: 0x4d, ..Making::default() };
    for statement in [Statement::None, Statement::Packed, Statement::SelfSigned] {
        let (credential, answer) =
            enroll(&ward.terminal, &ward.code(), &ward.maker, Making { statement, ..good });
        println!("{statement:?} {}", answer.body);
        // A chain to a root of ours counts, whatever the algorithm of the key.
        let attested = statement == Statement::Packed;
        assert_eq!(answer.json::<EnrollFinishReply>().attested, attested, "{statement:?}");
        let record = ward.record();
        let key = record.credentials.last().unwrap();
        assert_eq!(key.public_key.as_slice(), credential.public_key);
        assert!(key.flags.has(CredentialFlags::BACKUP_ELIGIBLE));
        assert_eq!(key.flags.has(CredentialFlags::ATTESTED), attested);
        assert_eq!(key.cred_protect, 0);
    }
    let begun: EnrollBeginReply = begin(&ward.terminal, &ward.code()).json();
    let making = Making { statement: Statement::SelfSigned, ..good };
    let mut credential = Credential::make(&ward.maker, &begun.public_key.challenge.0, making);
    let at =
        credential.attestation_object.windows(3).position(|bytes| bytes == b"sig").unwrap() + 8;
    credential.attestation_object[at] ^= 1;
    let answer =
        ward.terminal.client.post("/v1/enroll/finish", &finish_body(&begun.session, &credential));
    assert_eq!(answer.refusal(), (422, "WK-1507".into()));
}

#[test]
fn a_challenge_is_accepted_at_59_seconds_refused_at_61_and_refused_twice() {
    for (seconds, accepted) in [(59, true), (60, true), (61, false)] {
        let ward = Ward::new();
        let code = ward.code();
        let begun: EnrollBeginReply = begin(&ward.terminal, &code).json();
        let credential =
            Credential::make(&ward.maker, &begun.public_key.challenge.0, Making::default());
        let body = finish_body(&begun.session, &credential);
        ward.running.pass(seconds);
        let answer = ward.terminal.client.post("/v1/enroll/finish", &body);
        if accepted {
            assert_eq!(answer.status, 200, "{seconds}: {}", answer.body);
        } else {
            assert_eq!(answer.refusal(), (403, "WK-1510".into()), "{seconds}");
        }
        assert_eq!(
            ward.terminal.client.post("/v1/enroll/finish", &body).refusal(),
            (403, "WK-1510".into()),
            "{seconds}"
        );
        // Too late or not: a code whose registration did not succeed is still good, a used one is
        // not.
        assert_eq!(
            begin(&ward.terminal, &code).status,
            if accepted { 403 } else { 200 },
            "{seconds}"
        );
    }
}

#[test]
fn a_registration_that_is_refused_spends_the_challenge_and_not_the_code() {
    let ward = Ward::new();
    let code = ward.code();
    for eddsa in [false, true] {
        refusals(&ward, &code, Making { eddsa, ..Making::default() });
    }
    assert!(ward.record().credentials.is_empty());
    let (_, answer) = enroll(&ward.terminal, &code, &ward.maker, Making::default());
    assert_eq!(answer.status, 200, "nothing lost: {}", answer.body);
}

fn refusals(ward: &Ward, code: &str, good: Making<'_>) {
    for (what, making) in [
        ("UV=0", Making { flags: 0x41, ..good }),
        ("UP=0", Making { flags: 0x44, ..good }),
        ("another rp id", Making { rp_id: "evil.example", ..good }),
        ("another origin", Making { origin: "https://evil.example", ..good }),
        ("an origin below ours", Making { origin: "https://sub.wardkey.test", ..good }),
        ("another port", Making { origin: "https://wardkey.test:8443", ..good }),
        ("not https", Making { origin: "http://wardkey.test", ..good }),
        ("an assertion's client data", Making { kind: "webauthn.get", ..good }),
        ("attestation signature", Making { statement: Statement::BadSignature, ..good }),
        ("backed up but not eligible", Making { flags: 0x55, ..good }),
        ("no credential data", Making { flags: 0x05, ..good }),
        ("a credProtect level that there is not", Making { cred_protect: Some(9), ..good }),
    ] {
        let begun: EnrollBeginReply = begin(&ward.terminal, code).json();
        let credential = Credential::make(&ward.maker, &begun.public_key.challenge.0, making);
        let body = finish_body(&begun.session, &credential);
        let refusal = ward.terminal.client.post("/v1/enroll/finish", &body).refusal();
        assert_eq!(refusal, (422, "WK-1507".into()), "{what}");
        assert_eq!(
            ward.terminal.client.post("/v1/enroll/finish", &body).refusal().1,
            "WK-1510",
            "{what}: challenge once"
        );
        ward.running.server().app().limiter.forget();
    }
    // Another challenge, another id than the signed one, garbage.
    let begun: EnrollBeginReply = begin(&ward.terminal, code).json();
    let credential = Credential::make(&ward.maker, &[7; 32], good);
    let refusal = ward
        .terminal
        .client
        .post("/v1/enroll/finish", &finish_body(&begun.session, &credential))
        .refusal();
    assert_eq!(refusal, (403, "WK-1510".into()));
    for (member, value) in [
        ("credential_id", Base64(vec![1; 64])),
        ("attestation_object", Base64(vec![0xa3; 9])),
        ("client_data", Base64(b"{}".to_vec())),
    ] {
        let begun: EnrollBeginReply = begin(&ward.terminal, code).json();
        let credential = Credential::make(&ward.maker, &begun.public_key.challenge.0, good);
        let mut body = finish_body(&begun.session, &credential);
        body[member] = json!(value);
        assert_eq!(
            ward.terminal.client.post("/v1/enroll/finish", &body).refusal(),
            (422, "WK-1507".into()),
            "{member}"
        );
    }
    ward.running.server().app().limiter.forget();
}

#[test]
fn only_a_verified_chain_that_signs_model_and_flags_is_attested() {
    // Keycloak CVE-2026-6856 believed the model of a key that attested itself.
    let other = Maker::new();
    let wrong_model = Maker::with_certificate_for(*b"another-model!!!");
    for (required, eddsa) in [(false, false), (true, false), (false, true), (true, true)] {
        let root = |maker: &str| {
            format!(
                "attestation_roots = [\"{maker}\"]\nattestation_required = {required}\n[limits]\n\
                    account = 100"
            )
        };
        let ward = Ward::with(root);
        let good = Making { eddsa, ..Making::default() };
        let try_one = |maker: &Maker, making| {
            ward.running.server().app().limiter.forget();
            enroll(&ward.terminal, &ward.code(), maker, making).1
        };
        let no_model = ward.maker.batch_for([0; 16]);
        let mut unattested = vec![
            ("none", &ward.maker, Making { statement: Statement::None, ..good }),
            ("self", &ward.maker, Making { statement: Statement::SelfSigned, ..good }),
            ("another maker's root", &other, good),
            ("no model", &no_model, Making { aaguid: [0; 16], ..good }),
        ];
        if !eddsa {
            // Signs neither flags nor model: any could be written beside a genuine signature.
            let u2f = Making { statement: Statement::U2f, cred_protect: None, ..good };
            unattested.push(("U2F", &ward.maker, Making { aaguid: [0; 16], ..u2f }));
            unattested.push(("U2F with a model written in", &ward.maker, u2f));
        }
        for (what, maker, making) in unattested {
            let answer = try_one(maker, making);
            if required {
                assert_eq!(answer.refusal(), (422, "WK-1507".into()), "{what}, EdDSA {eddsa}");
            } else {
                assert!(!answer.json::<EnrollFinishReply>().attested, "{what}, EdDSA {eddsa}");
            }
        }
        let answer = try_one(&wrong_model, good);
        assert_eq!(
            answer.refusal(),
            (422, "WK-1507".into()),
            "the certificate is of another model, EdDSA {eddsa}"
        );
        let answer = try_one(&ward.maker, good);
        assert!(answer.json::<EnrollFinishReply>().attested, "EdDSA {eddsa}: {}", answer.body);
    }
}

#[test]
fn a_key_that_raises_its_protection_by_itself_is_refused_while_it_can_be_changed() {
    for (configuration, statement) in
        [("", Statement::None), ("cred_protect = 1", Statement::Packed)]
    {
        for eddsa in [false, true] {
            let ward = Ward::with(|_| configuration.into());
            let code = ward.code();
            let making = Making { cred_protect: Some(3), statement, eddsa, ..Making::default() };
            let (_, answer) = enroll(&ward.terminal, &code, &ward.maker, making);
            assert_eq!(answer.refusal(), (422, "WK-1224".into()), "EdDSA {eddsa}");
            assert!(ward.record().credentials.is_empty());
            let trail = ward.deployment.rows(&["audit", "list", "--object", "yamada"]);
            let row = trail
                .as_array()
                .unwrap()
                .iter()
                .find(|row| row["action"] == "key.enroll-refused")
                .unwrap();
            assert!(row["detail"].as_str().unwrap().contains("WK-1224"), "{row}");
            // The same key, set right, takes the same code.
            let (_, answer) = enroll(
                &ward.terminal,
                &code,
                &ward.maker,
                Making { cred_protect: Some(2), ..making },
            );
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }
}

#[test]
fn ten_keys_and_no_eleventh_in_a_race() {
    let ward = Ward::with(|_| "[limits]\ncode = 1000\naccount = 1000".into());
    for _ in 0..9 {
        let (_, answer) = enroll(&ward.terminal, &ward.code(), &ward.maker, Making::default());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    // Four registrations began while there were nine keys; they end at the same time.
    let bodies: Vec<Value> = (0..4)
        .map(|_| {
            let begun: EnrollBeginReply = begin(&ward.terminal, &ward.code()).json();
            finish_body(
                &begun.session,
                &Credential::make(&ward.maker, &begun.public_key.challenge.0, Making::default()),
            )
        })
        .collect();
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let tries: Vec<_> = bodies
            .iter()
            .map(|body| scope.spawn(|| ward.terminal.client.post("/v1/enroll/finish", body).status))
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    assert_eq!(ward.record().credentials.len(), 10);
    assert_eq!(begin(&ward.terminal, &ward.code()).refusal(), (409, "WK-1509".into()));
    // A deleted key makes room; its tombstone stays.
    let keys = ward.deployment.rows(&["key", "list", "yamada"]);
    let first = keys[0]["fingerprint"].as_str().unwrap();
    ward.deployment.ok(&["key", "delete", &first[..16], "--reason", "lost"]);
    let (_, answer) = enroll(&ward.terminal, &ward.code(), &ward.maker, Making::default());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(ward.deployment.rows(&["key", "list", "yamada"]).as_array().unwrap().len(), 11);
}

#[test]
fn keys_are_disabled_enabled_and_deleted() {
    let ward = Ward::new();
    let (credential, _) = enroll(&ward.terminal, &ward.code(), &ward.maker, Making::default());
    let fingerprint = credential.fingerprint();
    let key = &fingerprint[..16];
    ward.deployment.ok(&["key", "disable", key, "--reason", "forgotten at home"]);
    assert_eq!(ward.record().credentials[0].status, wardkey_core::person::Status::Disabled);
    ward.deployment.ok(&["key", "enable", &key.to_uppercase()]);
    assert_eq!(ward.record().credentials[0].status, wardkey_core::person::Status::Active);
    ward.deployment.ok(&["key", "delete", key]);
    assert!(ward.record().credentials.is_empty());
    ward.deployment.refused(1, &["key", "enable", key]);
    ward.deployment.refused(1, &["key", "disable", "00ff00ff"]);
    ward.deployment.refused(1, &["key", "disable", "%"]);
    let trail = ward.deployment.rows(&["audit", "list", "--object", key]);
    let row = trail.as_array().unwrap().iter().find(|row| row["action"] == "key.disable").unwrap();
    assert_eq!(row["reason"], "forgotten at home");
    assert!(row["actor"].as_str().unwrap().starts_with("unix:"));
}
