//! What a log has in the places of records that were pruned: by which acts, how old those are that
//! archives have, and how old the others must be by what stands around them.

use std::collections::BTreeMap;

use wardkey_core::event::Class;
use wardkey_core::evidence::RECORDED_WITHIN;
use wardkey_core::log_archive::Gaps;
use wardkey_core::time::UnixTime;

/// A time, and the place of the record of which it is said.
pub type Dated = (UnixTime, u64);

/// Records that were pruned.
#[derive(Debug, Default)]
pub struct Gone {
    /// By which acts.
    pub gaps: Gaps,
    /// How many of those each act pruned no archive has that was given.
    pub unfilled: BTreeMap<u64, u64>,
    /// Of those that archives have, by act and class, the youngest.
    pub filled: BTreeMap<(u64, Option<Class>), Dated>,
    /// Of the others, by act, the one that arrived last: not before this time, as they stand in the
    /// log in the order in which they arrived.
    pub arrived: BTreeMap<u64, Dated>,
    /// Those since the last record that is there: how many, and the first of each act.
    open: u64,
    first: BTreeMap<u64, u64>,
}

impl Gone {
    /// How many no archive has that was given.
    pub fn unfilled(&self) -> u64 {
        self.unfilled.values().sum()
    }

    /// No archive has what an act pruned here.
    pub fn gap(&mut self, act: u64, place: u64) {
        self.gaps.add(act, place);
        *self.unfilled.entry(act).or_default() += 1;
        self.open += 1;
        self.first.entry(act).or_insert(place);
    }

    /// An archive has what an act pruned here.
    pub fn filled(&mut self, act: u64, class: Option<Class>, dated: Dated) {
        self.gaps.add(act, dated.1);
        later(&mut self.filled, (act, class), dated);
    }

    /// A record that is there stands behind another one, which arrived `before`, if there is one;
    /// how many were pruned between them. Where the clock of the server was set back between the
    /// two, nothing is known of the time of those.
    pub fn passed(&mut self, before: Option<UnixTime>, received: UnixTime) -> u64 {
        let between = before.filter(|before| *before <= received.plus(RECORDED_WITHIN));
        for (act, place) in std::mem::take(&mut self.first) {
            if let Some(before) = between {
                later(&mut self.arrived, act, (before.min(received), place));
            }
        }
        std::mem::take(&mut self.open)
    }
}

/// Keeps the later one.
fn later<K: Ord>(all: &mut BTreeMap<K, Dated>, key: K, dated: Dated) {
    let kept = all.entry(key).or_insert(dated);
    if kept.0 < dated.0 {
        *kept = dated;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pruned_is_as_young_as_what_stands_around_it() {
        let (mut gone, time) = (Gone::default(), UnixTime);
        gone.gap(1, 0);
        // Of what stands at the very beginning nothing is known.
        assert_eq!(gone.passed(None, time(1000)), 1);
        assert_eq!(gone.arrived.get(&1), None);
        gone.gap(1, 2);
        gone.gap(2, 3);
        gone.gap(1, 4);
        assert_eq!(gone.passed(Some(time(1000)), time(5000)), 3);
        assert_eq!(gone.passed(Some(time(5000)), time(5000)), 0);
        assert_eq!(gone.arrived.get(&1), Some(&(time(1000), 2)));
        assert_eq!(gone.arrived.get(&2), Some(&(time(1000), 3)));
        // The clock was set back.
        gone.gap(1, 7);
        assert_eq!(gone.passed(Some(time(90_000)), time(5000)), 1);
        assert_eq!(gone.arrived.get(&1), Some(&(time(1000), 2)));
        assert_eq!((gone.unfilled(), gone.gaps.count()), (5, 5));
    }

    #[test]
    fn of_what_archives_have_the_youngest_is_known_of_each_act_and_class() {
        let (mut gone, class) = (Gone::default(), Some(Class::Logins));
        for (act, class, time, place) in [
            (1, class, 5, 0),
            (1, class, 9, 1),
            (1, None, 3, 2),
            (2, class, 7, 3),
            (1, class, 6, 4),
        ] {
            gone.filled(act, class, (UnixTime(time), place));
        }
        let all: Vec<_> = gone.filled.iter().map(|(key, (time, at))| (*key, time.0, *at)).collect();
        assert_eq!(all, [((1, None), 3, 2), ((1, class), 9, 1), ((2, class), 7, 3)]);
        assert_eq!((gone.unfilled(), gone.gaps.count()), (0, 5));
    }
}
