//! How one session stands: its key, its age, and the steps of locking it.

use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::message::lock::SessionId;
use wardkey_core::message::session::SessionInfo;
use wardkey_core::policy::session::{OnRemoval, SessionRules};

use super::desk::{Act, Cause, Desk, KeyState, Locking, Look, Now, Opened};
use super::notes::not_locked;

/// A session of logind's that belongs to a new login is waited for so long. The module's line may
/// stand before pam_systemd's.
const ATTACH: Duration = Duration::from_secs(5);
/// How long a locker may take to say that it locked.
const LOCKER: Duration = Duration::from_secs(5);
/// A desktop that has just begun may not have its locker yet.
const YOUNG: Duration = Duration::from_secs(20);
/// How often the helper is asked while nothing comes of it.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

impl Desk {
    /// Has its key looked for. Who is in without a key has none to pull out: such a session locks
    /// after a time only.
    pub(super) fn look(&mut self, is_removal: bool) -> Option<Act> {
        self.is_stale = false;
        let Some(key) = self.row.key else {
            self.key = KeyState::Unknown;
            return None;
        };
        self.key = KeyState::Looking;
        Some(Act::Look(Look { person: self.row.person.clone(), key, is_removal }))
    }

    pub(super) fn gone(&mut self, rules: SessionRules, now: Now) {
        self.key = KeyState::Gone;
        if rules.on_removal != OnRemoval::Nothing {
            self.begin_locking(Cause::Removal, rules.on_removal, now);
        }
    }

    /// Locks what was left alone for long, or opened long ago.
    pub(super) fn wear_out(&mut self, rules: SessionRules, now: Now) {
        let is_over = |limit: Option<u64>, seconds: u64| limit.is_some_and(|most| seconds >= most);
        let cause = if is_over(rules.longest, now.time.since(self.row.proven)) {
            Cause::Age
        } else if is_over(rules.idle, self.idle) {
            Cause::Idle
        } else {
            return;
        };
        self.begin_locking(cause, OnRemoval::Lock, now);
    }

    pub(super) fn begin_locking(&mut self, cause: Cause, how: OnRemoval, now: Now) {
        // A screen that is locked already is as it should be, unless the session is to end.
        let is_done = self.row.locked.is_some() && how != OnRemoval::End;
        if is_done || self.locking.as_ref().is_some_and(|locking| locking.how >= how) {
            return;
        }
        let patience = (self.known_since + YOUNG).max(now.instant + LOCKER);
        self.locking = Some(Locking {
            cause,
            how,
            next: now.instant,
            give_up: patience,
            is_given_up: false,
            has_greeter: false,
            is_told: false,
        });
    }

    /// The next step of locking.
    pub(super) fn lock(&mut self, now: Now) -> Vec<Act> {
        let Some(locking) = self.locking.as_mut().filter(|locking| locking.next <= now.instant)
        else {
            return Vec::new();
        };
        locking.next = now.instant + AGAIN;
        let Some(session) = self.row.session.as_deref().and_then(SessionId::new) else {
            // Nothing that could be locked: a machine without logind.
            let told = std::mem::replace(&mut locking.is_told, true) || !self.row.is_recorded;
            let detail = Some("logind knows no such session".to_owned());
            let untold = (!told).then(|| not_locked(&self.row, Code::LockHelperFailed, detail));
            return untold.into_iter().collect();
        };
        let mut acts = Vec::new();
        if !locking.is_end() && locking.give_up <= now.instant {
            locking.is_given_up = true;
            acts.push(not_locked(&self.row, Code::NoLockerAnswered, None));
        }
        match locking.how {
            _ if locking.is_end() => acts.push(Act::End(session)),
            OnRemoval::Greeter if !std::mem::replace(&mut locking.has_greeter, true) => {
                acts.extend([Act::Lock(session.clone()), Act::Greeter(session)]);
            }
            _ => acts.push(Act::Lock(session)),
        }
        acts
    }

    pub(super) fn info(&self) -> SessionInfo {
        let row = self.row.clone();
        SessionInfo {
            session: row.session,
            seat: row.seat,
            account: row.account,
            person: row.person,
            key: row.key,
            service: row.service,
            tty: row.tty,
            started: row.started,
            proven: row.proven,
            locked: row.locked,
            key_here: match self.key {
                KeyState::Here(_) => Some(true),
                KeyState::Gone => Some(false),
                KeyState::Unknown | KeyState::Looking => None,
            },
        }
    }
}

/// A session of which nothing is known yet.
pub(super) fn desk(row: Opened, now: Now) -> Desk {
    Desk {
        row,
        key: KeyState::Unknown,
        is_stale: false,
        unreachable: None,
        look_at: None,
        locking: None,
        attach_until: now.instant + ATTACH,
        known_since: now.instant,
        idle: 0,
    }
}
