//! Everything that is looked at, put together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nix::unistd::{Group, User};
use wardkey_core::code::Code;
use wardkey_core::message::agent::{Reply, Request, Status};
use wardkey_settings::pam::Settings;
use wardkey_settings::problem::Problem;
use wardkey_stacks::Machine;

use crate::context::Context;
use crate::directory::{Directory, directory};
use crate::error::CliError;
use crate::finding::{Finding, Level};
use crate::pam::profile::{self, State};
use crate::peers::{self, Agent};
use crate::texts::Text;
use crate::{anchor, config};

use super::accepted::{Accepted, now};
use super::{accounts, autologin, enrollment, lockers, machine, sshd, stacks};

/// How long the agent may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// How long accounts of people are looked up in name services.
const LOOKING_UP: Duration = Duration::from_secs(20);

/// For `wardkey enable`: what lets people in without a key, and what else there is about the ways
/// in.
pub(crate) fn before_enabling(
    context: &Context<'_, '_>,
    settings: &Settings,
) -> (Vec<Finding>, Vec<Finding>) {
    let directory = directory(context);
    let mut findings = ways(context, settings, &directory).findings;
    findings.extend(machine::owners_and_modes(
        &context.env.places.root,
        settings,
        context.env.files_owner,
    ));
    findings.extend(of_accounts(context, settings, &directory, LOOKING_UP));
    mark_accepted(context, &mut findings);
    findings.retain(Finding::matters);
    findings.into_iter().partition(Finding::is_open)
}

/// For `wardkey status`, which anybody may ask: what only root can read is left out.
pub(crate) fn seen(context: &mut Context<'_, '_>) -> Seen {
    let (settings, _) = settings(context);
    let directory = directory(context);
    let mut findings = ways(context, &settings, &directory).findings;
    let mut secrets = None;
    if directory.people.is_some() {
        // Of the files of this machine: a slow name service must not keep the state from being
        // shown.
        let about = of_accounts(context, &settings, &directory, Duration::ZERO);
        let names = about
            .iter()
            .filter(|finding| matches!(finding.code, Code::PersonHasSecret | Code::PersonAgeing));
        secrets = Some(names.map(|finding| finding.subject.clone()).collect());
        findings.extend(about);
    }
    mark_accepted(context, &mut findings);
    Seen { open: findings.iter().filter(|finding| finding.is_open()).count(), secrets }
}

/// What `wardkey status` says of the ways in.
pub(crate) struct Seen {
    /// Ways in that are open.
    pub(crate) open: usize,
    /// People who have another usable secret or an ageing one, 20 of each at most; `None`: only
    /// root can tell.
    pub(crate) secrets: Option<BTreeSet<String>>,
}

/// For `wardkey try`: what is known of the PAM services.
pub(crate) fn of_services(context: &Context<'_, '_>, settings: &Settings) -> Vec<Finding> {
    let mut findings = ways(context, settings, &directory(context)).findings;
    mark_accepted(context, &mut findings);
    findings
}

/// Every finding, and where administrators get in.
pub(crate) fn everything(
    context: &mut Context<'_, '_>,
) -> (Vec<Finding>, BTreeMap<String, Vec<String>>) {
    let (settings, problems) = settings(context);
    let places = &context.env.places;
    let directory = directory(context);
    let mut findings = Vec::new();
    let seen = ways(context, &settings, &directory);
    if profile::state(places) == State::Off {
        let off = Finding::new(Code::NotEnabled, Level::Open, "", "profile").fix("wardkey enable");
        findings.push(off.way("not enabled"));
        // Every service is open then; those are told that would stay so.
        findings.extend(seen.findings.into_iter().filter(|finding| !asks_nobody(finding)));
    } else {
        findings.extend(seen.findings);
    }
    for problem in &problems {
        let mut finding =
            Finding::new(Code::Configuration, Level::Warning, "", problem.file.clone());
        finding.details.push(problem.to_string().into());
        findings.push(finding);
    }
    findings.extend(machine::owners_and_modes(&places.root, &settings, context.env.files_owner));
    if machine::is_real(&places.root) {
        findings.extend(machine::services());
    }
    findings.extend(enrollment::look(&places.root));
    findings.extend(of_agent(context, &settings));
    findings.extend(of_accounts(context, &settings, &directory, LOOKING_UP));
    findings.sort_by(|a, b| (a.level, a.code, &a.subject).cmp(&(b.level, b.code, &b.subject)));
    mark_accepted(context, &mut findings);
    (findings, seen.administrators)
}

/// A service that is open because nothing at all asks for the key yet.
fn asks_nobody(finding: &Finding) -> bool {
    let commons = |way: &String| way.contains("/common-auth ");
    matches!(finding.code, Code::ServiceOpen | Code::OpenWithoutModule | Code::AccountPhaseOnly)
        && finding.ways.iter().all(commons)
}

fn settings(context: &mut Context<'_, '_>) -> (Settings, Vec<Problem>) {
    let places = context.env.places.clone();
    config::everything(context, &places.pam_config, &places.agent_config)
}

/// Stacks, automatic logins, sshd, and people whom the module takes for system accounts.
fn ways(context: &Context<'_, '_>, settings: &Settings, directory: &Directory) -> stacks::Looked {
    let root = &context.env.places.root;
    let local = &settings.local;
    let uids = local.uids.iter().filter_map(|uid| User::from_uid((*uid).into()).ok().flatten());
    let names = local.names.iter().filter_map(|name| User::from_name(name).ok().flatten());
    let local_accounts: Vec<(String, u32)> =
        uids.chain(names).map(|user| (user.name, user.uid.as_raw())).collect();
    let local_names: BTreeSet<&str> =
        local_accounts.iter().map(|(name, _)| name.as_str()).collect();
    let passwd = accounts::passwd(root);
    let outside = !accounts::sources(root).is_empty();
    let people = stacks::People {
        system_uid_max: local.system_uid_max,
        local: local_accounts.clone(),
        in_group: &|account, group| match is_member(
            account,
            group,
            directory,
            &passwd,
            &local_names,
        ) {
            // A name service need not tell all members of a group.
            Some(false) if account.is_none() && outside => None,
            known => known,
        },
        can_be_person: &|name| {
            if name.is_empty() || name == "root" || local_names.contains(name) {
                return false;
            }
            if directory.people.as_ref().is_some_and(|people| people.contains(name)) {
                return true;
            }
            match User::from_name(name) {
                Ok(Some(user)) => user.uid.as_raw() > local.system_uid_max,
                // Nobody has the name; whether a person will, only the directory knows.
                Ok(None) => directory.people.is_none(),
                Err(_) => true,
            }
        },
    };
    let mut looked = stacks::look(&Machine::new(root), &people);
    looked.findings.extend(autologin::look(root));
    let effective = machine::is_real(root).then(|| machine::ask("sshd", &["-T"])).flatten();
    looked.findings.extend(sshd::look(root, effective.as_deref()));
    looked
}

/// Whether an account, or any person of the directory, is in a group. `None`: it cannot be told.
fn is_member(
    account: Option<&str>,
    group: &str,
    directory: &Directory,
    passwd: &BTreeMap<String, accounts::Account>,
    local: &BTreeSet<&str>,
) -> Option<bool> {
    let group = match Group::from_name(group) {
        Ok(Some(group)) => group,
        Ok(None) => return Some(false),
        Err(_) => return None,
    };
    if let Some(account) = account {
        let user = User::from_name(account).ok().flatten()?;
        return Some(user.gid == group.gid || group.mem.iter().any(|member| member == account));
    }
    let first = passwd
        .iter()
        .filter(|(_, account)| account.gid == group.gid.as_raw())
        .map(|(name, _)| name.as_str());
    let members: BTreeSet<&str> = first.chain(group.mem.iter().map(String::as_str)).collect();
    match &directory.people {
        Some(people) => Some(members.iter().any(|member| people.contains(*member))),
        None if members.iter().all(|member| *member == "root" || local.contains(member)) => {
            Some(false)
        }
        None => None,
    }
}

fn of_agent(context: &Context<'_, '_>, settings: &Settings) -> Vec<Finding> {
    let known = match anchor::read(&settings.anchor) {
        Ok(anchor::Before::Anchor(anchor)) => Some(anchor),
        _ => None,
    };
    let mut findings = Vec::new();
    let status: Result<Box<Status>, CliError> = Agent::connect(context)
        .and_then(|mut agent| agent.ask(&Request::Status, ANSWER))
        .and_then(|reply| {
            if let Reply::Status(status) = reply { Ok(status) } else { Err(peers::unexpected()) }
        });
    match &status {
        Ok(status) => {
            findings.extend(machine::agent(status, known.as_ref()));
            findings.extend(lockers::look(&context.env.places.root, status.sessions));
        }
        Err(error) => {
            let unreachable = Finding::new(Code::AgentUnreachable, Level::Warning, "", "agent");
            findings.push(unreachable.detail(error.to_string()));
        }
    }
    let version = status.as_ref().ok().map(|status| status.version.as_str());
    let packages =
        if machine::is_real(&context.env.places.root) { machine::packages() } else { Vec::new() };
    findings.extend(machine::versions(&packages, version));
    let config =
        wardkey_settings::problem::agent(&context.env.places.agent_config, context.env.files_owner)
            .0;
    findings.extend(status.iter().filter_map(|status| machine::log(status, &config.state_dir)));
    if context.env.root && known.is_some() {
        findings.extend(machine::certificate(&config.state_dir, now()));
    }
    findings
}

fn of_accounts(
    context: &Context<'_, '_>,
    settings: &Settings,
    directory: &Directory,
    looking_up: Duration,
) -> Vec<Finding> {
    let root = &context.env.places.root;
    let limit = settings.local.system_uid_max;
    let mut findings = Vec::new();
    let least = accounts::uid_min(root, context.env.files_owner);
    if least <= limit {
        let finding = Finding::new(Code::UidLimitsDiffer, Level::Warning, "uid", limit.to_string());
        let fix = format!("system_uid_max = {}", least.saturating_sub(1));
        findings.push(finding.detail(format!("/etc/login.defs: UID_MIN {least}")).fix(fix));
    }
    for source in accounts::sources(root) {
        findings.push(Finding::new(Code::NameService, Level::Note, "source", source));
    }
    let Some(names) = directory.people.clone() else {
        findings.push(Finding::new(Code::PeopleUnknown, Level::Warning, "", "people"));
        return findings;
    };
    let mut known = accounts::passwd(root);
    if machine::is_real(root) && !looking_up.is_zero() && !accounts::sources(root).is_empty() {
        let until = Instant::now() + looking_up;
        for name in
            names.iter().filter(|name| !known.contains_key(*name)).cloned().collect::<Vec<_>>()
        {
            if Instant::now() > until {
                findings.push(
                    Finding::new(Code::PeopleUnknown, Level::Warning, "", "people")
                        .detail(Text::SlowNameServices),
                );
                break;
            }
            if let Ok(Some(user)) = User::from_name(&name) {
                let account = accounts::Account {
                    uid: user.uid.as_raw(),
                    gid: user.gid.as_raw(),
                    is_local: false,
                };
                known.insert(name, account);
            }
        }
    }
    let local: BTreeSet<String> = settings.local.names.iter().cloned().collect();
    let by_uid =
        settings.local.uids.iter().filter_map(|uid| User::from_uid((*uid).into()).ok().flatten());
    let listed: BTreeSet<String> =
        by_uid.map(|user| user.name).chain(local.iter().cloned()).collect();
    for name in names.intersection(&listed) {
        let fix = format!("wardkey config edit: local_accounts without {name}");
        let finding = Finding::new(Code::PersonIsListed, Level::Open, "name", name.as_str());
        findings.push(finding.way("local_accounts").fix(fix));
    }
    let people = accounts::People { names, accounts: known };
    findings.extend(accounts::look(root, &people, &local, limit));
    findings
}

fn mark_accepted(context: &Context<'_, '_>, findings: &mut Vec<Finding>) {
    match Accepted::read(&context.env.places.accepted, context.env.files_owner) {
        Ok(accepted) => accepted.mark(findings),
        Err(error) => {
            let path = context.env.places.accepted.display().to_string();
            let finding = Finding::new(Code::Configuration, Level::Warning, "", path);
            findings.push(finding.detail(error.to_text(context.language)));
        }
    }
}
