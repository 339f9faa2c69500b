//! Who and what plays.

use wardkey_e2e::{Server, SoftKey, Terminal};

/// What is there when everybody is set up.
pub struct Parts {
    pub server: Server,
    pub terminal: Terminal,
    /// Hanako's, unless it is the machine's own.
    pub key: Option<SoftKey>,
    /// Taro's.
    pub other: Option<SoftKey>,
}
