//! Keys as an import writes them.

use base64ct::{Base64UrlUnpadded, Encoding};
use wardkey_core::codec::Bytes;
use wardkey_core::cose_key::PublicKey;
use wardkey_core::id::{Aaguid, CredentialId};
use wardkey_core::name::{DisplayText, RpId};
use wardkey_core::person::{CredentialFlags, CredentialRecord, NEVER_SILENT, Status};
use wardkey_core::time::UnixTime;

use crate::people_file::Key;

impl Key {
    /// The key as it is published, and its signature counter.
    ///
    /// # Errors
    /// What is wrong with it, beginning with the field.
    pub(super) fn record(
        self,
        rp_id: &RpId,
        now: UnixTime,
    ) -> Result<(CredentialRecord, u32), String> {
        let bytes = |what: &str, text: &str| {
            Base64UrlUnpadded::decode_vec(text)
                .map_err(|_| format!("{what}: not unpadded base64url"))
        };
        let public_key = bytes("public_key", &self.public_key)?;
        PublicKey::from_cose(&public_key).map_err(|error| format!("public_key: {error}"))?;
        if self.cred_protect >= NEVER_SILENT {
            return Err(
                "cred_protect: 0 to 2; a key with 3 is found by nobody before its PIN".into()
            );
        }
        let mut flags = 0;
        flags |= if self.backup_eligible { CredentialFlags::BACKUP_ELIGIBLE } else { 0 };
        flags |= if self.discoverable { CredentialFlags::DISCOVERABLE } else { 0 };
        let aaguid = self.aaguid.as_deref().map_or(Ok(Aaguid::new([0; 16])), Aaguid::from_hex);
        let label = self.label.unwrap_or_else(|| "imported".into());
        let record = CredentialRecord {
            id: CredentialId::new(bytes("id", &self.id)?)
                .map_err(|error| format!("id: {error}"))?,
            public_key: Bytes::new(public_key).map_err(|error| error.to_string())?,
            rp_id: self
                .rp_id
                .map_or(Ok(rp_id.clone()), RpId::new)
                .map_err(|error| format!("rp_id: {error}"))?,
            aaguid: aaguid.map_err(|error| format!("aaguid: {error}"))?,
            flags: CredentialFlags(flags),
            cred_protect: self.cred_protect,
            status: Status::Active,
            label: DisplayText::new(label).map_err(|error| format!("label: {error}"))?,
            enrolled: now,
        };
        Ok((record, self.counter))
    }
}
