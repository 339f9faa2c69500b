//! What was disabled since a backup was made, as a newer trail says, is disabled again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::name::LoginName;

use super::trails::Trails;
use crate::admin::key::{self, Which};
use crate::admin::{Operation, administrator, person, terminal};
use crate::error::{Error, Result};
use crate::store::audit::Entry;
use crate::store::authority;
use crate::store::credential::CredentialStatus;
use crate::store::person::PersonStatus;

/// What was done again, and what was not.
#[derive(Debug, Default, Serialize)]
pub struct Replayed {
    /// Rows of the newer trail.
    pub rows: usize,
    /// People who are disabled or deleted again.
    pub people: Vec<String>,
    /// Keys that are disabled or deleted again.
    pub keys: Vec<String>,
    /// Terminals that are revoked again.
    pub terminals: Vec<String>,
    /// People who have lost the role of an administrator again: it was taken away or changed.
    pub administrators: Vec<String>,
    /// Of those, what the backup does not know: it was added and disabled since.
    pub unknown: Vec<String>,
    /// Acts that changed something else, and are lost: how many of each.
    pub lost: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Person,
    Key,
    Terminal,
    Administrator,
}

/// The last word of a trail about something; the greater takes more away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    On,
    Off,
    Deleted,
}

/// Begins the names of acts that change nothing, or nothing that a restore does not void or follow
/// anyway.
const WITHOUT_LOSS: &[&str] = &[
    "address.",
    "archive.",
    "backup.",
    "ca.prepare",
    "ca.retire",
    "clock.",
    "code.",
    "epoch.",
    "event.",
    "pass.",
    "loaner.lend",
    "loaner.return",
    "loaner.end",
    "restore",
    "root-key.export",
    "session.",
    "page.",
    "token.",
    "scope.halt",
    "terminal.conflict",
    "terminal.former-ca",
    "terminal.quota",
    "terminal.token",
    "key.clone-suspected",
    "key.enroll-refused",
    "terminal.replace-refused",
    "terminal.renew",
];

fn word(action: &str) -> Option<(Kind, Word)> {
    Some(match action {
        "person.enable" => (Kind::Person, Word::On),
        "person.disable" => (Kind::Person, Word::Off),
        "person.delete" => (Kind::Person, Word::Deleted),
        "key.enable" => (Kind::Key, Word::On),
        "key.disable" => (Kind::Key, Word::Off),
        "key.delete" => (Kind::Key, Word::Deleted),
        "terminal.enable" => (Kind::Terminal, Word::On),
        "terminal.revoke" => (Kind::Terminal, Word::Off),
        // Whatever was given after that: what the backup has is the role of before.
        "administrator.set" | "administrator.remove" => (Kind::Administrator, Word::Off),
        _ => return None,
    })
}

/// Does again what the rows end with. What was enabled since stays as the backup has it: a restore
/// opens nothing.
pub async fn replay(op: &mut Operation<'_>, trails: &Trails) -> Result<Replayed> {
    let mut done = Replayed { rows: trails.rows().count(), ..Replayed::default() };
    // A role that was changed ends, and what it became is lost.
    let is_lost = |row: &&Entry| word(&row.action).is_none() || row.action == "administrator.set";
    for row in trails.rows().filter(is_lost) {
        if !WITHOUT_LOSS.iter().any(|begins| row.action.starts_with(begins)) {
            *done.lost.entry(row.action.clone()).or_default() += 1;
        }
    }
    end_exchanges_of_the_ca(op, trails).await?;
    // Of two trails the one counts that takes more away.
    let mut last: BTreeMap<(Kind, &str), Word> = BTreeMap::new();
    for (object, word) in trails.all().flat_map(last_words) {
        last.entry(object).and_modify(|before| *before = word.max(*before)).or_insert(word);
    }

    for ((kind, object), word) in last {
        if word == Word::On {
            continue;
        }
        match off(op, kind, object, word).await {
            Ok(()) => match kind {
                Kind::Person => done.people.push(object.to_owned()),
                Kind::Key => done.keys.push(object.to_owned()),
                Kind::Terminal => done.terminals.push(object.to_owned()),
                Kind::Administrator => done.administrators.push(object.to_owned()),
            },
            // Without a role in the backup nothing is to be taken away.
            Err(Error::Refused { code: Code::NotFound, .. }) if kind == Kind::Administrator => {}
            Err(Error::Refused { code: Code::NotFound, .. }) => {
                done.unknown.push(object.to_owned());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// What the certificates of a CA counted for no longer, they shall not again. One that was
/// exchanged since is of other keys, and nothing of this backup is restored over those.
async fn end_exchanges_of_the_ca(op: &mut Operation<'_>, trails: &Trails) -> Result<()> {
    let ended = trails.rows().filter(|row| row.action == "ca.retire");
    let ended: BTreeSet<&str> = ended.map(|row| row.object.as_str()).collect();
    let before = authority::before(op.tx).await?;
    if !before.is_settled() && !ended.is_empty() {
        authority::put(op.tx, &before.ended_for(&ended)?).await?;
    }
    Ok(())
}

/// What a trail says last of each thing.
fn last_words(rows: &[Entry]) -> BTreeMap<(Kind, &str), Word> {
    let mut last = BTreeMap::new();
    for row in rows {
        let Some((kind, word)) = word(&row.action) else { continue };
        let before = last.insert((kind, row.object.as_str()), word);
        // A person of the same name who was added after that is another one.
        if before == Some(Word::Deleted) {
            last.insert((kind, row.object.as_str()), Word::Deleted);
        }
    }
    last
}

async fn off(op: &mut Operation<'_>, kind: Kind, object: &str, word: Word) -> Result<()> {
    match kind {
        Kind::Person => {
            let login = LoginName::new(object).map_err(Error::damaged)?;
            let status =
                if word == Word::Deleted { PersonStatus::Deleted } else { PersonStatus::Disabled };
            person::switch(op, &login, status).await.map(drop)
        }
        Kind::Key => {
            let which = Which { fingerprint: object, of: None };
            // Deleted in the backup already: nothing is less.
            if key::show(op.tx, object).await?.key.status == CredentialStatus::Deleted.as_str() {
                return Ok(());
            }
            let status = if word == Word::Deleted {
                CredentialStatus::Deleted
            } else {
                CredentialStatus::Disabled
            };
            key::switch(op, &which, status).await.map(drop)
        }
        Kind::Terminal => terminal::disable(op, object).await.map(drop),
        Kind::Administrator => {
            let login = LoginName::new(object).map_err(Error::damaged)?;
            administrator::remove(op, &login).await.map(drop)
        }
    }
}
