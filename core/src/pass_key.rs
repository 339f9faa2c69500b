//! The key pair that is made of the code of a pass. Takes the memory that Argon2id takes, so it is
//! in the server and the key process, and not in the PAM module.

use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

use crate::id::{Salt, SigningPublicKey};
use crate::pass::{HASH, PassCode};
use crate::stretch::{Cost, StretchError, stretch};

/// The cost of [`HASH`].
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3 };
/// What is mixed in, so that the key of a pass is no other one.
const DOMAIN: &[u8] = b"wardkey/pass/1";

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassKeyError {
    /// Memory could not be had.
    #[error("no memory to hash a code")]
    Memory,
    /// Not hashed as this version does it.
    #[error("hashed in a way that this version does not know")]
    Unknown,
}

impl From<StretchError> for PassKeyError {
    fn from(error: StretchError) -> Self {
        match error {
            StretchError::Memory => Self::Memory,
            StretchError::Parameters => Self::Unknown,
        }
    }
}

/// The key pair of a code. Wiped when dropped.
pub struct PassKey(SigningKey);

impl PassKey {
    /// Makes the key pair of a code: about a fifth of a second, and 64 MiB that are wiped
    /// afterwards.
    ///
    /// # Errors
    /// [`PassKeyError`]; memory that cannot be had is an error, and no end of the process.
    pub fn derive(code: &PassCode, salt: &Salt, hash: u8) -> Result<Self, PassKeyError> {
        if hash != HASH {
            return Err(PassKeyError::Unknown);
        }
        let mut secret = Zeroizing::new([0; 32]);
        let domain = [DOMAIN, salt.as_bytes()].concat();
        stretch(COST, code.expose().as_bytes(), &domain, secret.as_mut_slice())?;
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    /// The public key, for the person's record.
    pub fn public(&self) -> SigningPublicKey {
        SigningPublicKey::new(self.0.verifying_key().to_bytes())
    }

    /// Signs the client data of a login.
    pub fn sign(&self, client_data: &[u8]) -> [u8; 64] {
        self.0.sign(client_data).to_bytes()
    }
}

impl std::fmt::Debug for PassKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PassKey(public {})", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_and_salt_make_one_key() {
        let code = PassCode::read("ABCDE-FGHJK").unwrap();
        let key = |code: &PassCode, salt| {
            PassKey::derive(code, &Salt::new([salt; 16]), HASH).unwrap().public()
        };
        let first = key(&code, 1);
        assert_eq!(key(&PassCode::read("abcdefghjk").unwrap(), 1), first);
        assert_ne!(key(&code, 2), first, "the salt counts");
        assert_ne!(key(&PassCode::read("ABCDE-FGHJM").unwrap(), 1), first, "the code counts");
        for hash in [0, 2] {
            let none = PassKey::derive(&code, &Salt::new([1; 16]), hash);
            assert_eq!(none.map(|_| ()), Err(PassKeyError::Unknown));
        }
    }
}
