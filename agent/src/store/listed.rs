//! The list of those who get every record, and whether the disk knows of it.

use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::lock;
use crate::store::spool::cursor::Destination;

/// The list, which may change, and the last one that the disk has been brought up to. Each list has
/// a number: whoever brings the disk up to one says nothing of those that came meanwhile.
#[derive(Debug)]
pub(super) struct Listed {
    now: RwLock<(u64, &'static [Destination])>,
    on_disk: AtomicU64,
}

impl Listed {
    /// The first list, of which the disk does not know yet.
    pub(super) fn new(destinations: &'static [Destination]) -> Self {
        Self { now: RwLock::new((1, destinations)), on_disk: AtomicU64::new(0) }
    }

    /// The list of now and its number.
    pub(super) fn now(&self) -> (u64, &'static [Destination]) {
        *lock::read(&self.now)
    }

    /// Takes another list.
    pub(super) fn change(&self, to: &'static [Destination]) {
        let mut now = lock::write(&self.now);
        *now = (now.0.saturating_add(1), to);
    }

    /// Whether the disk has the list of now.
    pub(super) fn is_on_disk(&self) -> bool {
        self.on_disk.load(Ordering::SeqCst) == self.now().0
    }

    /// The disk has been brought up to the list with this number.
    pub(super) fn note(&self, number: u64) {
        self.on_disk.fetch_max(number, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_comes_while_another_is_written_is_not_on_disk_with_it() {
        let listed = Listed::new(&[]);
        assert!(!listed.is_on_disk());
        let (first, _) = listed.now();
        listed.change(&[]);
        // Whoever wrote the first one is done only now.
        listed.note(first);
        assert!(!listed.is_on_disk(), "the second one is still to be written");
        listed.note(listed.now().0);
        assert!(listed.is_on_disk());
        // And a thread that was even later.
        listed.note(first);
        assert!(listed.is_on_disk());
    }
}
