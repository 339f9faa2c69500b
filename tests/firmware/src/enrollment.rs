//! What a key says of a new credential: the attestation object of WebAuthn
//! level 3, 6.5, read as far as a record needs it. (The statement is verified
//! by the server and tested there.)

use ciborium::Value;
use wardkey_core::codec::Bytes;
use wardkey_core::id::{Aaguid, CredentialId};
use wardkey_core::name::{DisplayText, RpId};
use wardkey_core::person::{CredentialFlags, CredentialRecord, Status};
use wardkey_core::time::UnixTime;
use wardkey_key::Registration;

/// A new credential, as signed by the key that made it.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// SHA-256 of the rp id.
    pub rp_id_hash: [u8; 32],
    /// Flags byte.
    pub flags: u8,
    /// Signature counter.
    pub counter: u32,
    /// Model.
    pub aaguid: [u8; 16],
    /// Credential id.
    pub id: Vec<u8>,
    /// COSE_Key, as the key encoded it.
    pub public_key: Vec<u8>,
    /// The extension's output; 0 without it.
    pub cred_protect: u8,
    /// The same of `minPinLength`.
    pub min_pin_length: Option<u8>,
    /// Attestation statement format.
    pub format: String,
}

impl Enrolled {
    /// Reads an attestation object.
    pub fn read(registration: &Registration) -> Self {
        let object: Value =
            ciborium::from_reader(registration.attestation_object.as_slice()).expect("CBOR");
        let field = |name: &str| {
            let Value::Map(entries) = &object else { panic!("no map") };
            let entry = entries.iter().find(|(key, _)| *key == Value::from(name));
            entry.unwrap_or_else(|| panic!("no {name}")).1.clone()
        };
        let Value::Bytes(data) = field("authData") else { panic!("authData is no bytes") };
        let Value::Text(format) = field("fmt") else { panic!("fmt is no text") };
        let length = usize::from(u16::from_be_bytes([data[53], data[54]]));
        let (id, rest) = data[55..].split_at(length);
        let mut behind = rest;
        let _: Value = ciborium::from_reader(&mut behind).expect("a COSE key");
        let public_key = rest[..rest.len() - behind.len()].to_vec();
        let extensions = if data[32] & 0x80 == 0 {
            Vec::new()
        } else {
            let Value::Map(extensions) = ciborium::from_reader(behind).expect("extensions") else {
                panic!("no map")
            };
            extensions
        };
        let told = |name: &str| -> Option<u8> {
            let (_, value) = extensions.iter().find(|(key, _)| *key == Value::from(name))?;
            value.as_integer()?.try_into().ok()
        };
        Self {
            rp_id_hash: data[..32].try_into().expect("32 bytes"),
            flags: data[32],
            counter: u32::from_be_bytes(data[33..37].try_into().expect("4 bytes")),
            aaguid: data[37..53].try_into().expect("16 bytes"),
            id: id.to_vec(),
            public_key,
            cred_protect: told("credProtect").unwrap_or(0),
            min_pin_length: told("minPinLength"),
            format,
        }
    }

    /// The record that a server would publish of it, for this rp id.
    pub fn record(&self, rp_id: &str) -> CredentialRecord {
        let eligible = if self.flags & 0x08 == 0 { 0 } else { CredentialFlags::BACKUP_ELIGIBLE };
        CredentialRecord {
            id: CredentialId::new(self.id.clone()).expect("an id"),
            public_key: Bytes::new(self.public_key.clone()).expect("a short key"),
            rp_id: RpId::new(rp_id).expect("an rp id"),
            aaguid: Aaguid::new(self.aaguid),
            flags: CredentialFlags(
                eligible | CredentialFlags::ATTESTED | CredentialFlags::DISCOVERABLE,
            ),
            cred_protect: self.cred_protect,
            status: Status::Active,
            label: DisplayText::new("blue key").expect("a label"),
            enrolled: UnixTime(1),
        }
    }
}
