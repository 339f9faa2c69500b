//! The authorities for TLS before the present one, and what their certificates still count for.
//! Which one is present stands in the newest root document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wardkey_core::codec::sha256;
use wardkey_core::id::{Hash, from_hex, to_hex};

use super::query::{Db, query};
use super::setting;
use super::terminal::WithRoot;
use crate::error::{Error, Result};
use crate::pki::clients::Standing;

/// The name of the setting.
pub(super) const AUTHORITIES: &str = "authorities";
/// Authorities that are remembered after their exchange is ended: who comes by one of them is told
/// so.
const REMEMBERED: usize = 16;

/// The authorities before the present one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorities {
    /// Those whose exchange is open (DER, hexadecimal digits), the oldest first.
    former: Vec<String>,
    /// Those whose exchange is ended.
    retired: Vec<String>,
    /// Whether one of those whose exchange is open was stolen.
    pub stolen: bool,
}

impl Authorities {
    /// The certificates (DER) of those whose exchange is open.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn former(&self) -> Result<Vec<Vec<u8>>> {
        read(&self.former)
    }

    /// The certificates (DER) of those whose exchange is ended.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn retired(&self) -> Result<Vec<Vec<u8>>> {
        read(&self.retired)
    }

    /// What the certificates of an authority count for that issued one that TLS has verified.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn standing(&self, id: &Hash) -> Result<Standing> {
        let is_in = |all: &[Vec<u8>]| all.iter().any(|one| sha256(one) == *id);
        Ok(if is_in(&self.retired()?) {
            Standing::Retired
        } else if !is_in(&self.former()?) {
            Standing::Present
        } else if self.stolen {
            Standing::Stolen
        } else {
            Standing::Former
        })
    }

    /// Whether there never was another one than the present.
    pub fn are_none(&self) -> bool {
        self.former.is_empty() && self.retired.is_empty()
    }

    /// Whether no exchange is open.
    pub fn is_settled(&self) -> bool {
        self.former.is_empty()
    }

    /// With one more whose place was taken.
    #[must_use]
    pub fn after(mut self, certificate: &[u8], stolen: bool) -> Self {
        self.former.push(to_hex(certificate));
        self.stolen |= stolen;
        self
    }

    /// With the exchange ended that a newer trail says was ended, of authorities by their ids
    /// (SHA-256 of their certificates, hexadecimal digits).
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn ended_for(self, ids: &BTreeSet<&str>) -> Result<Self> {
        let former = self.former()?;
        let are_ended = former.iter().all(|one| ids.contains(sha256(one).to_hex().as_str()));
        Ok(if are_ended { self.ended() } else { self })
    }

    /// With the exchange ended.
    #[must_use]
    pub fn ended(mut self) -> Self {
        self.retired.append(&mut self.former);
        let forgotten = self.retired.len().saturating_sub(REMEMBERED);
        self.retired.drain(..forgotten);
        self.stolen = false;
        self
    }
}

fn read(all: &[String]) -> Result<Vec<Vec<u8>>> {
    all.iter().map(|one| from_hex(one).map_err(Error::damaged)).collect()
}

/// Those before the present one.
///
/// # Errors
/// [`Error::Damaged`].
pub async fn before(db: &mut Db) -> Result<Authorities> {
    parse(setting::find(db, AUTHORITIES).await?.as_deref())
}

pub(super) fn parse(text: Option<&str>) -> Result<Authorities> {
    text.map_or_else(
        || Ok(Authorities::default()),
        |text| serde_json::from_str(text).map_err(Error::damaged),
    )
}

/// Writes them.
///
/// # Errors
/// [`Error::Store`].
pub async fn put(db: &mut Db, authorities: &Authorities) -> Result<()> {
    let text = serde_json::to_string(authorities).map_err(Error::damaged)?;
    setting::put(db, AUTHORITIES, &text).await
}

/// The authority of the certificates of which it is not on record: the only one that there ever
/// was, if there was only this one.
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn of_unknown(db: &mut Db, present: &Hash) -> Result<Option<Hash>> {
    Ok(before(db).await?.are_none().then_some(*present))
}

/// How many terminals have, and use, a certificate of an authority (SHA-256 of its certificate).
///
/// # Errors
/// [`Error::Store`], [`Error::Damaged`].
pub async fn certified_by(db: &mut Db, authority: &Hash) -> Result<WithRoot> {
    let unknown = of_unknown(db, authority).await?;
    query(
        "SELECT count(CASE WHEN COALESCE(issuer, $2) = $1 AND previous_serial IS NULL THEN 1 END)
             AS have, count(*) AS all_of_them
         FROM terminal WHERE status <> 'revoked' AND deleted IS NULL",
    )
    .bind(authority)
    .bind(unknown.as_ref())
    .one(db)
    .await
}

/// How many terminals use a certificate of another authority than this one, and cannot this.
///
/// # Errors
/// [`Error::Store`].
pub async fn unaware(db: &mut Db, authority: &Hash, capability: &str) -> Result<u64> {
    let unknown = of_unknown(db, authority).await?;
    let unaware: WithRoot = query(
        "SELECT count(CASE WHEN (COALESCE(issuer, $3) IS NULL OR COALESCE(issuer, $3) <> $1
                     OR previous_serial IS NOT NULL)
                 AND ',' || COALESCE(capabilities, '') || ',' NOT LIKE '%,' || $2 || ',%'
                 THEN 1 END) AS have,
             count(*) AS all_of_them
         FROM terminal WHERE status <> 'revoked' AND deleted IS NULL",
    )
    .bind(authority)
    .bind(capability)
    .bind(unknown.as_ref())
    .one(db)
    .await?;
    Ok(unaware.have)
}

/// How many terminals have no key on record.
///
/// # Errors
/// [`Error::Store`].
pub async fn without_key(db: &mut Db) -> Result<u64> {
    let without: WithRoot = query(
        "SELECT count(CASE WHEN key IS NULL THEN 1 END) AS have, count(*) AS all_of_them
         FROM terminal WHERE status <> 'revoked' AND deleted IS NULL",
    )
    .one(db)
    .await?;
    Ok(without.have)
}
