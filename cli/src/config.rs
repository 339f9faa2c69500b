//! Everything that the module and the agent would refuse.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use wardkey_core::name::printable;
use wardkey_core::snapshot::Anchor;
use wardkey_settings::agent::Config;
use wardkey_settings::pam::Settings;
use wardkey_settings::problem::{self, Problem};
use wardkey_settings::sink_places;

use crate::context::Context;
use crate::pam::profile;
use crate::pam::ways_in::{Listed, WaysIn};
use crate::texts::{Phrase, Text};
use crate::{directory, files};

const JOIN: &str = "wardkey join";

fn run(command: String) -> Phrase {
    Text::Run.with([("command", command.into())])
}

/// What the module's configuration says, and all that is wrong in the two files, the trust anchor,
/// what the agent keeps of the terminal, and among the accounts that are listed as local.
pub(crate) fn everything(
    context: &Context<'_, '_>,
    pam: &Path,
    agent: &Path,
) -> (Settings, Vec<Problem>) {
    let owner = context.env.files_owner;
    let (settings, mut problems) = problem::pam(pam, owner);
    let (config, mut of_agent) = problem::agent(agent, owner);
    problems.append(&mut of_agent);
    problems.append(&mut sink_places::check(&config));
    // A terminal that has not joined has no anchor yet.
    if settings.anchor.symlink_metadata().is_ok() {
        let (anchor, mut of_anchor) = problem::anchor(&settings.anchor, owner);
        problems.append(&mut of_anchor);
        if let Some(anchor) = anchor {
            problems.append(&mut identity(&config, &anchor));
        }
    }
    if settings.marks.symlink_metadata().is_ok() {
        problems.append(&mut problem::place(&settings.marks, owner));
    }
    let mut about = |key: &str, what: Phrase, fix: Text| {
        let file = pam.display().to_string();
        problems.push(Problem { file, line: None, key: Some(key.into()), what, fix: fix.into() });
    };
    for (key, user) in [("agent_user", &settings.agent_user), ("key_user", &settings.key_user)] {
        if !matches!(nix::unistd::User::from_name(user), Ok(Some(_))) {
            let args = [("key", key.into()), ("user", user.as_str().into())];
            about(key, Text::ConfigNoUser.with(args), Text::ConfigNameUser);
        }
    }
    for (key, ours, name, theirs) in [
        ("agent_socket", settings.agent_socket.as_os_str(), "socket", config.socket.as_os_str()),
        (
            "key_socket",
            settings.key_socket.as_os_str(),
            "key_socket",
            config.key_socket.as_os_str(),
        ),
        ("agent_user", settings.agent_user.as_ref(), "user", config.user.as_ref()),
    ] {
        if ours != theirs {
            let what = Text::ConfigDiffers.with([
                ("key", key.into()),
                ("ours", show(ours).into()),
                ("other", name.into()),
                ("file", agent.display().to_string().into()),
                ("theirs", show(theirs).into()),
            ]);
            about(key, what, Text::ConfigSame);
        }
    }
    problems.append(&mut accounts(context, &settings, pam));
    let mut seen = Vec::new();
    problems.retain(|problem| {
        let first = !seen.contains(problem);
        seen.push(problem.clone());
        first
    });
    (settings, problems)
}

/// Accounts that are listed as local and should not be. Whose names the directory has is asked of
/// the agent, where it answers; a check without it is still a check.
fn accounts(context: &Context<'_, '_>, settings: &Settings, pam: &Path) -> Vec<Problem> {
    let problem = |what: Phrase, fix: Text| Problem {
        file: pam.display().to_string(),
        line: None,
        key: Some("local_accounts".into()),
        what: Text::ConfigLocal.with([("what", what)]),
        fix: fix.into(),
    };
    let anchor = wardkey_settings::anchor::read(&settings.anchor, context.env.files_owner).ok();
    let mut problems = Vec::new();
    for listed in Listed::all(&settings.local) {
        match listed.name() {
            None => problems.push(problem(
                Text::ConfigNoAccount.with([("account", listed.to_string().into())]),
                Text::ConfigCorrectName,
            )),
            Some(name) if name != "root" => {
                let person = anchor
                    .as_ref()
                    .and_then(|anchor| directory::is_person(context, anchor, &name).ok());
                if person == Some(true) {
                    problems.push(problem(
                        Text::ConfigIsPerson.with([("name", name.into())]),
                        Text::ConfigRemovePerson,
                    ));
                }
            }
            Some(_) => {}
        }
    }
    // Where staff need a key already, somebody must get in without one.
    if context.env.root && profile::state(&context.env.places) == profile::State::On {
        let ways = WaysIn::look(&settings.local, &mut |_| false);
        if ways.open.is_empty() {
            problems.push(problem(
                Text::ConfigNobody.with([("why", ways.explained())]),
                Text::ConfigListAdministrator,
            ));
        }
    }
    problems
}

/// What the agent keeps must be of the terminal that the trust anchor names. Only root can look.
fn identity(config: &Config, anchor: &Anchor) -> Vec<Problem> {
    let folder = &config.state_dir;
    if std::fs::read_dir(folder).is_err() {
        return Vec::new();
    }
    let problem = |path: &Path, what: Phrase, fix: Phrase| Problem {
        file: path.display().to_string(),
        line: None,
        key: None,
        what,
        fix,
    };
    let mut problems = Vec::new();
    let owner =
        nix::unistd::User::from_name(&config.user).ok().flatten().map(|user| user.uid.as_raw());
    for name in ["terminal.toml", "terminal.pem", "terminal.key"] {
        let path = folder.join(name);
        let Ok(metadata) = path.symlink_metadata() else {
            problems.push(problem(&path, Text::ConfigNoIdentity.into(), run(JOIN.into())));
            continue;
        };
        if owner.is_some_and(|owner| owner != metadata.uid()) {
            let fix = run(format!("chown {} {}", config.user, path.display()));
            let what = Text::BelongsTo.with([("uid", u64::from(metadata.uid()).into())]);
            problems.push(problem(&path, what, fix));
        }
        if metadata.mode() & 0o077 != 0 {
            let mode = format!("{:04o}", metadata.mode() & 0o7777);
            let what = Text::ConfigLetsIn.with([("mode", mode.into())]);
            problems.push(problem(&path, what, run(format!("chmod 600 {}", path.display()))));
        }
    }
    let path = folder.join("terminal.toml");
    if let Ok(Some(bytes)) = files::read(&path, 64 * 1024) {
        let table: toml::Table =
            std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
        for (key, expected) in
            [("terminal", anchor.terminal.to_hex()), ("root_key", anchor.root_key.to_hex())]
        {
            if table.get(key).and_then(toml::Value::as_str) != Some(expected.as_str()) {
                let args = [("key", key.into()), ("expected", expected.into())];
                let what = Text::ConfigOtherAnchor.with(args);
                let fix = run(JOIN.into());
                problems.push(Problem { key: Some(key.into()), ..problem(&path, what, fix) });
            }
        }
    }
    problems
}

fn show(text: &OsStr) -> String {
    printable(&text.to_string_lossy(), 256)
}
