//! Every way through a list: all answers that are possible, one after the other, each state of
//! affairs once.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::answer::{Answer, Answers};
use crate::control::Action;
use crate::dispatch::{Next, State};
use crate::load::Line;

/// States of affairs that are looked at before it is given up.
const MAX_STATES: usize = 100_000;

/// A line that was asked, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Index in the list.
    pub line: usize,
    /// The answer.
    pub answer: Answer,
}

/// A way through a list to one of the wanted ends: the shortest for the line that speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The lines asked, in order.
    pub steps: Vec<Step>,
    /// The line whose success it rests on.
    pub by: usize,
    /// What the list answers.
    pub end: Answer,
}

/// What the search is told of a list.
pub(crate) struct Question<'q> {
    pub(crate) lines: &'q [Line],
    /// The answers that each line may give.
    pub(crate) answers: &'q [Answers],
    /// Lines whose success makes a way none of those searched for (the key was asked).
    pub(crate) keys: &'q [bool],
    /// Lines that succeed for everybody: a way rests on them only when on nothing else.
    pub(crate) empty: &'q [bool],
    pub(crate) wanted: Answers,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Node {
    at: usize,
    state: State,
    /// The line it rests on, and whether that proves nothing.
    by: Option<(usize, bool)>,
}

/// All ways that do not lead through a success of the key's lines; `None` when there are too many
/// states.
pub(crate) fn ways(question: &Question<'_>) -> Option<Vec<Way>> {
    let lines = question.lines;
    let mut state = State::default();
    let first = match state.arrive(lines, 0) {
        Next::Line(at) => Node { at, state, by: None },
        // Nothing but empty substacks, or nothing at all.
        Next::Ended(_) => return Some(Vec::new()),
    };
    let mut trail: Vec<(Option<usize>, Option<Step>)> = vec![(None, None)];
    let mut seen = HashSet::from([first.clone()]);
    let mut queue = VecDeque::from([(0, first)]);
    let mut found: HashMap<usize, Way> = HashMap::new();
    while let Some((place, node)) = queue.pop_front() {
        for answer in distinct(question, node.at) {
            let succeeds = matches!(answer, Answer::SUCCESS | Answer::NEW_AUTHTOK_REQD);
            if succeeds && question.keys.get(node.at).copied().unwrap_or(false) {
                continue;
            }
            let step = Step { line: node.at, answer };
            let empty = question.empty.get(node.at).copied().unwrap_or(false);
            let action = lines.get(node.at).map(|line| line.control.action(answer));
            let succeeds =
                succeeds && matches!(action, Some(Action::Ok | Action::Done | Action::Jump(_)));
            let by = match node.by {
                Some((_, true)) if succeeds && !empty => Some((node.at, false)),
                None if succeeds => Some((node.at, empty)),
                by => by,
            };
            let mut state = node.state.clone();
            match state.take(lines, node.at, answer) {
                Next::Ended(end) if question.wanted.has(end) => {
                    let by = by.map_or(node.at, |(by, _)| by);
                    found.entry(by).or_insert_with(|| Way {
                        steps: walk(&trail, place, step),
                        by,
                        end,
                    });
                }
                Next::Ended(_) => {}
                Next::Line(at) => {
                    let next = Node { at, state, by };
                    if seen.insert(next.clone()) {
                        if seen.len() > MAX_STATES {
                            return None;
                        }
                        trail.push((Some(place), Some(step)));
                        queue.push_back((trail.len() - 1, next));
                    }
                }
            }
        }
    }
    let mut ways: Vec<Way> = found.into_values().collect();
    ways.sort_by_key(|way| way.by);
    Some(ways)
}

/// One answer for each difference it can make: which action, and what of the status is looked at
/// later.
fn distinct(question: &Question<'_>, at: usize) -> Vec<Answer> {
    let mut kept: Vec<(Action, u8, Answer)> = Vec::new();
    let (Some(line), Some(answers)) = (question.lines.get(at), question.answers.get(at)) else {
        return Vec::new();
    };
    // Of those that make no difference, one that is easily understood.
    let plain = [Answer::IGNORE, Answer::AUTH_ERR, Answer::USER_UNKNOWN]
        .into_iter()
        .filter(|answer| answers.has(*answer));
    for answer in plain.chain(answers.iter()) {
        let class = match answer {
            Answer::SUCCESS => 0,
            Answer::NEW_AUTHTOK_REQD => 1,
            Answer::IGNORE => 2,
            Answer::INCOMPLETE => 3,
            _ => 4,
        };
        let action = line.control.action(answer);
        // What is ignored or jumps leaves no status behind.
        let class =
            if matches!(action, Action::Ignore | Action::Jump(_) | Action::Reset) && class > 1 {
                9
            } else {
                class
            };
        if !kept.iter().any(|(a, c, _)| (*a, *c) == (action, class)) {
            kept.push((action, class, answer));
        }
    }
    kept.into_iter().map(|(_, _, answer)| answer).collect()
}

fn walk(trail: &[(Option<usize>, Option<Step>)], place: usize, last: Step) -> Vec<Step> {
    let mut steps = vec![last];
    let mut at = Some(place);
    while let Some((before, step)) = at.and_then(|at| trail.get(at)) {
        steps.extend(step);
        at = *before;
    }
    steps.reverse();
    steps
}
