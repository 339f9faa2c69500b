//! People and keys of the deployment, by the seeds of the keys.

use wardkey_core::person::CredentialRecord;
use wardkey_ipc::Peer;
pub use wardkey_testkit::{Key, RP, T0, TERMINAL, login, person_with as person, scope, signing};

pub const ROOT: Peer = Peer { uid: 0, gid: 0, pid: 1 };

/// A credential, by the seed of its key.
pub fn credential(seed: u8) -> CredentialRecord {
    Key::es256(seed).record(seed)
}
