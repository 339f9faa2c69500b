//! Becoming the person whose screen is locked.

use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User, geteuid, initgroups, setgroups, setresgid, setresuid};

/// Becomes this user for good, with the groups of the account, or a group of the same number if
/// there is no such account. Nothing of root may be left: a double that kept its groups would open
/// what a locker cannot.
pub fn become_user(uid: u32) -> Result<(), Errno> {
    let uid = Uid::from_raw(uid);
    if geteuid().is_root() {
        let account = User::from_uid(uid)?;
        let gid = account.as_ref().map_or(Gid::from_raw(uid.as_raw()), |account| account.gid);
        match account.and_then(|account| CString::new(account.name).ok()) {
            Some(name) => initgroups(&name, gid)?,
            None => setgroups(&[gid])?,
        }
        setresgid(gid, gid, gid)?;
    }
    setresuid(uid, uid, uid)
}
