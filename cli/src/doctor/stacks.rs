//! Every service of PAM: who gets in there without a key.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_core::code::Code;
use wardkey_stacks::{
    Doubt, Kind, Line, Loaded, Machine, Phase, Proof, Subject, Way, Ways, Who, World, account, auth, load, proof,
};

use super::finding::{Finding, Level};

/// The module's file.
const MODULE: &[u8] = b"pam_fido.so";
/// Services whose programs ask the account phase after the auth phase, and for which the module's account phase
/// passes nobody who has not logged in. A locker need not ask it, and sudo's passes for the person who runs it
/// (`wardkey_core::unattended`): for what is not here, the auth phase is all that there is.
const ASK_ACCOUNT: [&str; 5] = ["atd", "cron", "login", "sshd", "su"];
/// Display managers, with all their services: `gdm-fingerprint`, `sddm-autologin`.
const DISPLAY_MANAGERS: [&str; 3] = ["gdm", "lightdm", "sddm"];
/// Services that display managers start for the account of their own greeter, which no person chooses.
const GREETERS: [&str; 4] = ["gdm-launch-environment", "lightdm-greeter", "sddm-greeter", "greetd-greeter"];
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
    // A service that is closed to administrators is worth knowing; that there is no other one, worth a warning.
    let level = if looked.administrators.is_empty() { Level::Warning } else { Level::Note };
    for finding in looked.findings.iter_mut().filter(|finding| finding.code == Code::NoAdministrator) {
        finding.level = level;
    }
    looked
}

fn service(machine: &Machine, people: &People<'_>, name: &str, looked: &mut Looked) {
    let unclear = |doubt: Doubt| {
        let finding = Finding::new(Code::ServiceUnclear, Level::Open, "service", name);
        finding.detail(doubt.to_string()).way(doubt.to_string())
    };
    let loaded = match load(machine, name) {
        Ok(Loaded::Refuses(why)) => {
            looked.findings.push(Finding::new(Code::ServiceRefuses, Level::Warning, "service", name).detail(why));
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
            looked.findings.push(finding.detail(format!("tried {}", tried.join(", "))));
        }
        Ok(names) => {
            looked.administrators.insert(name.into(), names);
        }
        // Told already.
        Err(_) => {}
    }
}

/// Whether the program asks the account phase too.
fn asks_account(name: &str) -> bool {
    let is_of = |manager: &str| name.strip_prefix(manager).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    ASK_ACCOUNT.contains(&name) || DISPLAY_MANAGERS.into_iter().any(is_of)
}

/// Ways by which a person of the directory gets in without a key.
fn open(loaded: &Loaded, machine: &Machine, people: &People<'_>, name: &str) -> Result<Option<Finding>, Doubt> {
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
    let local = people.local.iter().map(|(name, uid)| (name.as_str(), *uid)).filter(|(name, _)| *name != "root");
    std::iter::once(("root", 0)).chain(local)
}

/// The local accounts that get in, with the module and without it.
fn administrators(loaded: &Loaded, machine: &Machine, people: &People<'_>, name: &str) -> Result<Vec<String>, Doubt> {
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

fn gets_in(loaded: &Loaded, name: &str, subject: &Subject<'_>, world: &World<'_>) -> Result<bool, Doubt> {
    let any = |found: Ways| matches!(found, Ways::Some(ways) if !ways.is_empty());
    Ok(any(auth(loaded, name, subject, world)?) && any(account(loaded, name, subject, world)?))
}

/// What an acceptance is for: the file's and the module's name, not the number of the line.
fn speaker(line: &Line) -> String {
    format!("{} {}", line.file.display(), module(line))
}

fn module(line: &Line) -> String {
    match &line.kind {
        Kind::Module { name, .. } => String::from_utf8_lossy(name).into_owned(),
        Kind::MustFail => "(unusable line)".into(),
        Kind::Substack => "(substack)".into(),
    }
}

/// `/etc/pam.d/x:3 pam_fprintd.so (a fingerprint); way: ...`
fn described(lines: &[Line], way: &Way) -> String {
    let place = |line: &Line| format!("{}:{} {}", line.file.display(), line.number, module(line));
    let by = lines.get(way.by).map(|line| {
        let what = match &line.kind {
            Kind::Module { name, .. } => match proof(name) {
                (Proof::Unknown, _) => "could succeed".to_owned(),
                (_, what) => what.to_owned(),
            },
            _ => "-".to_owned(),
        };
        format!("{} ({what})", place(line))
    });
    let steps: Vec<_> = way
        .steps
        .iter()
        .filter_map(|step| lines.get(step.line).map(|line| format!("{} = {}", place(line), step.answer)))
        .collect();
    format!("{}; way: {}", by.unwrap_or_default(), steps.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tree(tempfile::TempDir);

    /// With lines for the day on which the module cannot be loaded.
    const NOW: &str = "auth [success=5 user_unknown=3 module_unknown=ignore default=die] pam_fido.so\n\
                       auth [success=2 default=ignore] pam_succeed_if.so quiet uid < 1000\n\
                       auth [success=1 default=ignore] pam_listfile.so item=user sense=allow file=/local onerr=fail\n\
                       auth requisite pam_deny.so\n\
                       auth [success=1 default=ignore] pam_unix.so nullok\n\
                       auth requisite pam_deny.so\nauth required pam_permit.so\n";
    const ACCOUNT: &str = "account [success=ok user_unknown=ignore module_unknown=ignore default=die] pam_fido.so\n\
                           account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n\
                           account requisite pam_deny.so\naccount required pam_permit.so\n";

    impl Tree {
        /// Modules that begin as one does; `other` asks for a key.
        fn new(files: &[(&str, &str)]) -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            let mut elf = vec![0x7f, b'E', b'L', b'F', if cfg!(target_pointer_width = "64") { 2 } else { 1 }, 1];
            elf.resize(16, 0);
            elf.extend([3, 0, 0, 0, 0, 0, 0, 0]);
            for name in
                ["fido", "unix", "deny", "permit", "krb5", "fprintd", "succeed_if", "listfile", "nologin", "rootok"]
            {
                tree.write(&format!("usr/lib/x86_64-linux-gnu/security/pam_{name}.so"), &elf);
            }
            tree.write("etc/pam.d/common-auth", NOW.as_bytes());
            tree.write("etc/pam.d/common-account", ACCOUNT.as_bytes());
            tree.write("etc/pam.d/other", b"@include common-auth\n@include common-account\n");
            for (name, text) in files {
                tree.write(name, text.as_bytes());
            }
            tree
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            let path = self.0.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }

        fn look(&self) -> Vec<(u16, String, Level)> {
            self.findings().into_iter().map(|finding| (finding.code.number(), finding.subject, finding.level)).collect()
        }

        fn findings(&self) -> Vec<Finding> {
            let people = People {
                system_uid_max: 999,
                local: vec![("admin".into(), 1000)],
                in_group: &|_, group| (group != "somewhere").then_some(false),
                can_be_person: &|name| !["root", "admin", "gdm"].contains(&name),
            };
            look(&Machine::new(self.0.path()), &people).findings
        }
    }

    const OPEN: Level = Level::Open;

    #[test]
    fn a_service_that_asks_for_the_key_first_is_closed() {
        let with = "auth requisite pam_nologin.so\n@include common-auth\n@include common-account\n";
        let tree = Tree::new(&[
            ("etc/pam.d/login", with),
            ("etc/pam.d/su", "auth sufficient pam_rootok.so\n@include common-auth\n@include common-account\n"),
        ]);
        assert_eq!(tree.look(), []);
    }

    /// Debian's profile for Kerberos stands above: priority 704, success=end.
    #[test]
    fn kerberos_above_the_key_is_open_everywhere() {
        let above = NOW.replace(
            "auth [success=5 user",
            "auth [success=6 default=ignore] pam_krb5.so minimum_uid=1000\nauth [success=5 user",
        );
        let tree = Tree::new(&[
            ("etc/pam.d/common-auth", &above),
            ("etc/pam.d/sddm", "@include common-auth\n@include common-account\n"),
        ]);
        // The account phase asks the module, which lets nobody through without a login of the same handle.
        assert_eq!(tree.look(), [(1608, "other".into(), OPEN), (1612, "sddm".into(), Level::Warning)]);
        let detail = &tree.findings()[0].details[0];
        assert!(detail.starts_with("/etc/pam.d/common-auth:1 pam_krb5.so (a Kerberos password); way: "), "{detail}");
        assert!(detail.ends_with("/etc/pam.d/common-auth:8 pam_permit.so = success"), "{detail}");
    }

    /// "done" upon an old password ends the phase before the module is asked.
    #[test]
    fn an_account_phase_that_asks_the_module_last_can_be_left_before() {
        let (first, rest) = ACCOUNT.split_once('\n').unwrap();
        let last = format!("{rest}{first}\n");
        let tree = Tree::new(&[
            ("etc/pam.d/common-account", &last),
            ("etc/pam.d/gdm-pin", "auth required pam_fprintd.so\n@include common-account\n"),
        ]);
        assert_eq!(tree.look(), [(1608, "gdm-pin".into(), OPEN)]);
    }

    #[test]
    fn services_with_an_auth_phase_of_their_own_are_named() {
        let account = "@include common-account\n";
        let plain = "account required pam_unix.so\n";
        let tree = Tree::new(&[
            ("usr/lib/pam.d/gdm-fingerprint", &format!("auth required pam_fprintd.so\n{account}")),
            ("etc/pam.d/gdm-autologin", &format!("auth required pam_permit.so\n{plain}")),
            ("etc/pam.d/kde-fingerprint", &format!("auth required pam_fprintd.so\n{account}")),
            ("etc/pam.d/lightdm-greeter", "auth required pam_permit.so\naccount required pam_permit.so\n"),
            (
                "etc/pam.d/gdm-launch-environment",
                "auth required pam_succeed_if.so user in gdm:root\nauth required pam_permit.so\n",
            ),
            ("etc/pam.d/unknown", "auth required pam_of_somebody.so\n"),
            ("etc/pam.d/vendor", "auth sufficient /lib/security/../security/pam_vendor.so\n@include common-auth\n"),
        ]);
        tree.write(
            "lib/security/pam_vendor.so",
            &std::fs::read(tree.0.path().join("usr/lib/x86_64-linux-gnu/security/pam_unix.so")).unwrap(),
        );
        assert_eq!(
            tree.look(),
            [
                (1608, "gdm-autologin".into(), OPEN),
                (1612, "gdm-fingerprint".into(), Level::Warning),
                (1608, "kde-fingerprint".into(), OPEN),
                (1608, "lightdm-greeter".into(), Level::Note),
                (1608, "vendor".into(), OPEN),
            ]
        );
    }

    #[test]
    fn what_cannot_be_told_counts_as_open() {
        let long = format!("# {}\n@include common-auth\n", "x".repeat(10_000));
        let tree = Tree::new(&[
            ("etc/pam.d/long", &long),
            ("etc/pam.d/loop", "auth include loop\n"),
            ("etc/pam.d/missing", "@include nowhere\n"),
        ]);
        tree.write("etc/pam.d/latin1", b"# \xe9\nauth required pam_\xe9.so\n@include common-auth\n");
        assert_eq!(
            tree.look(),
            [(1609, "long".into(), OPEN), (1609, "loop".into(), OPEN), (1610, "missing".into(), Level::Warning),]
        );
    }

    /// What was written until now: without the module, the password does.
    #[test]
    fn a_module_that_cannot_be_loaded_is_one_of_the_possible_worlds() {
        let ignoring = "auth [success=2 user_unknown=ignore module_unknown=ignore default=die] pam_fido.so\n\
                        auth [success=1 default=ignore] pam_unix.so nullok\n\
                        auth requisite pam_deny.so\nauth required pam_permit.so\n";
        let tree = Tree::new(&[("etc/pam.d/common-auth", ignoring)]);
        assert_eq!(tree.look(), [(1611, "other".into(), OPEN)]);
        // System accounts and listed ones go on, everybody else is refused.
        let tree = Tree::new(&[("etc/pam.d/login", "@include common-auth\n@include common-account\n")]);
        tree.write("local", b"admin\n");
        assert_eq!(tree.look(), []);
        std::fs::remove_file(tree.0.path().join("usr/lib/x86_64-linux-gnu/security/pam_fido.so")).unwrap();
        let codes = || tree.look().iter().map(|found| found.0).collect::<Vec<_>>();
        assert_eq!(codes(), [1614]);
        tree.write("local", b"admin\nhanako\n");
        assert_eq!(codes(), [1614, 1608, 1608], "a person is on the list");
        // Nobody at all gets in then.
        let closed = NOW.replace("module_unknown=ignore ", "");
        let tree = Tree::new(&[
            ("etc/pam.d/common-auth", &closed),
            ("etc/pam.d/login", "@include common-auth\n@include common-account\n"),
        ]);
        assert_eq!(tree.look(), [(1613, "login".into(), Level::Warning)]);
    }

    /// pam-auth-update can write one jump a line: the second line of the module only repeats the first one's word.
    #[test]
    fn the_second_line_of_the_module_is_no_key_and_lets_no_person_in() {
        let auth = "auth [success=6 user_unknown=ignore module_unknown=ignore default=die] pam_fido.so\n\
                    auth [success=2 default=ignore] pam_fido.so local\n\
                    auth [success=1 default=ignore] pam_succeed_if.so quiet uid eq 0\n\
                    auth [success=ignore default=die] pam_listfile.so quiet item=user sense=allow file=/local onerr=fail\n\
                    auth [success=1 default=ignore] pam_unix.so nullok\n\
                    auth requisite pam_deny.so\nauth required pam_permit.so\n";
        let login = ("etc/pam.d/login", "@include common-auth\n@include common-account\n");
        let tree = Tree::new(&[("etc/pam.d/common-auth", auth), login]);
        tree.write("local", b"admin\n");
        assert_eq!(tree.look(), []);
        // In the place of the first line it would ask for no key; nor does a file of the same name elsewhere.
        let tree = Tree::new(&[("etc/pam.d/x", "auth sufficient pam_fido.so local\nauth required pam_unix.so\n")]);
        tree.write(
            "opt/pam_fido.so",
            &std::fs::read(tree.0.path().join("usr/lib/x86_64-linux-gnu/security/pam_fido.so")).unwrap(),
        );
        tree.write("etc/pam.d/y", b"auth required /opt/pam_fido.so\n");
        assert_eq!(tree.look(), [(1608, "x".into(), OPEN), (1608, "y".into(), OPEN)]);
    }

    #[test]
    fn the_administrator_must_get_in_somewhere() {
        let only = "auth required pam_fido.so\naccount required pam_permit.so\n";
        let tree = Tree::new(&[("etc/pam.d/login", only)]);
        assert_eq!(tree.look(), [(1613, "login".into(), Level::Warning)]);
    }

    #[test]
    fn a_service_that_is_closed_to_administrators_is_a_note_where_another_is_not() {
        let tree = Tree::new(&[
            ("etc/pam.d/sddm", "auth required pam_fido.so\naccount required pam_permit.so\n"),
            ("etc/pam.d/login", "@include common-auth\n@include common-account\n"),
        ]);
        assert_eq!(tree.look(), [(1613, "sddm".into(), Level::Note)]);
    }

    #[test]
    fn groups_that_may_skip_the_question_are_looked_up() {
        let text = |group| format!("auth sufficient pam_succeed_if.so user ingroup {group}\n@include common-auth\n");
        let tree = Tree::new(&[("etc/pam.d/lightdm", &text("nopasswdlogin"))]);
        assert_eq!(tree.look(), []);
        tree.write("etc/pam.d/locker", text("somewhere").as_bytes());
        assert_eq!(tree.look(), [(1608, "locker".into(), OPEN)]);
    }
}
