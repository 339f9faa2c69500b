//! What is made of a code, and signed by it. No security key has part in it: it is here because
//! this process has room for Argon2id and wipes what it was told, as it does with a PIN.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::id::Salt;
use wardkey_core::message::key::{HashCode, KeyFailure, Reply, SignByCode};
use wardkey_core::pass::PassCode;
use wardkey_core::pass_key::{PassKey, PassKeyError};

use super::{Session, failure};

/// How long the hash may take on the slowest terminal.
const HASHING: Duration = Duration::from_secs(30);

impl Session<'_> {
    /// What was asked is dropped with the code in it before the answer leaves.
    pub(super) fn sign_by_code(&self, request: SignByCode) -> Reply {
        let SignByCode { code, salt, hash, client_data } = request;
        let key = match self.key_of(&code, &salt, hash) {
            Ok(key) => key,
            Err(failed) => return Reply::Failed(failed),
        };
        match Bytes::new(key.sign(client_data.as_slice())) {
            Ok(signature) => Reply::SignedByCode(signature),
            Err(error) => Reply::Failed(failure(Code::Internal, &error)),
        }
    }

    /// The same: only the public key leaves.
    pub(super) fn hash_code(&self, request: HashCode) -> Reply {
        let HashCode { code, salt, hash } = request;
        match self.key_of(&code, &salt, hash) {
            Ok(key) => Reply::KeyOfCode(key.public()),
            Err(failed) => Reply::Failed(failed),
        }
    }

    fn key_of(&self, code: &PassCode, salt: &Salt, hash: u8) -> Result<PassKey, KeyFailure> {
        self.allow(HASHING);
        PassKey::derive(code, salt, hash).map_err(|error| {
            let code = match error {
                PassKeyError::Memory => Code::PassNoMemory,
                PassKeyError::Unknown => Code::ProtocolError,
            };
            failure(code, &error)
        })
    }
}
