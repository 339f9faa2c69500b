//! The screen of a session.

use crate::store::value::words;

/// Whether a screen is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// By the login of the person.
    Open,
    /// Locked.
    Locked,
    /// It opened without a login.
    Opened,
}
words!(Screen, "a screen", Open = "open", Locked = "locked", Opened = "opened");
