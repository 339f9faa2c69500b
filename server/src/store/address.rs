//! Where terminals are told that the server is, and the names of its certificate that follow from
//! it.

use serde::{Deserialize, Serialize};
use wardkey_core::name::ServerAddress;

use super::authority::{self, AUTHORITIES, Authorities};
use super::query::{Db, FromRow, Row, query};
use super::setting;
use crate::error::{Error, Result};
use crate::pki::canonical;

/// The name of the setting.
const ADDRESSES: &str = "addresses";

/// The addresses that terminals are told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Counts up with every change.
    pub number: u64,
    /// In the order in which they are tried.
    pub list: Vec<String>,
    /// Hosts that were told before: a terminal that was off since comes by them.
    #[serde(default)]
    pub former: Vec<String>,
    /// Hosts that an administrator took out of the certificate.
    #[serde(default)]
    pub retired: Vec<String>,
}

impl Addresses {
    /// The names and addresses of the server's certificate: its own, those that terminals are told,
    /// and those that they were told before, without the ones that were taken out.
    pub fn names(&self, own: &[String]) -> Vec<String> {
        let mut names = Vec::new();
        for host in own.iter().map(|name| canonical(name)).chain(self.hosts()).chain(self.former())
        {
            if !names.contains(&host) && !self.retired.contains(&host) {
                names.push(host);
            }
        }
        names
    }

    /// The hosts of the list.
    pub fn hosts(&self) -> impl Iterator<Item = String> {
        self.list.iter().filter_map(|address| host_of(address))
    }

    fn former(&self) -> impl Iterator<Item = String> {
        self.former.iter().cloned()
    }

    /// The same with another list. The hosts of the one before are kept, and what is told again is
    /// no longer taken out.
    #[must_use]
    pub fn told(&self, list: Vec<String>, number: u64) -> Self {
        let mut next = Self { number, list, ..self.clone() };
        self.hosts().for_each(|host| next.remember(host));
        let told: Vec<String> = next.hosts().collect();
        next.retired.retain(|retired| !told.contains(retired));
        next
    }

    /// Keeps a host in the certificate.
    pub fn remember(&mut self, host: String) {
        if !self.former.contains(&host) {
            self.former.push(host);
        }
    }

    /// The same without a host in the certificate.
    #[must_use]
    pub fn without(&self, host: &str) -> Self {
        let mut next = self.clone();
        next.former.retain(|former| former != host);
        if !next.retired.iter().any(|retired| retired == host) {
            next.retired.push(host.to_owned());
        }
        next
    }
}

/// The host of an address.
pub fn host_of(address: &str) -> Option<String> {
    ServerAddress::new(address).ok().map(|address| canonical(address.host()))
}

/// The addresses that terminals are told; none are as long as nobody has set any.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn get(db: &mut Db) -> Result<Addresses> {
    parse(setting::find(db, ADDRESSES).await?.as_deref())
}

/// Writes the addresses that terminals are told.
///
/// # Errors
/// [`Error::Store`].
pub async fn put(db: &mut Db, addresses: &Addresses) -> Result<()> {
    let text = serde_json::to_string(addresses).map_err(Error::damaged)?;
    setting::put(db, ADDRESSES, &text).await
}

/// Raises the number of the list to at least this: what terminals have is not of this list, and
/// they are told it again, also when it is empty.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn raise(db: &mut Db, at_least: u64) -> Result<()> {
    let before = get(db).await?;
    let number = before.number.saturating_add(1).max(at_least);
    put(db, &Addresses { number, ..before }).await
}

/// The version of the newest root document and the addresses that terminals are told, by one
/// statement: whoever publishes looks at both often.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn published(db: &mut Db) -> Result<(u64, Authorities, Addresses)> {
    let found: Published = query(
        "SELECT max(version) AS version,
             (SELECT value FROM setting WHERE name = $1) AS addresses,
             (SELECT value FROM setting WHERE name = $2) AS authorities FROM root",
    )
    .bind(ADDRESSES)
    .bind(AUTHORITIES)
    .one(db)
    .await?;
    let authorities = authority::parse(found.authorities.as_deref())?;
    Ok((found.version, authorities, parse(found.addresses.as_deref())?))
}

struct Published {
    version: u64,
    addresses: Option<String>,
    authorities: Option<String>,
}

impl FromRow for Published {
    fn from_row(row: &Row) -> Result<Self> {
        let version: Option<u64> = row.get("version")?;
        Ok(Self {
            version: version.unwrap_or(0),
            addresses: row.get("addresses")?,
            authorities: row.get("authorities")?,
        })
    }
}

fn parse(text: Option<&str>) -> Result<Addresses> {
    text.map_or_else(
        || Ok(Addresses::default()),
        |text| serde_json::from_str(text).map_err(Error::damaged),
    )
}

/// By which address terminals came last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameBy {
    /// The address; none of those that have not said it.
    pub address: Option<String>,
    /// How many of those that are neither revoked nor deleted.
    pub terminals: u64,
}

impl FromRow for CameBy {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { address: row.get("came_by")?, terminals: row.get("terminals")? })
    }
}

/// By which addresses terminals came last, and how many; the most first.
///
/// # Errors
/// [`Error::Store`].
pub async fn came_by(db: &mut Db) -> Result<Vec<CameBy>> {
    let mut all: Vec<CameBy> = query(
        "SELECT came_by, count(*) AS terminals
         FROM terminal WHERE status <> 'revoked' AND deleted IS NULL GROUP BY came_by",
    )
    .all(db)
    .await?;
    all.sort_by(|a, b| (b.terminals, &a.address).cmp(&(a.terminals, &b.address)));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn every_host_that_was_told_stays_in_the_certificate_until_it_is_taken_out() {
        let own = strings(&["Localhost", "127.0.0.1"]);
        let one = Addresses::default().told(strings(&["https://A.test:8443"]), 1);
        let two = one.told(strings(&["https://b.test", "https://[2001:DB8::1]:1"]), 2);
        let three = two.told(strings(&["https://b.test:9443"]), 3);
        let names = ["localhost", "127.0.0.1", "b.test", "a.test", "2001:db8::1"];
        assert_eq!(three.names(&own), names);
        // One of them, of the lists or of the beginning.
        let less = three.without("a.test").without("localhost");
        assert_eq!(less.names(&own), ["127.0.0.1", "b.test", "2001:db8::1"]);
        // Told again, it is there again, also when it is no longer told.
        let again = less.told(strings(&["https://a.test"]), 4).told(Vec::new(), 5);
        assert_eq!(again.names(&own), ["127.0.0.1", "b.test", "2001:db8::1", "a.test"]);
    }
}
