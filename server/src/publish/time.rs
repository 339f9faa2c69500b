//! The time by which is signed: the wall clock, as long as it is plausible.
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
//! boot, or that of a virtual machine that was paused (CLOCK_BOOTTIME stands still then). So a step is
//! judged as at the start for the first minutes, and again when the clock has run evenly for an hour.
//! All steps forward of one run together are at most what a start allows: 30 days more than has
//! elapsed since the time that was signed by before it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use wardkey_core::time::UnixTime;

use crate::clock::Clock;
use crate::store::clock::{Jump, SigningClock};

/// Seconds by which the clock may be off what has elapsed, or behind what was signed.
pub const STEP: u64 = 300;
/// Seconds after the last signature for which a start needs no confirmation.
pub const AWAY: u64 = 30 * 86_400;
/// Seconds from the start in which a step is judged as at the start: time servers correct the clock then.
const SETTLING: u64 = 600;
/// Seconds for which a refused clock runs evenly before it is judged as at the start. Within the first
/// day that a terminal is offline nobody notices; a time server that is wrong is mended meanwhile.
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

/// Wall clock and elapsed time of one moment.
type Reading = (UnixTime, u64);

struct State {
    /// When the clock was last taken as right; none before it was.
    anchor: Option<Reading>,
    /// The start (or the confirmation): what was signed by before it, and the elapsed time.
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let (wall, elapsed) = (self.clock.now(), self.clock.elapsed());
        state.trouble = state.judge(wall, elapsed);
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
        Self { anchor: None, start, even: None, stored, signed, trouble: None, written_trouble: None }
    }

    fn judge(&self, wall: UnixTime, elapsed: u64) -> Option<Trouble> {
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
        if self.even.is_some_and(|since| elapsed.saturating_sub(since.1) >= EVENLY && runs_evenly(since, now)) {
            return None;
        }
        if self.anchor.is_none() {
            // A jump that was refused before stays refused until the clock has been set back from it.
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

    /// A machine whose clock is slow until time servers correct it.
    #[test]
    fn a_clock_that_is_corrected_soon_after_the_start_is_followed_as_far_as_a_start_goes() {
        for (after, set, is_trouble) in [
            (60, START + 3600, false),
            (600, START + 30 * DAY, false),
            (600, START + 30 * DAY + 600, false),
            (600, START + 30 * DAY + 601, true),
            (601, START + 3600, true),
        ] {
            let clock = Clock::standing(START);
            let time = SigningTime::new(clock.clone(), stored(START));
            clock.advance(after);
            time.now();
            clock.set(set);
            assert_eq!(time.trouble().is_some(), is_trouble, "{after} {set}");
            assert_eq!(time.now().0, if is_trouble { START + after } else { set });
            // What was followed is what is compared with from then on.
            clock.advance(DAY);
            assert!(is_trouble || time.trouble().is_none());
            clock.set(clock.now().0 + STEP + 1);
            assert!(time.trouble().is_some());
        }
    }

    /// Time passes in seconds, as the server looks.
    fn pass(clock: &Clock, time: &SigningTime, seconds: u64) {
        for _ in 0..seconds / 10 {
            clock.advance(10);
            time.now();
        }
    }

    /// CLOCK_BOOTTIME stands still while a virtual machine is paused.
    #[test]
    fn a_paused_machine_comes_right_by_itself_and_a_far_time_never() {
        for (paused, heals) in
            [(400, true), (9 * 3600, true), (29 * DAY, true), (31 * DAY, false), (5 * 365 * DAY, false)]
        {
            let clock = Clock::standing(START);
            let time = SigningTime::new(clock.clone(), stored(START));
            pass(&clock, &time, 1000);
            clock.set(clock.now().0 + paused);
            pass(&clock, &time, EVENLY);
            assert_eq!(time.now().0, START + 1000, "{paused}: not before an hour");
            pass(&clock, &time, 10);
            assert_eq!(time.trouble().is_none(), heals, "{paused}");
            pass(&clock, &time, 10 * DAY);
            assert_eq!(time.now(), if heals { clock.now() } else { UnixTime(START + 1000) }, "{paused}");
        }
    }

    #[test]
    fn steps_that_come_right_do_not_add_up_over_what_a_start_allows() {
        let clock = Clock::standing(START);
        let time = SigningTime::new(clock.clone(), stored(START));
        pass(&clock, &time, 1000);
        let real = |clock: &Clock| START + clock.elapsed();
        for step in 1..=5 {
            clock.set(clock.now().0 + 9 * DAY);
            pass(&clock, &time, 2 * EVENLY);
            assert_eq!(time.trouble().is_none(), step <= 3, "{step}");
            assert!(time.now().0 <= real(&clock) + AWAY);
        }
    }

    #[test]
    fn a_clock_that_does_not_run_evenly_stays_refused() {
        let clock = Clock::standing(START);
        let time = SigningTime::new(clock.clone(), stored(START));
        pass(&clock, &time, 1000);
        clock.set(clock.now().0 + DAY);
        for _ in 0..10 {
            pass(&clock, &time, EVENLY / 2);
            clock.set(clock.now().0 + 60);
        }
        assert!(time.trouble().is_some());
        assert_eq!(time.now().0, START + 1000);
    }

    /// A clock that keeps local time signs ahead; set right, it is behind until it gets there, and a
    /// restart or the running server see the same.
    #[test]
    fn a_clock_that_is_set_back_comes_right_when_it_is_at_the_signed_time() {
        let clock = Clock::standing(START + 9 * 3600);
        let time = SigningTime::new(clock.clone(), stored(START));
        clock.advance(5);
        assert_eq!(time.now().0, START + 9 * 3600 + 5);
        clock.set(START + 5);
        pass(&clock, &time, 8 * 3600);
        assert!(matches!(time.trouble(), Some(Trouble::Behind(_))));
        assert_eq!(time.now().0, START + 9 * 3600 + 5);
        pass(&clock, &time, 3600);
        assert_eq!((time.trouble(), time.now()), (None, clock.now()));
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
        clock.advance(1000);
        time.now();
        for _ in 0..3 {
            clock.advance(100);
            clock.set(clock.now().0 + 200);
            time.now();
        }
        assert!(matches!(time.trouble(), Some(Trouble::Ahead(_))));
        assert_eq!(time.now().0, START + 1300, "one step of 200 s was followed, the second was over the bound");
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
        // A pause is forgotten when the clock has run evenly, over a restart too.
        let time = SigningTime::new(clock.clone(), refused);
        pass(&clock, &time, EVENLY + 10);
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
