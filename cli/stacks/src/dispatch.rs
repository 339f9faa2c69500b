//! What libpam makes of the answers of a list's lines (`_pam_dispatch_aux`, with Debian's patch: a
//! line that jumps counts as ignored).

use crate::answer::Answer;
use crate::control::Action;
use crate::load::{Kind, Line};

/// What it looks like so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Impression {
    Undefined,
    Positive,
    Negative,
}

/// `PAM_SUBSTACK_MAX_LEVEL`.
const LEVELS: usize = 16;

/// Impression and status, here and where each substack began.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    impression: Impression,
    status: Answer,
    begun: [(Impression, Answer); LEVELS],
    /// The level of the line before.
    level: usize,
}

const BEGIN: (Impression, Answer) = (Impression::Undefined, Answer::PERM_DENIED);

impl Default for State {
    fn default() -> Self {
        Self { impression: BEGIN.0, status: BEGIN.1, begun: [BEGIN; LEVELS], level: 0 }
    }
}

/// Where it goes on.
pub(crate) enum Next {
    /// At the line with this index.
    Line(usize),
    /// libpam's answer is there.
    Ended(Answer),
}

impl State {
    /// Comes to a line. A line that only marks the beginning of a substack is passed over.
    pub(crate) fn arrive(&mut self, lines: &[Line], mut at: usize) -> Next {
        while let Some(line) = lines.get(at) {
            if self.level < line.level
                && let Some(begun) = self.begun.get_mut(line.level)
            {
                *begun = (self.impression, self.status);
            }
            // What began deeper has ended. Forgotten, so that equal states are equal.
            self.begun.iter_mut().skip(line.level + 1).for_each(|begun| *begun = BEGIN);
            self.level = line.level;
            if line.kind != Kind::Substack {
                return Next::Line(at);
            }
            at += 1;
        }
        let caught = self.status == Answer::SUCCESS && self.impression != Impression::Positive;
        Next::Ended(if caught { Answer::PERM_DENIED } else { self.status })
    }

    /// Takes the answer of the line at which it has arrived, and comes to the next one.
    pub(crate) fn take(&mut self, lines: &[Line], at: usize, answer: Answer) -> Next {
        if answer == Answer::INCOMPLETE {
            return Next::Ended(answer);
        }
        let Some(line) = lines.get(at) else { return Next::Ended(Answer::PERM_DENIED) };
        let mut next = at + 1;
        match line.control.action(answer) {
            Action::Reset => {
                (self.impression, self.status) =
                    self.begun.get(line.level).copied().unwrap_or(BEGIN);
            }
            action @ (Action::Ok | Action::Done) => {
                let undecided = self.impression == Impression::Undefined
                    || (self.impression == Impression::Positive && self.status == Answer::SUCCESS);
                if undecided {
                    (self.impression, self.status) = (Impression::Positive, answer);
                }
                if action == Action::Done && self.impression == Impression::Positive {
                    next = end_of(lines, at);
                }
            }
            action @ (Action::Bad | Action::Die) => {
                if self.impression != Impression::Negative {
                    let status =
                        if answer == Answer::IGNORE { Answer::PERM_DENIED } else { answer };
                    (self.impression, self.status) = (Impression::Negative, status);
                }
                if action == Action::Die {
                    next = end_of(lines, at);
                }
            }
            Action::Ignore => {}
            Action::Jump(count) => match jump(lines, at, count) {
                Ok(to) => next = to,
                // "Bad jump in stack": it has failed, and goes on after the last line that could be
                // passed over.
                Err(to) => {
                    (self.impression, self.status) = (Impression::Negative, Answer::PERM_DENIED);
                    next = to;
                }
            },
        }
        self.arrive(lines, next)
    }
}

/// The first line behind the (sub)stack of a line.
fn end_of(lines: &[Line], at: usize) -> usize {
    let level = lines.get(at).map_or(0, |line| line.level);
    let inside = lines.iter().skip(at + 1).take_while(|line| line.level >= level).count();
    at + 1 + inside
}

/// Passes over lines; a substack counts as one. An error when there are not as many.
fn jump(lines: &[Line], at: usize, count: u32) -> Result<usize, usize> {
    let level = lines.get(at).map_or(0, |line| line.level);
    let level_of = |index: usize| lines.get(index).map(|line| line.level);
    let mut last = at;
    for _ in 0..count {
        if level_of(last + 1).is_none_or(|next| next < level) {
            return Err(last + 1);
        }
        last += 1;
        while level_of(last + 1).is_some_and(|next| next > level) {
            last += 1;
        }
    }
    Ok(last + 1)
}

/// Runs a list with one answer for each line that asks a module.
pub fn run(lines: &[Line], mut answer: impl FnMut(&Line) -> Answer) -> Answer {
    if lines.is_empty() {
        return Answer::PERM_DENIED;
    }
    let mut state = State::default();
    let mut next = state.arrive(lines, 0);
    loop {
        match next {
            Next::Ended(answer) => return answer,
            Next::Line(at) => {
                let Some(line) = lines.get(at) else { return Answer::PERM_DENIED };
                let said =
                    if line.kind == Kind::MustFail { Answer::PERM_DENIED } else { answer(line) };
                next = state.take(lines, at, said);
            }
        }
    }
}
