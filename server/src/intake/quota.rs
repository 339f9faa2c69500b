//! How much a terminal may still store today.

use wardkey_core::code::Code;
use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::store::audit::{self, Act, Actor};
use crate::store::{Tx, intake};

/// How much a terminal may still store today.
pub struct Quota {
    /// When it is asked.
    pub now: UnixTime,
    /// Whether something found no room.
    pub is_full: bool,
    megabytes: u32,
    left: u64,
    events: u64,
    bytes: u64,
}

impl Quota {
    /// Reads what is left of so many megabytes a day.
    pub async fn read(
        tx: &mut Tx,
        terminal: &TerminalId,
        megabytes: u32,
        now: UnixTime,
    ) -> Result<Self> {
        let most = u64::from(megabytes) * 1_000_000;
        let left = most.saturating_sub(intake::bytes(tx, terminal, intake::day(now)).await?);
        Ok(Self { now, is_full: false, megabytes, left, events: 0, bytes: 0 })
    }

    /// Whether there is room for a document of this length in bytes.
    pub const fn has_room(&self, document: usize) -> bool {
        intake::BESIDE.saturating_add(document as u64) <= self.left
    }

    /// Takes room for a document of this length in bytes; false when there is none.
    pub fn take(&mut self, document: usize) -> bool {
        if !self.has_room(document) {
            self.is_full = true;
            return false;
        }
        let bytes = intake::BESIDE.saturating_add(document as u64);
        self.left -= bytes;
        self.bytes += bytes;
        self.events += 1;
        true
    }

    /// Counts what was stored. The first time in a day that it was too much is recorded.
    pub async fn write(&self, tx: &mut Tx, terminal: &TerminalId) -> Result<()> {
        let day = intake::day(self.now);
        if self.events > 0 {
            intake::add(tx, terminal, day, (self.events, self.bytes)).await?;
        }

        if self.is_full && intake::note(tx, terminal, day).await? {
            let megabytes = self.megabytes;
            tracing::warn!(
                code = %Code::EventQuota,
                %terminal,
                megabytes,
                "a terminal has sent its records of a day"
            );
            let id = terminal.to_hex();
            let detail = format!("{megabytes} MB of records today; the rest waits there");
            let act = Act::new("terminal.quota", &id).with(&detail);
            audit::record(tx, self.now, &Actor::server(), act).await?;
        }
        Ok(())
    }

    /// Seconds until the day is over.
    pub const fn seconds_left(&self) -> u64 {
        86_400 - self.now.0 % 86_400
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_takes_none_and_a_smaller_one_may_still_fit() {
        let now = UnixTime(86_400 + 100);
        let mut quota =
            Quota { now, is_full: false, megabytes: 1, left: 3000, events: 0, bytes: 0 };
        assert!(quota.take(500) && !quota.is_full);
        assert!(!quota.take(2000) && quota.is_full);
        assert!(quota.take(400));
        assert_eq!((quota.events, quota.bytes), (2, 2 * intake::BESIDE + 900));
        assert_eq!(quota.seconds_left(), 86_300);
    }
}
