//! `wardkey-server init`

use std::io::IsTerminal;

use super::args::Init;
use super::output::Output;
use super::question;
use crate::admin::init::{self, NewDeployment};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::serve;
use crate::store::audit::Actor;
use crate::texts::Text;

pub async fn init(config: &Config, asked: Init, output: Output) -> Result<()> {
    init::must_be_new(config)?;
    confirm(&asked, output)?;
    init::make_folder(config)?;
    // No restore puts anything there meanwhile.
    let _held = serve::hold(&config.store)?;

    let new = NewDeployment {
        name: asked.name,
        rp_id: asked.rp_id,
        server_names: asked.server_names,
        scopes: asked.scopes,
    };
    let made = init::create(config, &new, &Actor::process(), Clock::system().now()).await?;
    let store = made.store.display().to_string();
    output.say(&made, || {
        let name =
            [("name", made.name.to_string().into()), ("id", made.deployment.to_string().into())];
        let mut lines = output.fields(vec![
            (Text::LabelDeployment, Text::DeploymentName.with(name)),
            (Text::LabelRpId, Text::ForEverValue.with([("value", made.rp_id.to_string().into())])),
            (Text::LabelRootKey, made.root_key.to_string().into()),
            (Text::LabelStore, made.database.as_deref().unwrap_or(&store).into()),
            (Text::LabelKeys, made.keys.display().to_string().into()),
        ]);
        lines.push(Text::KeepRootKey.say(output.language));
        lines
    })
}

/// Shows what can never be changed, and asks. Without a terminal nobody can answer: then what was
/// typed into the script counts.
fn confirm(asked: &Init, output: Output) -> Result<()> {
    if asked.yes || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    eprintln!("{}", Text::ForEver.say(output.language));
    let fixed = output.fields(vec![
        (Text::LabelRpId, asked.rp_id.to_string().into()),
        (Text::LabelName, asked.name.to_string().into()),
        (Text::LabelServer, asked.server_names.join(", ").into()),
    ]);
    fixed.iter().for_each(|line| eprintln!("  {line}"));
    eprint!("{}", Text::TypeRpId.say(output.language));
    let answer = question::answered()?;
    if answer.trim() == asked.rp_id.as_str() {
        return Ok(());
    }
    Err(Error::invalid(Text::NothingMade))
}
