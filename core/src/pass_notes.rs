//! What a terminal notes of passes, in a file that only root reads and writes: wrong codes, and
//! passes and loans that have ended here. Only ever written before a code is judged, so that
//! neither a kill nor a power cut gives a try back.

use minicbor::{Decode, Encode};

use crate::codec::{Document, List};
use crate::id::PassId;
use crate::pass::{MAX_TRIES, Pass};
use crate::person::Loan;
use crate::time::UnixTime;

/// Passes that are noted at a time.
pub const MAX_NOTED: usize = 256;
/// Wrong codes in a row at a terminal until a pause follows each.
const FREE: u32 = 3;
/// The first pause in seconds, doubled with each further wrong code, and the longest.
const PAUSE: u64 = 5;
const LONGEST_PAUSE: u64 = 60;
/// Wrong codes are no longer in a row after so many seconds.
const FORGET: u64 = 900;

/// The notes of a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PassNotes {
    /// Passes that are not over yet, and not as they were issued.
    #[n(0)]
    pub passes: List<PassNote, MAX_NOTED>,
    /// Wrong codes in a row, whoever they were for.
    #[n(1)]
    pub wrong: u32,
    /// When the last one was.
    #[n(2)]
    pub last: UnixTime,
}

/// What is noted of a pass, or of a loan: both have an id of random bytes and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PassNote {
    /// The pass, or the loan.
    #[n(0)]
    pub pass: PassId,
    /// Codes that were tried since the last right one.
    #[n(1)]
    pub tries: u8,
    /// Its person has logged in here with the key since; of a sealed code: it was used here.
    #[n(2)]
    pub ended: bool,
    /// When it is over, and needs no note any more.
    #[n(3)]
    pub until: UnixTime,
}

impl Document for PassNotes {
    const DOMAIN: &'static str = "wardkey/pass-notes/1";
    const MAX_BYTES: usize = 32 * 1024;
    const GROWS: bool = true;
}

/// What the notes say of a pass whose code is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassState {
    /// It may be tried; with this one, so many tries.
    Open {
        /// Tries since the last right code.
        tries: u8,
    },
    /// Too many wrong codes: no code is right any more.
    Void,
    /// Ended here by a login with the key; a sealed code by its use.
    Ended,
}

impl PassNotes {
    /// Seconds until another code may be tried at this terminal.
    pub fn pause(&self, now: UnixTime) -> Option<u64> {
        let over = self.wrong.checked_sub(FREE)?;
        let pause = PAUSE.saturating_mul(1 << over.min(8)).min(LONGEST_PAUSE);
        // A clock that was ahead must not keep everybody waiting for years.
        let elapsed = if self.last > now { pause } else { now.since(self.last) };
        pause.checked_sub(elapsed).filter(|left| *left > 0)
    }

    /// Counts a try, for a pass if there is one, as if it were wrong. `None`: no room for a note,
    /// so that the code must not be judged.
    pub fn count(&mut self, pass: Option<&Pass>, now: UnixTime) -> Option<PassState> {
        self.wrong = if now.since(self.last) > FORGET { 1 } else { self.wrong.saturating_add(1) };
        self.last = now;
        let Some(pass) = pass else { return Some(PassState::Open { tries: 0 }) };

        let mut state = PassState::Void;
        self.change((pass.id, pass.until), now, |note| {
            state = match note.tries {
                tries if tries >= MAX_TRIES => PassState::Void,
                _ if note.ended => PassState::Ended,
                tries => PassState::Open { tries: tries + 1 },
            };
            note.tries = note.tries.saturating_add(1).min(MAX_TRIES + 1);
        })
        .then_some(state)
    }

    /// The code was right. Only a login that it opens ends the pause of wrong codes: the code of a
    /// pass that is over would else buy tries at others.
    pub fn was_right(&mut self, pass: &Pass, now: UnixTime, lets_in: bool) {
        if lets_in {
            self.wrong = 0;
        }
        self.change((pass.id, pass.until), now, |note| {
            // Wrong codes that were typed meanwhile at another console: void is void.
            if note.tries <= MAX_TRIES {
                note.tries = 0;
            }
        });
    }

    /// Its person has logged in with the key. False: there is no room for a note.
    #[must_use]
    pub fn end(&mut self, pass: &Pass, now: UnixTime) -> bool {
        self.change((pass.id, pass.until), now, |note| note.ended = true)
    }

    /// A sealed code is used, and void from then on. False: it was used here before, also a moment
    /// ago at another console. `None`: there is no room for a note, so that nobody may be let in.
    #[must_use]
    pub fn spend(&mut self, sealed: &Pass, now: UnixTime) -> Option<bool> {
        let mut is_first = false;
        self.change((sealed.id, sealed.until), now, |note| {
            is_first = !note.ended && note.tries <= MAX_TRIES;
            note.ended = true;
        })
        .then_some(is_first)
    }

    /// Its person has logged in with a key of their own. False: there is no room for a note.
    #[must_use]
    pub fn end_loan(&mut self, loan: &Loan, now: UnixTime) -> bool {
        self.change((of_loan(loan), loan.until), now, |note| note.ended = true)
    }

    /// Whether the loan is noted as ended.
    pub fn loan_has_ended(&self, loan: &Loan) -> bool {
        self.has_ended(&of_loan(loan))
    }

    /// Whether the pass is noted as ended.
    pub fn has_ended(&self, pass: &PassId) -> bool {
        self.passes.iter().any(|note| note.pass == *pass && note.ended)
    }

    /// False: there is no room for one more.
    fn change(
        &mut self,
        (id, until): (PassId, UnixTime),
        now: UnixTime,
        change: impl FnOnce(&mut PassNote),
    ) -> bool {
        let mut notes = std::mem::take(&mut self.passes).into_vec();
        // What has ended stays while there is room: a clock that was put forward, and back again,
        // would else open it once more.
        notes.retain(|note| now < note.until || note.ended || note.pass == id);
        if notes.len() >= MAX_NOTED {
            notes.retain(|note| now < note.until || note.pass == id);
        }
        let at = notes.iter().position(|note| note.pass == id);
        let fresh = PassNote { pass: id, tries: 0, ended: false, until };
        let mut note = at.map_or(fresh, |at| notes.swap_remove(at));
        change(&mut note);

        let has_room = notes.len() < MAX_NOTED;
        if has_room && (note.tries > 0 || note.ended) {
            notes.push(note);
        }
        self.passes = List::new(notes).unwrap_or_default();
        has_room
    }
}

/// Under which name a loan is noted.
fn of_loan(loan: &Loan) -> PassId {
    PassId::new(*loan.id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Salt, SigningPublicKey, TerminalId};
    use crate::name::DisplayText;
    use crate::pass::HASH;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn pass(number: u16) -> Pass {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        Pass {
            id: PassId::new(id),
            salt: Salt::new([0; 16]),
            hash: HASH,
            key: SigningPublicKey::new([0; 32]),
            from: NOW,
            until: NOW.plus(3600),
            scope: None,
            terminal: Some(TerminalId::new([0; 16])),
            issuer: DisplayText::new("desk").unwrap(),
            reason: DisplayText::new("forgotten").unwrap(),
        }
    }

    #[test]
    fn five_wrong_codes_make_a_pass_void_until_it_is_over() {
        let (mut notes, one, other) = (PassNotes::default(), pass(1), pass(2));
        for tries in 1..=MAX_TRIES {
            assert_eq!(notes.count(Some(&one), NOW), Some(PassState::Open { tries }));
        }
        for _ in 0..300 {
            assert_eq!(notes.count(Some(&one), NOW), Some(PassState::Void));
        }
        assert_eq!(notes.count(Some(&other), NOW), Some(PassState::Open { tries: 1 }));
        notes.was_right(&other, NOW, true);
        assert_eq!(notes.count(Some(&other), NOW), Some(PassState::Open { tries: 1 }));
        assert_eq!(notes.count(Some(&one), NOW), Some(PassState::Void), "not by another's success");
    }

    #[test]
    fn a_pass_that_ended_here_stays_so() {
        let (mut notes, one) = (PassNotes::default(), pass(1));
        assert!(notes.end(&one, NOW));
        assert!(notes.has_ended(&one.id));
        assert_eq!(notes.count(Some(&one), NOW), Some(PassState::Ended));
        notes.was_right(&one, NOW, false);
        assert_eq!(notes.count(Some(&one), NOW), Some(PassState::Ended));
    }

    #[test]
    fn a_sealed_code_is_used_once_and_never_without_a_note() {
        let (mut notes, sealed) = (PassNotes::default(), pass(1));
        assert_eq!(notes.spend(&sealed, NOW), Some(true));
        assert_eq!(notes.spend(&sealed, NOW), Some(false), "at another console");
        assert_eq!(notes.count(Some(&sealed), NOW), Some(PassState::Ended));
        notes.was_right(&sealed, NOW, true);
        assert!(notes.has_ended(&sealed.id), "not even the right code opens it again");
        let last = UnixTime(sealed.until.0 - 1);
        assert_eq!(notes.count(Some(&pass(2)), last), Some(PassState::Open { tries: 1 }));
        assert!(notes.has_ended(&sealed.id), "noted for as long as it would be valid");

        // A clock that is put forward, a code of somebody else, and the clock put back.
        let forward = sealed.until.plus(86_400);
        assert!(notes.count(Some(&Pass { until: forward.plus(60), ..pass(3) }), forward).is_some());
        assert!(notes.count(None, forward).is_some());
        assert_eq!(notes.spend(&sealed, NOW), Some(false), "it was used");

        let mut full = PassNotes::default();
        for number in 0..256 {
            assert!(full.count(Some(&pass(number)), NOW).is_some());
        }
        assert_eq!(full.spend(&pass(999), NOW), None);
        let mut void = PassNotes::default();
        for _ in 0..=MAX_TRIES {
            assert!(void.count(Some(&sealed), NOW).is_some());
        }
        void.was_right(&sealed, NOW, false);
        assert_eq!(void.spend(&sealed, NOW), Some(false), "after too many wrong codes");
    }

    #[test]
    fn notes_of_passes_that_are_over_make_room_and_live_ones_do_not() {
        let mut notes = PassNotes::default();
        for number in 0..256 {
            assert!(notes.count(Some(&pass(number)), NOW).is_some());
        }
        assert_eq!(notes.count(Some(&pass(999)), NOW), None, "full: not judged");
        assert_eq!(notes.count(Some(&pass(3)), NOW), Some(PassState::Open { tries: 2 }));
        assert!(!notes.end(&pass(999), NOW) && notes.end(&pass(4), NOW));
        let bytes = crate::codec::to_bytes(&notes);
        assert!(bytes.len() <= PassNotes::MAX_BYTES, "{}", bytes.len());
        assert_eq!(crate::codec::from_bytes::<PassNotes>(&bytes).unwrap(), notes);
        let later = NOW.plus(3600);
        let new = Pass { until: later.plus(1), ..pass(999) };
        assert_eq!(notes.count(Some(&new), later), Some(PassState::Open { tries: 1 }));
        assert_eq!(notes.passes.len(), 2);
        assert!(notes.has_ended(&pass(4).id), "there is room for it");
        for number in 1000..1254 {
            let new = Pass { until: later.plus(1), ..pass(number) };
            assert!(notes.count(Some(&new), later).is_some());
        }
        let last = Pass { until: later.plus(1), ..pass(2000) };
        assert!(notes.count(Some(&last), later).is_some(), "what is over gives way");
        assert!(!notes.has_ended(&pass(4).id));
    }

    #[test]
    fn wrong_codes_in_a_row_cost_time_whoever_they_are_for() {
        let mut notes = PassNotes::default();
        let pauses: Vec<_> = (0..8)
            .map(|number| {
                let who = pass(number);
                let _ = notes.count((number % 2 == 0).then_some(&who), NOW);
                notes.pause(NOW)
            })
            .collect();
        let expected = [None, None, Some(5), Some(10), Some(20), Some(40), Some(60), Some(60)];
        assert_eq!(pauses, expected);
        assert_eq!(notes.pause(NOW.plus(59)), Some(1));
        assert_eq!(notes.pause(NOW.plus(60)), None);
        assert_eq!(notes.pause(UnixTime(5)), None, "the clock was ahead");
        notes.count(None, NOW.plus(1000));
        assert_eq!(notes.pause(NOW.plus(1000)), None, "no longer in a row");
        notes.wrong = 9;
        notes.was_right(&pass(1), NOW, false);
        assert_eq!(notes.wrong, 9, "right, and let nobody in");
        notes.was_right(&pass(1), NOW, true);
        assert_eq!(notes.wrong, 0);
    }
}
