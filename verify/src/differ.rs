//! What became of a list: which of its items are another one's, gone, new, or elsewhere.

use std::collections::{HashMap, VecDeque};

use wardkey_tlog::Hash;

/// An item: a record by its hash, and by its id where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Of the entry.
    pub hash: Hash,
    /// Of the event.
    pub id: Option<[u8; 16]>,
}

/// What became of an item: indices into the old list and into the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It says something else.
    Changed(usize, usize),
    /// It is gone.
    Removed(usize),
    /// It was not there.
    Added(usize),
    /// It stands elsewhere among those that both have.
    Moved(usize, usize),
}

/// Compares two lists.
pub fn differ(old: &[Item], new: &[Item]) -> Vec<Change> {
    let mut partner: Vec<Option<usize>> = vec![None; old.len()];
    let mut taken = vec![false; new.len()];
    pair(old, new, (&mut partner, &mut taken), |item| Some(item.hash));
    let same: Vec<(usize, usize)> = pairs(&partner).collect();

    pair(old, new, (&mut partner, &mut taken), |item| item.id);
    in_the_same_gap(old, new, &mut partner, &mut taken);

    let mut changes: Vec<Change> = Vec::new();
    for (at, partner) in partner.iter().enumerate() {
        match partner {
            None => changes.push(Change::Removed(at)),
            Some(to) if same.binary_search(&(at, *to)).is_err() => {
                changes.push(Change::Changed(at, *to));
            }
            Some(_) => {}
        }
    }
    changes.extend(positions(&taken, false).map(Change::Added));

    let order: Vec<usize> = same.iter().map(|(_, to)| *to).collect();
    let kept = in_order(&order);
    let moved = same.iter().zip(kept).filter(|(_, kept)| !kept);
    changes.extend(moved.map(|((from, to), _)| Change::Moved(*from, *to)));
    changes.sort_unstable();
    changes
}

/// Pairs what has no partner yet and the same key, in the order of both lists.
fn pair<K: Eq + std::hash::Hash>(
    old: &[Item],
    new: &[Item],
    (partner, taken): (&mut [Option<usize>], &mut [bool]),
    key: impl Fn(&Item) -> Option<K>,
) {
    let mut free: HashMap<K, VecDeque<usize>> = HashMap::new();
    for ((at, item), taken) in new.iter().enumerate().zip(taken.iter()) {
        if let Some(key) = key(item).filter(|_| !taken) {
            free.entry(key).or_default().push_back(at);
        }
    }
    for (item, partner) in old.iter().zip(partner.iter_mut()).filter(|(_, p)| p.is_none()) {
        let found = key(item).and_then(|key| free.get_mut(&key)?.pop_front());
        if let Some(taken) = found.and_then(|at| taken.get_mut(at)) {
            *taken = true;
            *partner = found;
        }
    }
}

/// Pairs what is left and stands behind the same neighbour: it was changed in its place. Not two of
/// which each has an id: those are two records.
fn in_the_same_gap(old: &[Item], new: &[Item], partner: &mut [Option<usize>], taken: &mut [bool]) {
    let mut next = 0;
    for (item, partner) in old.iter().zip(partner) {
        if let Some(at) = *partner {
            next = at + 1;
            continue;
        }
        let are_two = item.id.is_some() && new.get(next).is_some_and(|new| new.id.is_some());
        if let Some(taken) = taken.get_mut(next).filter(|taken| !**taken && !are_two) {
            *taken = true;
            *partner = Some(next);
            next += 1;
        }
    }
}

fn pairs(partner: &[Option<usize>]) -> impl Iterator<Item = (usize, usize)> {
    partner.iter().enumerate().filter_map(|(at, partner)| Some((at, (*partner)?)))
}

fn positions(flags: &[bool], wanted: bool) -> impl Iterator<Item = usize> {
    flags.iter().enumerate().filter(move |(_, flag)| **flag == wanted).map(|(at, _)| at)
}

/// For each number whether it belongs to the longest part of the list that never falls: the others
/// are the fewest that must have been moved.
pub fn in_order<T: Ord + Copy>(numbers: &[T]) -> Vec<bool> {
    // The index at which the best part of each length ends, and before each index the one in its
    // part.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers.get(*end).is_some_and(|n| n <= number));
        before.push(length.checked_sub(1).and_then(|length| ends.get(length).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }

    let mut kept = vec![false; numbers.len()];
    let mut next = ends.last().copied();
    while let Some(at) = next {
        if let Some(kept) = kept.get_mut(at) {
            *kept = true;
        }
        next = before.get(at).copied().flatten();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use Change::{Added, Changed, Moved, Removed};

    fn items(letters: &str) -> Vec<Item> {
        let item = |c: char| {
            let lower = c.to_ascii_lowercase();
            // A small letter and its capital are two records with one id.
            let id = c.is_alphabetic().then_some([lower as u8; 16]);
            Item { hash: Hash::new([c as u8; 32]), id }
        };
        letters.chars().map(item).collect()
    }

    #[test]
    fn every_change_is_named_and_nothing_else() {
        for (old, new, changes) in [
            ("abcd", "abcd", vec![]),
            ("abcd", "abCd", vec![Changed(2, 2)]),
            ("abcd", "acd", vec![Removed(1)]),
            ("abcd", "abxcd", vec![Added(2)]),
            ("abcd", "acbd", vec![Moved(1, 2)]),
            ("abcdef", "bcdefa", vec![Moved(0, 5)]),
            ("abcd", "abbcd", vec![Added(2)]),
            ("", "ab", vec![Added(0), Added(1)]),
            ("ab", "", vec![Removed(0), Removed(1)]),
            // Without an id: what stands in its place is what it became.
            ("1234", "1X34", vec![Changed(1, 1)]),
            ("1234", "134", vec![Removed(1)]),
            ("1234", "13X", vec![Changed(3, 2), Removed(1)]),
            ("abcd", "acX", vec![Removed(1), Removed(3), Added(2)]),
        ] {
            let mut changes = changes;
            changes.sort_unstable();
            assert_eq!(differ(&items(old), &items(new)), changes, "{old} {new}");
        }
    }

    #[test]
    fn the_fewest_are_out_of_order() {
        let out = |numbers: &[u64]| positions(&in_order(numbers), false).collect::<Vec<_>>();
        assert_eq!(out(&[1, 2, 2, 3]), [0; 0]);
        assert_eq!(out(&[1, 9, 2, 3, 4]), [1]);
        assert_eq!(out(&[5, 6, 1, 7, 8]), [2]);
        assert_eq!(out(&[]), [0; 0]);
    }
}
