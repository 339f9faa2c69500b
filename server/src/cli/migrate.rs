//! `wardkey-server migrate`

use std::path::Path;

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::texts;

use super::args::Migrate;
use super::output::Output;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::migrate::{Asked, Moved};
use crate::serve;
use crate::store::audit::Actor;
use crate::store::moving::Progress;
use crate::store::{Address, by_its_own_tools, is_database};
use crate::texts::Text;
use crate::watch::Running;

/// Rows of a table after which it is said how far it is.
const SAID_EVERY: u64 = 100_000;

/// The answer in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    moved: &'a Moved,
    /// Where to.
    to: String,
    /// What has to stand in the configuration from now on.
    configuration: &'a [String],
    /// The database before.
    before: &'a Path,
}

pub async fn migrate(
    (path, config): (&Path, &Config),
    given: &Migrate,
    output: Output,
) -> Result<()> {
    // As the service will look for it, whatever folder this is run in.
    let password_file = given.password_file.as_deref().map(std::path::absolute);
    let password_file = password_file.transpose().map_err(Error::io("--password-file"))?;
    // The lines may stand in the configuration already.
    let is_configured = config.database.as_ref() == Some(&given.to);
    let said = config.database_password_file.clone().filter(|_| is_configured);
    let target = Config {
        database: Some(given.to.clone()),
        database_password_file: password_file.or(said),
        ..config.clone()
    };
    let (place, before) = (target.place()?, config.place()?);
    let Some(to) = place.server() else { return Err(by_its_own_tools()) };
    // The deployment may be in the file still.
    let is_there = |at: &Address| {
        at.to_string() != to.to_string() || !is_database(&config.store).unwrap_or(false)
    };
    if before.server().is_some_and(is_there) {
        return Err(by_its_own_tools());
    }
    // Held to the end: no server that starts, and no restore.
    let _held = serve::hold(&config.store).map_err(|error| match error.code() {
        // What holds it can be another command.
        Code::StoreHeld if serve::state(&config.store) != Running::No => {
            let message = texts::phrase(Code::MoveServerRuns, vec![]);
            Error::refused(Code::MoveServerRuns, message)
        }
        _ => error,
    })?;

    let (actor, now) = (Actor::process(), Clock::system().now());
    let asked = Asked { to, actor: &actor, now, reason: given.reason.as_deref() };
    let moved = crate::migrate::migrate(config, &asked, &mut |at| say(output, at)).await?;

    let lines = configuration(&target);
    let (before, address) = (config.store.as_path(), to.to_string());
    let answer = Answer { moved: &moved, to: address.clone(), configuration: &lines, before };
    output.say(&answer, || {
        let shown = |path: &Path| path.display().to_string().into();
        let done = match moved.tables.len() as u64 {
            0 => Text::MoveFinished.with([("address", address.into())]),
            tables => Text::MoveDone.with([
                ("address", address.into()),
                ("rows", moved.rows.into()),
                ("tables", tables.into()),
            ]),
        };
        let mut said = vec![
            done.say(output.language),
            Text::MoveKept.with([("path", shown(before))]).say(output.language),
            Text::MoveLine.with([("path", shown(path))]).say(output.language),
        ];
        said.extend(lines.iter().map(|line| format!("  {line}")));
        said.push(Text::MoveStart.say(output.language));
        said
    })
}

/// Says how far it is: each table when it is done, a long one now and then.
fn say(output: Output, at: Progress<'_>) {
    if at.rows == at.all || at.rows.is_multiple_of(SAID_EVERY) {
        output.remark(Text::MoveProgress.with([
            ("table", at.table.into()),
            ("rows", at.rows.into()),
            ("all", at.all.into()),
        ]));
    }
}

/// What stands in the configuration from now on.
fn configuration(target: &Config) -> Vec<String> {
    let line = |key: &str, value: &str| format!("{key} = {}", serde_json::Value::from(value));
    let database = target.database.iter().map(|at| line("database", at));
    let password = target.database_password_file.iter();
    let password = password.map(|path| line("database_password_file", &path.to_string_lossy()));
    database.chain(password).collect()
}
