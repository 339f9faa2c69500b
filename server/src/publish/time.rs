//! The time of signatures: the wall clock, as long as it is plausible.
//!
//! ```text
//!   wall clock ──┐                              ┌ plausible: max(wall clock, signed so far)
//!   CLOCK_BOOTTIME ─> expected? ── within 5 min ┤
//!   signed so far ─┘   (at start: 30 days)      └ not: the time signed so far, and no further
//!
//!   start ──10 min: as at the start──> within 5 min of what has elapsed ──stepped──> refused
//!                                               ^── an hour of running evenly: as at the start ──┘
//! ```
//! Terminals never go back behind a signed time. One head of 2031 would make every right one look
//! expired until 2031, at every terminal that saw it. So nothing is signed by a clock that jumped,
//! until it is right again or an administrator says that it is right. What changes meanwhile is
//! still published, by the last good time: a revocation arrives, and heads expire as they should.
//!
//! A right clock must not be refused for ever, either: one that time servers set minutes after the
//! boot, or that of a virtual machine that was paused (CLOCK_BOOTTIME stands still then). So a step
//! is judged as at the start for the first minutes, and again when the clock has run evenly for an
//! hour. All steps forward of one run together are at most what a start allows: 30 days more than
//! has elapsed since the last signature before it.

use std::sync::{Mutex, MutexGuard};

use wardkey_core::time::UnixTime;

use crate::clock::Clock;
use crate::lock::lock;
use crate::store::clock::{Jump, SigningClock};
use crate::texts::{Phrase, Text};

/// Seconds by which the clock may be off what has elapsed, or behind what was signed.
pub const STEP: u64 = 300;
/// Seconds after the last signature for which a start needs no confirmation.
pub const AWAY: u64 = 30 * 86_400;
/// Seconds from the start in which a step is judged as at the start: time servers correct the clock
/// then.
const SETTLING: u64 = 600;
/// Seconds for which a refused clock runs evenly before it is judged as at the start. Within the
/// first day that a terminal is offline nobody notices; a time server that is wrong is mended
/// meanwhile.
const EVENLY: u64 = 3600;
/// Seconds by which a clock that runs evenly may be off what has elapsed.
const UNEVEN: u64 = 10;
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
        matches!(
            (self, other),
            (Self::Ahead(_), Self::Ahead(_)) | (Self::Behind(_), Self::Behind(_))
        )
    }
}

impl Trouble {
    /// What is wrong with the clock.
    pub fn phrase(self) -> Phrase {
        let Jump { wall, expected } = self.jump();
        match self {
            Self::Ahead(_) => Text::ClockAhead.with([("seconds", wall.since(expected).into())]),
            Self::Behind(_) => Text::ClockBehind.with([("seconds", expected.since(wall).into())]),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.phrase().fmt(f)
    }
}

/// What is to be written to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwritten {
    /// The latest time of a signature.
    pub signed: UnixTime,
    /// What is wrong now.
    pub trouble: Option<Trouble>,
    /// Whether that is news.
    pub turned: bool,
    /// The confirmation that it rests on.
    pub confirmation: i64,
}

/// The time of signatures.
pub struct SigningTime {
    clock: Clock,
    state: Mutex<State>,
}

/// Wall clock and elapsed time of one moment.
type Reading = (UnixTime, u64);

struct State {
    /// When the clock was last taken as right; none before it was.
    anchor: Option<Reading>,
    /// The start (or the confirmation): the time of the last signature before it, and the elapsed
    /// time.
    start: Reading,
    /// Since when a refused clock has run evenly.
    even: Option<Reading>,
    stored: SigningClock,
    signed: UnixTime,
    trouble: Option<Trouble>,
    written_trouble: Option<Trouble>,
}

impl SigningTime {
    /// From what the store says of the last run.
    pub fn new(clock: Clock, stored: SigningClock) -> Self {
        let written_trouble = stored.refused.map(Trouble::Ahead);
        let state = State { written_trouble, ..State::new(stored, clock.elapsed()) };
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
        *state = State::new(stored, self.clock.elapsed());
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
        lock(&self.state)
    }

    fn look(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let (wall, elapsed) = (self.clock.now(), self.clock.elapsed());
        state.trouble = state.trouble_at(wall, elapsed);
        if state.trouble.is_none() {
            state.even = None;
            state.signed = state.signed.max(wall);
            let is_near = |at: Reading| after(at, elapsed).0.abs_diff(wall.0) <= STEP;
            if state.anchor.is_none_or(|at| elapsed.saturating_sub(at.1) > ANEW || !is_near(at)) {
                state.anchor = Some((wall, elapsed));
            }
        } else if !state.even.is_some_and(|since| runs_evenly(since, (wall, elapsed))) {
            state.even = Some((wall, elapsed));
        }
        state
    }
}

/// What the clock says at `elapsed` when it goes on from there.
const fn after((wall, since): Reading, elapsed: u64) -> UnixTime {
    wall.plus(elapsed.saturating_sub(since))
}

const fn runs_evenly(since: Reading, (wall, elapsed): Reading) -> bool {
    after(since, elapsed).0.abs_diff(wall.0) <= UNEVEN
}

impl State {
    const fn new(stored: SigningClock, elapsed: u64) -> Self {
        let (signed, start) = (stored.signed, (stored.signed, elapsed));
        Self {
            anchor: None,
            start,
            even: None,
            stored,
            signed,
            trouble: None,
            written_trouble: None,
        }
    }

    fn trouble_at(&self, wall: UnixTime, elapsed: u64) -> Option<Trouble> {
        let expected = self.anchor.map_or(self.signed, |anchor| after(anchor, elapsed));
        let ahead = Some(Trouble::Ahead(Jump { wall, expected }));
        let behind = |expected| Some(Trouble::Behind(Jump { wall, expected }));
        // At the start nobody knows how long the server was away.
        if wall.since(after(self.start, elapsed)) > AWAY {
            return ahead;
        }
        if self.signed.since(wall) > STEP {
            return behind(expected.max(self.signed));
        }
        let now = (wall, elapsed);
        if self.even.is_some_and(|since| {
            elapsed.saturating_sub(since.1) >= EVENLY && runs_evenly(since, now)
        }) {
            return None;
        }
        if self.anchor.is_none() {
            // A jump that was refused before stays refused until the clock has been set back from
            // it.
            let refused = self.stored.refused.filter(|jump| wall >= jump.wall);
            return refused.map(|jump| Trouble::Ahead(Jump { wall, ..jump }));
        }
        if elapsed.saturating_sub(self.start.1) <= SETTLING {
            return None;
        }
        if wall.since(expected) > STEP {
            ahead
        } else if expected.since(wall) > STEP {
            behind(expected)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
