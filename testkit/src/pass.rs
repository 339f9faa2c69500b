//! A pass whose key pair is made of a seed: tests need not hash for each login.

use ed25519_dalek::{Signer, SigningKey};
use wardkey_core::codec::{Bytes, List};
use wardkey_core::id::{PassId, Salt, SigningPublicKey};
use wardkey_core::name::DisplayText;
use wardkey_core::pass::{HASH, Pass};
use wardkey_core::proof::SignedByCode;
use wardkey_core::time::UnixTime;

use crate::deployment::Deployment;
use crate::names::{T0, scope};

/// The code of [`pass`].
pub const CODE: &str = "ABCDE-FGHJK";
/// The seed of its key pair.
pub const CODE_SEED: u8 = 77;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// A pass of this number for the terminals of `ward3`, from a minute before [`T0`] on for eight
/// hours.
pub fn pass(number: u8) -> Pass {
    Pass {
        id: PassId::new([number; 16]),
        salt: Salt::new([number; 16]),
        hash: HASH,
        key: SigningPublicKey::new(key(CODE_SEED).verifying_key().to_bytes()),
        from: UnixTime(T0 - 60),
        until: UnixTime(T0 - 60 + 8 * 3600),
        scope: Some(scope("ward3")),
        terminal: None,
        issuer: DisplayText::new("unix:helpdesk").unwrap(),
        reason: DisplayText::new("key at home").unwrap(),
    }
}

/// What the code of a seed signs.
pub fn signature_by_code(seed: u8, client_data: &[u8]) -> Bytes<64> {
    Bytes::new(key(seed).sign(client_data).to_bytes()).unwrap()
}

/// A login by the pass of this number, signed by the code of a seed.
pub fn signed_by_code(number: u8, seed: u8, client_data: &[u8]) -> SignedByCode {
    SignedByCode {
        pass: PassId::new([number; 16]),
        client_data: Bytes::new(client_data).unwrap(),
        signature: signature_by_code(seed, client_data),
    }
}

/// A sealed code, and the seed of its key pair.
pub const SEALED: &str = "ABCD-EFGH-JKMN-PQRS";
/// See [`SEALED`].
pub const SEALED_SEED: u8 = 79;
/// How long the policy of [`Deployment::with_sealed`] lets a sealed code be, in seconds.
pub const SEALED_LONGEST: u64 = 366 * 86_400;

/// A sealed code of this number for the terminals of `ward3`, from a minute before [`T0`] on for a
/// year.
pub fn sealed(number: u8) -> Pass {
    Pass {
        key: SigningPublicKey::new(key(SEALED_SEED).verifying_key().to_bytes()),
        until: UnixTime(T0 - 60 + 365 * 86_400),
        issuer: DisplayText::new("unix:security").unwrap(),
        reason: DisplayText::new("safe of the ward").unwrap(),
        ..pass(number)
    }
}

/// How long the policy of [`Deployment::with_pass`] lets a pass be, in seconds.
pub const LONGEST: u64 = 12 * 3600;

impl Deployment {
    /// A deployment whose `ward3` allows passes, and where hanako has pass 1.
    pub fn with_pass() -> Self {
        let mut deployment = Self::new();
        deployment.scopes[1].1.pass_seconds = Some(LONGEST);
        deployment.hanako().pass = Some(pass(1));
        deployment.refresh();
        deployment
    }

    /// A deployment whose `ward3` allows sealed codes, and where hanako has number 7 and no key.
    pub fn with_sealed() -> Self {
        let mut deployment = Self::new();
        deployment.scopes[1].1.break_glass_seconds = Some(SEALED_LONGEST);
        deployment.hanako().break_glass = Some(sealed(7));
        deployment.hanako().credentials = List::default();
        deployment.refresh();
        deployment
    }
}
