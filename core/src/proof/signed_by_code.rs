//! A login signed by the code of a pass, and its verification.

use ed25519_dalek::{Signature, VerifyingKey};
use minicbor::{Decode, Encode};

use crate::code::{Code, Denial};
use crate::codec::Bytes;
use crate::id::{PassId, SigningPublicKey};
use crate::pass::{HASH, Pass};

/// What a login by a pass leaves behind: everything that is needed to verify it again. The code is
/// not in it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SignedByCode {
    /// The pass.
    #[n(0)]
    pub pass: PassId,
    /// [`crate::client_data::ClientData`], as bytes.
    #[n(1)]
    pub client_data: Bytes<512>,
    /// Ed25519, by the key pair that is made of the code.
    #[n(2)]
    pub signature: Bytes<64>,
}

impl SignedByCode {
    /// Verifies that the code of this pass signed. Freshness, person, place and policy are
    /// [`crate::decide`]'s.
    ///
    /// # Errors
    /// [`Code::PassWrong`].
    pub fn verify(&self, pass: &Pass) -> Result<(), Denial> {
        if pass.hash != HASH {
            return Err(wrong("a pass whose code is hashed in another way"));
        }
        self.verify_with(&pass.id, &pass.key)
    }

    /// Verifies that the code signed by which this public key was made.
    ///
    /// # Errors
    /// [`Code::PassWrong`].
    pub fn verify_with(&self, pass: &PassId, key: &SigningPublicKey) -> Result<(), Denial> {
        if self.pass != *pass {
            return Err(wrong("signed by the code of another pass"));
        }
        let key =
            VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| wrong("a pass without a key"))?;
        let signature: &[u8; 64] =
            self.signature.as_slice().try_into().map_err(|_| wrong("not a signature"))?;
        key.verify_strict(self.client_data.as_slice(), &Signature::from_bytes(signature))
            .map_err(|_| wrong("the code is not that of the pass"))
    }
}

fn wrong(why: &str) -> Denial {
    Denial::new(Code::PassWrong, why)
}
