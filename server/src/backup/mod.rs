//! Backups: made while the server runs, and read again before they count.
//!
//! ```text
//!   a folder, 0700        made                                   checked
//!     wardkey.db          one state of the store (store::whole)  sound, and what the manifest says
//!     trail.jsonl         the audit trail of that state          its chain
//!     keys.age            the keys, to recipients only (keys)    length and hash
//!     manifest.json       what is in it (manifest, contents)     against all of these
//!     manifest.sig        the publish key's signature (seal)     against the root documents
//! ```
//! It is made under another name beside its place ([`scratch`]) and renamed when everything was
//! written, read again and found right. What was killed before that is no backup, and in nobody's
//! way.

mod contents;
pub mod keys;
mod make;
mod manifest;
mod opened;
pub mod scratch;
mod seal;
mod trail;

pub use contents::{Contents, ScopeAt, examine};
pub use make::{KeysFor, Made, Making, make};
pub use manifest::{Manifest, damaged};
pub use opened::{Backup, same};
pub use seal::Seal;
pub use trail::Newer;
