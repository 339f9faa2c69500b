//! A login by a sealed code (break-glass): the code is void everywhere from then on, and whoever
//! runs the server is told.

use wardkey_core::code::Code;
use wardkey_core::event::Event;
use wardkey_core::evidence;
use wardkey_core::id::TerminalId;
use wardkey_core::log_keys::ListedPass;
use wardkey_core::proof::SignedByCode;
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::store::audit::{self, Act, Actor};
use crate::store::break_glass::{self, StoredSealed};
use crate::store::{Tx, state};

/// What is needed to verify logins by a sealed code.
pub fn listed(sealed: &StoredSealed) -> ListedPass {
    ListedPass::of_sealed(sealed.login.clone(), &sealed.pass)
}

/// Notes that a sealed code was used, if it signed what came with the event: whatever the event
/// says of itself, as somebody who has a terminal could call it something else. False: none did, or
/// this use is known.
pub async fn note_use(
    tx: &mut Tx,
    event: &Event,
    signed: &SignedByCode,
    terminal: &TerminalId,
    now: UnixTime,
) -> Result<bool> {
    let Some(sealed) = break_glass::find(tx, &signed.pass).await? else { return Ok(false) };
    let Some(login) = evidence::use_of_sealed(signed, terminal, &listed(&sealed)) else {
        return Ok(false);
    };
    // By what was signed: the record around it is the terminal's word.
    let time = login.time.min(now.plus(evidence::RECORDED_WITHIN));
    let id = login.event_id();
    if !break_glass::used(tx, &sealed, (&id, time, terminal), now).await? {
        return Ok(false);
    }
    state::publish_person(tx, sealed.person).await?;

    let (code, account) = (Code::BreakGlassAlarm, sealed.login.as_str());
    let (id, uses) = (sealed.pass.id, sealed.uses + 1);
    tracing::error!(%code, %terminal, account, event = %event.id, uses, "break-glass: a sealed \
        code was used");
    let detail = format!("sealed code {id} at terminal {terminal}, use {uses}");
    let act = Act::new("break-glass.used", account).with(&detail);
    audit::record(tx, now, &Actor::terminal(terminal), act).await?;
    Ok(true)
}
