//! Archives of the log, and acts of pruning.

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::id::Hash as Sha256;
use wardkey_core::time::UnixTime;
use wardkey_tlog::Hash;

use super::page::{Page, PageRequest};
use super::query::{Db, FromRow, Only, Row, query};
use crate::error::Result;

/// An archive.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Archive {
    /// Its number.
    pub number: i64,
    /// The place of its first record in the log.
    pub first: u64,
    /// The size of its checkpoint: places up to that are in it.
    pub size: u64,
    /// The root of the log of that size, in base64.
    pub root: String,
    /// The log's name then.
    pub origin: String,
    /// When it was made, seconds since 1970.
    pub made: u64,
    /// SHA-256 of the file, hexadecimal digits.
    pub sha256: String,
    /// Length of the file.
    pub bytes: u64,
    /// Where it was written.
    pub path: String,
    /// How many of its records were pruned from the database.
    pub pruned: u64,
}

impl FromRow for Archive {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            first: row.get("first")?,
            size: row.get("size")?,
            root: Hash::new(row.get("root")?).to_string(),
            origin: row.get("origin")?,
            made: row.get::<UnixTime>("made")?.0,
            sha256: row.get::<Sha256>("sha256")?.to_hex(),
            bytes: row.get("bytes")?,
            path: row.get("path")?,
            pruned: row.get("pruned")?,
        })
    }
}

const SELECT: &str = "SELECT number, first, size, root, origin, made, sha256, bytes, path,
         (SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM log_prune
          WHERE log_prune.archive = log_archive.number) AS pruned
     FROM log_archive ";

/// What is kept of a new archive.
#[derive(Clone, Debug)]
pub struct NewArchive<'a> {
    /// The place of its first record.
    pub first: u64,
    /// The size of its checkpoint.
    pub size: u64,
    /// The root at that size.
    pub root: Hash,
    /// The log's name.
    pub origin: &'a str,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// Its length.
    pub bytes: u64,
    /// Where it is.
    pub path: &'a str,
    /// Whether it was made from this database: else records were pruned by it, and no more is known
    /// of what came before it.
    pub is_own: bool,
}

/// Archives, the newest first; searched in their paths.
pub async fn page(db: &mut Db, request: &PageRequest) -> Result<Page<Archive>> {
    let rows = query(SELECT)
        .then(
            "WHERE number < $1 AND (CAST($2 AS TEXT) IS NULL OR lower(path) LIKE $2 ESCAPE '\\')
         ORDER BY number DESC LIMIT $3",
        )
        .bind(request.after_number(i64::MAX)?)
        .bind(request.pattern())
        .bind(request.rows())
        .all(db)
        .await?;
    Ok(Page::new(rows, request, |archive: &Archive| archive.number.to_string()))
}

/// The archive of this number.
pub async fn find(db: &mut Db, number: i64) -> Result<Option<Archive>> {
    query(SELECT).then("WHERE number = $1").bind(number).optional(db).await
}

/// The archive with these bytes.
pub async fn of_file(db: &mut Db, sha256: &Sha256) -> Result<Option<Archive>> {
    query(SELECT).then("WHERE sha256 = $1").bind(sha256).optional(db).await
}

/// Up to where records are in an archive: to the end of those that were made from this database,
/// and on in those that records were pruned by, as far as these go on from there. They were made
/// before a backup was restored.
pub async fn end(db: &mut Db) -> Result<u64> {
    let own = query("SELECT size FROM log_archive WHERE own = 1 ORDER BY size DESC LIMIT 1");
    let mut end = own.optional(db).await?.map_or(0, |Only(size)| size);
    loop {
        let next = query(
            "SELECT size FROM log_archive WHERE own = 0 AND first <= $1 AND size > $1
             ORDER BY size DESC LIMIT 1",
        );
        match next.bind(end).optional(db).await? {
            Some(Only(size)) => end = size,
            None => return Ok(end),
        }
    }
}

/// When the last one was made from this database.
pub async fn last_made(db: &mut Db) -> Result<Option<UnixTime>> {
    let last = query("SELECT made FROM log_archive WHERE own = 1 ORDER BY number DESC LIMIT 1");
    Ok(last.optional(db).await?.map(|Only(made)| made))
}

/// Adds an archive; its number.
pub async fn add(db: &mut Db, new: &NewArchive<'_>, made: UnixTime) -> Result<i64> {
    let Only(number) = query(
        "INSERT INTO log_archive (first, size, root, origin, made, sha256, bytes, path, own)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING number",
    )
    .bind(new.first)
    .bind(new.size)
    .bind(new.root.as_bytes())
    .bind(new.origin)
    .bind(made)
    .bind(&new.sha256)
    .bind(new.bytes)
    .bind(new.path)
    .bind(i64::from(new.is_own))
    .one(db)
    .await?;
    Ok(number)
}

/// An act of pruning, as it is stored: nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAct {
    /// Its number.
    pub number: u64,
    /// SHA-256 of its archive.
    pub archive: Sha256,
    /// How many records it pruned.
    pub records: u64,
    /// The signed document.
    pub signed: Vec<u8>,
}

impl FromRow for StoredAct {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            archive: row.get("sha256")?,
            records: row.get("records")?,
            signed: row.get("signed")?,
        })
    }
}

/// All acts of pruning, by number.
pub async fn acts(db: &mut Db) -> Result<Vec<StoredAct>> {
    query(
        "SELECT log_prune.number, log_archive.sha256, log_prune.records, log_prune.signed
         FROM log_prune JOIN log_archive ON log_archive.number = log_prune.archive
         ORDER BY log_prune.number LIMIT 65536",
    )
    .all(db)
    .await
}

/// Those of which the trail does not say yet how many records they pruned.
pub async fn untold(db: &mut Db) -> Result<Vec<StoredAct>> {
    query(
        "SELECT log_prune.number, log_archive.sha256, log_prune.records, log_prune.signed
         FROM log_prune JOIN log_archive ON log_archive.number = log_prune.archive
         WHERE log_prune.told = 0 ORDER BY log_prune.number LIMIT 1000",
    )
    .all(db)
    .await
}

/// The trail says how many records an act pruned.
pub async fn tell(db: &mut Db, act: u64) -> Result<()> {
    query("UPDATE log_prune SET told = 1 WHERE number = $1").bind(act).execute(db).await?;
    Ok(())
}

/// Begins an act of pruning, which has pruned nothing and which nobody has signed; its number.
pub async fn begin(db: &mut Db, archive: i64) -> Result<u64> {
    let nothing: &[u8] = &[];
    let begun = query(
        "INSERT INTO log_prune (archive, records, signed) VALUES ($1, 0, $2) RETURNING number",
    );
    let Only(number) = begun.bind(archive).bind(nothing).one(db).await?;
    Ok(number)
}

/// Keeps an act, with how many records it has pruned by now.
pub async fn put_act(db: &mut Db, act: u64, records: u64, signed: &[u8]) -> Result<()> {
    query("UPDATE log_prune SET records = $2, signed = $3 WHERE number = $1")
        .bind(act)
        .bind(records)
        .bind(signed)
        .execute(db)
        .await?;
    Ok(())
}

/// The archive that has what an act pruned.
pub async fn of_act(db: &mut Db, act: u64) -> Result<Option<Archive>> {
    query(SELECT)
        .then("WHERE number = (SELECT archive FROM log_prune WHERE number = $1)")
        .bind(act)
        .optional(db)
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::new_store;

    async fn put(db: &mut Db, (first, size): (u64, u64), is_own: bool, made: u64) {
        let sha256 = Sha256::of(&made.to_be_bytes());
        let (root, origin, path) = (Hash::of_nothing(), "log", "a.wka");
        let new = NewArchive { first, size, root, origin, sha256, bytes: 1, path, is_own };
        add(db, &new, UnixTime(made)).await.unwrap();
    }

    #[tokio::test]
    async fn an_archive_that_records_were_pruned_by_leads_back_behind_none_and_is_no_new_one() {
        let (_home, store) = new_store().await;
        let mut tx = store.write().await.unwrap();
        assert_eq!((end(&mut tx).await.unwrap(), last_made(&mut tx).await.unwrap()), (0, None));
        put(&mut tx, (0, 300), true, 10).await;
        put(&mut tx, (300, 700), true, 20).await;
        put(&mut tx, (0, 200), false, 30).await;
        let last = Some(UnixTime(20));
        assert_eq!((end(&mut tx).await.unwrap(), last_made(&mut tx).await.unwrap()), (700, last));
        // It goes on from there, or what lies between them is in none.
        put(&mut tx, (900, 950), false, 40).await;
        assert_eq!(end(&mut tx).await.unwrap(), 700);
        put(&mut tx, (700, 800), false, 50).await;
        assert_eq!(end(&mut tx).await.unwrap(), 800);
        put(&mut tx, (600, 900), false, 60).await;
        assert_eq!((end(&mut tx).await.unwrap(), last_made(&mut tx).await.unwrap()), (950, last));
        let sql = "UPDATE log_archive SET path = 'b.wka' WHERE number = 1";
        assert!(query(sql).execute(&mut tx).await.is_err());
    }

    #[tokio::test]
    async fn an_act_only_grows() {
        let (_home, store) = new_store().await;
        let mut tx = store.write().await.unwrap();
        put(&mut tx, (0, 300), true, 10).await;
        let act = begin(&mut tx, 1).await.unwrap();
        put_act(&mut tx, act, 5, b"signed").await.unwrap();
        assert_eq!(untold(&mut tx).await.unwrap(), acts(&mut tx).await.unwrap());
        tell(&mut tx, act).await.unwrap();
        assert!(untold(&mut tx).await.unwrap().is_empty());
        assert_eq!(find(&mut tx, 1).await.unwrap().unwrap().pruned, 5);
        assert!(put_act(&mut tx, act, 4, b"signed").await.is_err());
    }
}
