//! The agent's marks: the least that it still accepts, in memory and durably.
//!
//! Errors of this module are [`AgentError`]: the store cannot be used.

use std::sync::RwLock;

use wardkey_core::marks::Marks;

use crate::clock::Clock;
use crate::error::AgentError;
use crate::lock;
use crate::store::state::State;
use crate::store::view::View;

/// Seconds that the clock floor rises between two writes: it moves with every second, and a minute
/// is worth a write.
const WORTH_A_WRITE: u64 = 60;

/// The marks as they are now.
#[derive(Debug)]
pub struct CurrentMarks(RwLock<Marks>);

impl CurrentMarks {
    /// The marks that are on disk.
    pub fn read(state: &State) -> Result<Self, AgentError> {
        Ok(Self(RwLock::new(state.marks()?)))
    }

    /// A copy of them.
    pub fn get(&self) -> Marks {
        lock::read(&self.0).clone()
    }

    /// Forgets them: another deployment. The floor of the clock stays.
    ///
    /// # Errors
    /// Nothing is forgotten then.
    pub fn forget(&self, clock: &Clock, state: &State) -> Result<(), AgentError> {
        let mut marks = lock::write(&self.0);
        let fresh = Marks { floor: clock.floor(), ..Marks::default() };
        state.set_marks(&fresh)?;
        *marks = fresh;
        Ok(())
    }

    /// Raises marks and clock to what the directory shows, durably when something rose.
    ///
    /// # Errors
    /// The marks in memory are raised nevertheless.
    pub fn raise(&self, view: &View, clock: &Clock, state: &State) -> Result<(), AgentError> {
        let Some(root) = &view.root else { return Ok(()) };
        let mut marks = lock::write(&self.0);
        let before = marks.clone();

        let heads = view.scopes.iter().map(|scope| &*scope.head);
        marks.raise(root, view.terminal.as_deref(), heads);

        let floor = clock.raise(view.signed_time());
        let is_worth_a_write = floor.time.since(before.floor.time) >= WORTH_A_WRITE
            || floor.boot_id != before.floor.boot_id;
        if is_worth_a_write {
            marks.floor = floor;
        }
        if *marks != before {
            state.set_marks(&marks)?;
        }
        Ok(())
    }
}
