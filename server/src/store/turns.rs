//! Whose turn it is to write, within this process.
//!
//! Whoever administers passes in front of whoever delivers records: a revocation waits for the
//! transaction that is open, never for the queue. Each kind is served in the order in which it
//! came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use crate::lock::lock;

/// Changes that pass in front before one record is let in between, so that neither kind waits for
/// ever.
const IN_A_ROW: u32 = 16;

/// Who waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// An administrator's change, a join, a registration.
    Change,
    /// Records: they are many, and wait at the terminals anyway.
    Record,
}

/// Gives one turn at a time.
#[derive(Debug, Default)]
pub struct Turns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    changes: VecDeque<oneshot::Sender<Turn>>,
    records: VecDeque<oneshot::Sender<Turn>>,
    in_a_row: u32,
}

/// The right to write; the next one has it when this is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
}

impl Turns {
    /// Waits for a turn.
    pub async fn take(self: &Arc<Self>, urgency: Urgency) -> Turn {
        loop {
            let given = {
                let mut state = self.state();
                if !state.taken {
                    state.taken = true;
                    return Turn { turns: Arc::clone(self) };
                }
                let (sender, given) = oneshot::channel();
                match urgency {
                    Urgency::Change => state.changes.push_back(sender),
                    Urgency::Record => state.records.push_back(sender),
                }
                given
            };
            if let Ok(turn) = given.await {
                return turn;
            }
        }
    }

    /// Whether a change waits.
    pub fn a_change_waits(&self) -> bool {
        self.state().changes.iter().any(|sender| !sender.is_closed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Who is next and still waits.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        self.changes.retain(|sender| !sender.is_closed());
        self.records.retain(|sender| !sender.is_closed());
        let passes = self.in_a_row < IN_A_ROW || self.records.is_empty();
        if passes && let Some(change) = self.changes.pop_front() {
            self.in_a_row += 1;
            return Some(change);
        }
        self.in_a_row = 0;
        self.records.pop_front()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        match state.next() {
            Some(next) => {
                drop(state);
                // Who has gone meanwhile drops the turn, and it goes on from there.
                let _ = next.send(Self { turns: Arc::clone(&self.turns) });
            }
            None => state.taken = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Queues up one after the other, and says in which order they had their turn.
    async fn order(asked: &[(Urgency, u32)]) -> Vec<u32> {
        let turns = Arc::new(Turns::default());
        let first = turns.take(Urgency::Record).await;
        let had = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for &(urgency, number) in asked {
            let (turns, had) = (Arc::clone(&turns), Arc::clone(&had));
            tasks.push(tokio::spawn(async move {
                let _turn = turns.take(urgency).await;
                had.lock().unwrap().push(number);
            }));
            // On one thread it is queued when it has been polled.
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        Arc::try_unwrap(had).unwrap().into_inner().unwrap()
    }

    #[tokio::test]
    async fn changes_pass_in_front_of_records_and_each_kind_keeps_its_order() {
        use Urgency::{Change, Record};
        assert_eq!(
            order(&[(Record, 1), (Record, 2), (Change, 3), (Change, 4)]).await,
            [3, 4, 1, 2]
        );
        // Many changes let a record in between.
        let mut asked: Vec<_> = (0..40).map(|number| (Change, number)).collect();
        asked.insert(0, (Record, 100));
        let place = order(&asked).await.iter().position(|number| *number == 100).unwrap();
        assert_eq!(place, IN_A_ROW as usize);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_or_gives_up_with_the_turn_holds_up_nobody() {
        let turns = Arc::new(Turns::default());
        let first = turns.take(Urgency::Change).await;
        let mut gone = Vec::new();
        for _ in 0..3 {
            let turns = Arc::clone(&turns);
            gone.push(tokio::spawn(async move { turns.take(Urgency::Change).await }));
        }
        tokio::task::yield_now().await;
        assert!(turns.a_change_waits());
        gone.iter().for_each(tokio::task::JoinHandle::abort);
        for task in gone {
            let _ = task.await;
        }
        assert!(!turns.a_change_waits());
        drop(first);
        drop(turns.take(Urgency::Record).await);
        drop(turns.take(Urgency::Change).await);
    }
}
