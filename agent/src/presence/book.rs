//! The rules: what follows for a session from what is seen. No I/O; time is given.
//!
//! ```text
//!   key gone, idle, old ──> Locking ── Lock, every second ──> LockedHint: locked
//!                              └─ nobody answers for 5 s ──> End, every second ──> gone
//! ```
//! A session is left open by nothing but the policy "nothing": a locker that does not answer, a
//! key process that does not answer and a helper that does not answer all end in its end, or in
//! trying again.

use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::event::{EventName, Outcome};
use wardkey_core::id::Hash;
use wardkey_core::message::lock::SessionId;
use wardkey_core::message::session::{MAX_SESSIONS, SessionInfo};
use wardkey_core::name::LoginName;
use wardkey_core::policy::session::{OnRemoval, SessionRules};

use super::desk::{Act, Cause, Desk, KeyState, Locking, Now, Opened, Seen};
use super::locking::{AGAIN, desk};
use super::notes::{begun, not_locked, note, record_beginning};

/// How long the key process may be away (it is restarted by an upgrade) before a key that cannot be
/// looked for counts as gone.
const UNREACHABLE: Duration = Duration::from_secs(10);
/// A login unlocks a screen within this time.
const UNLOCKING: Duration = Duration::from_secs(60);

/// What looking for a key showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It proved itself at this device node.
    Here(String),
    /// It is not there.
    Absent,
    /// The key process could not be asked.
    Unreachable,
}

/// A login that may unlock a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The account.
    pub account: LoginName,
    /// Who.
    pub person: LoginName,
    /// With which key; none without one.
    pub key: Option<Hash>,
    /// The session in which it was, for lockers.
    pub session: Option<String>,
}

/// All sessions that keys opened here.
#[derive(Debug, Default)]
pub struct Book {
    desks: Vec<Desk>,
    proofs: Vec<(Proof, Now)>,
}

impl Book {
    /// The sessions of before a restart. What began in another boot has ended with it.
    pub fn restore(&mut self, rows: Vec<Opened>, boot: &[u8], now: Now) -> Vec<Act> {
        let mut acts = Vec::new();
        for row in rows {
            if self.desks.iter().any(|desk| desk.row.id == row.id) {
                continue;
            }
            if row.boot.as_slice() == boot {
                let mut desk = desk(row, now);
                // What is plugged in may have been swapped meanwhile.
                acts.extend(desk.look(false));
                self.desks.push(desk);
            } else {
                let reason = Some(Code::EndNotSeen);
                acts.extend(begun(&row));
                acts.push(note(&row, EventName::SessionEnded, Outcome::Failure, reason));
                acts.push(Act::Forget(row.id));
            }
        }
        once(acts)
    }

    /// A session begins.
    pub fn open(&mut self, row: Opened, now: Now) -> Vec<Act> {
        // Whoever has the process's number now, the session of before is over.
        let mut acts = self.close(row.leader, None, now);
        if self.desks.len() >= MAX_SESSIONS {
            acts.extend(self.end(0, None));
        }
        acts.push(Act::Save(row.clone()));
        let mut desk = desk(row, now);
        acts.extend(desk.look(false));
        self.desks.push(desk);
        acts
    }

    /// The process that opened a session ends it.
    pub fn close(&mut self, leader: i32, account: Option<&LoginName>, _: Now) -> Vec<Act> {
        let is_it = |desk: &Desk| {
            desk.row.leader == leader && account.is_none_or(|account| desk.row.account == *account)
        };
        match self.desks.iter().position(is_it) {
            Some(index) => self.end(index, None),
            None => Vec::new(),
        }
    }

    /// Somebody logged in: a screen that is unlocked now was unlocked by this.
    pub fn login(&mut self, proof: Proof, now: Now) {
        self.proofs.retain(|(_, at)| is_fresh(*at, now));
        if self.proofs.len() < MAX_SESSIONS {
            self.proofs.push((proof, now));
        }
    }

    /// What logind shows.
    pub fn see(&mut self, seen: &[Seen], now: Now) -> Vec<Act> {
        let mut acts = Vec::new();
        for index in (0..self.desks.len()).rev() {
            let Some(desk) = self.desks.get_mut(index) else { continue };
            let found = match &desk.row.session {
                Some(id) => seen.iter().find(|seen| seen.id == *id),
                None => seen.iter().find(|seen| seen.leader == desk.row.leader),
            };
            match found {
                Some(found) => {
                    if desk.row.session.is_none() {
                        desk.row.session = Some(found.id.clone());
                        desk.row.seat.clone_from(&found.seat);
                        acts.push(Act::Save(desk.row.clone()));
                    }
                    acts.extend(record_beginning(desk));
                    desk.idle = found.idle;
                    acts.extend(self.hint(index, found.locked, now));
                }
                None if desk.row.session.is_some() => acts.extend(self.end(index, None)),
                None => {}
            }
        }
        acts
    }

    /// What a locker says.
    fn hint(&mut self, index: usize, locked: bool, now: Now) -> Vec<Act> {
        let Some(desk) = self.desks.get_mut(index) else { return Vec::new() };
        match (desk.row.locked, locked) {
            (None, true) => {
                let cause = desk.locking.as_ref().map(|locking| locking.cause);
                desk.locking.take_if(|locking| locking.how != OnRemoval::End);
                desk.row.locked = Some(now.time);
                let reason = cause.map_or(Code::LockedThere, Cause::code);
                let locked = EventName::SessionLocked;
                vec![
                    Act::Save(desk.row.clone()),
                    note(&desk.row, locked, Outcome::Success, Some(reason)),
                ]
            }
            (Some(since), false) => {
                desk.row.locked = None;
                let row = &mut desk.row;
                let of = |(proof, at): &(Proof, Now)| {
                    // A locker is in the session; a greeter that unlocks it is not.
                    let here = proof.session.is_none() || proof.session == row.session;
                    is_fresh(*at, now) && at.time >= since && here && proof.account == row.account
                };
                let unlocked = EventName::SessionUnlocked;
                let mut acts = Vec::new();
                match self.proofs.iter().rposition(of) {
                    Some(at) => {
                        let (proof, _) = self.proofs.remove(at);
                        let changed = proof.person != row.person;
                        row.person = proof.person;
                        row.key = proof.key;
                        row.proven = now.time;
                        acts.push(note(row, unlocked, Outcome::Success, None));
                        if changed {
                            let changed = EventName::SessionPersonChanged;
                            acts.push(note(row, changed, Outcome::Success, None));
                        }
                    }
                    None => {
                        let reason = Some(Code::UnlockedWithoutKey);
                        acts.push(note(row, unlocked, Outcome::Failure, reason));
                    }
                }
                acts.push(Act::Save(row.clone()));
                acts.extend(desk.look(false));
                acts
            }
            _ => Vec::new(),
        }
    }

    /// The device nodes of the keys that are plugged in. `replaced`: they are the same ones, and
    /// something came or went all the same.
    pub fn plugged(&mut self, nodes: &[String], replaced: bool) -> Vec<Act> {
        let mut acts = Vec::new();
        for desk in &mut self.desks {
            match &desk.key {
                KeyState::Here(node) if replaced || !nodes.contains(node) => {
                    acts.extend(desk.look(true));
                }
                KeyState::Here(_) | KeyState::Unknown => {}
                KeyState::Looking => desk.is_stale = true,
                // Not locked yet: who puts the key back in time goes on.
                KeyState::Gone if desk.locking.is_some() => acts.extend(desk.look(true)),
                KeyState::Gone => {}
            }
        }
        once(acts)
    }

    /// The machine was asleep, or the key process away: what is plugged in may be another key.
    pub fn doubt(&mut self) -> Vec<Act> {
        once(self.desks.iter_mut().filter_map(|desk| desk.look(false)).collect())
    }

    /// What looking for a key showed.
    pub fn sight(&mut self, key: &Hash, sight: &Sight, rules: SessionRules, now: Now) {
        for desk in self.desks.iter_mut().filter(|desk| desk.row.key == Some(*key)) {
            match sight {
                Sight::Here(node) => {
                    desk.key = KeyState::Here(node.clone());
                    desk.unreachable = None;
                    desk.look_at = std::mem::take(&mut desk.is_stale).then_some(now.instant);
                    desk.locking.take_if(|locking| locking.cause == Cause::Removal);
                }
                Sight::Absent => desk.gone(rules, now),
                Sight::Unreachable => {
                    let since = *desk.unreachable.get_or_insert(now.instant);
                    if now.instant.saturating_duration_since(since) >= UNREACHABLE {
                        desk.gone(rules, now);
                    } else {
                        desk.key = KeyState::Unknown;
                    }
                    desk.look_at = desk.row.locked.is_none().then_some(now.instant + AGAIN);
                }
            }
        }
    }

    /// What is due now.
    pub fn due(&mut self, rules: SessionRules, now: Now) -> Vec<Act> {
        let mut acts = Vec::new();
        for desk in &mut self.desks {
            if desk.attach_until <= now.instant {
                acts.extend(record_beginning(desk));
            }
            if desk.look_at.take_if(|at| *at <= now.instant).is_some() {
                acts.extend(desk.look(false));
            }
            desk.wear_out(rules, now);
            acts.extend(desk.lock(now));
        }
        acts
    }

    /// When something is due next.
    pub fn next(&self, rules: SessionRules, now: Now) -> Option<Instant> {
        let of = |desk: &Desk| {
            let attach = (!desk.row.is_recorded).then_some(desk.attach_until);
            let locking = desk.locking.as_ref().map(|locking| locking.next);
            let age = rules.longest.filter(|_| desk.row.locked.is_none() && locking.is_none());
            let age = age.map(|longest| {
                let left = longest.saturating_sub(now.time.since(desk.row.proven));
                now.instant + Duration::from_secs(left.clamp(1, 3600))
            });
            [attach, desk.look_at, locking, age].into_iter().flatten().min()
        };
        self.desks.iter().filter_map(of).min()
    }

    /// The helper did not do what it was asked for.
    pub fn failed(&mut self, session: &SessionId, why: &str) -> Vec<Act> {
        let is_it = |desk: &&mut Desk| desk.row.session.as_deref() == Some(session.as_str());
        let Some(desk) = self.desks.iter_mut().find(is_it) else { return Vec::new() };
        let Some(locking) = desk.locking.as_mut() else { return Vec::new() };
        if std::mem::replace(&mut locking.is_told, true) {
            return Vec::new();
        }
        vec![not_locked(&desk.row, Code::LockHelperFailed, Some(why.to_owned()))]
    }

    /// Who is signed in, of the accounts that may be seen.
    pub fn who(&self, may_see: impl Fn(&LoginName) -> bool) -> Vec<SessionInfo> {
        let shown = self.desks.iter().filter(|desk| may_see(&desk.row.account));
        let mut all: Vec<SessionInfo> = shown.map(Desk::info).collect();
        all.truncate(MAX_SESSIONS);
        all
    }

    /// Whether there is nothing to watch.
    pub fn is_empty(&self) -> bool {
        self.desks.is_empty()
    }

    /// Whether a session is being locked: then logind is looked at often.
    pub fn is_locking(&self) -> bool {
        self.desks.iter().any(|desk| desk.locking.is_some())
    }

    fn end(&mut self, index: usize, reason: Option<Code>) -> Vec<Act> {
        let desk = self.desks.remove(index);
        let ended_by_us = |locking: &Locking| match locking.cause {
            _ if !locking.is_end() => None,
            Cause::Removal => Some(Code::EndedByRemoval),
            cause => Some(cause.code()),
        };
        let reason = reason.or_else(|| desk.locking.as_ref().and_then(ended_by_us));
        let mut acts: Vec<Act> = begun(&desk.row).into_iter().collect();
        acts.push(note(&desk.row, EventName::SessionEnded, Outcome::Success, reason));
        acts.push(Act::Forget(desk.row.id));
        acts
    }
}

/// Whether a login was just now.
fn is_fresh(at: Now, now: Now) -> bool {
    now.instant.saturating_duration_since(at.instant) < UNLOCKING
}

/// Each key is looked for once, however many sessions it opened.
fn once(mut acts: Vec<Act>) -> Vec<Act> {
    let mut seen: Vec<Act> = Vec::new();
    acts.retain(|act| {
        let new = !seen.contains(act);
        if new {
            seen.push(act.clone());
        }
        new
    });
    acts
}

#[cfg(test)]
mod tests;
