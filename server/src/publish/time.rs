//! The time by which is signed: the wall clock, as long as it is plausible.
//!
//! ```text
//!   wall clock ──┐                              ┌ plausible: max(wall clock, signed so far)
//!   CLOCK_BOOTTIME ─> expected? ── within 5 min ┤
//!   signed so far ─┘   (at start: 30 days)      └ not: the time signed so far, and no further
//! ```
//! Terminals never go back behind a signed time. One head of 2031 would make every right one look
//! expired until 2031, at every terminal that saw it. So nothing is signed by a clock that jumped,
//! until it is right again or an administrator says that it is right. What changes meanwhile is
//! still published, by the last good time: a revocation arrives, and heads expire as they should.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wardkey_core::time::UnixTime;

use crate::clock::Clock;
use crate::store::clock::{Jump, SigningClock};

/// Seconds by which the clock may be off what has elapsed, or behind what was signed.
pub const STEP: u64 = 300;
/// Seconds after the last signature for which a start needs no confirmation.
pub const AWAY: u64 = 30 * 86_400;
/// Seconds after which the clock is compared from anew, so that small corrections do not add up.
const ANEW: u64 = 86_400;
/// Seconds after which the time of the last signature is written again.
const WRITE: u64 = 60;

/// What is wrong with the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It jumped forward, or the server was away for too long to tell.
    Ahead(Jump),
    /// It was set back.
    Behind(Jump),
}

impl Trouble {
    /// What the clock says and what it should say.
    pub const fn jump(&self) -> Jump {
        match self {
            Self::Ahead(jump) | Self::Behind(jump) => *jump,
        }
    }

    /// What is kept for the next start. A clock that is behind comes right by itself.
    const fn kept(&self) -> Option<Jump> {
        match self {
            Self::Ahead(jump) => Some(*jump),
            Self::Behind(_) => None,
        }
    }

    const fn same_kind(self, other: Self) -> bool {
        matches!((self, other), (Self::Ahead(_), Self::Ahead(_)) | (Self::Behind(_), Self::Behind(_)))
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Jump { wall, expected } = self.jump();
        match self {
            Self::Ahead(_) => write!(f, "the clock is {} s ahead of what is expected", wall.since(expected)),
            Self::Behind(_) => write!(f, "the clock is {} s behind what is expected", expected.since(wall)),
        }
    }
}

/// What is to be written to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// The latest time by which was signed.
    pub signed: UnixTime,
    /// What is wrong now.
    pub trouble: Option<Trouble>,
    /// Whether that is news.
    pub turned: bool,
    /// The confirmation that it rests on.
    pub confirmation: i64,
}

/// The time by which is signed.
pub struct SigningTime {
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    /// Wall clock and elapsed time when the clock was last taken as right; none before it was.
    anchor: Option<(UnixTime, u64)>,
    stored: SigningClock,
    signed: UnixTime,
    trouble: Option<Trouble>,
    written_trouble: Option<Trouble>,
}

impl SigningTime {
    /// From what the store says of the last run.
    pub fn new(clock: Clock, stored: SigningClock) -> Self {
        let state = State {
            anchor: None,
            stored,
            signed: stored.signed,
            trouble: None,
            written_trouble: stored.refused.map(Trouble::Ahead),
        };
        let time = Self { clock, state: Mutex::new(state) };
        time.now();
        time
    }

    /// The time to sign by; never less than before, but by a confirmation.
    pub fn now(&self) -> UnixTime {
        self.look().signed
    }

    /// What is wrong with the clock now.
    pub fn trouble(&self) -> Option<Trouble> {
        self.look().trouble
    }

    /// Takes what the store says now: a confirmation begins anew.
    pub fn take(&self, stored: SigningClock) {
        let mut state = self.state();
        if state.stored.confirmation == stored.confirmation {
            return;
        }
        *state = State { anchor: None, stored, signed: stored.signed, trouble: None, written_trouble: None };
    }

    /// What the store should know, if it does not.
    pub fn unwritten(&self) -> Option<Unwritten> {
        let state = self.look();
        let turned = match (state.trouble, state.written_trouble) {
            (Some(now), Some(before)) => !now.same_kind(before),
            (now, before) => now.is_some() != before.is_some(),
        };
        let due = turned || state.signed.since(state.stored.signed) >= WRITE;
        due.then_some(Unwritten {
            signed: state.signed,
            trouble: state.trouble,
            turned,
            confirmation: state.stored.confirmation,
        })
    }

    /// It was written.
    pub fn written(&self, unwritten: &Unwritten) {
        let mut state = self.state();
        if state.stored.confirmation == unwritten.confirmation {
            state.stored.signed = unwritten.signed;
            state.stored.refused = unwritten.trouble.and_then(|trouble| trouble.kept());
            state.written_trouble = unwritten.trouble;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let (wall, elapsed) = (self.clock.now(), self.clock.elapsed());
        state.trouble = state.judge(wall, elapsed);
        if state.trouble.is_none() {
            state.signed = state.signed.max(wall);
            if state.anchor.is_none_or(|(_, since)| elapsed.saturating_sub(since) > ANEW) {
                state.anchor = Some((wall, elapsed));
            }
        }
        state
    }
}

impl State {
    fn judge(&self, wall: UnixTime, elapsed: u64) -> Option<Trouble> {
        let behind = |expected| Some(Trouble::Behind(Jump { wall, expected }));
        let Some((at, since)) = self.anchor else {
            // At the start nobody knows how long the server was away. A jump that was refused before
            // stays refused until the clock has been set back from it.
            if let Some(jump) = self.stored.refused.filter(|jump| wall >= jump.wall) {
                return Some(Trouble::Ahead(Jump { wall, ..jump }));
            }
            return match self.signed {
                signed if wall.since(signed) > AWAY => Some(Trouble::Ahead(Jump { wall, expected: signed })),
                signed if signed.since(wall) > STEP => behind(signed),
                _ => None,
            };
        };
        let expected = at.plus(elapsed.saturating_sub(since));
        if wall.since(expected) > STEP {
            return Some(Trouble::Ahead(Jump { wall, expected }));
        }
        let least = expected.max(self.signed);
        if least.since(wall) > STEP { behind(least) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_800_000_000;
    const DAY: u64 = 86_400;

    fn stored(signed: u64) -> SigningClock {
        SigningClock { signed: UnixTime(signed), confirmation: 0, refused: None }
    }

    #[test]
    fn a_start_after_a_month_or_before_the_last_signature_needs_a_confirmation() {
        for (wall, signed_by, is_trouble) in [
            (START, START, false),
            (START + 30 * DAY, START + 30 * DAY, false),
            (START + 30 * DAY + 1, START, true),
            (START + 5 * 365 * DAY, START, true),
            (START - STEP, START, false),
            (START - STEP - 1, START, true),
            (0, START, true),
        ] {
            let time = SigningTime::new(Clock::standing(wall), stored(START));
            assert_eq!((time.now().0, time.trouble().is_some()), (signed_by, is_trouble), "{wall}");
        }
    }

    #[test]
    fn a_running_server_does_not_follow_a_clock_that_is_set() {
        for (set, signed_by, is_trouble) in [
            (START + 1000 + STEP, START + 1000 + STEP, false),
            (START + 1000 + STEP + 1, START + 1000, true),
            (START + 5 * 365 * DAY, START + 1000, true),
            (START + 1000 - STEP, START + 1000, false),
            (START + 1000 - STEP - 1, START + 1000, true),
        ] {
            let clock = Clock::standing(START);
            let time = SigningTime::new(clock.clone(), stored(START));
            clock.advance(1000);
            time.now();
            clock.set(set);
            assert_eq!((time.now().0, time.trouble().is_some()), (signed_by, is_trouble), "{set}");
            // Set right again, it goes on by itself.
            clock.set(START + 1000);
            clock.advance(60);
            assert!(time.trouble().is_none());
            assert_eq!(time.now().0, (START + 1060).max(signed_by));
        }
    }

    #[test]
    fn steps_within_the_bound_do_not_add_up_within_a_day() {
        let clock = Clock::standing(START);
        let time = SigningTime::new(clock.clone(), stored(START));
        for _ in 0..3 {
            clock.advance(100);
            clock.set(clock.now().0 + 200);
            time.now();
        }
        assert!(matches!(time.trouble(), Some(Trouble::Ahead(_))));
        assert_eq!(time.now().0, START + 300, "one step of 200 s was followed, the second was over the bound");
    }

    #[test]
    fn a_restart_does_not_forget_a_jump_and_a_confirmation_does() {
        let jump = Jump { wall: UnixTime(START + 10 * DAY), expected: UnixTime(START) };
        let refused = SigningClock { refused: Some(jump), ..stored(START) };
        let clock = Clock::standing(START + 10 * DAY + 60);
        let time = SigningTime::new(clock.clone(), refused);
        assert!(matches!(time.trouble(), Some(Trouble::Ahead(_))), "ten days alone would be no trouble at a start");
        assert_eq!(time.unwritten(), None, "the store knows");
        time.take(SigningClock { signed: clock.now(), confirmation: 1, refused: None });
        assert_eq!((time.trouble(), time.now()), (None, clock.now()));
        // Or the clock is set right.
        let time = SigningTime::new(Clock::standing(START + 120), refused);
        assert_eq!((time.trouble(), time.now().0), (None, START + 120));
        assert!(time.unwritten().unwrap().turned);
    }

    #[test]
    fn a_confirmation_may_go_back() {
        let clock = Clock::standing(START);
        let time = SigningTime::new(clock.clone(), stored(START + 5 * 365 * DAY));
        assert!(matches!(time.trouble(), Some(Trouble::Behind(_))));
        time.take(SigningClock { signed: clock.now(), confirmation: 1, refused: None });
        assert_eq!((time.trouble(), time.now().0), (None, START));
    }
}
