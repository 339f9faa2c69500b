//! The answers that a login can be given: those of `wardkey_core::message` that belong to it, with
//! the same numbers. What belongs to the command line is not decoded here at all: less code that
//! hostile bytes reach, and a third of the library's size.

use minicbor::Decode;
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::id::{EventId, SigningPublicKey};
use wardkey_core::message::agent::{Candidates, Grant, Refusal};
use wardkey_core::message::key::{Identified, KeyAssertion, KeyFailure};
use wardkey_core::server_time::SignedTime;

/// What the agent answers to a login.
#[derive(Debug, Decode)]
pub enum AgentReply {
    /// Another login at this terminal has the key.
    #[n(0)]
    Wait,
    /// Go on.
    #[n(1)]
    Granted(#[n(0)] Box<Grant>),
    /// The key is this login's until its outcome.
    #[n(2)]
    Held,
    /// Refused.
    #[n(3)]
    Refused(#[n(0)] Refusal),
    /// The outcome is recorded; true: in memory only.
    #[n(4)]
    Recorded(#[n(0)] EventId, #[n(1)] Option<bool>),
    /// A page of who may use a shared account.
    #[n(21)]
    Candidates(#[n(0)] Box<Candidates>),
    /// The server's time, signed.
    #[n(22)]
    Time(#[n(0)] SignedTime),
}

/// What the key process answers to a login.
#[derive(Debug, Decode)]
pub enum KeyReply {
    /// No key is plugged; waiting for one.
    #[n(1)]
    Insert,
    /// A key is there and this is what it is.
    #[n(2)]
    Identified(#[n(0)] Identified),
    /// The key waits to be touched.
    #[n(3)]
    Touch,
    /// The key signed.
    #[n(4)]
    Assertion(#[n(0)] KeyAssertion),
    /// Done: the key was touched.
    #[n(6)]
    Done,
    /// It did not work.
    #[n(7)]
    Failed(#[n(0)] KeyFailure),
    /// Keys are plugged, and none holds one of the credentials; waiting for another.
    #[n(8)]
    Unregistered(#[n(0)] Code),
    /// None holds one of those named so far; further ones are asked for.
    #[n(9)]
    NoneYet,
    /// What the code signed.
    #[n(30)]
    SignedByCode(#[n(0)] Bytes<64>),
    /// The public key of a code.
    #[n(60)]
    KeyOfCode(#[n(0)] SigningPublicKey),
}

#[cfg(test)]
mod tests {
    use wardkey_core::codec::{from_message, to_message};
    use wardkey_core::message::{agent, key};

    use super::*;

    #[test]
    fn the_numbers_are_those_of_core() {
        let read = |reply: &agent::Reply| from_message::<AgentReply>(&to_message(reply));
        assert!(matches!(read(&agent::Reply::Wait), Ok(AgentReply::Wait)));
        let grant = agent::Grant {
            evidence: None,
            candidates: Default::default(),
            locked: None,
            decoys: None,
            more: None,
            answers_time: None,
            takes_codes: None,
            finds_people: None,
            changes_pins: None,
            takes_vouches: None,
            breaks_glass: None,
        };
        assert!(matches!(
            read(&agent::Reply::Granted(Box::new(grant))),
            Ok(AgentReply::Granted(_))
        ));
        assert!(matches!(read(&agent::Reply::Held), Ok(AgentReply::Held)));
        let code = Code::LockedOut;
        let refusal = agent::Refusal { code, detail: None, retry_after: Some(5), record: None };
        let refused = read(&agent::Reply::Refused(refusal.clone()));
        assert!(matches!(refused, Ok(AgentReply::Refused(r)) if r == refusal));
        let id = EventId::new([3; 16]);
        let recorded = read(&agent::Reply::Recorded(id, None));
        assert!(matches!(recorded, Ok(AgentReply::Recorded(read, None)) if read == id));
        let in_memory = agent::Reply::Recorded(id, Some(true));
        assert!(
            matches!(read(&in_memory), Ok(AgentReply::Recorded(read, Some(true))) if read == id)
        );
        // Without the flag the bytes are those of before it was there.
        assert_eq!(to_message(&agent::Reply::Recorded(id, None)).len(), 1 + 1 + 1 + 17);
        let page = agent::Candidates { candidates: Default::default(), more: None };
        let page = agent::Reply::Candidates(Box::new(page));
        assert!(matches!(read(&page), Ok(AgentReply::Candidates(page)) if page.more.is_none()));
        let time = agent::Reply::Time(SignedTime::new([7; 9]).unwrap());
        assert!(matches!(read(&time), Ok(AgentReply::Time(time)) if time.as_slice() == [7; 9]));
        assert!(read(&agent::Reply::Synced(Default::default())).is_err());

        let read = |reply: &key::Reply| from_message::<KeyReply>(&to_message(reply));
        assert!(matches!(read(&key::Reply::Insert), Ok(KeyReply::Insert)));
        let info = key::KeyInfo {
            path: "p".into(),
            vendor: 1,
            product: 2,
            name: "n".into(),
            details: None,
            problem: None,
        };
        let identified = key::Identified {
            key: info,
            credential: None,
            proof: None,
            others: None,
            alone: Some(true),
        };
        let reply = read(&key::Reply::Identified(identified.clone()));
        assert!(matches!(reply, Ok(KeyReply::Identified(r)) if r == identified));
        assert!(matches!(read(&key::Reply::Touch), Ok(KeyReply::Touch)));
        let credential = wardkey_core::id::CredentialId::new([1; 16]).unwrap();
        let auth_data = Default::default();
        let signature = Default::default();
        let assertion = key::KeyAssertion { credential, auth_data, signature, user_handle: None };
        let reply = read(&key::Reply::Assertion(assertion.clone()));
        assert!(matches!(reply, Ok(KeyReply::Assertion(r)) if r == assertion));
        let failure =
            key::KeyFailure { code, status: Some(0x31), tries_left: Some(7), detail: None };
        let reply = read(&key::Reply::Failed(failure.clone()));
        assert!(matches!(reply, Ok(KeyReply::Failed(r)) if r == failure));
        let none = key::Reply::Unregistered(Code::KeyNotRegistered);
        assert!(matches!(read(&none), Ok(KeyReply::Unregistered(Code::KeyNotRegistered))));
        assert!(read(&key::Reply::Keys(Default::default())).is_err());
        assert!(matches!(read(&key::Reply::Done), Ok(KeyReply::Done)));
        assert!(matches!(read(&key::Reply::NoneYet), Ok(KeyReply::NoneYet)));
        let signed = key::Reply::SignedByCode(Bytes::new([5; 64]).unwrap());
        assert!(matches!(read(&signed), Ok(KeyReply::SignedByCode(s)) if s.as_slice() == [5; 64]));
    }
}
