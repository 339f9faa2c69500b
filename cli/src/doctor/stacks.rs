//! Every service of PAM: who gets in there without a key.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::code::Code;
use wardkey_stacks::{
    Doubt, Kind, Line, Loaded, Machine, Phase, Proof, Subject, Way, Ways, Who, World, account,
    auth, known_as, load, proof,
};

use crate::finding::{Finding, Level};
use crate::texts::{Phrase, Text, proof_of};

#[cfg(test)]
mod tests;

/// The module's file.
const MODULE: &[u8] = b"pam_fido.so";
/// Services whose programs ask the account phase after the auth phase, and for which the module's
/// account phase passes nobody who has not logged in. A locker need not ask it, and sudo's passes
/// for the person who runs it (`wardkey_core::unattended`): for what is not here, the auth phase is
/// all that there is.
const ASK_ACCOUNT: [&str; 5] = ["atd", "cron", "login", "sshd", "su"];
/// Display managers, with all their services: `gdm-fingerprint`, `sddm-autologin`.
const DISPLAY_MANAGERS: [&str; 3] = ["gdm", "lightdm", "sddm"];
/// Services that display managers start for the account of their own greeter, which no person
/// chooses.
const GREETERS: [&str; 4] =
    ["gdm-launch-environment", "lightdm-greeter", "sddm-greeter", "greetd-greeter"];
/// Services that only root can start, and that ask nobody who is at the keyboard.
const OF_ROOT: [&str; 3] = ["runuser", "runuser-l", "systemd-user"];
/// Services at which an administrator logs in.
const LOGINS: [&str; 6] = ["login", "gdm-password", "lightdm", "sddm", "sudo", "su"];

/// Whose accounts are meant.
pub(crate) struct People<'p> {
    /// The greatest uid that Wardkey leaves alone.
    pub(crate) system_uid_max: u32,
    /// The listed local accounts that are there: name and uid.
    pub(crate) local: Vec<(String, u32)>,
    /// Whether an account, or (`None`) any person of the directory, is in a group.
    pub(crate) in_group: &'p dyn Fn(Option<&str>, &str) -> Option<bool>,
    /// Whether a name can be a person's.
    pub(crate) can_be_person: &'p dyn Fn(&str) -> bool,
}

/// What was seen of the services.
#[derive(Default)]
pub(crate) struct Looked {
    pub(crate) findings: Vec<Finding>,
    /// Who of the local accounts gets in where, with the module and without it.
    pub(crate) administrators: BTreeMap<String, Vec<String>>,
}

/// Looks at all services.
pub(crate) fn look(machine: &Machine, people: &People<'_>) -> Looked {
    let mut looked = Looked::default();
    let names = match machine.names() {
        Ok(names) => names,
        Err(why) => {
            let unclear = Finding::new(Code::ServiceUnclear, Level::Open, "service", "pam.d");
            looked.findings.push(unclear.detail(why.clone()).way(why));
            return looked;
        }
    };
    if !machine.has_module(MODULE) {
        let missing = Finding::new(Code::ModuleMissing, Level::Warning, "", "pam_fido.so");
        looked.findings.push(missing.fix("apt-get install --reinstall libpam-fido"));
    }
    // Every program's name that has no file takes the lines of "other".
    let names: BTreeSet<String> = names.into_iter().chain(["other".to_owned()]).collect();
    for name in &names {
        service(machine, people, name, &mut looked);
    }
    // A service that is closed to administrators is worth knowing; that there is no other one,
    // worth a warning.
    let level = if looked.administrators.is_empty() { Level::Warning } else { Level::Note };
    for finding in
        looked.findings.iter_mut().filter(|finding| finding.code == Code::NoAdministrator)
    {
        finding.level = level;
    }
    looked
}

fn service(machine: &Machine, people: &People<'_>, name: &str, looked: &mut Looked) {
    let unclear = |doubt: Doubt| {
        let finding = Finding::new(Code::ServiceUnclear, Level::Open, "service", name);
        finding.detail(doubtful(&doubt)).way(doubt.to_string())
    };
    let loaded = match load(machine, name) {
        Ok(Loaded::Refuses(why)) => {
            looked.findings.push(
                Finding::new(Code::ServiceRefuses, Level::Warning, "service", name).detail(why),
            );
            return;
        }
        Ok(loaded) => loaded,
        Err(doubt) => return looked.findings.push(unclear(doubt)),
    };
    match open(&loaded, machine, people, name) {
        Ok(finding) => looked.findings.extend(finding),
        Err(doubt) => looked.findings.push(unclear(doubt)),
    }
    if !LOGINS.contains(&name) {
        return;
    }
    match administrators(&loaded, machine, people, name) {
        Ok(names) if names.is_empty() => {
            let tried: Vec<&str> = accounts(people).map(|(name, _)| name).collect();
            let finding = Finding::new(Code::NoAdministrator, Level::Note, "service", name);
            looked
                .findings
                .push(finding.detail(Text::Tried.with([("names", tried.join(", ").into())])));
        }
        Ok(names) => {
            looked.administrators.insert(name.into(), names);
        }
        // Told already.
        Err(_) => {}
    }
}

/// Where it cannot be told what PAM does, and why.
fn doubtful(doubt: &Doubt) -> Phrase {
    let place = match doubt.line {
        Some(line) => format!("{}:{line}", doubt.file.display()),
        None => doubt.file.display().to_string(),
    };
    let why = match doubt.why.as_str() {
        "there are too many ways through it" => Text::DoubtTooManyWays.into(),
        "too many includes in one another, or a loop" => Text::DoubtLoop.into(),
        "includes multiply" => Text::DoubtMultiply.into(),
        "the service has too many lines" => Text::DoubtTooLong.into(),
        other => Phrase::from(other),
    };
    Text::At.with([("place", place.into()), ("why", why)])
}

/// Whether the program asks the account phase too.
fn asks_account(name: &str) -> bool {
    let is_of = |manager: &str| {
        name.strip_prefix(manager).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    ASK_ACCOUNT.contains(&name) || DISPLAY_MANAGERS.into_iter().any(is_of)
}

/// Ways by which a person of the directory gets in without a key.
fn open(
    loaded: &Loaded,
    machine: &Machine,
    people: &People<'_>,
    name: &str,
) -> Result<Option<Finding>, Doubt> {
    let Loaded::Service(service) = loaded else { return Ok(None) };
    let in_group = |group: &str| (people.in_group)(None, group);
    let person = Subject {
        who: Who::Person,
        name: None,
        uid: people.system_uid_max.saturating_add(1),
        in_group: &in_group,
        can_be_person: people.can_be_person,
    };
    let ways = |phase: Phase, loads_all: bool| {
        let world = World { loads_all, ..World::sound(machine) };
        let found = if phase == Phase::Auth { auth } else { account };
        match found(loaded, name, &person, &world)? {
            Ways::Some(ways) => Ok(ways),
            Ways::Refuses(_) => Ok(Vec::new()),
        }
    };
    let (always, sometimes) = (ways(Phase::Auth, true)?, ways(Phase::Auth, false)?);
    if sometimes.is_empty() {
        return Ok(None);
    }
    let lines = service.list(Phase::Auth);
    // Where the module cannot be loaded for the one phase it cannot for the other.
    let passes_account = !ways(Phase::Account, !always.is_empty())?.is_empty();
    let level = match passes_account || !asks_account(name) {
        _ if GREETERS.contains(&name) || OF_ROOT.contains(&name) => Level::Note,
        true => Level::Open,
        false => Level::Warning,
    };
    let code = match level {
        Level::Warning => Code::AccountPhaseOnly,
        _ if always.is_empty() => Code::OpenWithoutModule,
        _ => Code::ServiceOpen,
    };
    let mut finding = Finding::new(code, level, "service", name);
    for way in if always.is_empty() { &sometimes } else { &always } {
        finding = finding.detail(described(lines, way));
    }
    // An acceptance is for what is there now, also for what a missing module opens besides.
    for way in always.iter().chain(&sometimes) {
        finding.ways.extend(lines.get(way.by).map(speaker));
    }
    Ok(Some(finding))
}

/// The local accounts and root, each once.
fn accounts<'p>(people: &'p People<'_>) -> impl Iterator<Item = (&'p str, u32)> {
    let local = people
        .local
        .iter()
        .map(|(name, uid)| (name.as_str(), *uid))
        .filter(|(name, _)| *name != "root");
    std::iter::once(("root", 0)).chain(local)
}

/// The local accounts that get in, with the module and without it.
fn administrators(
    loaded: &Loaded,
    machine: &Machine,
    people: &People<'_>,
    name: &str,
) -> Result<Vec<String>, Doubt> {
    let sound = World::sound(machine);
    let mut found = Vec::new();
    for (account, uid) in accounts(people) {
        let in_group = |group: &str| (people.in_group)(Some(account), group);
        let subject = Subject {
            who: if uid == 0 { Who::Root } else { Who::Local },
            name: Some(account.to_owned()),
            uid,
            in_group: &in_group,
            can_be_person: people.can_be_person,
        };
        if gets_in(loaded, name, &subject, &sound)?
            && gets_in(loaded, name, &subject, &World { without_key: true, ..sound })?
        {
            found.push(account.to_owned());
        }
    }
    Ok(found)
}

fn gets_in(
    loaded: &Loaded,
    name: &str,
    subject: &Subject<'_>,
    world: &World<'_>,
) -> Result<bool, Doubt> {
    let any = |found: Ways| matches!(found, Ways::Some(ways) if !ways.is_empty());
    Ok(any(auth(loaded, name, subject, world)?) && any(account(loaded, name, subject, world)?))
}

/// What an acceptance is for: the file's and the module's name, not the number of the line.
fn speaker(line: &Line) -> String {
    format!("{} {}", line.file.display(), module(line))
}

fn module(line: &Line) -> Phrase {
    match &line.kind {
        Kind::Module { name, .. } => String::from_utf8_lossy(name).into_owned().into(),
        Kind::MustFail => Text::UnusableLine.into(),
        Kind::Substack => Text::Substack.into(),
    }
}

/// `/etc/pam.d/x:3 pam_fprintd.so (a fingerprint); way: ...`
fn described(lines: &[Line], way: &Way) -> Phrase {
    let place = |line: &Line| {
        let place = Phrase::from(format!("{}:{}", line.file.display(), line.number));
        Phrase::joined(vec![place, module(line)], " ")
    };
    let by = lines.get(way.by).map_or_else(
        || "-".into(),
        |line| Text::ByModule.with([("place", place(line)), ("what", what(line))]),
    );
    let steps = way.steps.iter().filter_map(|step| {
        let answer = step.answer.to_string().into();
        lines.get(step.line).map(|line| Phrase::joined(vec![place(line), answer], " = "))
    });
    Text::Way.with([("by", by), ("steps", Phrase::joined(steps.collect(), ", "))])
}

/// On what the success of a line rests.
fn what(line: &Line) -> Phrase {
    let Kind::Module { name, .. } = &line.kind else { return "-".into() };
    let known = known_as(name).filter(|_| proof(name) != Proof::Unknown).and_then(proof_of);
    known.unwrap_or(Text::CouldSucceed).into()
}
