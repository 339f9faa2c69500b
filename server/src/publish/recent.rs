//! The latest changes of a scope: few and small, so that the answer that tells of a change brings
//! it along, and ten thousand terminals need no second request, of which each reads the store.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::store::state::StateRow;

/// Most rows.
const MAX_ROWS: usize = 16;
/// Most bytes of names and records together: a thousand scopes keep 16 MB at most.
const MAX_BYTES: usize = 16 * 1024;

/// The latest changes of a scope, without a gap.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    /// All that came after this sequence is here.
    since: u64,
    rows: VecDeque<Arc<StateRow>>,
    bytes: usize,
}

impl Recent {
    /// None of what came up to a sequence.
    pub const fn after(since: u64) -> Self {
        Self { since, rows: VecDeque::new(), bytes: 0 }
    }

    /// Takes the next change in the order of their sequences; those too many or too long go, the
    /// oldest first.
    pub fn push(&mut self, row: StateRow) {
        // What a person was before is of no use to anybody.
        if let Some(place) = self.rows.iter().position(|before| before.login == row.login) {
            self.forget(place);
        }
        self.bytes += size(&row);
        self.rows.push_back(Arc::new(row));
        while self.rows.len() > MAX_ROWS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.forget(0) else { break };
            self.since = oldest.seq;
        }
    }

    /// The latest state of each person changed after a sequence, ascending; none where some of it
    /// is not here.
    pub fn following(&self, seq: u64) -> Option<impl Iterator<Item = &StateRow>> {
        let later = move |row: &&StateRow| row.seq > seq;
        (seq >= self.since).then(|| self.rows.iter().map(Arc::as_ref).filter(later))
    }

    fn forget(&mut self, place: usize) -> Option<Arc<StateRow>> {
        let row = self.rows.remove(place)?;
        self.bytes -= size(&row);
        Some(row)
    }
}

fn size(row: &StateRow) -> usize {
    row.login.len() + row.record.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64, login: &str, bytes: usize) -> StateRow {
        StateRow { seq, login: login.to_owned(), record: Some(vec![0; bytes]) }
    }

    fn sequences(recent: &Recent, since: u64) -> Option<Vec<u64>> {
        recent.following(since).map(|rows| rows.map(|row| row.seq).collect())
    }

    #[test]
    fn what_came_after_a_sequence_is_there_whole_or_not_at_all() {
        let mut recent = Recent::after(7);
        assert_eq!(sequences(&recent, 7), Some(vec![]));
        assert_eq!(sequences(&recent, 6), None);
        recent.push(row(8, "a", 1));
        recent.push(row(9, "b", 1));
        assert_eq!(sequences(&recent, 7), Some(vec![8, 9]));
        assert_eq!(sequences(&recent, 8), Some(vec![9]));
        recent.push(row(10, "a", 1));
        assert_eq!(sequences(&recent, 7), Some(vec![9, 10]), "the latest state of each");
    }

    #[test]
    fn rows_and_bytes_are_bounded_and_what_went_is_not_claimed() {
        let mut recent = Recent::after(0);
        for seq in 1..=100 {
            recent.push(row(seq, &format!("n{seq}"), 1));
        }
        assert_eq!(sequences(&recent, 84), Some((85..=100).collect()));
        assert_eq!(sequences(&recent, 83), None);
        // Longer than all together may be: nothing is kept, and nothing claimed.
        recent.push(row(101, "long", MAX_BYTES + 1));
        assert_eq!(sequences(&recent, 100), None);
        assert_eq!(sequences(&recent, 101), Some(vec![]));
        recent.push(row(102, "short", 1));
        assert_eq!(sequences(&recent, 101), Some(vec![102]));
        assert_eq!(recent.bytes, 6);
    }
}
