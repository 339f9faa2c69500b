//! Who is signed in where, by what the records say: each one that comes for the first time tells
//! it. They come in any order, as terminals send what matters first.

use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::TerminalId;
use wardkey_core::name::LoginName;
use wardkey_core::time::UnixTime;

use super::incoming::MAX_TEXT;
use crate::error::Result;
use crate::store::Tx;
use crate::store::desk_session::{self, Said, Screen, Which};

/// Digits of a key's fingerprint in a record.
const KEY_DIGITS: usize = 16;

/// Follows a record.
pub async fn follow(
    tx: &mut Tx,
    event: &Event,
    terminal: &TerminalId,
    now: UnixTime,
) -> Result<()> {
    if has_lost(event) {
        return desk_session::doubt(tx, terminal, event.time).await;
    }
    let Some((screen, rank)) = screen(event) else { return Ok(()) };
    let (Some(account), Some(person)) = (&event.account, &event.person) else { return Ok(()) };
    let age = event.seconds.unwrap_or_default();
    let Some(began) = event.time.0.checked_sub(age).map(UnixTime) else { return Ok(()) };

    let of = Which { terminal, account, began };
    match screen {
        None => desk_session::end(tx, &of, now).await,
        Some(screen) => {
            let said = said(event, (of, person), (screen, rank));
            desk_session::go_on(tx, &said).await
        }
    }
}

/// Whether records are missing here from then on backwards: those that only another destination
/// lacks are none.
fn has_lost(event: &Event) -> bool {
    match event.name {
        EventName::StateSetAside => true,
        EventName::RecordsLost => event.detail.as_deref().is_none_or(|detail| {
            detail.split(", ").any(|part| part.split(' ').next() == Some("server"))
        }),
        _ => false,
    }
}

/// What a record says of the screen of a session, none where it has ended; and which of the records
/// of one second is the later one.
fn screen(event: &Event) -> Option<(Option<Screen>, u8)> {
    match (event.name, event.outcome) {
        (EventName::SessionStarted, _) => Some((Some(Screen::Open), 0)),
        (EventName::SessionLocked, _) => Some((Some(Screen::Locked), 1)),
        (EventName::SessionUnlocked, Outcome::Success) => Some((Some(Screen::Open), 2)),
        (EventName::SessionUnlocked, Outcome::Failure) => Some((Some(Screen::Opened), 2)),
        (EventName::SessionPersonChanged, _) => Some((Some(Screen::Open), 3)),
        (EventName::SessionEnded, _) => Some((None, 4)),
        _ => None,
    }
}

fn said<'a>(
    event: &'a Event,
    (of, person): (Which<'a>, &'a LoginName),
    (screen, rank): (Screen, u8),
) -> Said<'a> {
    let is_key = |digits: &&str| {
        digits.len() == KEY_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    Said {
        of,
        person,
        session: shown(&event.session),
        // Whoever locks a session need not be whoever began it.
        since: (screen == Screen::Open).then_some(event.time),
        screen,
        reason: event.reason,
        key: event.key.as_deref().filter(is_key),
        service: shown(&event.service),
        tty: shown(&event.tty),
        seat: shown(&event.seat),
        told: event.time,
        rank,
    }
}

/// A text that a database takes; any other is left out.
fn shown(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| text.len() <= MAX_TEXT && !text.contains('\0'))
}
