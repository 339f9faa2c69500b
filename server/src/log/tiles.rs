//! Proofs from the hashes that are stored.

use std::collections::BTreeMap;

use wardkey_tlog::{Hash, Level, WIDTH, proof};

use crate::error::{Error, Result};
use crate::store::Db;
use crate::store::log as stored;

/// What is proved of the tree of a size.
#[derive(Clone, Copy, Debug)]
pub enum Claim {
    /// The entry at this place is in it.
    Has(u64),
    /// It goes on from the tree of this size.
    GoesOnFrom(u64),
}

/// The hashes of a proof; none of what is not so.
///
/// # Errors
/// [`Error::Damaged`] when hashes are missing; [`Error::Store`].
pub async fn prove(db: &mut Db, claim: Claim, size: u64) -> Result<Option<Vec<Hash>>> {
    let width = u64::from(WIDTH);
    let mut tiles: BTreeMap<(Level, u64), Vec<Hash>> = BTreeMap::new();
    // Tried until every tile that it needs is there: one or two of each level.
    loop {
        let mut read = |level: Level, at: u64| {
            let tile = (level, at / width);
            let row = tiles.get(&tile).ok_or(tile)?;
            let at = usize::try_from(at % width).map_err(|_| tile)?;
            row.get(at).copied().ok_or(tile)
        };
        let proof = match claim {
            Claim::Has(place) => proof::inclusion(place, size, &mut read),
            Claim::GoesOnFrom(before) => proof::consistency(before, size, &mut read),
        };
        match proof {
            Ok(proof) => return Ok(proof),
            Err(tile) if tiles.contains_key(&tile) => {
                return Err(Error::damaged("the log of records"));
            }
            Err((level, index)) => {
                let first = index.saturating_mul(width);
                let row = stored::hashes(db, level, first, WIDTH).await?;
                tiles.insert((level, index), row);
            }
        }
    }
}
