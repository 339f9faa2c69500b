//! Moving a deployment from SQLite to PostgreSQL, while no server runs.
//!
//! ```text
//!   the file, alone ──> copied and compared ──> committed there  "arriving": nobody serves from it
//!                                          ──> committed here   "moved": nobody serves from it
//!                                          ──> committed there   it is the deployment
//! ```
//! What is killed before the first commit has left nothing. Between the first and the second one
//! the file is the deployment still, and what is there is emptied and copied anew; after the second
//! one what is there is all of it, and only says so, or is copied again where it was lost. In each
//! case the same command does it. Before it is served from there, the file says that too: from then
//! on what is in it is old, and is copied no more.

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::audit::{self, Act, Actor};
use crate::store::moving::{self, Copied, Progress};
use crate::store::{Address, Db, Store};
use crate::texts::{PhraseError, Text};

/// What is asked.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Where to.
    pub to: &'a Address,
    /// Who asks.
    pub actor: &'a Actor,
    /// When.
    pub now: UnixTime,
    /// Why.
    pub reason: Option<&'a str>,
}

/// A deployment that was moved.
#[derive(Debug, Serialize)]
pub struct Moved {
    /// What was copied; nothing when only the end of a move that was interrupted was left to do.
    pub tables: Vec<Copied>,
    /// Rows in all.
    pub rows: u64,
}

/// Moves the deployment that a configuration names. The caller keeps servers from it.
///
/// # Errors
/// [`Code::StoreMoved`] when that was done already, or to somewhere else; [`Code::MoveTarget`],
/// [`Code::MoveFailed`], [`Code::MoveDiffers`]; those of the databases. The deployment is where it
/// was then.
pub async fn migrate(
    config: &Config,
    asked: &Asked<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Moved> {
    let from = Store::open_to_move(&config.store).await?;
    let done = between(&from, asked, progress).await;
    from.close().await;
    done
}

async fn between(
    from: &Store,
    asked: &Asked<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Moved> {
    let moved = moving::moved_to(&mut *from.read().await?).await?;
    if let Some(elsewhere) = moved.as_deref().filter(|at| *at != asked.to.to_string()) {
        return Err(moved_already(elsewhere));
    }

    let to = Store::open_to_fill(from.path(), asked.to).await.map_err(|error| {
        // What is there is the deployment by now: nobody is told to take an empty one.
        match error.code() {
            Code::MoveTarget if moved.is_some() => moved_already(&asked.to.to_string()),
            _ => error,
        }
    })?;
    let done = through(from, &to, asked, moved.is_some(), progress).await;
    to.close().await;
    done
}

async fn through(
    from: &Store,
    to: &Store,
    asked: &Asked<'_>,
    is_left: bool,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Moved> {
    let mut tables = vec![];
    if !is_left || is_lost(from, to).await? {
        tables = arrive(from, to, asked, is_left, progress).await?;
    }
    if !is_left {
        leave(from, asked, &tables).await?;
    }
    settle(from, to, asked).await?;
    Ok(Moved { rows: rows(&tables), tables })
}

/// Whether nothing is there of what the file says is there, and nobody was ever served from it.
async fn is_lost(from: &Store, to: &Store) -> Result<bool> {
    let (mut here, mut there) = (from.read().await?, to.read().await?);
    Ok(!moving::is_settled(&mut here).await? && moving::is_empty(&mut here, &mut there).await?)
}

fn rows(tables: &[Copied]) -> u64 {
    tables.iter().map(|table| table.rows).sum()
}

fn moved_already(address: &str) -> Error {
    let args = vec![("address", address.into())];
    Error::refused(Code::StoreMoved, texts::phrase(Code::StoreMoved, args))
}

/// The row of the trail: the same in both databases, as it follows on the same ones.
async fn record(db: &mut Db, asked: &Asked<'_>, tables: &[Copied]) -> Result<()> {
    let (to, detail) = (asked.to.to_string(), format!("rows={}", rows(tables)));
    let act = Act::new("migrate", &to).because(asked.reason).with(&detail);
    audit::record(db, asked.now, asked.actor, act).await
}

/// Copies all of it. Nobody serves from it yet.
async fn arrive(
    from: &Store,
    to: &Store,
    asked: &Asked<'_>,
    is_left: bool,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Copied>> {
    let mut reading = from.read().await?;
    let mut writing = to.write().await?;
    let tables = moving::copy(&mut reading, (&mut *writing, asked.to), progress).await?;

    let last = audit::last(&mut reading).await?;
    let last = last.ok_or_else(|| Error::damaged(PhraseError(Text::TrailEmpty.into())))?;
    // Its row came along where the file has it already.
    if !is_left {
        record(&mut writing, asked, &tables).await?;
    }
    moving::mark_arriving(&mut writing, &last).await?;
    writing.commit().await?;
    Ok(tables)
}

/// From here on nobody serves from the file.
async fn leave(from: &Store, asked: &Asked<'_>, tables: &[Copied]) -> Result<()> {
    let mut tx = from.write().await?;
    record(&mut tx, asked, tables).await?;
    moving::mark_moved(&mut tx, asked.to).await?;
    Ok(tx.commit().await?)
}

/// From here on it is served from PostgreSQL. The file says first that there is no way back: what
/// was served from there is never copied again.
async fn settle(from: &Store, to: &Store, asked: &Asked<'_>) -> Result<()> {
    let last = audit::last(&mut *from.read().await?).await?;
    let mut arrived = to.write().await?;
    // What is there can be of another move, or be in use for long.
    if !moving::is_arriving(&mut arrived).await? || audit::last(&mut arrived).await? != last {
        return Err(moved_already(&asked.to.to_string()));
    }

    let mut tx = from.write().await?;
    moving::mark_settled(&mut tx).await?;
    tx.commit().await?;

    moving::mark_arrived(&mut arrived).await?;
    Ok(arrived.commit().await?)
}

#[cfg(test)]
mod tests;
