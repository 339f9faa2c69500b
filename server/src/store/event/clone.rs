//! Copies of a key give themselves away by the signature counter: it counts up on one key.

use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::store::query::{Db, FromRow, Row, query};

/// Clocks of two terminals differ by a little: uses that are closer than this many seconds have no
/// order. The same counter twice never happens on one key, whatever the clocks say.
const SKEW: u64 = 30;

struct Use {
    time: UnixTime,
    counter: u32,
    terminal: TerminalId,
}

impl FromRow for Use {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { time: row.get("time")?, counter: row.get("counter")?, terminal: row.get("terminal")? })
    }
}

/// A use of the same key that does not fit this one: earlier with a counter as great, or later with
/// one as small. Counters that are all zero say nothing.
///
/// Only the neighbours are read, by time and by counter: whatever else does not fit this use does not fit
/// one of its neighbours either, and was found when the later of the two came.
pub async fn counter_conflict(
    db: &mut Db,
    credential: i64,
    (time, counter): (UnixTime, u32),
) -> Result<Option<String>> {
    let found = query(
        "SELECT time, counter, terminal FROM (
             SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND counter = $2
                 LIMIT 1) AS same
             UNION ALL SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND time < $3
                 ORDER BY time DESC, counter DESC LIMIT 1) AS before
             UNION ALL SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND time > $4
                 ORDER BY time, counter LIMIT 1) AS after
             UNION ALL SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND counter > $2
                 ORDER BY counter, time LIMIT 1) AS above
             UNION ALL SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND counter < $2
                 ORDER BY counter DESC, time DESC LIMIT 1) AS below
         ) AS neighbour",
    )
    .bind(credential)
    .bind(counter)
    .bind(time.0.saturating_sub(SKEW))
    .bind(time.plus(SKEW))
    .all::<Use>(db)
    .await?;
    let conflict = found.into_iter().find(|other| !fits((time, counter), other));
    Ok(conflict.map(|Use { time: other_time, counter: other, terminal }| {
        format!("counter {counter} at {}, but {other} at {} on terminal {terminal}", time.0, other_time.0)
    }))
}

/// Whether two uses can be of one key.
fn fits((time, counter): (UnixTime, u32), other: &Use) -> bool {
    if counter == 0 && other.counter == 0 {
        return true;
    }
    let is_earlier = other.time.plus(SKEW) < time;
    let is_later = other.time > time.plus(SKEW);
    other.counter != counter && !(is_earlier && other.counter > counter) && !(is_later && other.counter < counter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits_at(this: (u64, u32), other: (u64, u32)) -> bool {
        let terminal = TerminalId::new([0; 16]);
        fits((UnixTime(this.0), this.1), &Use { time: UnixTime(other.0), counter: other.1, terminal })
    }

    #[test]
    fn a_counter_fits_when_it_is_ordered_as_the_time_is() {
        for (this, other, fit) in [
            ((1000, 5), (900, 4), true),
            ((1000, 5), (900, 6), false),
            ((1000, 5), (1100, 4), false),
            ((1000, 5), (1100, 6), true),
            ((1000, 5), (1100, 5), false),
            ((1000, 5), (1000, 5), false),
            // Within the skew of two clocks there is no order.
            ((1000, 5), (970, 6), true),
            ((1000, 5), (969, 6), false),
            ((1000, 5), (1030, 4), true),
            ((1000, 5), (1031, 4), false),
            // A key that does not count says nothing; one that counts and stops does.
            ((1000, 0), (900, 0), true),
            ((1000, 0), (1000, 0), true),
            ((1000, 0), (900, 7), false),
            ((1000, 7), (1100, 0), false),
        ] {
            assert_eq!(fits_at(this, other), fit, "{this:?} {other:?}");
        }
    }
}
