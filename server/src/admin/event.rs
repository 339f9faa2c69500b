//! Events of terminals.

use jiff::tz::TimeZone;
use wardkey_core::name::LoginName;

use super::Listing;
use crate::error::{Error, Result};
use crate::store::event::{self, Filter, Listed};
use crate::store::{PageRequest, Tx, terminal};
use crate::when::When;

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
}

/// Events, newest first; days are those of the zone.
pub async fn list(tx: &mut Tx, wanted: Wanted<'_>, zone: &TimeZone, request: &PageRequest) -> Result<Listing<Listed>> {
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
    };
    let page = event::page(tx, &filter, request).await?;
    Ok(Listing::new(page, |event| event))
}
