//! The challenge, the PIN on its way to the key process, the assertion, the decision.

use std::time::Duration;

use wardkey_core::client_data::ClientData;
use wardkey_core::code::{Code, Prompt};
use wardkey_core::codec::Bytes;
use wardkey_core::decide::{Freshness, Granted, decide};
use wardkey_core::id::Nonce;
use wardkey_core::message::agent::LoginResult;
use wardkey_core::message::key::{Assert, AssertByFinger, KeyAssertion};
use wardkey_core::policy::context::LoginContext;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::texts;
use wardkey_ipc::{Channel, Deadline};

use super::agent::{Ended, unexpected};
use super::attempt::{Attempt, MAX_MESSAGES, ProvenKey};
use super::replies::KeyReply;
use super::requests::KeyRequest;
use super::speaker::Once;
use super::states::{Held, Recognised, Recognition, Signed, Verification};
use crate::refusal::Refusal;

impl Attempt<'_, '_> {
    /// Has the key sign a fresh challenge, and decides. Where its sensor verifies nobody, the PIN
    /// is asked for.
    ///
    /// # Errors
    /// The key's refusal or the decision's.
    pub(super) fn sign(&mut self, held: Held, by: Verification) -> Result<Signed, Ended> {
        let Held(Recognised { agent, mut key, recognition }) = held;
        let wait = self.world.settings.touch_wait;
        let signed = match by {
            Verification::Finger => self.sign_by_finger(&mut key, &recognition),
            pin @ Verification::Pin(_) => self.sign_with(&mut key, &recognition, pin, wait).map(Ok),
        };
        match signed {
            Ok(Ok((granted, result))) => {
                let Recognition { person, proven, .. } = recognition;
                let proven = Some(ProvenKey::of(&person, &proven));
                Ok(Signed { agent, person, proven, granted, result })
            }
            Ok(Err(why)) => {
                // Whoever thinks about a PIN keeps the key from nobody, and begins another lease.
                // And a sensor that did not stop when it was told to is asked nothing more by the
                // same process: its late answer could be taken for the next one.
                drop((agent, key));
                self.sign_by_pin_instead(&recognition, why)
            }
            Err(refusal) => Err(Ended { refusal, agent: Some(agent) }),
        }
    }

    pub(super) fn sign_with(
        &mut self,
        key: &mut Channel,
        recognition: &Recognition,
        by: Verification,
        wait: Duration,
    ) -> Result<(Granted, LoginResult), Refusal> {
        let person = &recognition.person;
        let internal = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error);
        let permit = person.permit.clone()?;
        let login = self.login;
        let account = login.name.login_name().ok_or_else(|| internal(&"no account"))?;
        let mut nonce = [0; Nonce::LEN];
        self.world.machine.random(&mut nonce)?;
        let nonce = Nonce::new(nonce);
        let started = self.world.machine.clock()?.boottime;
        let client_data = ClientData {
            nonce,
            terminal: self.world.anchor.terminal,
            service: login.service.clone(),
            account: account.clone(),
            person: person.snapshot.login().clone(),
            time: person.now(&self.world)?,
            scope: permit.scope,
            position: permit.position,
        }
        .to_bytes();
        let assertion = self.assertion(key, recognition, by, wait, client_data)?;
        let elapsed = self.world.machine.clock()?.boottime.saturating_sub(started);
        let context = LoginContext {
            account,
            service: &login.service,
            remote: login.remote,
            now: person.now(&self.world)?,
            marks: &person.marks,
        };
        let freshness = Freshness::Own { nonce: &nonce, elapsed };
        let granted =
            decide(&person.snapshot, &context, &self.world.anchor.terminal, freshness, &assertion)?;
        Ok((granted, LoginResult::Success(assertion)))
    }

    /// What the key that was recognised signs in this time, with its PIN and a touch, or by a
    /// finger.
    pub(super) fn assertion(
        &mut self,
        key: &mut Channel,
        recognition: &Recognition,
        by: Verification,
        wait: Duration,
        client_data: Vec<u8>,
    ) -> Result<Assertion, Refusal> {
        let internal = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error);
        let credential = recognition.proven.credential();
        let signed = Bytes::new(client_data.clone()).map_err(|error| internal(&error))?;
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let (id, path) = (credential.clone(), recognition.path.clone());
        let (request, finger) = match by {
            Verification::Pin(pin) => {
                let assert = Assert { pin, client_data: signed, credential: id, wait_ms, path };
                (KeyRequest::Assert(assert), None)
            }
            Verification::Finger => {
                let text = self.of_finger(Prompt::FingerNow, recognition, None);
                let assert = AssertByFinger { client_data: signed, credential: id, wait_ms, path };
                (KeyRequest::AssertByFinger(assert), Some(text))
            }
        };
        let deadline = Deadline::after(wait + self.world.timeouts.signature_grace);
        let signed =
            self.exchange(key, request, finger, deadline).map_err(|failed| failed.refusal)?;
        let signed = signed.ok_or_else(|| unexpected("key process"))?;
        if signed.credential != *credential {
            return Err(Refusal::new(
                Code::KeyAndNameDoNotMatch,
                "the key signed with another credential",
            ));
        }
        Ok(Assertion {
            credential_id: signed.credential,
            client_data: Bytes::new(client_data).map_err(|error| internal(&error))?,
            auth_data: signed.auth_data,
            signature: signed.signature,
            user_handle: signed.user_handle,
        })
    }

    /// The assertion, if one was asked for. With `finger` the first touch is that of a finger on
    /// the sensor, and this is what is said then, once.
    pub(super) fn exchange(
        &mut self,
        key: &mut Channel,
        request: KeyRequest,
        mut finger: Option<String>,
        deadline: Deadline,
    ) -> Result<Option<KeyAssertion>, Failed> {
        let sent = key.send(&request, Deadline::after(self.world.timeouts.answer));
        // Wipes the PIN, whether it left or not.
        drop(request);
        sent.map_err(|error| Failed::told(Refusal::key(&error)))?;
        let mut told_touch = false;
        for _ in 0..MAX_MESSAGES {
            match key.receive(deadline).map_err(|error| Failed::lost(Refusal::key(&error)))? {
                KeyReply::Touch => {
                    if let Some(text) = finger.take() {
                        // After a wrong finger this has been said, with the tries left.
                        if self.speaker.is_first(Once::Finger) {
                            self.world.talk.touch(&text);
                        }
                    } else if !std::mem::replace(&mut told_touch, true) {
                        let text = texts::message(Prompt::TouchNow, self.speaker.language, &[]);
                        self.world.talk.touch(&text);
                    }
                }
                KeyReply::Assertion(assertion) => return Ok(Some(assertion)),
                KeyReply::Done => return Ok(None),
                KeyReply::Failed(failure) => return Err(Failed::told(failure.into())),
                _ => return Err(Failed::lost(unexpected("key process"))),
            }
        }
        Err(Failed::lost(unexpected("key process")))
    }
}

/// An exchange with a key process that brought nothing.
pub(super) struct Failed {
    pub refusal: Refusal,
    /// Whether the request had left, and nothing came that says what became of it.
    pub is_lost: bool,
}

impl Failed {
    /// It did not leave, or the key process said why nothing came of it.
    const fn told(refusal: Refusal) -> Self {
        Self { refusal, is_lost: false }
    }

    const fn lost(refusal: Refusal) -> Self {
        Self { refusal, is_lost: true }
    }
}
