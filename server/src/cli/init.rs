//! `wardkey-server init`

use std::io::{BufRead, IsTerminal};

use super::args::Init;
use super::value::Output;
use crate::admin::init::{self, NewDeployment};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::store::audit::Actor;

pub async fn init(config: &Config, asked: Init, output: Output) -> Result<()> {
    init::must_be_new(config)?;
    confirm(&asked)?;

    let new =
        NewDeployment { name: asked.name, rp_id: asked.rp_id, server_names: asked.server_names, scopes: asked.scopes };
    let made = init::create(config, &new, &Actor::process(), Clock::system().now()).await?;
    output.say(&made, || {
        vec![
            format!("deployment  {} ({})", made.name, made.deployment),
            format!("rp id       {} (for ever)", made.rp_id),
            format!("root key    {}", made.root_key),
            format!("store       {}", made.store.display()),
            format!("keys        {}", made.keys.display()),
            "Keep a copy of root.key off this machine; the server runs without it.".into(),
        ]
    })
}

/// Shows what can never be changed, and asks. Without a terminal nobody can answer: then what was typed
/// into the script counts.
fn confirm(asked: &Init) -> Result<()> {
    if asked.yes || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    eprintln!("This is for ever, as keys are registered for it and terminals trust it:");
    eprintln!("  relying party id  {}", asked.rp_id);
    eprintln!("  name              {}", asked.name);
    eprintln!("  server            {}", asked.server_names.join(", "));
    eprint!("Type the relying party id once more to go on: ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Error::io("reading the answer"))?;
    if answer.trim() == asked.rp_id.as_str() {
        return Ok(());
    }
    Err(Error::invalid("not confirmed; nothing was made"))
}
