//! One-time codes, and the sessions that they begin.

use wardkey_core::message::http::EnrollBeginReply;

use super::support::authenticator::{Credential, Making};
use super::support::ward::{Ward, begin, finish_body};

#[test]
fn codes_are_used_once_end_and_can_be_withdrawn() {
    let ward = Ward::new();
    let refused = |code: &str| {
        ward.running.server().app().limiter.forget();
        assert_eq!(begin(&ward.terminal, code).refusal(), (403, "WK-1506".into()), "{code}");
    };
    refused("ABCD-EFGH-JKMN");
    refused("");
    refused(&"A".repeat(4000));
    let withdrawn = ward.code();
    ward.deployment.ok(&["code", "withdraw", "yamada"]);
    refused(&withdrawn);
    let of_disabled = ward.code();
    ward.deployment.ok(&["person", "disable", "yamada"]);
    refused(&of_disabled);
    ward.deployment.refused(1, &["code", "issue", "yamada"]);
    ward.deployment.ok(&["person", "enable", "yamada"]);
    let code = ward.code();
    // It was issued by the command line's clock, which goes on.
    ward.running.pass(25 * 3600);
    refused(&code);
    // Only a keyed hash is in the store.
    let database = std::fs::read(ward.deployment.database()).unwrap();
    assert!(!database.windows(code.len()).any(|bytes| bytes == code.as_bytes()));
}

#[test]
fn a_session_belongs_to_the_terminal_where_it_began() {
    let ward = Ward::new();
    let other = ward.deployment.join(&ward.running, "ward-2", &["icu"]);
    let begun: EnrollBeginReply = begin(&ward.terminal, &ward.code()).json();
    let credential =
        Credential::make(&ward.maker, &begun.public_key.challenge.0, Making::default());
    let body = finish_body(&begun.session, &credential);
    assert_eq!(other.client.post("/v1/enroll/finish", &body).refusal(), (403, "WK-1510".into()));
}
