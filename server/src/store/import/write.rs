//! A plan is carried out, many rows in each statement.

use std::collections::HashMap;

use wardkey_core::codec;
use wardkey_core::time::UnixTime;

use super::plan::{Imported, Newcomer, Plan};
use crate::error::{Error, Result};
use crate::store::query::{Db, FromRow, LISTED_AT_ONCE, Row, query};
use crate::store::scope;
use crate::store::value::Value;

/// Rows of one statement, few for the reason of [`LISTED_AT_ONCE`].
const BATCH: usize = LISTED_AT_ONCE / 2;

impl Plan {
    /// Adds everyone, in the transaction in which it was planned. The caller commits, or nothing
    /// has happened.
    ///
    /// # Errors
    /// [`Error::Damaged`] also when there are problems: nobody asks for that.
    pub async fn carry_out(mut self, db: &mut Db) -> Result<Imported> {
        if !self.problems.is_empty() {
            return Err(Error::damaged("a file that is imported"));
        }
        for batch in std::mem::take(&mut self.newcomers).chunks_mut(BATCH) {
            write_people(db, batch, self.now).await?;
            write_groups(db, batch).await?;
            write_scopes(db, batch).await?;
            write_keys(db, batch).await?;
            self.publish(db, batch).await?;
        }

        for scope in &self.touched {
            let seq = self.seqs.get(scope).ok_or_else(|| Error::damaged("a scope"))?;
            scope::set_seq(db, scope, *seq).await?;
        }
        Ok(self.done)
    }

    /// Writes the published rows, each with the next sequence number of its scope.
    async fn publish(&mut self, db: &mut Db, batch: &[Newcomer]) -> Result<()> {
        let mut rows: Vec<[Value; 4]> = Vec::with_capacity(batch.len());
        for new in batch {
            let keys = new.keys.iter().map(|(key, _)| key.clone()).collect();
            let record = codec::to_bytes(&new.person.record(new.groups.clone(), keys)?);
            for scope in &new.scopes {
                let seq = self.seqs.get_mut(scope).ok_or_else(|| Error::damaged("a scope"))?;
                *seq += 1;
                self.touched.insert(scope.clone());
                rows.push([
                    scope.into(),
                    (&new.person.login).into(),
                    (*seq).into(),
                    record.clone().into(),
                ]);
            }
        }

        while !rows.is_empty() {
            let next = rows.split_off(rows.len().min(BATCH));
            query("INSERT INTO state (scope, login, seq, record) VALUES ")
                .rows(std::mem::replace(&mut rows, next))
                // A tombstone of someone who was there before gives way.
                .then(
                    " ON CONFLICT (scope, login) \
                     DO UPDATE SET seq = excluded.seq, record = excluded.record",
                )
                .execute(db)
                .await?;
        }
        Ok(())
    }
}

struct Written {
    id: i64,
    login: String,
}

impl FromRow for Written {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { id: row.get("id")?, login: row.get("login")? })
    }
}

/// Writes the people and takes the rows that they were given.
async fn write_people(db: &mut Db, batch: &mut [Newcomer], now: UnixTime) -> Result<()> {
    let rows = batch.iter().map(|Newcomer { person, .. }| -> [Value; 10] {
        [
            (&person.login).into(),
            (&person.display_name).into(),
            person.language.into(),
            (&person.user_handle).into(),
            person.not_before.into(),
            person.not_after.into(),
            person.status.into(),
            now.into(),
            now.into(),
            person.latin_name.as_ref().into(),
        ]
    });
    let written = query(
        "INSERT INTO person (login, display_name, language, user_handle, not_before, not_after, \
            status, created, changed, latin_name)
         VALUES ",
    )
    .rows(rows)
    .then(" RETURNING id, login")
    .all::<Written>(db)
    .await?;

    let mut ids: HashMap<String, i64> =
        written.into_iter().map(|written| (written.login, written.id)).collect();
    for new in batch {
        new.person.id = ids
            .remove(new.person.login.as_str())
            .ok_or_else(|| Error::damaged("a person's row"))?;
    }
    Ok(())
}

async fn write_groups(db: &mut Db, batch: &[Newcomer]) -> Result<()> {
    let of = |new: &Newcomer| -> Vec<[Value; 2]> {
        new.groups.iter().map(|group| [new.person.id.into(), group.into()]).collect()
    };
    let rows: Vec<[Value; 2]> = batch.iter().flat_map(of).collect();
    for rows in rows.chunks(BATCH) {
        query("INSERT INTO person_group (person, name) VALUES ")
            .rows(rows.iter().cloned())
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn write_scopes(db: &mut Db, batch: &[Newcomer]) -> Result<()> {
    let of = |new: &Newcomer| -> Vec<[Value; 2]> {
        new.scopes.iter().map(|scope| [new.person.id.into(), scope.into()]).collect()
    };
    let rows: Vec<[Value; 2]> = batch.iter().flat_map(of).collect();
    for rows in rows.chunks(BATCH) {
        query("INSERT INTO person_scope (person, scope) VALUES ")
            .rows(rows.iter().cloned())
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn write_keys(db: &mut Db, batch: &[Newcomer]) -> Result<()> {
    let keys: Vec<_> = batch
        .iter()
        .flat_map(|new| new.keys.iter().map(move |(key, counter)| (new.person.id, key, *counter)))
        .collect();
    for keys in keys.chunks(BATCH) {
        let rows = keys.iter().map(|(person, key, counter)| -> [Value; 12] {
            [
                (*person).into(),
                (&key.id).into(),
                (&key.fingerprint()).into(),
                (&key.public_key).into(),
                (&key.rp_id).into(),
                (&key.aaguid).into(),
                key.flags.0.into(),
                key.cred_protect.into(),
                "active".into(),
                (&key.label).into(),
                key.enrolled.into(),
                (*counter).into(),
            ]
        });
        query(
            "INSERT INTO credential (person, credential_id, fingerprint, public_key, rp_id, \
                aaguid, flags,
                 cred_protect, status, label, enrolled, counter)
             VALUES ",
        )
        .rows(rows)
        .execute(db)
        .await?;
    }
    Ok(())
}
