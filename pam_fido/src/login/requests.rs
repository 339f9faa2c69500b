//! What a login asks of agent and key process: those requests of `wardkey_core::message` that
//! belong to it, with the same numbers. What the command line asks is not encoded here at all.

use minicbor::Encode;
use wardkey_core::codec::List;
use wardkey_core::id::{CredentialId, Hash, Nonce};
use wardkey_core::message::agent::{Begin, CandidatePage, LoginOutcome, MAX_SOUGHT};
use wardkey_core::message::key::{
    Assert, AssertByFinger, ChangePinOf, HashCode, Identify, MAX_ALLOW, MAX_DEVICES, SignByCode,
};
use wardkey_core::name::LoginName;
use wardkey_core::proof::identification::SilentAssertion;

/// What a login asks of the agent.
#[derive(Encode)]
pub enum AgentRequest {
    /// It begins.
    #[n(0)]
    Begin(#[n(0)] Begin),
    /// Evidence for the person whose key was found.
    #[n(1)]
    Prove(#[n(0)] LoginName),
    /// The key is about to get a PIN.
    #[n(2)]
    Hold,
    /// How it ended.
    #[n(3)]
    Outcome(#[n(0)] Box<LoginOutcome>),
    /// The account phase.
    #[n(4)]
    Account(#[n(0)] Begin),
    /// The next page of who may use a shared account.
    #[n(22)]
    Candidates(#[n(0)] CandidatePage),
    /// The server's time.
    #[n(23)]
    Time(#[n(0)] Nonce),
    /// The keys of people who were seen here.
    #[n(40)]
    KeysOf(#[n(0)] List<Hash, MAX_SOUGHT>),
    /// This person's key is about to be asked for another PIN.
    #[n(50)]
    PinChange {
        /// Whose key it is.
        #[n(0)]
        person: LoginName,
        /// What proves it.
        #[n(1)]
        proof: Box<SilentAssertion>,
    },
}

/// What a login asks of the key process.
#[derive(Encode)]
pub enum KeyRequest {
    /// Whose key is plugged.
    #[n(2)]
    Identify(#[n(0)] Identify),
    /// Sign with it.
    #[n(3)]
    Assert(#[n(0)] Assert),
    /// Leave these devices alone.
    #[n(8)]
    PassOver(#[n(0)] List<String, MAX_DEVICES>),
    /// Wait for a touch.
    #[n(9)]
    Touch {
        /// Of the key at this device node.
        #[n(0)]
        path: String,
        /// Milliseconds.
        #[n(1)]
        wait_ms: u32,
    },
    /// Further credentials.
    #[n(10)]
    AskFurther {
        /// The credentials.
        #[n(0)]
        allow: List<CredentialId, MAX_ALLOW>,
        /// There are still more.
        #[n(1)]
        more: bool,
    },
    /// Change its PIN.
    #[n(11)]
    ChangePinOf(#[n(0)] ChangePinOf),
    /// Sign with it by a finger.
    #[n(80)]
    AssertByFinger(#[n(0)] AssertByFinger),
    /// Sign by the code of a pass.
    #[n(30)]
    SignByCode(#[n(0)] SignByCode),
    /// Say the public key of a code.
    #[n(60)]
    HashCode(#[n(0)] HashCode),
}

#[cfg(test)]
mod tests {
    use wardkey_core::codec::{Bytes, from_message, to_message};
    use wardkey_core::id::{EventId, Salt};
    use wardkey_core::message::agent::{Failure, LoginResult};
    use wardkey_core::message::{agent, key};
    use wardkey_core::pass::{HASH, PassCode};
    use zeroize::Zeroizing;

    use super::*;
    use crate::tests::scene::login_as;

    fn proof() -> SilentAssertion {
        SilentAssertion {
            credential: CredentialId::new([5; 16]).unwrap(),
            client_data: Bytes::default(),
            auth_data: Bytes::default(),
            signature: Bytes::default(),
        }
    }

    #[test]
    fn the_numbers_are_those_of_core() {
        let begin = login_as("hanako").begin();
        let name = LoginName::new("hanako").unwrap();
        let page = CandidatePage { unseen: true, after: Hash::new([1; 32]) };
        let failure =
            Failure { code: wardkey_core::code::Code::PinWrong, detail: None, tries_left: None };
        let outcome = Box::new(LoginOutcome {
            login: begin.clone(),
            attempt: EventId::new([1; 16]),
            person: None,
            credential: None,
            result: LoginResult::Failure(failure),
            proof: None,
            suspects: None,
            pass: None,
            finger: None,
        });
        let nonce = Nonce::new([2; 32]);
        let people = List::new(vec![Hash::new([4; 32])]).unwrap();
        let (hanako, proof) = (name.clone(), Box::new(proof()));
        for (ours, theirs) in [
            (AgentRequest::Begin(begin.clone()), agent::Request::Begin(begin.clone())),
            (AgentRequest::Prove(name.clone()), agent::Request::Prove(name)),
            (AgentRequest::Hold, agent::Request::Hold),
            (AgentRequest::Outcome(outcome.clone()), agent::Request::Outcome(outcome)),
            (AgentRequest::Account(begin.clone()), agent::Request::Account(begin)),
            (AgentRequest::Candidates(page), agent::Request::Candidates(page)),
            (AgentRequest::Time(nonce), agent::Request::Time(nonce)),
            (AgentRequest::KeysOf(people.clone()), agent::Request::KeysOf(people)),
            (
                AgentRequest::PinChange { person: hanako.clone(), proof: proof.clone() },
                agent::Request::PinChange { person: hanako, proof },
            ),
        ] {
            assert_eq!(from_message::<agent::Request>(&to_message(&ours)).unwrap(), theirs);
        }

        let identify = Identify {
            rp_id: wardkey_core::name::RpId::new("a.example").unwrap(),
            allow: List::default(),
            wait_ms: 1,
            client_data: Bytes::default(),
            every: false,
            more: None,
        };
        let assert = Assert {
            pin: key::Pin::new(Zeroizing::new("135790".to_owned())).unwrap(),
            client_data: Bytes::default(),
            credential: CredentialId::new(vec![1; 16]).unwrap(),
            wait_ms: 2,
            path: "p".into(),
        };
        let by_finger = AssertByFinger {
            client_data: Bytes::default(),
            credential: assert.credential.clone(),
            wait_ms: 2,
            path: "p".into(),
        };
        let change = ChangePinOf {
            old: assert.pin.clone(),
            new: key::Pin::new(Zeroizing::new("246800".to_owned())).unwrap(),
            credential: assert.credential.clone(),
            path: "p".into(),
        };
        let by_code = SignByCode {
            code: PassCode::read("ABCDEFGHJK").unwrap(),
            salt: Salt::new([3; 16]),
            hash: HASH,
            client_data: Bytes::default(),
        };
        let hash = HashCode { code: by_code.code.clone(), salt: by_code.salt, hash: by_code.hash };
        let paths = List::new(vec!["p".to_owned()]).unwrap();
        let (allow, path) = (List::default(), "p".to_owned());
        for (ours, theirs) in [
            (KeyRequest::Identify(identify.clone()), key::Request::Identify(identify)),
            (KeyRequest::Assert(assert.clone()), key::Request::Assert(assert)),
            (
                KeyRequest::AssertByFinger(by_finger.clone()),
                key::Request::AssertByFinger(by_finger),
            ),
            (KeyRequest::PassOver(paths.clone()), key::Request::PassOver(paths)),
            (
                KeyRequest::Touch { path: path.clone(), wait_ms: 3 },
                key::Request::Touch { path, wait_ms: 3 },
            ),
            (
                KeyRequest::AskFurther { allow: List::default(), more: true },
                key::Request::AskFurther { allow, more: true },
            ),
            (KeyRequest::ChangePinOf(change.clone()), key::Request::ChangePinOf(change)),
            (KeyRequest::SignByCode(by_code.clone()), key::Request::SignByCode(by_code)),
            (KeyRequest::HashCode(hash.clone()), key::Request::HashCode(hash)),
        ] {
            assert_eq!(from_message::<key::Request>(&to_message(&ours)).unwrap(), theirs);
        }
    }
}
