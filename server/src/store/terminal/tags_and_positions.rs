//! What stands beside the row of a terminal: tags and positions.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::document::Position;
use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;

use super::tag::Tag;
use crate::error::Result;
use crate::store::query::{Db, FromRow, LISTED_AT_ONCE, Row, query};

struct TagOf {
    terminal: TerminalId,
    name: Tag,
}

impl FromRow for TagOf {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { terminal: row.get("terminal")?, name: row.get("name")? })
    }
}

/// The tags of terminals; one that has none is left out.
pub async fn tags_of(
    db: &mut Db,
    ids: &[TerminalId],
) -> Result<BTreeMap<TerminalId, BTreeSet<Tag>>> {
    let mut tags = BTreeMap::<_, BTreeSet<_>>::new();
    for part in ids.chunks(LISTED_AT_ONCE) {
        let rows = query("SELECT terminal, name FROM terminal_tag WHERE terminal IN ")
            .list(part)
            .all::<TagOf>(db)
            .await?;
        for row in rows {
            tags.entry(row.terminal).or_default().insert(row.name);
        }
    }
    Ok(tags)
}

/// A scope of a terminal: what is published, and what the terminal says that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The scope.
    pub scope: ScopeName,
    /// Where the scope is.
    pub published: Position,
    /// Where the terminal says that it is; none before it has said it.
    pub has: Option<Position>,
}

impl Behind {
    /// How many positions it is behind; none when that cannot be counted: it has said nothing, or
    /// has another epoch.
    pub fn count(&self) -> Option<u64> {
        let has = self.has.filter(|has| has.epoch == self.published.epoch)?;
        Some(self.published.seq.saturating_sub(has.seq))
    }
}

struct PositionOf {
    terminal: TerminalId,
    behind: Behind,
}

impl FromRow for PositionOf {
    fn from_row(row: &Row) -> Result<Self> {
        let (epoch, seq): (Option<u64>, Option<u64>) = (row.get("has_epoch")?, row.get("has_seq")?);
        let behind = Behind {
            scope: row.get("name")?,
            published: Position { epoch: row.get("epoch")?, seq: row.get("seq")? },
            has: epoch.zip(seq).map(|(epoch, seq)| Position { epoch, seq }),
        };
        Ok(Self { terminal: row.get("terminal")?, behind })
    }
}

/// The scopes of terminals with both positions, by name.
pub async fn positions_of(
    db: &mut Db,
    ids: &[TerminalId],
) -> Result<BTreeMap<TerminalId, Vec<Behind>>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for part in ids.chunks(LISTED_AT_ONCE) {
        let rows = query(
            "SELECT terminal_scope.terminal, scope.name, scope.epoch, scope.seq,
                 terminal_position.epoch AS has_epoch, terminal_position.seq AS has_seq
             FROM terminal_scope
             JOIN scope ON scope.name = terminal_scope.scope
             LEFT JOIN terminal_position
                 ON terminal_position.terminal = terminal_scope.terminal
                 AND terminal_position.scope = terminal_scope.scope
             WHERE terminal_scope.terminal IN ",
        )
        .list(part)
        .all::<PositionOf>(db)
        .await?;
        for row in rows {
            all.entry(row.terminal).or_default().push(row.behind);
        }
    }
    for scopes in all.values_mut() {
        scopes.sort_by(|a, b| a.scope.cmp(&b.scope));
    }
    Ok(all)
}
