//! Copies of a key give themselves away by the signature counter: it counts up on one key.

use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::store::number::to_i64;
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
        Ok(Self {
            time: row.get("time")?,
            counter: row.get("counter")?,
            terminal: row.get("terminal")?,
        })
    }
}

/// A use of the same key that does not fit this one: earlier with a counter as great, or later with
/// one as small. Counters that are all zero say nothing.
///
/// Only neighbours are read. As long as all uses before fit each other, what does not fit this one
/// is within the skew of the last use before it or of the first after it; when some did not fit,
/// which was found when they came, the next counters above and below show more of the same. Uses up
/// to the event `cleared` are known to be the key's own.
pub async fn counter_conflict(
    db: &mut Db,
    (credential, cleared): (i64, Option<u64>),
    (time, counter): (UnixTime, u32),
) -> Result<Option<String>> {
    // The sign keeps the index of the other column.
    let found = query(
        "SELECT time, counter, terminal FROM (
             SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND counter = $2
                     AND +seq > $6
                 LIMIT 1) AS same
             UNION ALL SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND time < $3 AND +seq > $6
                     AND time >= (
                     SELECT max(time) FROM event WHERE credential = $1 AND counter IS NOT NULL AND \
                     time < $3 AND +seq > $6) - $5
                 ORDER BY +counter DESC LIMIT 1) AS before
             UNION ALL SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND time > $4 AND +seq > $6
                     AND time <= (
                     SELECT min(time) FROM event WHERE credential = $1 AND counter IS NOT NULL AND \
                     time > $4 AND +seq > $6) + $5
                 ORDER BY +counter LIMIT 1) AS after
             UNION ALL SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND counter > $2
                     AND +seq > $6
                 ORDER BY counter, time LIMIT 1) AS above
             UNION ALL SELECT * FROM (SELECT time, counter, terminal FROM event
                 WHERE credential = $1 AND counter IS NOT NULL AND counter < $2
                     AND +seq > $6
                 ORDER BY counter DESC, time DESC LIMIT 1) AS below
         ) AS neighbour",
    )
    .bind(credential)
    .bind(counter)
    // Below zero in the first seconds of 1970, so that nothing is before.
    .bind(to_i64(time.0).saturating_sub(to_i64(SKEW)))
    .bind(time.plus(SKEW))
    .bind(SKEW)
    .bind(cleared.unwrap_or(0))
    .all::<Use>(db)
    .await?;
    let conflict = found.into_iter().find(|other| !fits((time, counter), other));
    Ok(conflict.map(|Use { time: other_time, counter: other, terminal }| {
        format!(
            "counter {counter} at {}, but {other} at {} on terminal {terminal}",
            time.0, other_time.0
        )
    }))
}

/// Whether two uses can be of one key.
fn fits((time, counter): (UnixTime, u32), other: &Use) -> bool {
    if counter == 0 && other.counter == 0 {
        return true;
    }
    let is_earlier = other.time.plus(SKEW) < time;
    let is_later = other.time > time.plus(SKEW);
    other.counter != counter
        && !(is_earlier && other.counter > counter)
        && !(is_later && other.counter < counter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits_at(this: (u64, u32), other: (u64, u32)) -> bool {
        let terminal = TerminalId::new([0; 16]);
        fits(
            (UnixTime(this.0), this.1),
            &Use { time: UnixTime(other.0), counter: other.1, terminal },
        )
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

    /// Numbers that look random and are the same each time.
    fn next(state: &mut u64, below: u64) -> u64 {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }

    /// The uses of one key come in any order: the first one that does not fit any use before is
    /// found.
    #[tokio::test]
    async fn neighbours_show_the_first_use_that_does_not_fit_the_whole_history() {
        let (_home, store) = crate::store::lists::filled().await;
        let mut state = 7;
        let (mut found, mut clean) = (0, 0);
        for _ in 0..400 {
            let mut tx = store.write().await.unwrap();
            let mut history: Vec<(u64, u32)> = Vec::new();
            let rises = next(&mut state, 2) == 0;
            for number in 0..12 {
                // Half of the keys count nearly as time goes; clocks are off by up to 40 s.
                let time = 1000 + next(&mut state, 400);
                let near = (time - 1000) / 25 + next(&mut state, 3);
                let counter = if rises { near } else { next(&mut state, 12) } as u32;
                let whole = history.iter().any(|other| !fits_at((time, counter), *other));
                let shown =
                    counter_conflict(&mut tx, (1, None), (UnixTime(time), counter)).await.unwrap();
                assert_eq!(shown.is_some(), whole, "{time} {counter} in {history:?}");
                if whole {
                    found += 1;
                    break;
                }
                history.push((time, counter));
                query(
                    "INSERT INTO event (id, received, time, terminal, name, outcome, credential, \
                    counter, verdict, document)
                       VALUES ($1, 0, $2, $3, 'login', 'success', 1, $4, 'valid', $3)",
                )
                .bind(&[number + 100u8; 16])
                .bind(time)
                .bind(&TerminalId::new([0; 16]))
                .bind(counter)
                .execute(&mut tx)
                .await
                .unwrap();
                clean += 1;
            }
            // Not committed: the next key begins anew.
        }
        assert!(found > 200 && clean > 400, "{found} {clean}");
    }
}
