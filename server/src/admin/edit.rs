//! How a set of names is changed: all of it, or some names more and some fewer.

use crate::texts::{Phrase, Text};
use std::collections::BTreeSet;

/// What is changed of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit<T> {
    /// The whole set, when it is given.
    pub all: Option<Vec<T>>,
    /// What comes into it.
    pub add: Vec<T>,
    /// What goes out of it.
    pub remove: Vec<T>,
}

impl<T> Default for Edit<T> {
    fn default() -> Self {
        Self { all: None, add: Vec::new(), remove: Vec::new() }
    }
}

impl<T: Ord + ToString> Edit<T> {
    /// The set afterwards; what is removed and was not there is a warning, `was_not`.
    pub fn apply(
        self,
        before: BTreeSet<T>,
        (was_not, warnings): (Text, &mut Vec<Phrase>),
    ) -> BTreeSet<T> {
        let mut after = self.all.map_or(before, |all| all.into_iter().collect());
        for name in self.remove {
            if !after.remove(&name) {
                warnings.push(was_not.with([("name", name.to_string().into())]));
            }
        }
        after.extend(self.add);
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_replaced_or_edited() {
        let before = || BTreeSet::from(["a", "b"]);
        for (edit, after, warned) in [
            (Edit::default(), vec!["a", "b"], 0),
            (Edit { all: Some(vec![]), ..Edit::default() }, vec![], 0),
            (Edit { all: Some(vec!["c"]), ..Edit::default() }, vec!["c"], 0),
            (Edit { add: vec!["c"], remove: vec!["a", "x"], all: None }, vec!["b", "c"], 1),
        ] {
            let mut warnings = Vec::new();
            let set = edit.apply(before(), (Text::GroupWasNot, &mut warnings));
            assert_eq!((set.into_iter().collect::<Vec<_>>(), warnings.len()), (after, warned));
        }
    }
}
