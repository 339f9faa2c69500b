//! The enrollment console: what it asks, and what leads out of it (nothing).

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::pty::{OpenptyResult, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use wardkey_cli::Wait;
use wardkey_core::message::agent::{self, Reply as AgentReply};
use wardkey_core::name::DisplayText;

use super::common::{Machine, enrolled, enrollment, status};
use super::{machine, plug, trusts};

const RESET: &str = "\x1bc\x1b]R\x1b[H\x1b[2J\x1b[3J";
const RUN: &str = "enroll-console run";
const IDLE: Wait = Wait::For(Duration::from_secs(60));
const AWAY: Wait = Wait::For(Duration::from_secs(120));

fn count(log: &[String], what: &str) -> usize {
    log.iter().filter(|line| *line == what).count()
}

/// Who found a code learns nothing by it, also not that it is one.
#[test]
fn a_code_of_another_person_is_as_good_as_a_wrong_one_and_each_costs_time() {
    let machine = machine(0);
    plug(&machine, Some("2468"), 8);
    let answers = [
        &["sato", "GOOD-CODE", ""][..],
        &["hanako", "BAD-CODE", ""],
        &["hanako", "FULL-CODE", ""],
        &["hanako", "GOOD-CODE", "", "2468", ""],
        &["hanako", "BAD-CODE", ""],
    ];
    let ran = machine.run(RUN, &answers.concat(), true, false);
    assert_eq!(ran.exit, 0);
    assert!(ran.out.contains("has been registered"), "{}", ran.out);
    assert!(ran.out.ends_with("\nKeys registered: 1\n"), "{}", ran.out);
    let refused: Vec<&str> = ran.errors.lines().collect();
    assert!(refused.len() == 4 && refused[0].contains("WK-1506"), "{}", ran.errors);
    assert!(refused.iter().all(|line| *line == refused[0]), "the same words: {}", ran.errors);

    let log = machine.log();
    let pauses: Vec<&String> = log.iter().filter(|line| line.starts_with("pause")).collect();
    assert_eq!(pauses, ["pause 2", "pause 4", "pause 8", "pause 2"], "anew after a good one");
    assert_eq!(count(&log, "key MakeCredential"), 1);
    // One of the terminal's tries for each of them, also for the one that went well.
    assert_eq!(count(&log, "agent EnrollBegin"), answers.len());
    // No key is looked for before code and name are right.
    let first_key = log.iter().position(|line| line.starts_with("key ")).unwrap();
    let third_pause = log.iter().position(|line| line == "pause 8").unwrap();
    assert!(third_pause < first_key, "{log:?}");
    let resets = ran.said.iter().filter(|said| *said == RESET).count();
    assert_eq!(resets, answers.len(), "each at a screen that is reset");
    assert_eq!(ran.waits[..3], [IDLE, AWAY, IDLE], "name, code, Enter: no question waits for ever");
    assert!(!ran.waits.contains(&Wait::ForEver), "{:?}", ran.waits);
}

/// Nobody can be asked for a PIN or a touch by one who has gone, and no key becomes somebody's.
#[test]
fn ctrl_c_stops_it_while_agent_and_key_are_waited_for_and_the_code_stays_good() {
    for (answers, log_has, not) in [
        (&["^C after agent EnrollBegin"][..], "agent EnrollBegin", "key List"),
        (&["", "^C after key List"], "key List", "asked PIN: "),
        (&["", "2468", "^C after key MakeCredential"], "key MakeCredential", "agent EnrollFinish"),
    ] {
        let machine = machine(0);
        plug(&machine, Some("2468"), 8);
        let first = [&["hanako", "GOOD-CODE"][..], answers].concat();
        // The next one, with the same code.
        let next = ["hanako", "GOOD-CODE", "", "2468", ""];
        let ran = machine.run(RUN, &[&first[..], &next].concat(), true, false);
        assert!(ran.out.ends_with("\nKeys registered: 1\n"), "{log_has}: {}", ran.out);
        let log = machine.log();
        let end = log.iter().rposition(|line| line == "asked Login name: ").unwrap();
        assert!(count(&log[..end], log_has) == 1 && count(&log[..end], not) == 0, "{log:?}");
        assert_eq!(count(&log, "agent EnrollFinish"), 1);
        assert!(ran.said.iter().any(|said| said.contains("the code is still good")));
        // The key is let go.
        let until = Instant::now() + Duration::from_secs(20);
        let mut log = log;
        while log_has == "key MakeCredential" && count(&log, "key Cancel") == 0 {
            assert!(Instant::now() < until, "{log:?}");
            log.extend(machine.log());
        }
    }
}

#[test]
fn whose_key_it_becomes_is_said_before_anything_is_spent() {
    for no in ["no", "^C", "(away)"] {
        let machine = machine(0);
        plug(&machine, Some("2468"), 8);
        let ran = machine.run(RUN, &["hanako", "GOOD-CODE", no], true, false);
        assert!(ran.said.iter().any(|said| said.contains("山田 花子 (hanako)")), "{:?}", ran.said);
        assert_eq!((ran.out.as_str(), ran.errors.as_str()), ("Keys registered: 0\n", ""), "{no}");
        let log = machine.log();
        assert!(!log.iter().any(|line| line.starts_with("key ")), "{no}: {log:?}");
        assert_eq!(count(&log, "agent EnrollFinish"), 0, "{no}");
    }
}

#[test]
fn nothing_that_is_typed_at_a_question_leads_anywhere_but_to_the_beginning() {
    let machine = machine(0);
    plug(&machine, Some("2468"), 8);
    let answers = [
        &["^C"][..],
        &["(away)"],
        &[""],
        &["hanako", "^C"],
        &["hanako", "(away)"],
        &["hanako", "GOOD-CODE", "", "^C"],
        &["a b", ""],
    ];
    let ran = machine.run(RUN, &answers.concat(), true, false);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "Keys registered: 0\n"));
    assert_eq!(ran.said.iter().filter(|said| *said == RESET).count(), answers.len());
    assert!(ran.errors.lines().count() == 1 && ran.errors.contains("WK-1516"), "{}", ran.errors);
    assert_eq!(count(&machine.log(), "key MakeCredential"), 0);
}

/// A console has no Japanese letters: there the name is said in Latin ones, else the login name.
#[test]
fn a_console_says_names_in_letters_that_it_has() {
    for (latin, at_console, said) in [
        (Some("YAMADA Hanako"), true, "YAMADA Hanako (hanako)"),
        (None, true, "hanako (hanako)"),
        (Some("Ямада"), true, "hanako (hanako)"),
        (Some("ŌNO Yūko"), true, "ONO Yuko (hanako)"),
        (Some("YAMADA Hanako"), false, "山田 花子 (hanako)"),
    ] {
        let machine = Machine::new();
        trusts(&machine, 1);
        machine.agent(move |request| {
            let latin_name = latin.map(|name| DisplayText::new(name).unwrap());
            vec![match request {
                agent::Request::Status => AgentReply::Status(Box::new(status())),
                agent::Request::EnrollBegin(_) => {
                    AgentReply::Enrollment(Box::new(agent::Enrollment {
                        latin_name,
                        ..enrollment(0)
                    }))
                }
                agent::Request::EnrollFinish(_) => AgentReply::Enrolled(enrolled()),
                other => panic!("{other:?}"),
            }]
        });
        plug(&machine, Some("2468"), 8);
        if at_console {
            machine.reads_latin_letters();
        }
        let ran = machine.run(RUN, &["hanako", "CODE", "", "2468", ""], true, false);
        let all = format!("{}\n{}", ran.said.join("\n"), ran.out);
        assert_eq!(all.matches(said).count(), 2, "{all}");
        assert!(!at_console || !all.contains('山'), "{all}");
    }
}

/// A program at a pseudo-terminal that is its controlling terminal, as systemd starts one.
struct AtTerminal {
    child: Child,
    keyboard: std::fs::File,
    shown: Arc<Mutex<String>>,
}

impl AtTerminal {
    fn start(program: &[&str], notify: &Path) -> Self {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        let end = |slave: &OwnedFd| Stdio::from(slave.try_clone().unwrap());
        // Becomes the program itself, so its process id is the child's.
        let child = Command::new("setsid")
            .arg("--ctty")
            .args(program)
            .env("NOTIFY_SOCKET", notify)
            .stdin(end(&slave))
            .stdout(end(&slave))
            .stderr(end(&slave))
            .spawn()
            .unwrap();
        drop(slave);
        let shown = Arc::new(Mutex::new(String::new()));
        let keyboard = std::fs::File::from(master);
        let mut screen = keyboard.try_clone().unwrap();
        let seen = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                seen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { child, keyboard, shown }
    }

    /// Waits until this was shown so often, or the program has ended.
    fn shows(&mut self, text: &str, times: usize) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if self.shown.lock().unwrap().matches(text).count() >= times {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("{:?}", self.shown.lock().unwrap());
    }

    fn type_keys(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
    }

    fn of_status(&self, name: &str) -> String {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const KEYS: [(&str, &[u8]); 5] = [
    ("Ctrl-C", b"\x03"),
    ("Ctrl-\\", b"\x1c\n"),
    ("Ctrl-D", b"\x04"),
    // These would stop the program, or what it shows.
    ("Ctrl-Z", b"\x1a\n"),
    ("Ctrl-S", b"\x13\n"),
];

/// As root, as tests run in CI: the memory of a program that is not optimised is more than others
/// may lock.
#[test]
fn no_key_of_the_terminal_ends_or_stops_the_console() {
    let folder = tempfile::tempdir().unwrap();
    let notify = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&notify).unwrap();
    let program = [env!("CARGO_BIN_EXE_wardkey"), "--lang=en", "enroll-console", "run"];
    let mut console = AtTerminal::start(&program, &notify);
    assert!(console.shows("Login name: ", 1), "{:?}", console.shown.lock().unwrap());
    // systemd knows that it is open, and no sooner.
    let mut said = [0; 16];
    let length = systemd.recv(&mut said).unwrap();
    assert_eq!(&said[..length], b"READY=1");
    for (name, keys) in KEYS {
        let before = console.shown.lock().unwrap().matches("Login name: ").count();
        console.type_keys(keys);
        assert!(console.shows("Login name: ", before + 1), "{name}");
    }
    assert!(!console.of_status("State:").starts_with('T'));
    let locked = console.of_status("VmLck:");
    assert!(locked != "0 kB", "what is typed may be written to the swap space: {locked}");
    assert_eq!(console.of_status("Seccomp:"), "2", "it may start programs");

    // Letters are shown, and no orders to the console: U+009B is the beginning of one.
    let before = console.shown.lock().unwrap().len();
    console.type_keys("ab\u{9b}8m\x1b[31m\x7fc".as_bytes());
    assert!(console.shows("ab8m\x08 \x08c", 1));
    assert!(!console.shown.lock().unwrap()[before..].contains(['\u{9b}', '\x1b']));

    // systemd has it end.
    console.signal(Signal::SIGTERM);
    assert!(console.child.wait().unwrap().success());

    // The same keys at a program that is not protected: they do arrive.
    let shell = ["sh", "-c", "echo 'Login name: '; exec cat"];
    for (name, keys) in &KEYS[..3] {
        let mut other = AtTerminal::start(&shell, &notify);
        assert!(other.shows("Login name: ", 1));
        other.type_keys(keys);
        let ended = other.child.wait().unwrap();
        assert!(*name == "Ctrl-D" || !ended.success(), "{name}: {ended}");
    }
}

#[test]
fn a_console_that_is_hung_up_ends() {
    let program = [env!("CARGO_BIN_EXE_wardkey"), "--lang=en", "enroll-console", "run"];
    let mut console = AtTerminal::start(&program, Path::new("/nonexistent"));
    assert!(console.shows("Login name: ", 1));
    // The thread that reads the screen has the terminal open, too: the signal of a hang-up.
    console.signal(Signal::SIGHUP);
    assert!(console.child.wait().unwrap().success());
}
