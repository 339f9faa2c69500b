//! People, keys and documents of one deployment.

use wardkey_core::codec::{Bytes, List};
use wardkey_core::id::{Aaguid, CredentialId, TerminalId, UserHandle};
use wardkey_core::name::{DisplayText, GroupName, Language, LoginName, RpId, ScopeName};
use wardkey_core::person::{CredentialFlags, CredentialRecord, PersonRecord, Status};
use wardkey_core::sign::SigningKey;
use wardkey_core::time::UnixTime;
use wardkey_ipc::Peer;

pub const T0: u64 = 1_800_000_000;

pub const RP: &str = "hospital.example";

pub const TERMINAL: TerminalId = TerminalId::new([4; 16]);

pub const ROOT: Peer = Peer { uid: 0, gid: 0, pid: 1 };

pub fn login(name: &str) -> LoginName {
    LoginName::new(name).unwrap()
}

pub fn scope(name: &str) -> ScopeName {
    ScopeName::new(name).unwrap()
}

pub fn signing(seed: u8) -> SigningKey {
    SigningKey::from_secret(&[seed; 32])
}

pub fn key(seed: u8) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()
}

/// A credential, by the seed of its key.
pub fn credential(seed: u8) -> CredentialRecord {
    let point = key(seed).verifying_key().to_sec1_point(false);
    let mut cose = Vec::new();
    let mut e = minicbor::Encoder::new(&mut cose);
    e.map(5).unwrap().u8(1).unwrap().u8(2).unwrap().u8(3).unwrap().i8(-7).unwrap();
    e.i8(-1).unwrap().u8(1).unwrap();
    e.i8(-2).unwrap().bytes(point.x().unwrap()).unwrap();
    e.i8(-3).unwrap().bytes(point.y().unwrap()).unwrap();
    CredentialRecord {
        id: CredentialId::new(vec![seed; 32]).unwrap(),
        public_key: Bytes::new(cose).unwrap(),
        rp_id: RpId::new(RP).unwrap(),
        aaguid: Aaguid::new([9; 16]),
        flags: CredentialFlags(CredentialFlags::ATTESTED),
        cred_protect: 2,
        status: Status::Active,
        label: DisplayText::new("blue key").unwrap(),
        enrolled: UnixTime(T0 - 1000),
    }
}

pub fn person(name: &str, credentials: Vec<CredentialRecord>) -> PersonRecord {
    PersonRecord {
        login: login(name),
        display_name: DisplayText::new("Demo Hanako").unwrap(),
        language: Language::Ja,
        user_handle: UserHandle::new([8; 32]),
        groups: List::new(vec![GroupName::new("nurses").unwrap()]).unwrap(),
        not_before: None,
        not_after: None,
        status: Status::Active,
        credentials: List::new(credentials).unwrap(),
    }
}
