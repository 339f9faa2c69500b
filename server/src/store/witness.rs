//! Terminals that witness the log: the key of each, and what it cosigned last.

use wardkey_core::code::Code;
use wardkey_core::id::TerminalId;
use wardkey_core::time::UnixTime;
use wardkey_tlog::Hash;

use super::query::{Db, FromRow, Only, Row, query};
use crate::error::{Error, Result};

/// What a terminal cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The terminal.
    pub terminal: TerminalId,
    /// Its witness key.
    pub key: [u8; 32],
    /// The log's name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The line of the note.
    pub signature: String,
    /// When it arrived.
    pub received: UnixTime,
}

impl FromRow for Cosigned {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            terminal: row.get("terminal")?,
            key: row.get("key")?,
            origin: row.get("origin")?,
            size: row.get("size")?,
            root: Hash::new(row.get("root")?),
            signature: row.get("signature")?,
            received: row.get("received")?,
        })
    }
}

/// Keeps what a terminal cosigned, in the place of what it cosigned before. Its first key counts.
///
/// # Errors
/// [`Code::WitnessKeyDiffers`]; [`Error::Store`].
pub async fn put(db: &mut Db, cosigned: &Cosigned) -> Result<()> {
    let changed = query(
        "INSERT INTO log_witness (terminal, key, origin, size, root, signature, received)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (terminal) DO UPDATE SET origin = excluded.origin, size = excluded.size,
             root = excluded.root, signature = excluded.signature, received = excluded.received
         WHERE log_witness.key = excluded.key",
    )
    .bind(&cosigned.terminal)
    .bind(&cosigned.key)
    .bind(cosigned.origin.as_str())
    .bind(cosigned.size)
    .bind(cosigned.root.as_bytes())
    .bind(cosigned.signature.as_str())
    .bind(cosigned.received)
    .execute(db)
    .await?;
    if changed == 0 {
        let message = "this terminal had another witness key before";
        return Err(Error::refused(Code::WitnessKeyDiffers, message));
    }
    Ok(())
}

/// Forgets the key of a terminal that joins: it comes with another one.
pub async fn forget(db: &mut Db, terminal: &TerminalId) -> Result<()> {
    query("DELETE FROM log_witness WHERE terminal = $1").bind(terminal).execute(db).await?;
    Ok(())
}

/// Terminals that cosigned since a time, and the least and greatest size that one of them did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// How many.
    pub count: u64,
    /// The least size.
    pub least: Option<u64>,
    /// The greatest.
    pub greatest: Option<u64>,
}

impl FromRow for Since {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            count: row.get("count")?,
            least: row.get("least")?,
            greatest: row.get("greatest")?,
        })
    }
}

/// How many cosigned this log since a time.
pub async fn since(db: &mut Db, origin: &str, time: UnixTime) -> Result<Since> {
    query(
        "SELECT COUNT(*) AS count, MIN(size) AS least, MAX(size) AS greatest FROM log_witness
         WHERE received >= $1 AND origin = $2",
    )
    .bind(time)
    .bind(origin)
    .one(db)
    .await
}

/// Whether any terminal witnesses the log, by whatever name it had.
pub async fn is_any(db: &mut Db) -> Result<bool> {
    let any = query("SELECT size FROM log_witness ORDER BY received LIMIT 1");
    Ok(any.optional::<Only<u64>>(db).await?.is_some())
}

/// The greatest size of this log that a terminal cosigned.
pub async fn greatest(db: &mut Db, origin: &str) -> Result<Option<u64>> {
    let size = query("SELECT size FROM log_witness WHERE origin = $1 ORDER BY size DESC LIMIT 1")
        .bind(origin)
        .optional(db)
        .await?;
    Ok(size.map(|Only(size)| size))
}

/// The newest cosignatures of a log at a size.
pub async fn at(db: &mut Db, origin: &str, size: u64, most: u64) -> Result<Vec<Cosigned>> {
    query(
        "SELECT terminal, key, origin, size, root, signature, received FROM log_witness
         WHERE origin = $1 AND size = $2 ORDER BY received DESC, terminal LIMIT $3",
    )
    .bind(origin)
    .bind(size)
    .bind(most)
    .all(db)
    .await
}
