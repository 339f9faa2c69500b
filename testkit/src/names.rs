//! Names, times and keys of the deployment.

use wardkey_core::id::TerminalId;
use wardkey_core::name::{GroupName, LoginName, ScopeName, ServiceName};
use wardkey_core::sign::SigningKey;

/// When it all happens, in seconds since 1970.
pub const T0: u64 = 1_800_000_000;
/// The relying party.
pub const RP: &str = "hospital.example";
/// The terminal.
pub const TERMINAL: TerminalId = TerminalId::new([4; 16]);

/// A login name that is one.
pub fn login(name: &str) -> LoginName {
    LoginName::new(name).unwrap()
}

/// A scope name that is one.
pub fn scope(name: &str) -> ScopeName {
    ScopeName::new(name).unwrap()
}

/// A service name that is one.
pub fn service(name: &str) -> ServiceName {
    ServiceName::new(name).unwrap()
}

/// A group name that is one.
pub fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

/// The signing key of a seed: 100 is the root key, 101 the publish key.
pub fn signing(seed: u8) -> SigningKey {
    SigningKey::from_secret(&[seed; 32])
}
