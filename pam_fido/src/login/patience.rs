//! How long a login waits, and how often it begins anew.

use std::time::Duration;

use wardkey_ipc::Deadline;

use crate::world::World;

/// Times in all that a login begins anew, because the key went to another login or the question
/// stood long.
const MAX_ROUNDS: usize = 32;
/// Times that a login starts over because the agent was lost.
const MAX_LOST: u8 = 2;

/// How long is waited still, and what of it was used up.
pub struct Patience {
    /// When waiting for key or agent ends.
    pub until: Deadline,
    /// When all of it ends, however the others answer; where nothing is asked of a person.
    pub whole: Option<Deadline>,
    /// How long an answer is waited for.
    answer: Duration,
    /// How much longer until a search counts as silent.
    grace: Duration,
    /// Times that it was begun to connect and identify.
    rounds: usize,
    /// Times that the agent was lost.
    lost: u8,
}

impl Patience {
    /// That of a login that begins now.
    pub fn new(world: &World<'_>) -> Self {
        Self {
            until: Deadline::after(world.settings.key_wait),
            whole: None,
            answer: world.timeouts.answer,
            grace: world.timeouts.search_grace,
            rounds: 0,
            lost: 0,
        }
    }

    /// Until when an answer is waited for, of a part that needs no person.
    pub fn answer(&self) -> Deadline {
        self.within(Deadline::after(self.answer))
    }

    /// The same wait, within the bound on the whole.
    pub fn within(&self, deadline: Deadline) -> Deadline {
        self.whole.map_or(deadline, |whole| deadline.min(whole))
    }

    /// How long a key is waited for still, in milliseconds.
    pub fn wait_ms(&self) -> u32 {
        u32::try_from(self.until.left().as_millis()).unwrap_or(u32::MAX)
    }

    /// When a key process that was to answer by then counts as silent.
    pub fn silent(&self) -> Deadline {
        Deadline::after(self.until.left() + self.grace)
    }

    /// Has the wait for a key begin again, and take this long.
    pub fn wait_again(&mut self, wait: Duration) {
        self.until = Deadline::after(wait);
    }

    /// Begins another round, if there may be one.
    pub fn begin_round(&mut self) -> bool {
        let may = self.rounds < MAX_ROUNDS;
        self.rounds += usize::from(may);
        may
    }

    /// The agent was lost; whether the login may start over.
    pub fn lose_agent(&mut self) -> bool {
        self.lost = self.lost.saturating_add(1);
        self.lost <= MAX_LOST
    }
}
