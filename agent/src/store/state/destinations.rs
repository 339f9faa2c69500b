//! The list of those who get every record, which may change.

use wardkey_core::id::EventId;

use crate::error::AgentError;
use crate::log;
use crate::store::memory::Memory;
use crate::store::spool::Spool;
use crate::store::spool::cursor::Destination;
use crate::store::spool::forget::{Progress, STEP};
use crate::store::spool::migrate::migrate;
use crate::store::spool::read;
use crate::store::state::{At, State};

impl State {
    /// Takes another list of destinations: those that stay go on where they are, those that go are
    /// forgotten, and new ones begin with the oldest record. On disk that is so at once, or as soon
    /// as the disk lets us. What only those lacked that are gone is to leave by [`Self::sweep`].
    pub fn set_destinations(&self, destinations: &'static [Destination]) {
        self.listed.change(destinations);
        if let Err(error) = self.bring_up_to_date() {
            log::warning(format_args!("spool waits to be brought up to date: {error}"));
        }
    }

    /// Who gets every record.
    pub(super) fn destinations(&self) -> &'static [Destination] {
        self.listed.now().1
    }

    /// Brings the spool of another version, or one with other destinations, up to date. When this
    /// is done, the disk has the list of the moment when it was asked for, or one that came after.
    /// Until the disk lets us, records stay in memory.
    pub(super) fn bring_up_to_date(&self) -> Result<(), AgentError> {
        while !self.listed.is_on_disk() {
            let (number, progress) = self.db.write(|transaction| {
                // Within the transaction: so none writes a list after another wrote a later one.
                let (number, destinations) = self.listed.now();
                migrate(transaction, self.limits, destinations)?;
                let mut spool = Spool::open(transaction, self.limits, destinations)?;
                Ok((number, spool.take_list(STEP)?))
            })?;
            if progress == Progress::Done {
                self.listed.note(number);
            }
        }
        Ok(())
    }

    /// Records have arrived at a destination.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used; those that are on disk come again.
    pub fn delivered(&self, to: &Destination, records: &[At]) -> Result<(), AgentError> {
        let seqs = self.out_of_memory(records, |memory, id| memory.delivered(to, id));
        self.note(to, &seqs, |spool| spool.delivered(to, &seqs))
    }

    /// A destination never gets some records, though it gets those after them: they are lost to it.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used; those that are on disk come again.
    pub fn gave_up(&self, to: &Destination, records: &[At]) -> Result<(), AgentError> {
        let seqs = self.out_of_memory(records, |memory, id| memory.gave_up(to, id));
        self.note(to, &seqs, |spool| spool.gave_up(to, &seqs))
    }

    /// Notes those of the records that are in memory; gives the numbers of the others.
    fn out_of_memory(&self, records: &[At], note: impl Fn(&mut Memory, &EventId)) -> Vec<u64> {
        let mut memory = self.memory();
        let on_disk = records.iter().filter_map(|at| match at {
            At::Disk(seq) => Some(*seq),
            At::Memory(id) => {
                note(&mut memory, id);
                None
            }
        });
        on_disk.collect()
    }

    fn note(
        &self,
        to: &Destination,
        seqs: &[u64],
        what: impl FnOnce(&mut Spool<'_>) -> Result<(), AgentError>,
    ) -> Result<(), AgentError> {
        if seqs.is_empty() {
            return Ok(());
        }
        self.db.write(|transaction| {
            // One that has been taken out of the list meanwhile gets no cursor any more.
            let is_known = self.destinations().iter().any(|known| known.name == to.name);
            if is_known { what(&mut self.spool(transaction)?) } else { Ok(()) }
        })
    }

    /// Whether records are to be looked through, as a destination has gone.
    pub fn has_to_sweep(&self) -> bool {
        self.db.read(read::has_to_sweep).unwrap_or(false)
    }

    /// Looks at some of the records after a destination has gone: what nobody lacks any more
    /// leaves. A transaction is short, and others come in between.
    ///
    /// # Errors
    /// [`AgentError`] when the store cannot be used; it goes on where it was.
    pub fn sweep(&self) -> Result<Progress, AgentError> {
        if !self.has_to_sweep() {
            return Ok(Progress::Done);
        }
        self.db.write(|transaction| self.spool(transaction)?.sweep(STEP))
    }
}
