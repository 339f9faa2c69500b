//! Which uids belong to accounts. Name services may be slow or gone: answers are cached, and
//! accepting connections never waits for one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use nix::unistd::{Uid, User};

use crate::clock::Moment;
use crate::lock::lock;

/// How long an answer is valid. A new account is served soon.
const YES: Duration = Duration::from_secs(300);
const NO: Duration = Duration::from_secs(10);
/// The most answers in the cache.
const MAX_KEPT: usize = 1024;

/// The cache.
#[derive(Debug, Default)]
pub struct Accounts {
    kept: Mutex<HashMap<u32, (bool, Moment)>>,
}

impl Accounts {
    /// Whether a uid belongs to an account; `None` when it has to be looked up.
    pub fn known(&self, uid: u32) -> Option<bool> {
        if uid == 0 {
            return Some(true);
        }
        let (is_account, when) = *self.kept().get(&uid)?;
        (when.elapsed() < if is_account { YES } else { NO }).then_some(is_account)
    }

    /// Asks the name services and caches the answer. An error counts as no.
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
