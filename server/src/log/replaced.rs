//! Keys that signed the log until they were stolen. Whoever meets what one of them signed is told
//! so: it is neither the log's now nor a stranger's, and only who held it before the theft knows
//! that the thief has not made it.

use serde::{Deserialize, Serialize};
use wardkey_core::codec::List;
use wardkey_core::document::{MAX_ROOTS, RootDocument};
use wardkey_core::id::SigningPublicKey;
use wardkey_core::log_keys::ReplacedLogKey;
use wardkey_core::time::UnixTime;

use super::sign::{origin, public};
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::store::{Db, log as stored, setting};

/// The name of the setting.
const SETTING: &str = "replaced_log_keys";

/// A key, as it is stored.
#[derive(Serialize, Deserialize)]
struct Row {
    origin: String,
    key: String,
    replaced: u64,
}

/// Notes that the key by which the log is signed under a root document is replaced as stolen.
///
/// # Errors
/// Those of the store and of the keys.
pub async fn note(
    db: &mut Db,
    keyring: &Keyring,
    root: &RootDocument,
    replaced: UnixTime,
) -> Result<()> {
    let state = stored::state(db).await?;
    let mut rows = rows(db).await?;
    rows.push(Row {
        origin: origin(db, &state).await?.to_string(),
        key: SigningPublicKey::new(*public(keyring, root)?.public()).to_hex(),
        replaced: replaced.0,
    });
    setting::put(db, SETTING, &serde_json::to_string(&rows).map_err(Error::damaged)?).await
}

/// The keys that were replaced as stolen, the oldest first.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn all(db: &mut Db) -> Result<List<ReplacedLogKey, MAX_ROOTS>> {
    let read = |row: Row| {
        let key = SigningPublicKey::from_hex(&row.key).map_err(Error::damaged)?;
        Ok(ReplacedLogKey { origin: row.origin, key, replaced: UnixTime(row.replaced) })
    };
    let keys = rows(db).await?.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    List::new(keys).map_err(Error::damaged)
}

async fn rows(db: &mut Db) -> Result<Vec<Row>> {
    match setting::find(db, SETTING).await? {
        Some(text) => serde_json::from_str(&text).map_err(Error::damaged),
        None => Ok(Vec::new()),
    }
}
