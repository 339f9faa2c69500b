//! What is shown of terminals.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::time::UnixTime;

use crate::admin::operation::names;
use crate::admin::reach::Reach;
use crate::fleet::Reckoned;
use crate::store::terminal::{Behind, Tag, Terminal};
use crate::texts::Phrase;

/// A terminal.
#[derive(Debug, JsonSchema, Serialize)]
pub struct TerminalView {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `pending`, `active` or `revoked`.
    pub status: &'static str,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Beginning of the hash of its machine id.
    pub machine: String,
    /// When it joined (last), Unix seconds.
    pub joined: u64,
    /// When it was revoked, Unix seconds.
    pub revoked: Option<u64>,
    /// When it was last heard of, Unix seconds.
    pub seen: Option<u64>,
    /// From where.
    pub address: Option<String>,
    /// By which address of the server; none before it has said it.
    pub came_by: Option<String>,
    /// `online`, `soft`, `degraded`, `hard` or `over`, as its last word lets expect; of active ones
    /// only.
    pub stage: Option<&'static str>,
    /// When the next stage begins if it is not heard of until then, Unix seconds; none for one that
    /// is online, and after the last stage.
    pub stage_until: Option<u64>,
    /// Positions behind what is published, in the scope where it is the furthest; none when it has
    /// not said where it is.
    pub behind: Option<u64>,
    /// When its certificate ends, Unix seconds.
    pub certificate_until: u64,
    /// The root document that it has; none before it has said so.
    pub root_version: Option<u64>,
    /// Version of its programs; none before it has said it.
    pub version: Option<String>,
    /// What they can (docs/FORMATS.md).
    pub capabilities: Vec<String>,
}

/// What else is shown of a terminal, from other tables.
#[derive(Debug)]
pub(super) struct Related<'a> {
    pub stage: Option<(Reckoned, Option<UnixTime>)>,
    pub tags: Option<&'a BTreeSet<Tag>>,
    pub positions: &'a [Behind],
}

/// A terminal, with what is related to it.
pub(super) fn view(terminal: Terminal, related: Related<'_>) -> TerminalView {
    let behind: Option<Vec<u64>> = related.positions.iter().map(Behind::count).collect();
    let capabilities = terminal.capabilities.iter().flat_map(|all| all.split(','));
    TerminalView {
        id: terminal.id.to_hex(),
        name: terminal.name.to_string(),
        status: terminal.status.as_str(),
        scopes: names(&terminal.scopes),
        tags: names(related.tags.into_iter().flatten()),
        machine: terminal.machine.short(),
        joined: terminal.joined.0,
        revoked: terminal.revoked.map(|time| time.0),
        seen: terminal.seen.map(|time| time.0),
        stage: related.stage.map(|(stage, _)| stage.as_str()),
        stage_until: related.stage.and_then(|(_, next)| next).map(|time| time.0),
        behind: behind.and_then(|counts| counts.into_iter().max()),
        certificate_until: terminal.certificate_end.0,
        root_version: terminal.root_version,
        capabilities: capabilities.filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        address: terminal.address,
        came_by: terminal.came_by,
        version: terminal.version,
    }
}

/// A terminal with its scopes.
#[derive(Debug, JsonSchema, Serialize)]
pub struct TerminalDetails {
    /// The terminal.
    #[serde(flatten)]
    pub terminal: TerminalView,
    /// Its scopes: what is published, and what it says that it has.
    pub positions: Vec<PositionView>,
}

/// A scope of a terminal.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PositionView {
    /// The scope.
    pub scope: String,
    /// Where the scope is, `epoch.seq`.
    pub published: String,
    /// Where the terminal says that it is, `epoch.seq`.
    pub has: Option<String>,
    /// How many positions it is behind; none when that cannot be counted.
    pub behind: Option<u64>,
}

impl From<&Behind> for PositionView {
    fn from(behind: &Behind) -> Self {
        Self {
            scope: behind.scope.to_string(),
            published: behind.published.to_string(),
            has: behind.has.map(|has| has.to_string()),
            behind: behind.count(),
        }
    }
}

/// A terminal that was approved, revoked or deleted.
#[derive(Debug, JsonSchema, Serialize)]
pub struct TerminalSwitched {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// Its name.
    #[serde(skip)]
    pub name: String,
    /// What it is now.
    pub status: &'static str,
    /// Whether it was anything else before.
    pub changed: bool,
    /// Who has to hear of it.
    #[serde(skip)]
    pub reach: Reach,
}

/// A terminal that was given another name, other scopes or tags.
#[derive(Debug, Serialize)]
pub struct TerminalChanged {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// Its name now.
    pub name: String,
    /// Its scopes now.
    pub scopes: Vec<String>,
    /// Its tags now.
    pub tags: Vec<String>,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Phrase>,
}
