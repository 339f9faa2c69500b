//! What scopes want of PINs: said to the terminal, verified by what the key signs, kept.

use serde_json::{Value, json};
use wardkey_core::message::http::EnrollBeginReply;

use super::backups::sql;
use super::support::authenticator::{Credential, Making, Statement};
use super::support::ward::{Ward, begin, enroll, finish_body};

impl Ward {
    fn wants(&self, scope: &str, options: &[&str]) {
        self.deployment.ok(&[&["scope", "set", scope][..], options].concat());
    }

    /// The newest row of the trail.
    fn newest_row(&self) -> (String, String) {
        let row = self.deployment.rows(&["audit", "list"])[0].clone();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("action"), text("detail"))
    }
}

#[test]
fn the_terminal_is_told_what_the_strictest_scope_of_the_person_wants() {
    let ward = Ward::new();
    let code = ward.code();
    let told = || -> EnrollBeginReply { begin(&ward.terminal, &code).json() };
    let rules = |reply: EnrollBeginReply| (reply.min_pin_length, reply.pin_change_at_first_use);
    assert_eq!(rules(told()), (None, None));
    let said: Value = begin(&ward.terminal, &code).json();
    let is_said = |name: &str| said.as_object().unwrap().contains_key(name);
    assert!(!is_said("min_pin_length") && !is_said("pin_change_at_first_use"), "as before");

    ward.wants("er", &["--min-pin-length", "10"]);
    ward.wants("icu", &["--min-pin-length", "6", "--pin-change-at-first-use", "yes"]);
    assert_eq!(rules(told()), (Some(6), Some(true)), "not what another scope wants");
    ward.deployment.ok(&["person", "set", "yamada", "--add-scope", "er"]);
    assert_eq!(rules(told()), (Some(10), Some(true)));

    ward.wants("er", &["--min-pin-length", "0"]);
    ward.wants("icu", &["--min-pin-length", "0", "--pin-change-at-first-use", "no"]);
    assert_eq!(rules(told()), (None, None));
    for wrong in ["3", "64", "256", "-1", "six", ""] {
        ward.deployment.refused(2, &["scope", "set", "icu", "--min-pin-length", wrong]);
    }
    let shown = ward.deployment.json(&["scope", "show", "icu"]);
    assert_eq!(shown["min_pin_length"], json!(null));
}

#[test]
fn a_key_that_says_that_it_takes_shorter_pins_is_refused_and_the_code_stays() {
    let ward = Ward::with(|root| {
        format!("attestation_roots = [\"{root}\"]\n[limits]\naccount = 100\ncode = 100")
    });
    ward.wants("icu", &["--min-pin-length", "6"]);
    for eddsa in [false, true] {
        for statement in [Statement::Packed, Statement::None] {
            let code = ward.code();
            for has in [0, 4, 5] {
                let making =
                    Making { min_pin_length: Some(has), eddsa, statement, ..Making::default() };
                let (_, answer) = enroll(&ward.terminal, &code, &ward.maker, making);
                assert_eq!(answer.refusal(), (422, "WK-1880".into()), "{has}, EdDSA {eddsa}");
                assert_eq!(ward.newest_row().0, "key.enroll-refused");
            }

            let making = Making { min_pin_length: Some(6), eddsa, statement, ..Making::default() };
            let (_, answer) = enroll(&ward.terminal, &code, &ward.maker, making);
            assert_eq!(answer.status, 200, "EdDSA {eddsa}: {}", answer.body);
            assert!(ward.newest_row().1.ends_with("PINs of 6 characters or more, says the key"));
        }
    }
    let kept = ward.deployment.rows(&["key", "list", "yamada"]);
    assert_eq!(kept.as_array().unwrap().len(), 4, "{kept}");
}

/// Whoever sits between could not write another number in: it is within what the key signs.
#[test]
fn the_length_is_the_one_that_the_key_signed() {
    let ward = Ward::new();
    ward.wants("icu", &["--min-pin-length", "6"]);
    for eddsa in [false, true] {
        let begun: EnrollBeginReply = begin(&ward.terminal, &ward.code()).json();
        let making = Making { min_pin_length: Some(4), eddsa, ..Making::default() };
        let mut made = Credential::make(&ward.maker, &begun.public_key.challenge.0, making);
        let name = b"minPinLength";
        let at = made.attestation_object.windows(name.len()).position(|part| part == name);
        made.attestation_object[at.unwrap() + name.len()] = 6;
        let body = finish_body(&begun.session, &made);
        let answer = ward.terminal.client.post("/v1/enroll/finish", &body);
        assert_eq!(answer.refusal(), (422, "WK-1507".into()), "EdDSA {eddsa}");
    }
}

#[test]
fn a_key_that_does_not_say_it_is_enrolled_and_its_length_is_on_record_as_unknown() {
    let ward = Ward::new();
    ward.wants("icu", &["--min-pin-length", "6"]);
    let (silent, answer) = enroll(&ward.terminal, &ward.code(), &ward.maker, Making::default());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let detail = ward.newest_row().1;
    assert!(
        detail.ends_with("PINs of 6 characters or more wanted, not known to be set on the key"),
        "{detail}"
    );
    let making = Making { min_pin_length: Some(8), ..Making::default() };
    let (says, answer) = enroll(&ward.terminal, &ward.code(), &ward.maker, making);
    assert_eq!(answer.status, 200, "{}", answer.body);

    let deployment = &ward.deployment;
    for (key, least, said) in [(&silent, json!(null), "not known"), (&says, json!(8), "8 char")] {
        let shown = deployment.json(&["key", "show", &key.fingerprint()]);
        assert_eq!(shown["min_pin_length"], least);
        let text = deployment.ok(&["key", "show", &key.fingerprint()]);
        assert!(text.contains(said), "{text}");
        let inventory = deployment.json(&["report", "inventory"]);
        let row = inventory["keys"].as_array().unwrap().iter();
        let row = row.clone().find(|row| row["fingerprint"] == key.fingerprint().as_str());
        assert_eq!(row.unwrap()["min_pin_length"], least);
    }
    let listed = deployment.rows(&["key", "list", "yamada"]);
    assert_eq!(
        (&listed[0]["min_pin_length"], &listed[1]["min_pin_length"]),
        (&json!(null), &json!(8))
    );
    let table = deployment.ok(&["key", "list"]);
    assert!(table.lines().next().unwrap().contains("MIN PIN"), "{table}");
}

/// Whether a change is asked for, the terminal says; one of before says nothing, and is not
/// refused.
#[test]
fn the_trail_says_whether_the_pin_is_to_be_changed() {
    let ward = Ward::with(|_| "[limits]\naccount = 100\ncode = 100".into());
    ward.wants("icu", &["--pin-change-at-first-use", "yes"]);
    for (said, end) in [
        (Some(true), "; its PIN is to be changed at first use"),
        (Some(false), "; a change at first use is wanted, the key cannot be told"),
        (None, "; a change at first use is wanted, the terminal does not know that"),
    ] {
        let begun: EnrollBeginReply = begin(&ward.terminal, &ward.code()).json();
        assert_eq!(begun.pin_change_at_first_use, Some(true));
        let challenge = &begun.public_key.challenge.0;
        let made = Credential::make(&ward.maker, challenge, Making::default());
        let mut body = finish_body(&begun.session, &made);
        if let Some(can) = said {
            body["can_force_pin_change"] = can.into();
        }
        let answer = ward.terminal.client.post("/v1/enroll/finish", &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let detail = ward.newest_row().1;
        assert!(detail.ends_with(end), "{detail}");
    }
}

#[test]
fn keys_of_a_database_of_before_have_no_length() {
    const UNDO: [&str; 2] = [
        "ALTER TABLE credential DROP COLUMN min_pin_length",
        "DELETE FROM _sqlx_migrations WHERE version = 24",
    ];

    let (ward, key) = Ward::with_key();
    let Ward { deployment, running, terminal, .. } = ward;
    running.stop();
    drop(terminal);
    sql(&deployment.database(), &UNDO);
    let shown = deployment.json(&["key", "show", &key.fingerprint()]);
    assert_eq!((&shown["status"], &shown["min_pin_length"]), (&json!("active"), &json!(null)));
}
