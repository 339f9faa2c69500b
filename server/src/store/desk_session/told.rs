//! What records tell of a session.

use wardkey_core::code::Code;
use wardkey_core::id::TerminalId;
use wardkey_core::message::session::MAX_SESSIONS;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;

use super::screen::Screen;
use crate::error::Result;
use crate::store::query::{Db, Only, query};

/// Sessions that have ended of which a terminal's later records are known for old ones.
const ENDED: i64 = 256;
/// Seconds for which they are.
const ENDED_FOR: u64 = 3 * 86_400;

/// Which session.
#[derive(Clone, Copy, Debug)]
pub struct Which<'a> {
    /// Where.
    pub terminal: &'a TerminalId,
    /// The account.
    pub account: &'a LoginName,
    /// When it began.
    pub began: UnixTime,
}

/// What a record says of a session that goes on.
#[derive(Clone, Debug)]
pub struct Said<'a> {
    /// Which one.
    pub of: Which<'a>,
    /// logind's session.
    pub session: Option<&'a str>,
    /// Who is signed in.
    pub person: &'a LoginName,
    /// When this person signed in to it, if the record says so.
    pub since: Option<UnixTime>,
    /// Its screen.
    pub screen: Screen,
    /// Why it is so.
    pub reason: Option<Code>,
    /// The first digits of the key's fingerprint.
    pub key: Option<&'a str>,
    /// PAM service.
    pub service: Option<&'a str>,
    /// Terminal line.
    pub tty: Option<&'a str>,
    /// logind's seat.
    pub seat: Option<&'a str>,
    /// When the record was made.
    pub told: UnixTime,
    /// Which of the records of one second is the later one.
    pub rank: u8,
}

/// The newest record of a session that has not ended takes the place of those before it. A terminal
/// has so many sessions at most: more give way, the oldest first.
pub async fn go_on(db: &mut Db, said: &Said<'_>) -> Result<()> {
    if is_over(db, &said.of).await? {
        return Ok(());
    }
    query(
        "INSERT INTO desk_session (terminal, account, began, session, person, key, service, tty, \
            seat, since, screen, screen_since, screen_reason, told, rank)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (terminal, account, began) DO UPDATE SET
             session = coalesce(excluded.session, desk_session.session),
             since = CASE WHEN desk_session.person = excluded.person
                 THEN coalesce(desk_session.since, excluded.since) ELSE excluded.since END,
             person = excluded.person, key = excluded.key, screen = excluded.screen,
             screen_since = excluded.screen_since, screen_reason = excluded.screen_reason,
             told = excluded.told, rank = excluded.rank
         WHERE (desk_session.told, desk_session.rank) <= (excluded.told, excluded.rank)",
    )
    .bind(said.of.terminal)
    .bind(said.of.account)
    .bind(said.of.began)
    .bind(said.session)
    .bind(said.person)
    .bind(said.key)
    .bind(said.service)
    .bind(said.tty)
    .bind(said.seat)
    .bind(said.since)
    .bind(said.screen)
    .bind((said.screen != Screen::Open).then_some(said.told))
    .bind(said.reason.map(Code::number))
    .bind(said.told)
    .bind(i64::from(said.rank))
    .execute(db)
    .await?;
    query(
        "DELETE FROM desk_session WHERE terminal = $1 AND number NOT IN (
             SELECT number FROM desk_session WHERE terminal = $1 ORDER BY number DESC LIMIT $2)",
    )
    .bind(said.of.terminal)
    .bind(i64::try_from(MAX_SESSIONS).unwrap_or(i64::MAX))
    .execute(db)
    .await?;
    Ok(())
}

async fn is_over(db: &mut Db, of: &Which<'_>) -> Result<bool> {
    let found = query(
        "SELECT noted FROM desk_session_ended WHERE terminal = $1 AND account = $2 AND began = $3",
    )
    .bind(of.terminal)
    .bind(of.account)
    .bind(of.began)
    .optional::<Only<i64>>(db)
    .await?;
    Ok(found.is_some())
}

/// A session is over, whatever is heard of it later.
pub async fn end(db: &mut Db, of: &Which<'_>, now: UnixTime) -> Result<()> {
    query("DELETE FROM desk_session WHERE terminal = $1 AND account = $2 AND began = $3")
        .bind(of.terminal)
        .bind(of.account)
        .bind(of.began)
        .execute(db)
        .await?;
    query(
        "INSERT INTO desk_session_ended (terminal, account, began, noted) VALUES ($1, $2, $3, $4)
         ON CONFLICT (terminal, account, began) DO UPDATE SET noted = excluded.noted",
    )
    .bind(of.terminal)
    .bind(of.account)
    .bind(of.began)
    .bind(now)
    .execute(db)
    .await?;
    query(
        "DELETE FROM desk_session_ended WHERE terminal = $1 AND (noted < $2
             OR (account, began) NOT IN (
                 SELECT account, began FROM desk_session_ended WHERE terminal = $1
                 ORDER BY noted DESC, began DESC, account LIMIT $3))",
    )
    .bind(of.terminal)
    .bind(UnixTime(now.0.saturating_sub(ENDED_FOR)))
    .bind(ENDED)
    .execute(db)
    .await?;
    Ok(())
}

/// All of a terminal are over: it joins anew.
pub async fn end_all(db: &mut Db, terminal: &TerminalId) -> Result<()> {
    query("DELETE FROM desk_session WHERE terminal = $1").bind(terminal).execute(db).await?;
    query("DELETE FROM desk_doubt WHERE terminal = $1").bind(terminal).execute(db).await?;
    Ok(())
}

/// Records of a terminal of up to a moment were lost: what they told may be over.
pub async fn doubt(db: &mut Db, terminal: &TerminalId, time: UnixTime) -> Result<()> {
    query(
        "INSERT INTO desk_doubt (terminal, time) VALUES ($1, $2)
         ON CONFLICT (terminal) DO UPDATE SET time = excluded.time
         WHERE desk_doubt.time < excluded.time",
    )
    .bind(terminal)
    .bind(time)
    .execute(db)
    .await?;
    Ok(())
}
