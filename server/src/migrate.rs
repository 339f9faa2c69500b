//! Moving a deployment from SQLite to PostgreSQL, while no server runs.
//!
//! ```text
//!   the file, alone ──> copied and compared ──> committed there  "arriving": nobody serves from it
//!                                          ──> committed here   "moved": nobody serves from it
//!                                          ──> committed there   it is the deployment
//! ```
//! What is killed before the first commit has left nothing. Between the first and the second one
//! the file is the deployment still, and what is there is emptied and copied anew; after the second
//! one what is there is all of it, and only says so, or is copied again where it was lost or is not
//! that. In each case the same command does it. Before it is served from there, the file says that
//! there is no way back: from then on what is in it is old, and is copied no more.

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
/// [`Code::StoreMoved`] when it is somewhere else already; [`Code::MoveTarget`],
/// [`Code::MoveFailed`], [`Code::MoveDiffers`]; those of the databases. The deployment is where it
/// was then.
pub async fn migrate(
    config: &Config,
    asked: &Asked<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Moved> {
    // Before anything of the file is looked at: it is as it was when nobody answers there.
    let opened = match Store::open_to_fill(&config.store, asked.to).await {
        Err(error) if error.code() != Code::MoveTarget => return Err(error),
        opened => opened,
    };
    let from = Store::open_to_move(&config.store).await?;
    let done = between(&from, opened, asked, progress).await;
    from.close().await;
    done
}

/// What a file says of the moves before.
struct Said {
    /// Its deployment is about to be there, and its trail has the row that says so.
    told: bool,
    /// Whoever is served is served from there.
    settled: bool,
}

async fn between(
    from: &Store,
    opened: Result<Store>,
    asked: &Asked<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Moved> {
    let mut reading = from.read().await?;
    let moved = moving::moved_to(&mut reading).await?;
    let settled = moving::is_settled(&mut reading).await?;
    drop(reading);
    let said = Said { told: moved.as_deref() == Some(&asked.to.to_string()), settled };
    if let Some(elsewhere) = moved.filter(|_| settled && !said.told) {
        return Err(moved_already(&elsewhere));
    }

    // What is there is the deployment by now: nobody is told to take an empty one.
    let to = opened.map_err(|error| if settled { already(asked) } else { error })?;
    let done = through(from, &to, asked, &said, progress).await;
    to.close().await;
    done
}

async fn through(
    from: &Store,
    to: &Store,
    asked: &Asked<'_>,
    said: &Said,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Moved> {
    if said.settled && is_done(from, to).await? {
        return Ok(Moved { tables: vec![], rows: 0 });
    }
    let mut tables = vec![];
    // Until there is no way back nobody was served from there: it is what the file says, or it is
    // filled anew.
    let is_there = said.settled || said.told && is_whole(from, to).await?;
    if !is_there {
        tables = arrive(from, to, asked, said.told, progress).await?;
    }
    leave(from, to, asked, said, &tables).await?;
    Ok(Moved { rows: rows(&tables), tables })
}

/// Whether it is served from there already.
async fn is_done(from: &Store, to: &Store) -> Result<bool> {
    let (mut here, mut there) = (from.read().await?, to.read().await?);
    Ok(!moving::is_arriving(&mut there).await? && moving::went_on(&mut here, &mut there).await?)
}

/// Whether all of what is here has arrived, and nothing else.
async fn is_whole(from: &Store, to: &Store) -> Result<bool> {
    let (mut here, mut there) = (from.read().await?, to.read().await?);
    are_alike(&mut here, &mut there).await
}

async fn are_alike(here: &mut Db, there: &mut Db) -> Result<bool> {
    Ok(moving::is_arriving(there).await? && audit::last(there).await? == audit::last(here).await?)
}

fn rows(tables: &[Copied]) -> u64 {
    tables.iter().map(|table| table.rows).sum()
}

fn already(asked: &Asked<'_>) -> Error {
    moved_already(&asked.to.to_string())
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
    is_told: bool,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Copied>> {
    let mut reading = from.read().await?;
    let mut writing = to.write().await?;
    moving::keep_servers_out(&mut writing, asked.to).await?;
    let tables = moving::copy(&mut reading, (&mut *writing, asked.to), progress).await?;

    let last = audit::last(&mut reading).await?;
    let last = last.ok_or_else(|| Error::damaged(PhraseError(Text::TrailEmpty.into())))?;
    // Its row came along where the file has it already.
    if !is_told {
        record(&mut writing, asked, &tables).await?;
    }
    moving::mark_arriving(&mut writing, &last).await?;
    writing.commit().await?;
    Ok(tables)
}

/// From here on nobody serves from the file, and then it is served from PostgreSQL. The file says
/// before that there is no way back: what was served from there is never copied again. Both are
/// compared before either of them says anything.
async fn leave(
    from: &Store,
    to: &Store,
    asked: &Asked<'_>,
    said: &Said,
    tables: &[Copied],
) -> Result<()> {
    let mut arrived = to.write().await?;
    moving::keep_servers_out(&mut arrived, asked.to).await?;
    let mut tx = from.write().await?;
    if !said.told {
        record(&mut tx, asked, tables).await?;
    }
    // What is there can be of another move, or be in use for long.
    if !are_alike(&mut tx, &mut arrived).await? {
        return Err(already(asked));
    }
    moving::mark_moved(&mut tx, asked.to).await?;
    tx.commit().await?;

    let mut tx = from.write().await?;
    moving::mark_settled(&mut tx).await?;
    tx.commit().await?;

    moving::mark_arrived(&mut arrived).await?;
    Ok(arrived.commit().await?)
}

#[cfg(test)]
mod tests;
