//! What goes out and comes back, or is kept, and that nobody else reads or changes.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use crate::error::{Error, Result};
use crate::secret;

/// Seals under a key of its own for each purpose.
pub struct Seal {
    key: RandomizedNonceKey,
}

impl Seal {
    /// Made from a secret.
    pub fn new(secret: &[u8], purpose: &str) -> Result<Self> {
        let key = secret::mac(secret, purpose.as_bytes());
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_bytes());
        Ok(Self { key: key.map_err(|_| failed())? })
    }

    /// Seals a text, for a place.
    pub fn close(&self, place: &str, text: &[u8]) -> Result<Vec<u8>> {
        let mut sealed = text.to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut sealed);
        let nonce = nonce.map_err(|_| failed())?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// What was sealed for this place; `None` for anything else.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let aad = Aad::from(place.as_bytes());
        self.key.open_in_place(nonce, aad, &mut text).ok().map(|text| text.to_vec())
    }
}

fn failed() -> Error {
    Error::crypto("AES-GCM")("it failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_place_and_its_key_only() {
        let seal = Seal::new(&[1; 32], "test").unwrap();
        let sealed = seal.close("here", b"yamada").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"yamada"));
        assert_eq!(seal.open("here", &sealed).unwrap(), b"yamada");
        assert_eq!(seal.open("there", &sealed), None);
        assert_eq!(Seal::new(&[1; 32], "other").unwrap().open("here", &sealed), None);
        assert_eq!(Seal::new(&[2; 32], "test").unwrap().open("here", &sealed), None);
        let mut changed = sealed.clone();
        changed[NONCE_LEN] ^= 1;
        assert_eq!(seal.open("here", &changed), None);
        assert_eq!(seal.open("here", &sealed[..5]), None);
    }
}
