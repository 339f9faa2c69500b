//! Which uids are accounts. Name services may be slow or gone, so the answer is kept, and nobody who accepts
//! connections waits for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use nix::unistd::{Uid, User};

use crate::clock::Moment;
use crate::lock::lock;

/// How long an answer holds: a new account is served soon.
const YES: Duration = Duration::from_secs(300);
const NO: Duration = Duration::from_secs(10);
/// Answers that are kept.
const MAX_KEPT: usize = 1024;

/// What is known.
#[derive(Debug, Default)]
pub struct Accounts {
    kept: Mutex<HashMap<u32, (bool, Moment)>>,
}

impl Accounts {
    /// Whether a uid is an account's; `None` when that has to be looked up.
    pub fn known(&self, uid: u32) -> Option<bool> {
        if uid == 0 {
            return Some(true);
        }
        let (is_account, when) = *self.kept().get(&uid)?;
        (when.elapsed() < if is_account { YES } else { NO }).then_some(is_account)
    }

    /// Asks the name services, and keeps the answer. One that does not come (an error) is kept as no.
    pub fn look_up(&self, uid: u32) -> bool {
        let is_account = uid == 0 || matches!(User::from_uid(Uid::from_raw(uid)), Ok(Some(_)));
        let mut kept = self.kept();
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, (is_account, when)| *is_account && when.elapsed() < YES);
        }
        if kept.len() < MAX_KEPT {
            kept.insert(uid, (is_account, Moment::now()));
        }
        is_account
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<u32, (bool, Moment)>> {
        lock(&self.kept)
    }
}
