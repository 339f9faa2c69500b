//! A colleague who may vouch, and what the colleague's key signs.

use wardkey_core::codec::List;
use wardkey_core::id::{Nonce, Salt, SigningPublicKey};
use wardkey_core::name::DisplayText;
use wardkey_core::pass::HASH;
use wardkey_core::proof::SignedByCode;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::UnixTime;
use wardkey_core::vouch::Vouch;
use wardkey_core::vouch_book::KeptVouch;

use crate::deployment::Deployment;
use crate::key::Key;
use crate::names::{RP, T0, TERMINAL, group, login, signing};
use crate::pass::signature_by_code;
use crate::people::person;

/// The code that hanako chooses.
pub const CHOSEN: &str = "246813";
/// The seed of its key pair.
pub const CHOSEN_SEED: u8 = 78;
/// How long the policy of [`Deployment::with_colleague`] lets somebody vouch, in seconds.
pub const VOUCHED: u64 = 8 * 3600;

/// The public key of the chosen code.
pub fn chosen_key() -> SigningPublicKey {
    signing(CHOSEN_SEED).public()
}

/// What taro's key (2) signs for hanako at [`T0`].
pub fn vouch() -> Vouch {
    Vouch {
        nonce: Nonce::new([6; 32]),
        terminal: TERMINAL,
        voucher: login("taro"),
        credential: Key::es256(2).record(2).fingerprint(),
        person: login("hanako"),
        from: UnixTime(T0),
        until: UnixTime(T0 + VOUCHED),
        reason: Some(DisplayText::new("key at home").unwrap()),
        hash: HASH,
        key: chosen_key(),
    }
}

/// The same signed by taro's key, with PIN and touch.
pub fn signed_vouch(vouch: &Vouch) -> Assertion {
    Key::es256(2).assert(2, &vouch.to_bytes(), 0x05, 1, RP)
}

/// The same as root keeps it.
pub fn kept(vouch: &Vouch) -> KeptVouch {
    KeptVouch { assertion: signed_vouch(vouch), salt: Salt::new([7; 16]) }
}

/// A login by the code of a seed, for which somebody vouched.
pub fn signed_by_chosen(vouch: &Vouch, seed: u8, client_data: &[u8]) -> SignedByCode {
    SignedByCode {
        pass: vouch.id(),
        client_data: wardkey_core::codec::Bytes::new(client_data).unwrap(),
        signature: signature_by_code(seed, client_data),
    }
}

impl Deployment {
    /// A deployment in whose `ward3` the `seniors` vouch for others, three times a month: taro
    /// (key 2) is one of them.
    pub fn with_colleague() -> Self {
        let mut deployment = Self::new();
        let mut taro = person("taro", 2, &Key::es256(2));
        taro.display_name = DisplayText::new("Demo Taro").unwrap();
        taro.groups = List::new(vec![group("nurses"), group("seniors")]).unwrap();
        let (state, policy) = &mut deployment.scopes[1];
        state.people.push(taro);
        policy.vouch_groups = Some(List::new(vec![group("seniors")]).unwrap());
        policy.vouch_seconds = Some(VOUCHED);
        policy.vouch_per_month = Some(3);
        deployment.refresh();
        deployment
    }

    /// The record of `taro`; call [`Self::refresh`] after a change.
    pub fn taro(&mut self) -> &mut wardkey_core::person::PersonRecord {
        &mut self.scopes[1].0.people[1]
    }
}
