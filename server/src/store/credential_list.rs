//! Lists of keys, for people and programs.

use wardkey_core::id::Hash;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;

use super::credential::Credential;
use super::page::{Page, PageRequest};
use super::query::{Db, FromRow, Row, query};
use super::value::with_prefix;
use crate::error::{Error, Result};
use crate::texts::Text;

/// A key as it stands in a list.
#[derive(Clone, Debug)]
pub struct ListedCredential {
    /// The key.
    pub key: Credential,
    /// Login name of its person.
    pub login: LoginName,
}

impl FromRow for ListedCredential {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { key: Credential::from_row(row)?, login: row.get("login")? })
    }
}

const LISTED: &str = "SELECT credential.id, person, credential_id, public_key, rp_id, aaguid, \
    flags, cred_protect, credential.status, label, enrolled, counter, last_used, last_terminal, \
    clone_suspected, suspicion_cleared, credential.disabled, min_pin_length, own_name, \
    person.login \
    FROM credential JOIN person ON person.id = credential.person ";

/// Keys of everybody, oldest first, deleted ones too; searched in login name and label, and by the
/// first digits of the fingerprint.
///
/// # Errors
/// [`Error::Refused`] when `after` is of no page.
pub async fn page(db: &mut Db, request: &PageRequest) -> Result<Page<ListedCredential>> {
    let (low, high) =
        request.search.as_deref().and_then(|text| with_prefix(text, Hash::LEN)).unzip();
    let rows = query(LISTED)
        .then(
            "WHERE credential.id > $1
                 AND (CAST($2 AS TEXT) IS NULL OR lower(person.login) LIKE $2 ESCAPE '\\'
                     OR lower(label) LIKE $2 ESCAPE '\\' OR fingerprint BETWEEN $3 AND $4)",
        )
        .bind(request.after_number(0)?)
        .bind(request.pattern())
        .bind(low)
        .bind(high)
        .bind(request.rows())
        .within(
            request.within.as_ref(),
            " AND EXISTS (SELECT 1 FROM person_scope
                 WHERE person_scope.person = credential.person AND person_scope.scope IN ",
        )
        .then(" ORDER BY credential.id LIMIT $5")
        .all(db)
        .await?;
    Ok(Page::new(rows, request, |listed: &ListedCredential| listed.key.row.to_string()))
}

/// Keys that were switched off or deleted since a moment and still are, the last one first;
/// searched as [`page`].
///
/// # Errors
/// As [`page`].
pub async fn page_of_disabled(
    db: &mut Db,
    since: UnixTime,
    request: &PageRequest,
) -> Result<Page<ListedCredential>> {
    let (disabled, id) = place(request)?;
    let (low, high) =
        request.search.as_deref().and_then(|text| with_prefix(text, Hash::LEN)).unzip();
    let rows = query(LISTED)
        .then(
            "WHERE credential.disabled >= $1
                 AND (credential.disabled, credential.id) < ($2, $3)
                 AND (CAST($4 AS TEXT) IS NULL OR lower(person.login) LIKE $4 ESCAPE '\\'
                     OR lower(label) LIKE $4 ESCAPE '\\' OR fingerprint BETWEEN $5 AND $6)",
        )
        .bind(since)
        .bind(disabled)
        .bind(id)
        .bind(request.pattern())
        .bind(low)
        .bind(high)
        .bind(request.rows())
        .within(
            request.within.as_ref(),
            " AND EXISTS (SELECT 1 FROM person_scope
                 WHERE person_scope.person = credential.person AND person_scope.scope IN ",
        )
        .then(" ORDER BY credential.disabled DESC, credential.id DESC LIMIT $7")
        .all(db)
        .await?;
    Ok(Page::new(rows, request, |listed: &ListedCredential| {
        format!("{}.{}", listed.key.disabled.unwrap_or_default().0, listed.key.row)
    }))
}

/// When the key before was switched off, and its row.
fn place(request: &PageRequest) -> Result<(i64, i64)> {
    let Some(after) = &request.after else { return Ok((i64::MAX, i64::MAX)) };
    let parts =
        after.split_once('.').and_then(|(time, row)| Some((time.parse().ok()?, row.parse().ok()?)));
    parts.ok_or_else(|| Error::invalid(Text::NoSuchPage))
}
