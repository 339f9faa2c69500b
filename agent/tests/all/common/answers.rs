//! What tests look at.

use super::client::LONG;
use super::fixture::Fixture;
use super::people::*;
use std::time::{Duration, Instant};
use wardkey_agent::error::AgentError;
use wardkey_core::code::Code;
use wardkey_core::document::Position;
use wardkey_core::message::agent::Reply;
use wardkey_core::snapshot::{Anchor, Snapshot};

/// Waits for something to become true.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn recorded(reply: &Reply) -> bool {
    matches!(reply, Reply::Recorded(..))
}

pub fn code(reply: &Reply) -> Code {
    match reply {
        Reply::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    }
}

pub fn snapshot(f: &Fixture, who: &str) -> Snapshot {
    let anchor = Anchor { root_key: signing(100).public(), terminal: TERMINAL };
    let evidence = f.agent.directory.evidence(&login(who)).unwrap().unwrap();
    Snapshot::verify(&evidence, &anchor, &f.agent.marks(), &login(who)).unwrap()
}

pub fn position(f: &Fixture, name: &str) -> Position {
    f.agent.directory.view().scope(&scope(name)).unwrap().head.position()
}

pub fn denied(result: Result<bool, AgentError>) -> Code {
    match result {
        Err(AgentError::Denied(denial)) => denial.code,
        other => panic!("{other:?}"),
    }
}
