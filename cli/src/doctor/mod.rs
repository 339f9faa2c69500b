//! `wardkey doctor`: the ways in that are not the key, and what else is not as it should be.
//!
//! ```text
//!   stacks (wardkey-stacks) ─┐
//!   autologin, sshd ─────────┤
//!   machine, accounts, agent ┴─> findings ─> accepted.toml ─┬─> shown
//!                                                           ├─> enable refuses
//!                                                           └─> record: what has opened since ─> agent
//! ```

mod accounts;
mod autologin;
mod certificate;
mod finding;
mod machine;
mod record;
mod sshd;
mod stacks;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nix::unistd::{Group, User};
use serde_json::json;
use wardkey_core::code::Code;
use wardkey_core::message::agent::{PeoplePage, Reply, Request, Status, WayIn};
use wardkey_core::texts;
use wardkey_settings::pam::Settings;
use wardkey_settings::problem::Problem;
use wardkey_stacks::Machine;

use crate::args::DoctorOptions;
use crate::peers::{self, Agent};
use crate::profile::State;
use crate::show::Output;
use crate::{CliError, Work, anchor, check, files, profile};

pub(crate) use finding::Finding;
use finding::{Acceptance, Accepted, Level, MAX_REASON};

/// How long the agent may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Pages of people that are asked for.
const MAX_PAGES: usize = 200;
/// How long accounts of people are looked up in name services.
const LOOKING_UP: Duration = Duration::from_secs(20);

/// Runs the command; the exit status: 1 when something was found that nobody has accepted.
pub(crate) fn doctor(work: &mut Work<'_, '_>, options: &DoctorOptions) -> Result<(Output, u8), CliError> {
    if let (Some(subject), Some(reason)) = (&options.accept, &options.reason) {
        return accept(work, subject, reason).map(|output| (output, 0));
    }
    let (findings, administrators) = everything(work);
    if options.record {
        record::record(work, &findings)?;
    }
    let status = u8::from(findings.iter().any(Finding::matters));
    Ok((shown(work, &findings, &administrators), status))
}

/// For `wardkey enable`: what lets people in without a key, and what else there is about the ways in.
pub(crate) fn before_enabling(work: &Work<'_, '_>, settings: &Settings) -> (Vec<Finding>, Vec<Finding>) {
    let directory = directory(work);
    let mut findings = ways(work, settings, &directory).findings;
    findings.extend(machine::files(&work.around.places.root, settings, work.around.files_owner));
    findings.extend(of_accounts(work, settings, &directory, LOOKING_UP));
    mark_accepted(work, &mut findings);
    findings.retain(Finding::matters);
    findings.into_iter().partition(Finding::is_open)
}

/// For `wardkey status`, which anybody may ask: what only root can read is left out.
pub(crate) fn seen(work: &mut Work<'_, '_>) -> Seen {
    let (settings, _) = settings(work);
    let directory = directory(work);
    let mut findings = ways(work, &settings, &directory).findings;
    let mut secrets = None;
    if directory.people.is_some() {
        // Of the files of this machine: a slow name service must not keep the state from being shown.
        let about = of_accounts(work, &settings, &directory, Duration::ZERO);
        let names = about.iter().filter(|finding| matches!(finding.code, Code::PersonHasSecret | Code::PersonAgeing));
        secrets = Some(names.map(|finding| finding.subject.clone()).collect());
        findings.extend(about);
    }
    mark_accepted(work, &mut findings);
    Seen { open: findings.iter().filter(|finding| finding.is_open()).count(), secrets }
}

/// What `wardkey status` says of the ways in.
pub(crate) struct Seen {
    /// Ways in that are open.
    pub(crate) open: usize,
    /// People who have another usable secret or an ageing one, 20 of each at most; `None`: only root can tell.
    pub(crate) secrets: Option<BTreeSet<String>>,
}

/// Every finding, and where administrators get in.
fn everything(work: &mut Work<'_, '_>) -> (Vec<Finding>, BTreeMap<String, Vec<String>>) {
    let (settings, problems) = settings(work);
    let places = &work.around.places;
    let directory = directory(work);
    let mut findings = Vec::new();
    let seen = ways(work, &settings, &directory);
    if profile::state(places) == State::Off {
        let off = Finding::new(Code::NotEnabled, Level::Open, "", "profile").fix("wardkey enable");
        findings.push(off.way("not enabled"));
        // Every service is open then; those are told that would stay so.
        findings.extend(seen.findings.into_iter().filter(|finding| !asks_nobody(finding)));
    } else {
        findings.extend(seen.findings);
    }
    for problem in &problems {
        let mut finding = Finding::new(Code::Configuration, Level::Warning, "", problem.file.clone());
        finding.details.push(problem.to_string());
        findings.push(finding);
    }
    findings.extend(machine::files(&places.root, &settings, work.around.files_owner));
    if machine::is_real(&places.root) {
        findings.extend(machine::services());
    }
    findings.extend(of_agent(work, &settings));
    findings.extend(of_accounts(work, &settings, &directory, LOOKING_UP));
    findings.sort_by(|a, b| (a.level, a.code, &a.subject).cmp(&(b.level, b.code, &b.subject)));
    mark_accepted(work, &mut findings);
    (findings, seen.administrators)
}

/// A service that is open because nothing at all asks for the key yet.
fn asks_nobody(finding: &Finding) -> bool {
    let commons = |way: &String| way.contains("/common-auth ");
    matches!(finding.code, Code::ServiceOpen | Code::OpenWithoutModule | Code::AccountPhaseOnly)
        && finding.ways.iter().all(commons)
}

fn settings(work: &mut Work<'_, '_>) -> (Settings, Vec<Problem>) {
    let places = work.around.places.clone();
    check::everything(work, &places.pam_config, &places.agent_config)
}

/// Stacks, automatic logins, sshd, and people whom the module takes for system accounts.
fn ways(work: &Work<'_, '_>, settings: &Settings, directory: &Directory) -> stacks::Looked {
    let root = &work.around.places.root;
    let local = &settings.local;
    let uids = local.uids.iter().filter_map(|uid| User::from_uid((*uid).into()).ok().flatten());
    let names = local.names.iter().filter_map(|name| User::from_name(name).ok().flatten());
    let local_accounts: Vec<(String, u32)> = uids.chain(names).map(|user| (user.name, user.uid.as_raw())).collect();
    let local_names: BTreeSet<&str> = local_accounts.iter().map(|(name, _)| name.as_str()).collect();
    let passwd = accounts::passwd(root);
    let outside = !accounts::sources(root).is_empty();
    let people = stacks::People {
        system_uid_max: local.system_uid_max,
        local: local_accounts.clone(),
        in_group: &|account, group| match is_member(account, group, directory, &passwd, &local_names) {
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
    let first = passwd.iter().filter(|(_, account)| account.gid == group.gid.as_raw()).map(|(name, _)| name.as_str());
    let members: BTreeSet<&str> = first.chain(group.mem.iter().map(String::as_str)).collect();
    match &directory.people {
        Some(people) => Some(members.iter().any(|member| people.contains(*member))),
        None if members.iter().all(|member| *member == "root" || local.contains(member)) => Some(false),
        None => None,
    }
}

/// The people of the directory, as far as the agent tells.
#[derive(Default)]
struct Directory {
    people: Option<BTreeSet<String>>,
}

fn directory(work: &Work<'_, '_>) -> Directory {
    if !work.around.root {
        return Directory::default();
    }
    let ask = || -> Result<BTreeSet<String>, CliError> {
        let mut agent = Agent::connect(work)?;
        let mut names = BTreeSet::new();
        let mut page = Some(PeoplePage::default());
        for _ in 0..MAX_PAGES {
            let Some(asked) = page else { return Ok(names) };
            match agent.ask(&Request::People(asked), ANSWER)? {
                Reply::People(people) => {
                    names.extend(people.names.iter().map(ToString::to_string));
                    page = people.next;
                }
                _ => return Err(peers::unexpected()),
            }
        }
        // Longer than any deployment: not all of it is known.
        Err(peers::unexpected())
    };
    Directory { people: ask().ok() }
}

fn of_agent(work: &Work<'_, '_>, settings: &Settings) -> Vec<Finding> {
    let known = match anchor::read(&settings.anchor) {
        Ok(anchor::Before::Anchor(anchor)) => Some(anchor),
        _ => None,
    };
    let mut findings = Vec::new();
    let status: Result<Box<Status>, CliError> = Agent::connect(work)
        .and_then(|mut agent| agent.ask(&Request::Status, ANSWER))
        .and_then(|reply| if let Reply::Status(status) = reply { Ok(status) } else { Err(peers::unexpected()) });
    match &status {
        Ok(status) => findings.extend(machine::agent(status, known.as_ref())),
        Err(error) => {
            let unreachable = Finding::new(Code::AgentUnreachable, Level::Warning, "", "agent");
            findings.push(unreachable.detail(error.to_string()));
        }
    }
    let version = status.as_ref().ok().map(|status| status.version.as_str());
    let packages = if machine::is_real(&work.around.places.root) { machine::packages() } else { Vec::new() };
    findings.extend(machine::versions(&packages, version));
    let config = wardkey_settings::problem::agent(&work.around.places.agent_config, work.around.files_owner).0;
    if work.around.root && known.is_some() {
        findings.extend(machine::certificate(&config.state_dir, finding::now()));
    }
    findings
}

fn of_accounts(work: &Work<'_, '_>, settings: &Settings, directory: &Directory, looking_up: Duration) -> Vec<Finding> {
    let root = &work.around.places.root;
    let limit = settings.local.system_uid_max;
    let mut findings = Vec::new();
    let least = accounts::uid_min(root, work.around.files_owner);
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
        for name in names.iter().filter(|name| !known.contains_key(*name)).cloned().collect::<Vec<_>>() {
            if Instant::now() > until {
                findings.push(
                    Finding::new(Code::PeopleUnknown, Level::Warning, "", "people").detail("name services are slow"),
                );
                break;
            }
            if let Ok(Some(user)) = User::from_name(&name) {
                let account = accounts::Account { uid: user.uid.as_raw(), gid: user.gid.as_raw(), is_local: false };
                known.insert(name, account);
            }
        }
    }
    let local: BTreeSet<String> = settings.local.names.iter().cloned().collect();
    let by_uid = settings.local.uids.iter().filter_map(|uid| User::from_uid((*uid).into()).ok().flatten());
    let listed: BTreeSet<String> = by_uid.map(|user| user.name).chain(local.iter().cloned()).collect();
    for name in names.intersection(&listed) {
        let fix = format!("wardkey config edit: local_accounts without {name}");
        let finding = Finding::new(Code::PersonIsListed, Level::Open, "name", name.as_str());
        findings.push(finding.way("local_accounts").fix(fix));
    }
    let people = accounts::People { names, accounts: known };
    findings.extend(accounts::look(root, &people, &local, limit));
    findings
}

fn mark_accepted(work: &Work<'_, '_>, findings: &mut Vec<Finding>) {
    match Accepted::read(&work.around.places.accepted, work.around.files_owner) {
        Ok(accepted) => accepted.mark(findings),
        Err(error) => {
            let path = work.around.places.accepted.display().to_string();
            let finding = Finding::new(Code::Configuration, Level::Warning, "", path);
            findings.push(finding.detail(error.to_text(work.language)));
        }
    }
}

fn accept(work: &mut Work<'_, '_>, subject: &str, reason: &str) -> Result<Output, CliError> {
    if !work.around.root {
        return Err(CliError::new(Code::NeedsRoot));
    }
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(CliError::invalid("a reason of one line, up to 200 characters"));
    }
    let path = work.around.places.accepted.clone();
    let mut accepted = Accepted::read(&path, work.around.files_owner)?;
    let (findings, _) = everything(work);
    let about: Vec<&Finding> =
        findings.iter().filter(|finding| finding.subject == subject && finding.level != Level::Note).collect();
    let Some(first) = about.first() else {
        return Err(CliError::about(Code::NothingToAccept, "subject", subject));
    };
    let ways = about.iter().flat_map(|finding| finding.accepted_as()).collect();
    let by =
        std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty() && name.len() <= 64).unwrap_or("root".into());
    accepted.add(subject, Acceptance { reason: reason.into(), by, time: finding::now(), ways });
    files::replace(&path, accepted.to_text().as_bytes())?;
    // The file says so; that the agent is not there must not keep an administrator from a repair.
    let way = WayIn { code: first.code, subject: subject.into(), detail: None, accepted: Some(reason.into()) };
    let told = Agent::connect(work).and_then(|mut agent| agent.ask(&Request::WayIn(way), ANSWER)).is_ok();
    let text = texts::with_code(Code::WayAccepted, work.language, &[("subject", subject)]);
    Ok(Output { text, json: json!({ "accepted": subject, "recorded": told }) })
}

fn shown(work: &Work<'_, '_>, findings: &[Finding], administrators: &BTreeMap<String, Vec<String>>) -> Output {
    let open = findings.iter().filter(|finding| finding.matters()).count();
    let mut text = findings.iter().map(|finding| finding.in_words(work.language)).collect::<Vec<_>>().join("\n");
    if !text.is_empty() {
        text += "\n\n";
    }
    if !administrators.is_empty() {
        let places = administrators.iter().map(|(service, names)| format!("{service} ({})", names.join(", ")));
        text += &format!("{}: {}\n", work.words().ways_in, places.collect::<Vec<_>>().join("; "));
    }
    text += &match open {
        0 => texts::with_code(Code::NoWayIn, work.language, &[]),
        count => texts::with_code(Code::WaysInFound, work.language, &[("count", &count.to_string())]),
    };
    let of = |finding: &Finding| finding.to_json(work.language);
    let json = json!({
        "open": findings.iter().filter(|finding| finding.is_open()).count(),
        "findings": findings.iter().map(of).collect::<Vec<_>>(),
        "administrators": administrators,
    });
    Output { text, json }
}
