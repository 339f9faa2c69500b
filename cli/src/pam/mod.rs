//! PAM on this machine: the profile, its undoing, a test login, and who gets in without a key.

pub(crate) mod kept;
pub(crate) mod local_list;
pub(crate) mod profile;
pub(crate) mod test_login;
pub(crate) mod undo;
pub(crate) mod ways_in;
