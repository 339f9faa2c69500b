//! Events of terminals.

use wardkey_core::name::LoginName;

use crate::error::{Error, Result};
use crate::store::Tx;
use crate::store::event::{self, Filter, Listed};
use crate::store::terminal;
use crate::when::When;
use jiff::tz::TimeZone;

/// Which events are listed.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Of this person or account.
    pub person: Option<&'a LoginName>,
    /// Of this terminal (name, or beginning of the id).
    pub terminal: Option<&'a str>,
    /// `login`, ...
    pub name: Option<String>,
    /// `success` or `failure`.
    pub outcome: Option<String>,
    /// Only those whose evidence does not hold.
    pub invalid: bool,
    /// Not before this.
    pub since: Option<When>,
    /// At most so many.
    pub limit: u32,
}

/// Events, newest first; days are those of the zone.
pub async fn list(tx: &mut Tx, wanted: Wanted<'_>, zone: &TimeZone) -> Result<Vec<Listed>> {
    let since = match wanted.since {
        Some(when) => {
            let begins = when.begins(zone);
            Some(begins.ok_or_else(|| Error::Usage("--since: this time does not exist".into()))?)
        }
        None => None,
    };
    let terminal = match wanted.terminal {
        Some(name) => Some(terminal::by_name(tx, name).await?.id),
        None => None,
    };
    let filter = Filter {
        person: wanted.person.map(ToString::to_string),
        terminal,
        name: wanted.name,
        outcome: wanted.outcome,
        invalid: wanted.invalid,
        since,
        limit: wanted.limit,
    };
    event::list(tx, &filter).await
}
