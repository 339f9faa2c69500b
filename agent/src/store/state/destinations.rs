//! The list of those who get every record, which may change.

use std::sync::atomic::Ordering;

use crate::error::AgentError;
use crate::store::spool::cursor::Destination;
use crate::store::spool::migrate::migrate;
use crate::store::state::State;
use crate::{lock, log};

impl State {
    /// Takes another list of destinations: those that stay go on where they are, those that go are
    /// forgotten, and new ones begin with the oldest record. On disk that is so at once, or as soon
    /// as the disk lets us.
    pub fn set_destinations(&self, destinations: &'static [Destination]) {
        *lock::write(&self.destinations) = destinations;
        self.is_up_to_date.store(false, Ordering::SeqCst);
        if let Err(error) = self.bring_up_to_date() {
            log::warning(format_args!("spool waits to be brought up to date: {error}"));
        }
    }

    /// Who gets every record.
    pub(super) fn destinations(&self) -> &'static [Destination] {
        *lock::read(&self.destinations)
    }

    /// Brings the spool of another version, or one with other destinations, up to date. Until the
    /// disk lets us, records stay in memory.
    pub(super) fn bring_up_to_date(&self) -> Result<(), AgentError> {
        if self.is_up_to_date.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.db.write(|transaction| {
            migrate(transaction, self.limits, self.destinations())?;
            self.spool(transaction)?.forget_others()
        })?;
        self.is_up_to_date.store(true, Ordering::SeqCst);
        Ok(())
    }
}
