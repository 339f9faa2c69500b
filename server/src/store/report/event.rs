//! Events of a stretch of time, counted. What is counted is in an index: no record is read, and
//! what was before and after costs nothing.

use wardkey_core::event::EventName;
use wardkey_core::id::TerminalId;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;

use super::stretch::Stretch;
use crate::error::Result;
use crate::store::query::{Db, FromRow, LISTED_AT_ONCE, Row, query};

/// Stretches in one statement: each has a number and two ends.
const STRETCHES_AT_ONCE: usize = LISTED_AT_ONCE / 3;

/// Logins and refusals at one terminal in one of several stretches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InStretch {
    /// Which stretch, from 0.
    pub stretch: u32,
    /// Where, what and how it ended, and how often.
    pub of: Happened,
}

/// Events of one kind and outcome at one terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The terminal.
    pub terminal: TerminalId,
    /// What, as [`EventName::as_str`] says it.
    pub name: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// What verifying the evidence found: `none`, `valid`, `invalid`.
    pub verdict: String,
    /// How many.
    pub events: u64,
}

impl Happened {
    /// Whether it is this kind of event.
    pub fn is(&self, name: EventName) -> bool {
        self.name == name.as_str()
    }

    /// Whether it ended well.
    pub fn succeeded(&self) -> bool {
        self.outcome == "success"
    }

    /// Whether its evidence holds.
    pub fn is_valid(&self) -> bool {
        self.verdict == "valid"
    }
}

impl FromRow for Happened {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            terminal: row.get("terminal")?,
            name: row.get("name")?,
            outcome: row.get("outcome")?,
            verdict: row.get("verdict")?,
            events: row.get("events")?,
        })
    }
}

impl FromRow for InStretch {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { stretch: row.get("stretch")?, of: Happened::from_row(row)? })
    }
}

/// Logins and refusals, in each of these stretches. CROSS JOIN keeps the order: each stretch looks
/// into the index.
pub async fn logins_in(db: &mut Db, stretches: &[Stretch]) -> Result<Vec<InStretch>> {
    let mut found = Vec::new();
    let numbered: Vec<(u32, Stretch)> = (0u32..).zip(stretches.iter().copied()).collect();
    for part in numbered.chunks(STRETCHES_AT_ONCE) {
        let rows = part.iter().map(|&(number, (from, to))| [number.into(), from.into(), to.into()]);
        let some = query("WITH asked (stretch, begins, ends) AS (VALUES ")
            .rows(rows)
            .then(
                ") SELECT asked.stretch, event.terminal, event.name, event.outcome, event.verdict,
                     count(*) AS events
                 FROM asked CROSS JOIN event
                 WHERE event.name IN ('login', 'pass-login', 'pass-wrong', 'pass-void',
                     'break-glass-login', 'break-glass-wrong', 'break-glass-void')
                     AND event.time >= asked.begins AND event.time < asked.ends
                 GROUP BY asked.stretch, event.terminal, event.name, event.outcome, event.verdict",
            )
            .all::<InStretch>(db)
            .await?;
        found.extend(some);
    }
    Ok(found)
}

/// Logins and refusals of a stretch that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Where, what and how it ended, and how often.
    pub of: Happened,
    /// Number of the code of the reason.
    pub reason: Option<u16>,
    /// PAM service.
    pub service: Option<String>,
    /// Offline stage; none when the record does not say it.
    pub stage: Option<String>,
}

impl FromRow for Alike {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            of: Happened::from_row(row)?,
            reason: row.get("reason")?,
            service: row.get("service")?,
            stage: row.get("stage")?,
        })
    }
}

/// Logins and refusals of a stretch, by reason, service and stage.
pub async fn logins_alike(db: &mut Db, (from, to): Stretch) -> Result<Vec<Alike>> {
    query(
        "SELECT terminal, name, outcome, verdict, reason, service, stage, count(*) AS events
         FROM event
         WHERE name IN ('login', 'pass-login', 'pass-wrong', 'pass-void',
             'break-glass-login', 'break-glass-wrong', 'break-glass-void')
             AND time >= $1 AND time < $2
         GROUP BY terminal, name, outcome, verdict, reason, service, stage",
    )
    .bind(from)
    .bind(to)
    .all(db)
    .await
}

/// Events of one kind at one terminal, and when the last one was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// Where, what and how it ended, and how often.
    pub of: Happened,
    /// When it happened last.
    pub last: UnixTime,
}

impl FromRow for Last {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { of: Happened::from_row(row)?, last: row.get("last_time")? })
    }
}

/// Events of these kinds in a stretch.
pub async fn of_kinds(db: &mut Db, kinds: &[EventName], (from, to): Stretch) -> Result<Vec<Last>> {
    query(
        "SELECT terminal, name, outcome, verdict, count(*) AS events, max(time) AS last_time
         FROM event WHERE time >= $1 AND time < $2 AND name IN ",
    )
    .bind(from)
    .bind(to)
    .list(kinds.iter().map(|kind| kind.as_str()))
    .then(" GROUP BY terminal, name, outcome, verdict")
    .all(db)
    .await
}

/// Events of a stretch whose evidence does not hold.
pub async fn without_proof(db: &mut Db, (from, to): Stretch) -> Result<Vec<Last>> {
    query(
        "SELECT terminal, name, outcome, verdict, count(*) AS events, max(time) AS last_time
         FROM event WHERE verdict = 'invalid' AND time >= $1 AND time < $2
         GROUP BY terminal, name, outcome, verdict",
    )
    .bind(from)
    .bind(to)
    .all(db)
    .await
}

/// How often one person used an account at one terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The account.
    pub account: LoginName,
    /// The person; none when nothing proved who it was.
    pub person: Option<LoginName>,
    /// Where, what and how it ended, and how often.
    pub of: Happened,
    /// When for the first time in the stretch.
    pub first: UnixTime,
    /// When for the last time.
    pub last: UnixTime,
}

impl FromRow for Use {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            account: row.get("account")?,
            person: row.get("person")?,
            of: Happened::from_row(row)?,
            first: row.get("first_time")?,
            last: row.get("last_time")?,
        })
    }
}

/// What happened at these accounts in a stretch, logins and others.
pub async fn at_accounts(
    db: &mut Db,
    accounts: &[LoginName],
    (from, to): Stretch,
) -> Result<Vec<Use>> {
    let mut found = Vec::new();
    for part in accounts.chunks(LISTED_AT_ONCE) {
        let some = query(
            "SELECT account, person, terminal, name, outcome, verdict, count(*) AS events,
                 min(time) AS first_time, max(time) AS last_time
             FROM event WHERE time >= $1 AND time < $2 AND account IN ",
        )
        .bind(from)
        .bind(to)
        .list(part)
        .then(" GROUP BY account, person, terminal, name, outcome, verdict")
        .all::<Use>(db)
        .await?;
        found.extend(some);
    }
    Ok(found)
}
