//! What a login is judged by, besides the directory.

use crate::marks::Marks;
use crate::name::{LoginName, ServiceName};
use crate::time::UnixTime;

/// What is asked for, and the machine that it is asked of.
#[derive(Clone, Debug)]
pub struct LoginContext<'a> {
    /// The Unix account.
    pub account: &'a LoginName,
    /// The PAM service.
    pub service: &'a ServiceName,
    /// Whether the session comes from elsewhere.
    pub remote: bool,
    /// The time to judge by: [`crate::time::ClockFloor::now`].
    pub now: UnixTime,
    /// What this machine has seen.
    pub marks: &'a Marks,
}
