//! The server's time, signed over a challenge of the module.
//!
//! A clock that is ahead and a directory that is old look alike to the module: both make what was
//! signed long ago of it. The server can tell them apart, and its word counts here only with a
//! nonce that the module made for this login: nobody can play back an old one, and an agent that
//! was taken over cannot make one.

use minicbor::{Decode, Encode};

use crate::code::{Code, Denial};
use crate::codec::{Bytes, Document};
use crate::document::RootDocument;
use crate::id::{Nonce, TerminalId};
use crate::sign;
use crate::time::{ClockReading, UnixTime};

/// What the server signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ServerTime {
    /// The terminal that asked.
    #[n(0)]
    pub terminal: TerminalId,
    /// The module's challenge.
    #[n(1)]
    pub nonce: Nonce,
    /// The server's time when it signed.
    #[n(2)]
    pub time: UnixTime,
}

impl Document for ServerTime {
    const DOMAIN: &'static str = "wardkey/time/1";
    const MAX_BYTES: usize = 128;
    const GROWS: bool = true;
}

/// [`ServerTime`], signed.
pub type SignedTime = Bytes<{ ServerTime::MAX_BYTES + 128 }>;

/// The server's time, verified, and what the clocks said before it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    time: UnixTime,
    asked: ClockReading,
}

impl Attested {
    /// Verifies what came in answer to `nonce`, which was made when the clocks said `asked`.
    ///
    /// # Errors
    /// [`Code::ServerTimeInvalid`] when it is not signed by a key that may publish, or is of
    /// another question.
    pub fn verify(
        signed: &[u8],
        root: &RootDocument,
        terminal: &TerminalId,
        nonce: &Nonce,
        asked: ClockReading,
    ) -> Result<Self, Denial> {
        let invalid = |detail: &dyn std::fmt::Display| Denial::new(Code::ServerTimeInvalid, detail);
        let answer = sign::verify::<ServerTime>(signed, &root.publish_keys)
            .map_err(|error| invalid(&error))?;
        if answer.terminal != *terminal || answer.nonce != *nonce {
            return Err(invalid(&"answers another question"));
        }
        Ok(Self { time: answer.time, asked })
    }

    /// The server's time when it signed.
    pub const fn signed(&self) -> UnixTime {
        self.time
    }

    /// The time now: no earlier than it is, as all that has elapsed since the question is added.
    /// None in another boot.
    pub fn at(&self, reading: &ClockReading) -> Option<UnixTime> {
        let same_boot = reading.boot_id == self.asked.boot_id;
        same_boot.then(|| self.time.plus(reading.boottime.saturating_sub(self.asked.boottime)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(boottime: u64, boot: &str) -> ClockReading {
        ClockReading {
            realtime: UnixTime(9),
            boottime,
            boot_id: Bytes::new(boot.as_bytes()).unwrap(),
        }
    }

    #[test]
    fn time_goes_on_by_the_clock_that_nobody_sets_and_ends_with_the_boot() {
        let attested = Attested { time: UnixTime(1_000), asked: reading(50, "a") };
        assert_eq!(attested.at(&reading(53, "a")), Some(UnixTime(1_003)));
        assert_eq!(attested.at(&reading(20, "a")), Some(UnixTime(1_000)));
        assert_eq!(attested.at(&reading(53, "b")), None);
    }
}
