//! Forgetting destinations that there are no longer. A login waits while a transaction writes, and
//! there may be a hundred thousand records: so no transaction looks at more than some of them.
//!
//! ```text
//!   take_list   what is ahead of those that are gone, then their cursors and what they lost
//!   sweep       each record in turn: what nobody lacks goes, what only collectors lack is noted
//! ```
//! How far the sweep has come stands in the tally: it goes on after a crash.

use redb::{ReadableTable, ReadableTableMetadata};

use crate::error::AgentError;
use crate::store::spool::Spool;
use crate::store::spool::cursor::{AHEAD, CURSORS, forget_strangers};
use crate::store::spool::tables::{HAS_SPARE, KNOWN, LOST_OF, SWEEP, lane_parts};

/// How many records a transaction looks at.
pub const STEP: usize = 512;

/// Whether there is more to do, in a transaction of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is.
    More,
    /// All is done.
    Done,
}

impl Spool<'_> {
    /// Takes the list of destinations: nothing is kept for those that there are no longer, also one
    /// that never got anything, and so has no cursor. What only they lacked goes by
    /// [`Self::sweep`].
    pub fn take_list(&mut self, at_most: usize) -> Result<Progress, AgentError> {
        let destinations = self.destinations;
        let names = destinations.iter().map(|known| known.name).collect::<Vec<_>>().join("\n");
        let is_known = |name: &[u8]| destinations.iter().any(|one| one.name.as_bytes() == name);
        let (is_same, has_gone) = match self.tally.get(KNOWN)? {
            Some(known) => {
                let mut before = known.value().split(|byte| *byte == b'\n');
                (known.value() == names.as_bytes(), !before.all(is_known))
            }
            None => (false, true),
        };
        // A version that knew no such table has left it out.
        let has_spare = self.tally.get(HAS_SPARE)?.is_some();
        if is_same && has_spare {
            return Ok(Progress::Done);
        }

        if has_gone {
            let mut ahead = self.transaction.open_table(AHEAD)?;
            if !forget_strangers(&mut ahead, is_known, at_most)? {
                return Ok(Progress::More);
            }
            self.transaction.open_table(CURSORS)?.retain(|name, _| is_known(name))?;
            self.tally.retain(|key, _| key.strip_prefix(LOST_OF).is_none_or(is_known))?;
        }
        if (has_gone || !has_spare) && !self.lanes.is_empty()? {
            self.tally.insert(SWEEP, &[][..])?;
        }
        self.tally.insert(KNOWN, names.as_bytes())?;
        self.tally.insert(HAS_SPARE, &[][..])?;
        Ok(Progress::Done)
    }

    /// Looks at the next records after destinations have gone: what nobody lacks any more leaves.
    pub fn sweep(&mut self, at_most: usize) -> Result<Progress, AgentError> {
        let Some(from) = self.tally.get(SWEEP)?.map(|key| key.value().to_vec()) else {
            return Ok(Progress::Done);
        };
        let (mut records, mut next) = (Vec::new(), None);
        for entry in self.lanes.range::<&[u8]>(from.as_slice()..)? {
            let (key, _) = entry?;
            if records.len() == at_most {
                next = Some(key.value().to_vec());
                break;
            }
            records.extend(lane_parts(key.value()));
        }
        self.remove_delivered(&records)?;

        match next {
            Some(key) => {
                self.tally.insert(SWEEP, key.as_slice())?;
                Ok(Progress::More)
            }
            None => {
                self.tally.remove(SWEEP)?;
                Ok(Progress::Done)
            }
        }
    }

    /// Makes room, before anything is given up, of what nobody lacks any more.
    pub(super) fn sweep_a_step(&mut self) -> Result<Progress, AgentError> {
        self.sweep(STEP)
    }
}
