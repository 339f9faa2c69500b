//! Credentials with software keys.

use p256::ecdsa::signature::Signer;
use wardkey_core::codec::{self, Bytes};
use wardkey_core::id::{Aaguid, CredentialId};
use wardkey_core::name::{DisplayText, RpId};
use wardkey_core::person::{CredentialFlags, CredentialRecord, Status};
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::proof::identification::{IdentifyData, SilentAssertion};
use wardkey_core::time::UnixTime;

use crate::names::{RP, T0};

/// A software credential.
#[derive(Clone, Debug)]
pub enum Key {
    /// ECDSA over P-256.
    Es256(Box<p256::ecdsa::SigningKey>),
    /// Ed25519.
    EdDsa(Box<ed25519_dalek::SigningKey>),
}

impl Key {
    /// The ES256 key of a seed.
    pub fn es256(seed: u8) -> Self {
        Self::Es256(Box::new(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()))
    }

    /// The EdDSA key of a seed.
    pub fn eddsa(seed: u8) -> Self {
        Self::EdDsa(Box::new(ed25519_dalek::SigningKey::from_bytes(&[seed; 32])))
    }

    /// The public key as COSE_Key.
    pub fn cose(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut e = minicbor::Encoder::new(&mut out);
        match self {
            Self::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                e.map(5).unwrap().u8(1).unwrap().u8(2).unwrap().u8(3).unwrap().i8(-7).unwrap();
                e.i8(-1).unwrap().u8(1).unwrap();
                e.i8(-2).unwrap().bytes(point.x().unwrap()).unwrap();
                e.i8(-3).unwrap().bytes(point.y().unwrap()).unwrap();
            }
            Self::EdDsa(key) => {
                e.map(4).unwrap().u8(1).unwrap().u8(1).unwrap().u8(3).unwrap().i8(-8).unwrap();
                e.i8(-1).unwrap().u8(6).unwrap();
                e.i8(-2).unwrap().bytes(key.verifying_key().as_bytes()).unwrap();
            }
        }
        out
    }

    /// A signature over a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Self::EdDsa(key) => {
                use ed25519_dalek::Signer;
                key.sign(message).to_bytes().to_vec()
            }
        }
    }

    /// Its registration, under a credential id made of `id`.
    pub fn record(&self, id: u8) -> CredentialRecord {
        CredentialRecord {
            id: CredentialId::new(vec![id; 32]).unwrap(),
            public_key: Bytes::new(self.cose()).unwrap(),
            rp_id: RpId::new(RP).unwrap(),
            aaguid: Aaguid::new([9; 16]),
            flags: CredentialFlags(CredentialFlags::ATTESTED | CredentialFlags::DISCOVERABLE),
            cred_protect: 2,
            status: Status::Active,
            label: DisplayText::new("blue key").unwrap(),
            enrolled: UnixTime(T0 - 1000),
        }
    }

    /// An assertion over client data, with authenticator data given by flags, counter and rp id.
    pub fn assert(
        &self,
        id: u8,
        client_data: &[u8],
        flags: u8,
        counter: u32,
        rp: &str,
    ) -> Assertion {
        let mut auth_data = codec::sha256(rp.as_bytes()).as_bytes().to_vec();
        auth_data.push(flags);
        auth_data.extend_from_slice(&counter.to_be_bytes());
        self.assert_raw(id, client_data, auth_data)
    }

    /// The same over authenticator data as it is.
    pub fn assert_raw(&self, id: u8, client_data: &[u8], auth_data: Vec<u8>) -> Assertion {
        let message = [&auth_data[..], codec::sha256(client_data).as_bytes()].concat();
        Assertion {
            credential_id: CredentialId::new(vec![id; 32]).unwrap(),
            client_data: Bytes::new(client_data).unwrap(),
            auth_data: Bytes::new(auth_data).unwrap(),
            signature: Bytes::new(self.sign(&message)).unwrap(),
            user_handle: None,
        }
    }

    /// What it signs silently when it is asked whose it is, in the name of credential `id`.
    pub fn identify(&self, id: u8, challenge: &IdentifyData) -> SilentAssertion {
        let Assertion { credential_id, client_data, auth_data, signature, .. } =
            self.assert(id, &codec::to_bytes(challenge), 0, 1, RP);
        SilentAssertion {
            credential: credential_id,
            client_data: Bytes::new(client_data.into_vec()).unwrap(),
            auth_data: Bytes::new(auth_data.into_vec()).unwrap(),
            signature: Bytes::new(signature.into_vec()).unwrap(),
        }
    }
}
