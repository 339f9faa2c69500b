//! `wardkey-server terminal`

use std::collections::BTreeSet;

use serde::Serialize;
use wardkey_core::document::MAX_SCOPES;
use wardkey_core::id::{from_hex, to_hex};
use wardkey_core::name::ScopeName;
use wardkey_core::sign;
use wardkey_core::token::JoinToken;

use super::Context;
use super::args::{self, TerminalAct};
use super::heard;
use super::person::joined;
use super::value::{shown, table};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::audit::{self, Act};
use crate::store::setting;
use crate::store::terminal::{self, Terminal, TerminalStatus};
use crate::store::token::{self, Purpose};

#[derive(Serialize)]
struct ShownTerminal {
    id: String,
    name: String,
    status: &'static str,
    scopes: Vec<String>,
    machine: String,
    joined: u64,
    seen: Option<u64>,
    address: Option<String>,
    certificate_until: u64,
}

impl From<Terminal> for ShownTerminal {
    fn from(terminal: Terminal) -> Self {
        Self {
            id: terminal.id.to_hex(),
            name: terminal.name.to_string(),
            status: terminal.status.as_str(),
            scopes: terminal.scopes.iter().map(ToString::to_string).collect(),
            machine: terminal.machine.short(),
            joined: terminal.joined.0,
            seen: terminal.seen.map(|time| time.0),
            address: terminal.address,
            certificate_until: terminal.certificate_end.0,
        }
    }
}

pub async fn act(context: &Context, command: args::Terminal) -> Result<()> {
    match command {
        args::Terminal::Token { scopes, replace, expires, uses } => {
            make_token(context, scopes, replace.as_deref(), expires, uses).await
        }
        args::Terminal::WithdrawToken { token, reason } => withdraw(context, &token, reason.as_deref()).await,
        args::Terminal::List => list(context).await,
        args::Terminal::Approve(act) => switch(context, &act, TerminalStatus::Active).await,
        args::Terminal::Revoke(act) => switch(context, &act, TerminalStatus::Revoked).await,
        args::Terminal::SetScopes { terminal, scopes, reason } => {
            set_scopes(context, &terminal, scopes.into_iter().collect(), reason.as_deref()).await
        }
    }
}

async fn make_token(
    context: &Context,
    scopes: Vec<ScopeName>,
    replace: Option<&str>,
    expires: u64,
    uses: u32,
) -> Result<()> {
    let mut scopes: BTreeSet<ScopeName> = scopes.into_iter().collect();
    if scopes.len() > MAX_SCOPES {
        return Err(Error::Usage(format!("a terminal has at most {MAX_SCOPES} scopes")));
    }
    let now = context.clock.now();
    let until = now.plus(expires);
    let mut tx = context.store.write().await?;
    // The hash in the token is of the first root key: that of the anchor.
    let (roots, _) = setting::roots(&mut tx).await?;
    let first = roots.first().ok_or_else(|| Error::damaged("the root document"))?;
    let first: wardkey_core::document::RootDocument = sign::peek(first.by_itself.as_slice()).map_err(Error::damaged)?;
    let replaced = match replace {
        Some(name) => Some(terminal::by_name(&mut tx, name).await?),
        None => None,
    };
    if let Some(replaced) = replaced.as_ref().filter(|_| scopes.is_empty()) {
        scopes.clone_from(&replaced.scopes);
    }
    let replaces = replaced.as_ref().map(|terminal| terminal.id);
    let token = JoinToken::new(secret::random()?, secret::random()?, &first.root_key).with_checksum();
    let purpose = Purpose { scopes: &scopes, uses, replaces };
    token::add(&mut tx, (&token.id, &token.secret), &purpose, (now, until)).await?;
    let id = to_hex(&token.id);
    let detail = format!(
        "scopes {}, {uses} machines, until {}{}",
        joined(&scopes),
        shown(until),
        replaces.map_or_else(String::new, |id| format!(", in the place of terminal {id}"))
    );
    audit::record(&mut tx, now, &context.actor, Act::new("terminal.token", &id).with(&detail)).await?;
    context.commit(tx).await?;
    let answer = serde_json::json!({ "token": token.to_text(), "id": id, "expires": until.0, "uses": uses,
        "replaces": replaces.map(|id| id.to_hex()) });
    context.output.say(&answer, || vec![token.to_text()])
}

async fn withdraw(context: &Context, text: &str, reason: Option<&str>) -> Result<()> {
    let id = JoinToken::from_text(text).map(|token| token.id).ok();
    let id = id.or_else(|| from_hex(text).ok().and_then(|bytes| bytes.try_into().ok()));
    let id: [u8; 8] = id.ok_or_else(|| Error::Usage("a token, or its id of 16 hexadecimal digits".into()))?;
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let changed = token::revoke(&mut tx, &id, now).await?;
    let id = to_hex(&id);
    audit::record(&mut tx, now, &context.actor, Act::new("terminal.token-withdraw", &id).because(reason)).await?;
    context.commit(tx).await?;
    context.output.say(&serde_json::json!({ "id": id, "changed": changed }), || vec![format!("token {id} withdrawn")])
}

async fn list(context: &Context) -> Result<()> {
    let terminals = terminal::list(&mut *context.store.read().await?).await?;
    let terminals: Vec<ShownTerminal> = terminals.into_iter().map(ShownTerminal::from).collect();
    let row = |terminal: &ShownTerminal| {
        vec![
            terminal.id.chars().take(8).collect(),
            terminal.name.clone(),
            terminal.status.to_owned(),
            terminal.scopes.join(","),
            terminal.seen.map_or_else(|| "never".into(), |time| shown(wardkey_core::time::UnixTime(time))),
            terminal.address.clone().unwrap_or_else(|| "-".into()),
        ]
    };
    context.output.say(&terminals, || {
        table(&["ID", "NAME", "STATUS", "SCOPES", "SEEN", "ADDRESS"], &terminals.iter().map(row).collect::<Vec<_>>())
    })
}

async fn switch(context: &Context, act: &TerminalAct, status: TerminalStatus) -> Result<()> {
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let terminal = terminal::by_name(&mut tx, &act.terminal).await?;
    let changed = terminal::set_status(&mut tx, &terminal, status, now).await?;
    let (action, word) = match status {
        TerminalStatus::Revoked => ("terminal.revoke", "revoked"),
        TerminalStatus::Active | TerminalStatus::Pending => ("terminal.approve", "approved"),
    };
    let (id, detail) = (terminal.id.to_hex(), format!("\"{}\"", terminal.name));
    let row = Act::new(action, &id).because(act.reason.as_deref()).with(&detail);
    audit::record(&mut tx, now, &context.actor, row).await?;
    context.commit(tx).await?;
    let answer = serde_json::json!({ "id": id, "status": status.as_str(), "changed": changed });
    context
        .output
        .say(&answer, || vec![format!("terminal {} {word}{}", terminal.name, if changed { "" } else { " already" })])?;
    // A terminal hears of its own end whatever becomes of its scopes.
    if status == TerminalStatus::Revoked { heard::by_terminals(context) } else { Ok(()) }
}

async fn set_scopes(context: &Context, name: &str, scopes: BTreeSet<ScopeName>, reason: Option<&str>) -> Result<()> {
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let terminal = terminal::by_name(&mut tx, name).await?;
    terminal::set_scopes(&mut tx, &terminal, &scopes).await?;
    let (id, detail) = (terminal.id.to_hex(), format!("scopes {}", joined(&scopes)));
    audit::record(&mut tx, now, &context.actor, Act::new("terminal.scopes", &id).because(reason).with(&detail)).await?;
    context.commit(tx).await?;
    let answer = serde_json::json!({ "id": id, "scopes": scopes.iter().map(ToString::to_string).collect::<Vec<_>>() });
    context.output.say(&answer, || vec![format!("terminal {}: {detail}", terminal.name)])
}
