//! `wardkey config check`: everything that the module and the agent would refuse.

use std::path::Path;

use serde_json::{Value, json};
use wardkey_core::code::Code;
use wardkey_settings::pam::Settings;
use wardkey_settings::problem::{self, Problem};

use crate::args::CheckOptions;
use crate::show::Output;
use crate::{CliError, Work};

pub(crate) fn check(work: &mut Work<'_, '_>, options: &CheckOptions) -> Result<Output, CliError> {
    let (_, problems) = everything(work, &options.pam, &options.agent);
    if !problems.is_empty() {
        // All of it goes where errors go; with --json, in the one line.
        return Err(CliError::Problems(problems));
    }
    let text = work.words().configuration_right;
    Ok(Output { text: text.into(), json: json!({ "problems": [] }) })
}

/// What the module's configuration says, and all that is wrong in the two files and the trust anchor.
pub(crate) fn everything(work: &Work<'_, '_>, pam: &Path, agent: &Path) -> (Settings, Vec<Problem>) {
    let owner = work.around.files_owner;
    let (settings, mut problems) = problem::pam(pam, owner);
    let (config, mut of_agent) = problem::agent(agent, owner);
    problems.append(&mut of_agent);
    // A terminal that has not joined has no anchor yet.
    if settings.anchor.symlink_metadata().is_ok() {
        problems.append(&mut problem::anchor(&settings.anchor, owner).1);
    }
    if settings.marks.symlink_metadata().is_ok() {
        problems.append(&mut problem::place(&settings.marks, owner));
    }
    for (key, user) in [("agent_user", &settings.agent_user), ("key_user", &settings.key_user)] {
        if !matches!(nix::unistd::User::from_name(user), Ok(Some(_))) {
            let what = format!("key \"{key}\": there is no user {user}");
            let fix = format!("run: adduser --system --group {user}, or name the user of the package");
            problems.push(Problem { file: pam.display().to_string(), line: None, key: Some(key.into()), what, fix });
        }
    }
    if config.socket != settings.agent_socket {
        let what = format!("agent_socket is not the socket of agent.toml, {}", config.socket.display());
        let fix = "write the same path in both files, or in neither".into();
        let key = Some("agent_socket".into());
        problems.push(Problem { file: pam.display().to_string(), line: None, key, what, fix });
    }
    let mut seen = Vec::new();
    problems.retain(|problem| {
        !seen.contains(problem) && {
            seen.push(problem.clone());
            true
        }
    });
    (settings, problems)
}

/// The code of a list of problems.
pub(crate) const CODE: Code = Code::Configuration;

/// One problem, for programs.
pub(crate) fn problem_json(problem: &Problem) -> Value {
    json!({
        "file": problem.file, "line": problem.line, "key": problem.key, "what": problem.what, "fix": problem.fix,
    })
}
