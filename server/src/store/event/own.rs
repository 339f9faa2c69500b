//! Logins of one person alone, for that person.

use wardkey_core::codec;
use wardkey_core::event::Event;
use wardkey_core::id::Hash;
use wardkey_core::name::LoginName;

use crate::error::{Error, Result};
use crate::store::query::{Db, FromRow, Row, query};

/// A login, or one that was refused.
#[derive(Clone, Debug)]
pub struct OwnLogin {
    /// Order of arrival.
    pub seq: i64,
    /// When it happened.
    pub time: i64,
    /// Name of the terminal.
    pub terminal: String,
    /// `login`, ...
    pub event: String,
    /// How it ended.
    pub outcome: String,
    /// Stable code of the reason.
    pub reason: Option<String>,
    /// PAM service.
    pub service: Option<String>,
    /// Fingerprint of the key, as records have it.
    pub key: Option<String>,
    /// Whether the terminal gave evidence that does not hold.
    pub is_unproven: bool,
}

impl FromRow for OwnLogin {
    fn from_row(row: &Row) -> Result<Self> {
        let event: Event =
            codec::from_bytes(&row.get::<Vec<u8>>("document")?).map_err(Error::damaged)?;
        let key: Option<Hash> = row.get("fingerprint")?;
        Ok(Self {
            seq: row.get("seq")?,
            time: row.get("time")?,
            terminal: row.get("terminal_name")?,
            event: row.get("name")?,
            outcome: row.get("outcome")?,
            reason: row.get::<Option<u16>>("reason")?.map(|number| format!("WK-{number}")),
            service: row.get("service")?,
            key: key.map(|key| key.short()).or(event.key),
            is_unproven: row.get::<String>("verdict")? == "invalid",
        })
    }
}

/// Logins of a person, the newest first, after a place in the list: its time and its number.
/// Records that have the name as that of an account only are of somebody else; so are those from
/// before the person was added: a login name is given again when its person was deleted. What a
/// terminal says of the time is not enough for that.
pub async fn logins_of(
    db: &mut Db,
    login: &LoginName,
    (time, seq): (i64, i64),
    limit: u32,
) -> Result<Vec<OwnLogin>> {
    query(
        "SELECT event.seq, event.time, terminal.name AS terminal_name, event.name, event.outcome,
             event.reason, event.service, event.verdict, event.document, credential.fingerprint
         FROM event JOIN terminal ON terminal.id = event.terminal
             LEFT JOIN credential ON credential.id = event.credential
         WHERE event.person = $1 AND (event.time, event.seq) < ($2, $3)
             AND EXISTS (SELECT 1 FROM person
                 WHERE person.login = $1 AND person.status <> 'deleted'
                     AND person.created <= event.time AND person.created <= event.received)
             AND event.name IN ('login', 'pass-login', 'pass-wrong', 'break-glass-login',
                 'break-glass-wrong', 'locked-out')
         ORDER BY event.time DESC, event.seq DESC LIMIT $4",
    )
    .bind(login)
    .bind(time)
    .bind(seq)
    .bind(limit)
    .all(db)
    .await
}
