//! Typing at a pseudo-terminal.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

use super::editor::{Editor, Step};
use super::person::{MAX_ANSWER, NoAnswer, Operator, Wait};
use super::standard::Console;

#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn edit(typed: &[u8]) -> Option<String> {
    let mut editor = Editor::default();
    for byte in typed {
        match editor.take(*byte) {
            Step::More => {}
            Step::Done => return editor.finish().ok().map(|text| text.to_string()),
            Step::Cancel => return None,
        }
    }
    panic!("no end");
}

#[test]
fn editing_keys_do_what_they_do_elsewhere() {
    for (typed, answer) in [
        (&b"1234\n"[..], Some("1234")),
        (b"1234\r", Some("1234")),
        (b"12x\x7f34\n", Some("1234")),
        ("12病\x7f34\n".as_bytes(), Some("1234")),
        (b"\x7f\x7f1234\n", Some("1234")),
        (b"wrong\x151234\n", Some("1234")),
        (b"12\x1b[D\x1b[3~\x1bOC34\n", Some("1234")),
        (b"12\x1a\x1c34\n", Some("1234")),
        (b"12\x0434\n", Some("1234")),
        (b"\n", Some("")),
        (b"\x04", None),
        (b"12\x03", None),
        (b"\xff\n", None),
    ] {
        assert_eq!(edit(typed).as_deref(), answer, "{typed:?}");
    }
    let long = [&[b'1'; MAX_ANSWER + 1][..], b"\n"].concat();
    assert_eq!(edit(&long), None);
}

fn echoes(terminal: &OwnedFd) -> bool {
    tcgetattr(terminal).unwrap().local_flags.contains(LocalFlags::ECHO)
}

/// A person types at a pseudo-terminal after the question was asked; what the terminal showed.
fn at_a_terminal(typed: &'static [u8]) -> (Result<Zeroizing<String>, NoAnswer>, String) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let shown = Shown::default();
    let said = shown.clone();
    let hand = std::thread::spawn({
        let master = master.try_clone().unwrap();
        let slave = slave.try_clone().unwrap();
        move || {
            while said.0.lock().unwrap().is_empty() {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            assert!(!echoes(&slave), "the question was asked while the terminal echoes");
            nix::unistd::write(&master, typed).unwrap();
        }
    });
    let mut console = Console::new(slave.try_clone().unwrap(), Box::new(shown));
    assert!(console.interactive());
    let answer = console.ask_secret("PIN: ", Wait::ForEver);
    hand.join().unwrap();
    assert!(echoes(&slave), "the terminal is as it was");
    assert!(tcgetattr(&slave).unwrap().local_flags.contains(LocalFlags::ISIG | LocalFlags::ICANON));
    let mut echoed = [0; 64];
    nix::fcntl::fcntl(&master, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))
        .unwrap();
    let count = nix::unistd::read(&master, &mut echoed).unwrap_or(0);
    (answer, String::from_utf8_lossy(&echoed[..count]).into_owned())
}

#[test]
fn a_secret_is_not_shown_and_the_terminal_is_put_back() {
    let (answer, echoed) = at_a_terminal(b"1234\r");
    assert_eq!(answer.unwrap().as_str(), "1234");
    assert_eq!(echoed, "");
}

#[test]
fn control_c_cancels_and_the_terminal_is_put_back() {
    let (answer, echoed) = at_a_terminal(b"12\x03");
    assert!(matches!(answer, Err(NoAnswer::Cancelled)));
    assert_eq!(echoed, "");
}

#[test]
fn a_visible_answer_waits_only_so_long_and_is_shown() {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let shown = Shown::default();
    let mut console = Console::new(slave.try_clone().unwrap(), Box::new(shown.clone()));
    let begun = Instant::now();
    let answer = console.ask("Sure? ", Some(Duration::from_millis(50)));
    assert!(matches!(answer, Err(NoAnswer::TimedOut)), "{answer:?}");
    assert!(begun.elapsed() >= Duration::from_millis(50), "{:?}", begun.elapsed());
    assert!(echoes(&slave), "what is typed can be seen");
    let said = shown.clone();
    let hand = std::thread::spawn(move || {
        while said.0.lock().unwrap().iter().filter(|byte| **byte == b'?').count() < 2 {
            std::thread::sleep(Duration::from_millis(2));
        }
        nix::unistd::write(&master, b"yes\n").unwrap();
        master
    });
    assert_eq!(console.ask("Sure? ", Some(Duration::from_secs(60))).unwrap(), "yes");
    // A terminal that is closed is no answer.
    drop(hand.join().unwrap());
    assert!(console.ask("Sure? ", None).is_err());
}

/// What somebody typed who went away is not there for the next one, who presses Enter.
#[test]
fn a_line_that_is_begun_and_not_finished_is_forgotten() {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let shown = Shown::default();
    let mut console = Console::new(slave, Box::new(shown.clone()));
    let hand = std::thread::spawn(move || {
        let type_at = |asked: usize, typed: &[u8]| {
            while shown.0.lock().unwrap().iter().filter(|byte| **byte == b'?').count() < asked {
                std::thread::sleep(Duration::from_millis(2));
            }
            nix::unistd::write(&master, typed).unwrap();
        };
        type_at(1, b"GOOD-CODE");
        // It is asked again.
        type_at(2, b"\r");
        type_at(3, b"NEXT\x15NEXT-CODE\r");
        master
    });
    let begun = Wait::OnceBegun(Duration::from_millis(500));
    assert_eq!(console.ask_secret("Code? ", begun).unwrap().as_str(), "");
    let begun = Wait::OnceBegun(Duration::from_secs(120));
    assert_eq!(console.ask_secret("Code? ", begun).unwrap().as_str(), "NEXT-CODE");
    drop(hand.join().unwrap());
}

#[test]
fn answers_from_a_pipe_are_lines_in_the_order_asked() {
    let (read, write) = nix::unistd::pipe().unwrap();
    nix::unistd::write(&write, b"first\r\nsecond\n\nlast").unwrap();
    drop(write);
    let mut console = Console::new(read, Box::new(std::io::sink()));
    assert!(!console.interactive());
    for answer in ["first", "second", "", "last"] {
        assert_eq!(console.ask_secret("?", Wait::ForEver).unwrap().as_str(), answer);
    }
    assert!(matches!(console.ask_secret("?", Wait::ForEver), Err(NoAnswer::Cancelled)));
}

/// A confined terminal, what was shown, and what is typed at it.
fn confined() -> (Console, Shown, OwnedFd, OwnedFd) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    let shown = Shown::default();
    let mut console = Console::new(slave.try_clone().unwrap(), Box::new(shown.clone()));
    assert!(echoes(&slave) && !console.is_confined());
    console.confine().unwrap();
    assert!(!echoes(&slave) && console.is_confined() && !console.is_over());
    (console, shown, master, slave)
}

fn type_at(master: &OwnedFd, keys: &[u8]) {
    nix::unistd::write(master, keys).unwrap();
}

/// What is typed before the question, or after it, may be a PIN that comes too early.
#[test]
fn a_confined_terminal_shows_what_is_typed_at_a_visible_question_alone() {
    let (mut console, shown, master, slave) = confined();
    type_at(&master, b"2468\n");
    let said = shown.clone();
    let hand = std::thread::spawn(move || {
        let until = |end: &[u8]| {
            while !said.0.lock().unwrap().ends_with(end) {
                std::thread::sleep(Duration::from_millis(2));
            }
        };
        until(b"Name? ");
        type_at(&master, b"hanakk\x7fo\r");
        until(b"PIN? ");
        type_at(&master, b"1234\r");
        master
    });
    assert_eq!(console.ask("Name? ", Some(Duration::from_secs(60))).unwrap(), "hanako");
    assert_eq!(console.ask_secret("PIN? ", Wait::ForEver).unwrap().as_str(), "1234");
    let seen = String::from_utf8(shown.0.lock().unwrap().clone()).unwrap();
    assert_eq!(seen, "Name? hanakk\x08 \x08o\nPIN? \n");
    assert!(!echoes(&slave) && !console.has_only_latin(), "a pseudo-terminal");
    drop((hand.join().unwrap(), slave));
    assert!(console.ask("Name? ", None).is_err() && console.is_over(), "it was hung up");
}

/// At a terminal whose keys make no signals Ctrl-C is read, whatever is waited for.
#[test]
fn ctrl_c_at_a_confined_terminal_ends_every_wait() {
    let (mut console, _, master, _slave) = confined();
    let (there, other) = std::os::unix::net::UnixStream::pair().unwrap();
    let soon = || Instant::now() + Duration::from_secs(60);
    let wait = |console: &mut Console, until| console.wait_for(there.as_fd(), until);
    type_at(&master, b"2468\x03");
    assert!(matches!(wait(&mut console, soon()), Err(NoAnswer::Cancelled)));
    // Between two waits, too.
    type_at(&master, b"\x03");
    assert!(matches!(console.ask_secret("PIN? ", Wait::ForEver), Err(NoAnswer::Cancelled)));
    type_at(&master, b"abc\n");
    assert!(matches!(wait(&mut console, Instant::now()), Err(NoAnswer::TimedOut)));
    (&other).write_all(b"x").unwrap();
    wait(&mut console, soon()).unwrap();
    assert!(!console.is_over());
    drop(master);
    assert!(matches!(wait(&mut console, soon()), Err(NoAnswer::Cancelled)));
    assert!(console.is_over());
}
