//! Keys as an import writes them.

use base64ct::{Base64UrlUnpadded, Encoding};
use wardkey_core::codec::Bytes;
use wardkey_core::cose_key::PublicKey;
use wardkey_core::id::{Aaguid, CredentialId};
use wardkey_core::name::{DisplayText, NameError, RpId};
use wardkey_core::person::{CredentialFlags, CredentialRecord, NEVER_SILENT, Status};
use wardkey_core::time::UnixTime;
use wardkey_help::usage::Wrong;

use crate::people_file::Key;
use crate::texts::{Phrase, Text};

impl Key {
    /// The key as it is published, and its signature counter.
    ///
    /// # Errors
    /// What is wrong with it, beginning with the field.
    pub(super) fn record(
        self,
        rp_id: &RpId,
        now: UnixTime,
    ) -> Result<(CredentialRecord, u32), Phrase> {
        let bytes = |member: &str, text: &str| {
            Base64UrlUnpadded::decode_vec(text)
                .map_err(|_| Text::KeyBase64.with([("member", member.into())]))
        };
        let public_key = bytes("public_key", &self.public_key)?;
        PublicKey::from_cose(&public_key).map_err(|error| wrong("public_key", error))?;
        if self.cred_protect >= NEVER_SILENT {
            return Err(Text::KeyProtect.into());
        }
        let mut flags = 0;
        flags |= if self.backup_eligible { CredentialFlags::BACKUP_ELIGIBLE } else { 0 };
        flags |= if self.discoverable { CredentialFlags::DISCOVERABLE } else { 0 };
        let aaguid = self.aaguid.as_deref().map_or(Ok(Aaguid::new([0; 16])), Aaguid::from_hex);
        let label = self.label.unwrap_or_else(|| "imported".into());
        let record = CredentialRecord {
            id: CredentialId::new(bytes("id", &self.id)?).map_err(|error| wrong("id", error))?,
            public_key: Bytes::new(public_key).map_err(|error| wrong("public_key", error))?,
            rp_id: self
                .rp_id
                .map_or(Ok(rp_id.clone()), RpId::new)
                .map_err(|error| named("rp_id", error))?,
            aaguid: aaguid.map_err(|error| wrong("aaguid", error))?,
            flags: CredentialFlags(flags),
            cred_protect: self.cred_protect,
            status: Status::Active,
            label: DisplayText::new(label).map_err(|error| named("label", error))?,
            enrolled: now,
        };
        Ok((record, self.counter))
    }
}

/// What is wrong with a member, in the words of the library that read it.
fn wrong(member: &str, why: impl std::fmt::Display) -> Phrase {
    at(member, why.to_string().into())
}

fn named(member: &str, why: NameError) -> Phrase {
    at(member, Wrong::from(why).into_phrase())
}

fn at(member: &str, why: Phrase) -> Phrase {
    Text::At.with([("place", member.into()), ("why", why)])
}
