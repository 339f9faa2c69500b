//! The reading and evaluating of stacks beside the real libpam: the same files, the same answers of
//! the modules. Modules with known answers (`pam_debug`, `pam_permit`, `pam_deny`, `pam_warn`, one
//! that is missing) in random stacks, with random controls, includes and damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use wardkey_pamapp::{Attempt, Conversation, HungUp, Style, attempt};
use wardkey_stacks::{Answer, Kind, Line, Loaded, Machine, Phase, load, run};
use zeroize::Zeroizing;

/// Nobody; the modules only tell something.
struct Silent;

impl Conversation for Silent {
    fn message(&mut self, _: Style, _: &str) -> Result<Zeroizing<String>, HungUp> {
        Ok(Zeroizing::new(String::new()))
    }
}

/// What libpam answers at auth and account.
fn libpam(folder: &Path, service: &str) -> (i32, Option<i32>) {
    let ended = attempt(&Attempt { folder, service, user: "root", tty: None }, "NONE", &mut Silent);
    (ended.authenticated, ended.account)
}

/// What we say; `None` when we do not.
fn ours(folder: &Path, service: &str) -> Option<(i32, Option<i32>)> {
    let mut machine = Machine::new("/");
    machine.services = vec![folder.into()];
    let number = |answer: Answer| i32::try_from(answer.number()).unwrap();
    let lists = match load(&machine, service) {
        Err(_) => return None,
        Ok(Loaded::Refuses(_)) => return Some((number(Answer::ABORT), None)),
        Ok(Loaded::Service(lists)) => lists,
    };
    let of = |phase| run(lists.list(phase), |line| answer(&machine, line, phase));
    let auth = of(Phase::Auth);
    let account = (auth == Answer::SUCCESS).then(|| of(Phase::Account));
    Some((number(auth), account.map(number)))
}

fn answer(machine: &Machine, line: &Line, phase: Phase) -> Answer {
    let Kind::Module { name, arguments } = &line.kind else { panic!("{line:?}") };
    if !machine.has_module(name) {
        return Answer::MODULE_UNKNOWN;
    }
    let key = if phase == Phase::Auth { "auth=" } else { "acct=" };
    match String::from_utf8_lossy(name).rsplit('/').next().unwrap() {
        "pam_permit.so" => Answer::SUCCESS,
        "pam_deny.so" => Answer::AUTH_ERR,
        "pam_warn.so" => Answer::IGNORE,
        "pam_debug.so" => {
            let word = arguments.iter().find_map(|word| word.strip_prefix(key.as_bytes()));
            word.and_then(|word| Answer::all().find(|a| a.name().as_bytes() == word))
                .unwrap_or(Answer::SUCCESS)
        }
        other => panic!("{other}"),
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound
    }
    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const RETURNS: [&str; 16] = [
    "success",
    "success",
    "success",
    "success",
    "success",
    "auth_err",
    "ignore",
    "user_unknown",
    "module_unknown",
    "new_authtok_reqd",
    "perm_denied",
    "authinfo_unavail",
    "acct_expired",
    "maxtries",
    "abort",
    "cred_err",
];
const ACTIONS: [&str; 10] = ["ok", "done", "bad", "die", "ignore", "reset", "1", "2", "3", "07"];

fn control(random: &mut Random) -> String {
    if random.below(3) == 0 {
        return random
            .one(&["required", "requisite", "sufficient", "sufficient", "optional", "Required"])
            .into();
    }
    let mut text = String::from("[");
    for _ in 0..1 + random.below(4) {
        let value = if random.below(3) == 0 { "default" } else { random.one(&RETURNS) };
        let equals = random.one(&["=", "=", "=", " = "]);
        text += &format!(
            "{value}{equals}{}{}",
            random.one(&ACTIONS),
            random.one(&[" ", " ", "  ", "\t"])
        );
    }
    match random.below(30) {
        0 => text,
        1 => text + "success=]",
        2 => text + "default=0]",
        _ => text.trim_end().to_owned() + "]",
    }
}

fn module(random: &mut Random) -> String {
    match random.below(12) {
        0 => "pam_permit.so".into(),
        1 => "pam_deny.so x=[a b]".into(),
        2 => "pam_missing.so".into(),
        3 => "pam_warn.so".into(),
        4 => "/lib/x86_64-linux-gnu/security/pam_permit.so".into(),
        _ => format!("pam_debug.so auth={} acct={}", random.one(&RETURNS), random.one(&RETURNS)),
    }
}

fn file(random: &mut Random, folder: &Path, deeper: &[String]) -> String {
    let mut text = String::new();
    for _ in 0..random.below(7) {
        let kind =
            random.one(&["auth", "auth", "auth", "account", "account", "Auth", "-auth", "session"]);
        let line = match random.below(12) {
            0 | 1 if !deeper.is_empty() => {
                let name = &deeper[random.below(deeper.len())];
                let path = folder.join(name).display().to_string();
                match random.below(5) {
                    0 | 1 => format!("{kind} include {path}"),
                    2 | 3 => format!("{kind} Substack {path}"),
                    _ => format!("@include {path}"),
                }
            }
            2 if random.below(3) == 0 => random
                .one(&[
                    "# comment",
                    "",
                    "auth",
                    "auth required",
                    "auth [success=ok]",
                    "nonsense required pam_permit.so",
                    "auth required pam_permit.so # more",
                    "[auth] [success=ok]pam_permit.so",
                    "auth optional .so",
                    "auth include /nowhere/to/be/found",
                    "auth substack /nowhere/to/be/found",
                    "auth optional dir/",
                    "@include /nowhere/to/be/found",
                    "auth\trequired\\\n\tpam_permit.so",
                    "auth required pam_permit.so\r",
                    "auth \\\n\\\n required \\\npam_deny.so",
                    "auth required \u{9}pam_permit.so\u{3000}",
                    "auth include /etc",
                ])
                .into(),
            _ => format!("{kind} {} {}", control(random), module(random)),
        };
        text += &line;
        text += "\n";
    }
    if random.below(40) == 0 {
        text += "auth required pam_permit.so \\\n";
    }
    text
}

#[test]
fn random_stacks_are_judged_as_libpam_judges_them() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut told, mut let_in, mut refused) = (0, 0, 0);
    const TRIALS: usize = 1200;
    for trial in 0..TRIALS {
        let names: Vec<String> = (0..4).map(|index| format!("part{index}")).collect();
        let mut shown = String::new();
        for index in (0..names.len()).rev() {
            let text = file(&mut random, folder, &names[index + 1..]);
            shown += &format!("--- {}\n{text}", names[index]);
            std::fs::write(folder.join(&names[index]), text).unwrap();
        }
        let text = file(&mut random, folder, &names);
        shown += &format!("--- service\n{text}");
        std::fs::write(folder.join("service"), text).unwrap();
        let other =
            if random.below(4) == 0 { file(&mut random, folder, &names) } else { String::new() };
        shown += &format!("--- other\n{other}");
        std::fs::write(folder.join("other"), other).unwrap();
        let Some(ours) = ours(folder, "service") else { continue };
        let theirs = libpam(folder, "service");
        assert_eq!(ours, theirs, "trial {trial}\n{shown}");
        told += 1;
        let_in += usize::from(theirs.0 == 0);
        refused += usize::from(theirs.0 != 0);
    }
    assert!(
        told > TRIALS * 9 / 10 && let_in > TRIALS / 20 && refused > TRIALS / 20,
        "{told} {let_in} {refused}"
    );
}

/// Long chains of jumps, resets and substacks, without damage.
#[test]
fn deep_stacks_are_judged_as_libpam_judges_them() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let mut random = Random(77);
    std::fs::write(folder.join("other"), "").unwrap();
    for trial in 0..60 {
        let mut shown = String::new();
        for depth in (0..6).rev() {
            let mut text = String::new();
            for _ in 0..8 {
                if depth < 5 && random.below(4) == 0 {
                    let how = random.one(&["include", "substack", "substack"]);
                    text += &format!(
                        "auth {how} {}\n",
                        folder.join(format!("part{}", depth + 1)).display()
                    );
                } else {
                    let jump = 1 + random.below(4);
                    let value = random.one(&RETURNS);
                    let control = match random.below(4) {
                        0 => format!("[{value}={jump} default=ignore]"),
                        1 => format!("[{value}=reset default=ok]"),
                        _ => control(&mut random),
                    };
                    text += &format!(
                        "auth {control} pam_debug.so auth={}\n",
                        random.one(&RETURNS[..8])
                    );
                }
            }
            shown += &format!("--- part{depth}\n{text}");
            std::fs::write(folder.join(format!("part{depth}")), text).unwrap();
        }
        let Some(ours) = ours(folder, "part0") else { continue };
        assert_eq!(ours.0, libpam(folder, "part0").0, "trial {trial}\n{shown}");
    }
}

#[test]
fn loops_and_missing_files() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let service = folder.join("service");
    std::fs::write(folder.join("other"), "").unwrap();
    let path = service.display();
    for (text, told) in [
        // libpam stops a loop of substacks at its own depth; the line that failed is "bad" there.
        (format!("auth substack {path}\nauth optional pam_permit.so\n"), true),
        (format!("auth include {path}\nauth optional pam_permit.so\n"), false),
        (format!("@include {path}\nauth optional pam_permit.so\n"), false),
        ("@include /nowhere\nauth required pam_permit.so\n".into(), true),
        ("auth include /nowhere\nauth required pam_permit.so\n".into(), true),
        ("auth include /nowhere\n".into(), true),
    ] {
        std::fs::write(&service, &text).unwrap();
        let ours = ours(folder, "service");
        assert_eq!(ours.is_some(), told, "{text}");
        if let Some(ours) = ours {
            assert_eq!(ours, libpam(folder, "service"), "{text}");
        }
    }
    // A service that nobody has, and no "other" for it.
    std::fs::remove_file(folder.join("other")).unwrap();
    assert_eq!(ours(folder, "none"), Some(libpam(folder, "none")));
}

#[test]
fn what_only_some_versions_of_libpam_include_is_not_judged() {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("etc/pam.d/own", "auth required pam_deny.so\n"),
        ("etc/pam.d/one", "@include own\n"),
        ("etc/pam.d/two", "@include vendors\n"),
        ("etc/pam.d/three", "auth include vendors\n"),
        ("etc/pam.d/four", "@include nobodys\n"),
        ("etc/pam.d/five", "@include both\n"),
        ("etc/pam.d/both", "auth required pam_deny.so\n"),
        ("usr/lib/pam.d/both", "auth required pam_permit.so\n"),
        ("usr/lib/pam.d/vendors", "auth required pam_permit.so\n"),
        ("usr/lib/pam.d/six", "@include own\n"),
    ] {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let machine = Machine::new(root.path());
    for (service, is_judged) in [
        ("one", true),
        ("two", false),
        ("three", false),
        ("four", true),
        ("five", true),
        ("six", true),
    ] {
        let loaded = load(&machine, service);
        assert_eq!(loaded.is_ok(), is_judged, "{service}: {loaded:?}");
    }
}
