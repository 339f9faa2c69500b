//! Modules that answer by a condition, when it can be told what they say. Else both answers are
//! possible.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::answer::{Answer as A, Answers};
use crate::load::Phase;
use crate::machine::{Found, Machine};
use crate::subject::{Subject, Who};

const BOTH: Answers = Answers::of(&[A::SUCCESS, A::AUTH_ERR, A::USER_UNKNOWN, A::SERVICE_ERR]);
/// fgets(3) of `pam_listfile` cuts what is longer.
const MAX_ENTRY: usize = 250;

fn decided(holds: Option<bool>) -> Answers {
    match holds {
        Some(true) => Answers::of(&[A::SUCCESS]),
        Some(false) => Answers::of(&[A::AUTH_ERR]),
        None => BOTH,
    }
}

/// `pam_succeed_if`: conditions of three words, all of which must hold.
pub(crate) fn succeed_if(arguments: &[Vec<u8>], service: &str, subject: &Subject<'_>) -> Answers {
    let options: [&[u8]; 6] =
        [b"debug", b"use_uid", b"quiet", b"quiet_fail", b"quiet_success", b"audit"];
    let words: Vec<&[u8]> =
        arguments.iter().map(Vec::as_slice).filter(|word| !options.contains(word)).collect();
    // "use_uid": it is about who started the program, whom nobody knows here.
    if arguments.iter().any(|argument| argument == b"use_uid") {
        return BOTH;
    }
    let triples = words.chunks_exact(3);
    if !triples.remainder().is_empty() {
        // Evaluated from the left; what does not hold ends it before the incomplete rest is
        // noticed.
        return BOTH.without(A::SUCCESS);
    }
    let mut looked_up = false;
    let mut all = Some(true);
    for triple in triples {
        let [left, qualifier, right] = triple else { return BOTH };
        let [Ok(left), Ok(qualifier), Ok(right)] =
            [left, qualifier, right].map(|word| std::str::from_utf8(word))
        else {
            return BOTH;
        };
        looked_up |= matches!(
            left.to_ascii_lowercase().as_str(),
            "uid" | "gid" | "shell" | "home" | "dir" | "homedir"
        );
        match holds(
            &left.to_ascii_lowercase(),
            &qualifier.to_ascii_lowercase(),
            right,
            service,
            subject,
        ) {
            Some(true) => {}
            Some(false) => {
                all = Some(false);
                break;
            }
            None => all = None,
        }
    }
    // No condition at all: the module's answer is whatever it was before.
    if words.is_empty() {
        return BOTH;
    }
    let said = decided(all);
    // A name service that is down.
    if looked_up && subject.who == Who::Person { said.and(A::USER_UNKNOWN) } else { said }
}

fn holds(
    left: &str,
    qualifier: &str,
    right: &str,
    service: &str,
    subject: &Subject<'_>,
) -> Option<bool> {
    match (left, qualifier) {
        (_, "ingroup" | "notingroup")
            if matches!(left, "login" | "name" | "user" | "uid" | "service" | "tty" | "rhost") =>
        {
            let mut member = Some(false);
            for group in right.split(':').filter(|group| !group.is_empty()) {
                match (subject.in_group)(group) {
                    Some(true) if subject.name.is_some() => return Some(qualifier == "ingroup"),
                    // Somebody of the directory is, others are not.
                    Some(true) | None => member = None,
                    Some(false) => {}
                }
            }
            member.map(|member| member == (qualifier == "ingroup"))
        }
        ("login" | "name" | "user", "=") => subject.is_named(right),
        ("login" | "name" | "user", "!=") => subject.is_named(right).map(|named| !named),
        ("login" | "name" | "user", "in") => any_named(subject, right),
        ("login" | "name" | "user", "notin") => any_named(subject, right).map(|named| !named),
        ("service", "=") => Some(service == right),
        ("service", "!=") => Some(service != right),
        ("service", "in") => Some(right.split(':').any(|one| one == service)),
        ("service", "notin") => Some(!right.split(':').any(|one| one == service)),
        ("uid", "=" | "eq" | "!=" | "ne" | "<" | "lt" | "<=" | "le" | ">" | "gt" | ">=" | "ge") => {
            uid(qualifier, right, subject)
        }
        _ => None,
    }
}

/// `:` separates the names.
fn any_named(subject: &Subject<'_>, names: &str) -> Option<bool> {
    let mut any = Some(false);
    for name in names.split(':') {
        match subject.is_named(name) {
            Some(true) => return Some(true),
            None => any = None,
            Some(false) => {}
        }
    }
    any
}

fn uid(qualifier: &str, right: &str, subject: &Subject<'_>) -> Option<bool> {
    // strtoll with base 0 also takes octal and hexadecimal numbers, which nobody writes.
    let plain = !right.is_empty()
        && right.bytes().all(|byte| byte.is_ascii_digit())
        && (right == "0" || !right.starts_with('0'));
    let number: u64 = plain.then(|| right.parse().ok()).flatten()?;
    let least = u64::from(subject.uid);
    let most = if subject.name.is_some() { least } else { u64::from(u32::MAX) };
    let decide = |always: bool, never: bool| match (always, never) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let equal = decide(least == number && most == number, number < least || number > most);
    match qualifier {
        "=" | "eq" => equal,
        "!=" | "ne" => equal.map(|equal| !equal),
        "<" | "lt" => decide(most < number, least >= number),
        "<=" | "le" => decide(most <= number, least > number),
        ">" | "gt" => decide(least > number, most <= number),
        _ => decide(least >= number, most < number),
    }
}

/// `pam_listfile`, for `item=user`.
pub(crate) fn listfile(arguments: &[Vec<u8>], subject: &Subject<'_>, machine: &Machine) -> Answers {
    let any = BOTH.and(A::IGNORE);
    let (mut item, mut sense, mut file, mut on_error) = (None, None, None, A::SERVICE_ERR);
    for argument in arguments {
        let mut parts = argument.splitn(2, |byte| *byte == b'=');
        match (parts.next().unwrap_or_default(), parts.next()) {
            (b"onerr", Some(b"succeed")) => on_error = A::SUCCESS,
            (b"onerr", Some(b"fail")) => on_error = A::SERVICE_ERR,
            (b"sense", Some(b"allow")) => sense = Some(true),
            (b"sense", Some(b"deny")) => sense = Some(false),
            (b"file", Some(path)) => file = Some(path),
            (b"item", Some(b"user")) => item = Some(()),
            // Without a value it only complains.
            (_, None) => {}
            _ => return any,
        }
    }
    let (Some(()), Some(allow), Some(path)) = (item, sense, file) else { return any.and(on_error) };
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let Some(metadata) = machine.lstat(path) else { return Answers::of(&[on_error]) };
    if metadata.mode() & 0o002 != 0 || !metadata.file_type().is_file() {
        return Answers::of(&[A::AUTH_ERR]);
    }
    let owner = metadata.uid();
    let trusted = (owner == 0 || machine.root != Path::new("/")) && metadata.mode() & 0o020 == 0;
    let Found::Text(text) = machine.read(path) else { return any.and(on_error) };
    let entries: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if !trusted || entries.iter().any(|entry| entry.len() > MAX_ENTRY || entry.contains(&0)) {
        return any.and(on_error);
    }
    let mut listed = Some(false);
    for entry in entries {
        let entry = entry.strip_suffix(b"\r").unwrap_or(entry);
        let Ok(name) = std::str::from_utf8(entry) else { continue };
        if name.is_empty() {
            continue;
        }
        match subject.is_named(name) {
            Some(true) => {
                listed = Some(true);
                break;
            }
            None => listed = None,
            Some(false) => {}
        }
    }
    decided(listed.map(|listed| listed == allow))
}

/// `pam_usertype`. A person's uid is beyond those of system accounts, but for `nobody`, who is
/// nobody's.
pub(crate) fn usertype(arguments: &[Vec<u8>], subject: &Subject<'_>, machine: &Machine) -> Answers {
    let has = |word: &[u8]| arguments.iter().any(|argument| argument == word);
    let system = match subject.uid {
        0..=99 if subject.name.is_some() => Some(true),
        // Below, it is a matter of more of login.defs than is read here.
        uid if uid >= uid_min(machine).max(1000) => Some(false),
        _ => None,
    };
    match (has(b"use_uid"), has(b"issystem"), has(b"isregular")) {
        (false, true, false) => decided(system).and(A::USER_UNKNOWN),
        (false, false, true) => decided(system.map(|system| !system)).and(A::USER_UNKNOWN),
        _ => BOTH,
    }
}

/// `UID_MIN` of login.defs, where accounts of people begin. A file that cannot be read may say
/// anything.
fn uid_min(machine: &Machine) -> u32 {
    let text = match machine.read(Path::new("/etc/login.defs")) {
        Found::Text(text) => text,
        Found::Nothing => return 0,
        Found::Unreadable(_) => return u32::MAX,
    };
    let text = String::from_utf8_lossy(&text);
    let value = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("UID_MIN"))
            .then(|| words.next().and_then(|word| word.parse().ok()).unwrap_or(u32::MAX))
    });
    value.unwrap_or(0)
}

/// `pam_localuser`.
pub(crate) fn localuser(
    arguments: &[Vec<u8>],
    subject: &Subject<'_>,
    machine: &Machine,
) -> Answers {
    let file = arguments
        .iter()
        .rev()
        .find_map(|argument| argument.strip_prefix(b"file="))
        .unwrap_or(b"/etc/passwd");
    let Some(name) = &subject.name else { return BOTH.and(A::PERM_DENIED) };
    let Found::Text(text) = machine.read(Path::new(std::ffi::OsStr::from_bytes(file))) else {
        return BOTH.and(A::PERM_DENIED);
    };
    let begin = format!("{name}:");
    let listed = text.split(|byte| *byte == b'\n').any(|line| line.starts_with(begin.as_bytes()));
    Answers::of(&[if listed { A::SUCCESS } else { A::PERM_DENIED }])
}

/// `pam_debug auth=ANSWER acct=ANSWER`.
pub(crate) fn debug(arguments: &[Vec<u8>], phase: Phase) -> Answers {
    let key: &[u8] = match phase {
        Phase::Auth => b"auth=",
        Phase::Account => b"acct=",
        _ => return Answers::ANY,
    };
    // The first argument that begins so decides, also with a word that is no answer.
    let word = arguments.iter().find_map(|argument| argument.strip_prefix(key));
    let said = word
        .and_then(|word| A::all().find(|answer| answer.name().as_bytes() == word))
        .unwrap_or(A::SUCCESS);
    Answers::of(&[said])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(
        module: impl Fn(&[Vec<u8>], &Subject<'_>) -> Answers,
        line: &str,
        subject: &Subject<'_>,
    ) -> Option<bool> {
        let arguments: Vec<Vec<u8>> =
            line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        let said = module(&arguments, subject);
        let refusals = said.without(A::SUCCESS);
        match (said.has(A::SUCCESS), refusals.iter().any(|answer| answer != A::USER_UNKNOWN)) {
            (true, false) => Some(true),
            (false, _) => Some(false),
            _ => None,
        }
    }

    fn if_(arguments: &[Vec<u8>], subject: &Subject<'_>) -> Answers {
        succeed_if(arguments, "login", subject)
    }

    #[test]
    fn conditions_are_told_for_persons_local_accounts_and_root() {
        let in_group = |group: &str| match group {
            "sudo" => Some(false),
            "staff" => Some(true),
            _ => None,
        };
        let can_be_person = |name: &str| name != "root" && name != "admin";
        let subject = |who, name: Option<&str>, uid| Subject {
            who,
            name: name.map(Into::into),
            uid,
            in_group: &in_group,
            can_be_person: &can_be_person,
        };
        let person = subject(Who::Person, None, 1000);
        let admin = subject(Who::Local, Some("admin"), 1500);
        let root = subject(Who::Root, Some("root"), 0);
        for (line, of_person, of_admin, of_root) in [
            ("uid < 1000 quiet", Some(false), Some(false), Some(true)),
            ("uid >= 1000", Some(true), Some(true), Some(false)),
            ("uid > 1000", None, Some(true), Some(false)),
            ("uid = 0", Some(false), Some(false), Some(true)),
            ("uid ne 0", Some(true), Some(true), Some(false)),
            ("user = root", Some(false), Some(false), Some(true)),
            ("USER = hanako", None, Some(false), Some(false)),
            ("user in root:admin", Some(false), Some(true), Some(true)),
            ("user in root:hanako", None, Some(false), Some(true)),
            ("user notin root:admin", Some(true), Some(false), Some(false)),
            ("user ingroup sudo", Some(false), Some(false), Some(false)),
            ("user notingroup sudo", Some(true), Some(true), Some(true)),
            ("user ingroup sudo:staff", None, Some(true), Some(true)),
            ("user ingroup elsewhere", None, None, None),
            ("service = login", Some(true), Some(true), Some(true)),
            ("service in sshd:su", Some(false), Some(false), Some(false)),
            ("tty = tty1", None, None, None),
            ("user = root use_uid", None, None, None),
            ("uid = 0x0", None, None, None),
            ("user = root uid", Some(false), Some(false), Some(false)),
            ("uid < 1000 user = hanako", Some(false), Some(false), Some(false)),
        ] {
            let all = [&person, &admin, &root].map(|subject| ask(if_, line, subject));
            assert_eq!(all, [of_person, of_admin, of_root], "{line}");
        }
        let machine = tempfile::tempdir().unwrap();
        let kind = |line: &str, subject: &Subject<'_>| {
            ask(
                |arguments, subject| usertype(arguments, subject, &Machine::new(machine.path())),
                line,
                subject,
            )
        };
        assert_eq!(kind("issystem", &person), Some(false));
        assert_eq!(kind("isregular use_uid", &person), None);
        assert_eq!(kind("issystem", &root), Some(true));
        // Where people begin later, an account of a smaller uid may count as the system's.
        std::fs::create_dir(machine.path().join("etc")).unwrap();
        std::fs::write(machine.path().join("etc/login.defs"), "# UID_MIN 5\nUID_MIN 2000\n")
            .unwrap();
        assert_eq!(kind("issystem", &person), None);
        assert_eq!(kind("issystem", &subject(Who::Person, None, 2000)), Some(false));
    }

    #[test]
    fn a_list_of_local_accounts_lets_no_person_in() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("list");
        let can_be_person = |name: &str| !["root", "admin"].contains(&name);
        let subject = |name: Option<&str>| Subject {
            who: if name.is_some() { Who::Local } else { Who::Person },
            name: name.map(Into::into),
            uid: 1000,
            in_group: &|_| None,
            can_be_person: &can_be_person,
        };
        let answers = |name, line: &str| {
            let arguments: Vec<Vec<u8>> =
                line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            listfile(&arguments, &subject(name), &Machine::new(root.path()))
        };
        let line = "item=user sense=allow file=/list onerr=fail quiet";
        assert_eq!(answers(None, line), Answers::of(&[A::SERVICE_ERR]), "no such file");
        assert!(answers(None, "item=user sense=allow file=/list onerr=succeed").has(A::SUCCESS));
        std::fs::write(&path, "admin\n\nroot\r\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(answers(None, line), Answers::of(&[A::AUTH_ERR]));
        assert_eq!(answers(Some("admin"), line), Answers::of(&[A::SUCCESS]));
        assert_eq!(answers(Some("hanako"), line), Answers::of(&[A::AUTH_ERR]));
        assert!(answers(None, "item=user sense=deny file=/list").has(A::SUCCESS));
        assert!(answers(None, "item=group sense=allow file=/list").has(A::SUCCESS));
        std::fs::write(&path, "admin\nhanako\n").unwrap();
        assert!(answers(None, line).has(A::SUCCESS), "a person is on the list");
        std::fs::write(&path, "admin\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o664)).unwrap();
        assert!(answers(None, line).has(A::SUCCESS), "others can write it");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o646)).unwrap();
        assert_eq!(
            answers(None, line),
            Answers::of(&[A::AUTH_ERR]),
            "the module refuses a file of everybody's"
        );
    }
}
