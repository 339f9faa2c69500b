//! People as a file has them: every value still as it was written.

use serde::Deserialize;

use super::problem::Problem;

/// A person in a file; every value still as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UncheckedPerson {
    /// Login name.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// The name in Latin letters, for consoles.
    #[serde(default)]
    pub latin_name: Option<String>,
    /// Language of messages.
    #[serde(default)]
    pub language: Option<String>,
    /// Scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Not valid before this.
    #[serde(default)]
    pub valid_from: Option<String>,
    /// The last day, or not valid from this moment on.
    #[serde(default)]
    pub valid_until: Option<String>,
    /// Keys from another system; JSON lines only.
    #[serde(default)]
    pub credentials: Vec<Key>,
}

/// A key from another system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Credential id, base64url.
    pub id: String,
    /// COSE_Key, base64url.
    pub public_key: String,
    /// What the person calls it.
    #[serde(default)]
    pub label: Option<String>,
    /// Relying party id under which it was made; the deployment's when absent.
    #[serde(default)]
    pub rp_id: Option<String>,
    /// Hexadecimal digits; never counts as attested.
    #[serde(default)]
    pub aaguid: Option<String>,
    /// Signature counter.
    #[serde(default)]
    pub counter: u32,
    /// credProtect level; 0 when it is not known.
    #[serde(default)]
    pub cred_protect: u8,
    /// Whether it may be copied to other devices.
    #[serde(default)]
    pub backup_eligible: bool,
    /// Whether the key finds it by itself.
    #[serde(default)]
    pub discoverable: bool,
}

/// Everyone in a file, each with the number of the line, and what is wrong in it.
#[derive(Debug, Default)]
pub struct People {
    /// Who could be read.
    pub lines: Vec<(u64, UncheckedPerson)>,
    /// What could not, in the order of the file.
    pub problems: Vec<Problem>,
}
