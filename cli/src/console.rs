//! Questions and answers: a terminal without echo, or lines from a pipe.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{
    FlushArg, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcflush, tcgetattr, tcsetattr,
};
use zeroize::{Zeroize, Zeroizing};

/// The longest answer in bytes; reserved at once, so that no copy stays behind when it grows.
const MAX_ANSWER: usize = 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Ctrl-C, Ctrl-D, a signal, or the end of the input.
    #[error("cancelled")]
    Cancelled,
    /// Nothing was typed in time.
    #[error("no answer in time")]
    TimedOut,
    /// Longer than any answer, or not UTF-8.
    #[error("not an answer")]
    Unreadable,
    /// Another error of the system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<Errno> for NoAnswer {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// Somebody, or a script, who is told things and asked questions.
pub trait Person {
    /// Whether it is a person at a terminal, who can be asked again.
    fn interactive(&self) -> bool;
    /// Tells something.
    fn say(&mut self, text: &str);
    /// Asks for something that may be seen, for as long as `wait` says; without it, for ever.
    ///
    /// # Errors
    /// [`NoAnswer`].
    fn ask(&mut self, question: &str, wait: Option<Duration>) -> Result<String, NoAnswer>;
    /// Asks for a secret: nothing of it is shown.
    ///
    /// # Errors
    /// [`NoAnswer`].
    fn ask_secret(&mut self, question: &str) -> Result<Zeroizing<String>, NoAnswer>;
}

/// Standard input, or what stands for it in a test, and standard error.
pub struct Console {
    input: OwnedFd,
    say: Box<dyn Write>,
    terminal: bool,
}

impl Console {
    /// Standard input and standard error.
    ///
    /// # Errors
    /// The error of dup(2).
    pub fn standard() -> std::io::Result<Self> {
        Ok(Self::new(std::io::stdin().as_fd().try_clone_to_owned()?, Box::new(std::io::stderr())))
    }

    /// Another input and output.
    pub fn new(input: OwnedFd, say: Box<dyn Write>) -> Self {
        let terminal = tcgetattr(&input).is_ok();
        Self { input, say, terminal }
    }

    fn show(&mut self, text: &str) {
        // Nobody there to read it is no reason to stop.
        let _ = self.say.write_all(text.as_bytes());
        let _ = self.say.flush();
    }

    /// One line, byte by byte: what follows it stays for the next question, and no buffer keeps a copy.
    fn line(&mut self) -> Result<Zeroizing<String>, NoAnswer> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
        loop {
            match read_byte(&self.input)? {
                None if bytes.is_empty() => return Err(NoAnswer::Cancelled),
                None | Some(b'\n') => return text(bytes),
                Some(_) if bytes.len() == MAX_ANSWER => return Err(NoAnswer::Unreadable),
                Some(byte) => bytes.push(byte),
            }
        }
    }

    fn typed(&mut self, question: &str) -> Result<Zeroizing<String>, NoAnswer> {
        let quiet = Quiet::begin(&self.input)?;
        self.say.write_all(question.as_bytes()).and_then(|()| self.say.flush())?;
        let mut editor = Editor::default();
        let answer = loop {
            match quiet.next_byte() {
                Ok(Some(byte)) => match editor.take(byte) {
                    Step::More => {}
                    Step::Done => break editor.finish(),
                    Step::Cancel => break Err(NoAnswer::Cancelled),
                },
                Ok(None) => break Err(NoAnswer::Cancelled),
                Err(error) => break Err(error),
            }
        };
        drop(quiet);
        self.show("\n");
        answer
    }
}

impl Person for Console {
    fn interactive(&self) -> bool {
        self.terminal
    }

    fn say(&mut self, text: &str) {
        self.show(&format!("{text}\n"));
    }

    fn ask(&mut self, question: &str, wait: Option<Duration>) -> Result<String, NoAnswer> {
        if !self.terminal {
            return self.line().map(|line| line.as_str().to_owned());
        }
        let signals = Signals::hold()?;
        // What was typed before the question was not an answer to it.
        tcflush(&self.input, FlushArg::TCIFLUSH)?;
        self.show(question);
        match signals.wait_readable(&self.input, wait.map(|wait| Instant::now() + wait)) {
            Ok(true) => self.line().map(|line| line.as_str().to_owned()),
            Ok(false) => Err(NoAnswer::Cancelled),
            Err(error) => Err(error),
        }
        .inspect_err(|_| self.show("\n"))
    }

    fn ask_secret(&mut self, question: &str) -> Result<Zeroizing<String>, NoAnswer> {
        if self.terminal { self.typed(question) } else { self.line() }
    }
}

/// A terminal that shows nothing and sends no signals for keys, until this is dropped. Signals from
/// elsewhere wait in a descriptor meanwhile, so that they cannot leave it that way.
struct Quiet<'t> {
    terminal: &'t OwnedFd,
    before: Termios,
    signals: Signals,
}

/// The signals that ask this program to end; they wait in a descriptor until this is dropped.
struct Signals {
    mask: SigSet,
    fd: SignalFd,
}

impl Signals {
    fn hold() -> Result<Self, NoAnswer> {
        let ending = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].into_iter().collect::<SigSet>();
        let fd = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let mask = ending.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { mask, fd })
    }

    /// Waits until there is something to read (true), or a signal (false).
    fn wait_readable(&self, input: &OwnedFd, until: Option<Instant>) -> Result<bool, NoAnswer> {
        loop {
            let mut fds =
                [PollFd::new(input.as_fd(), PollFlags::POLLIN), PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)];
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let timeout =
                left.map_or(PollTimeout::NONE, |left| PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            match poll(&mut fds, timeout) {
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(0) if left.is_some_and(|left| left.is_zero()) => return Err(NoAnswer::TimedOut),
                // Milliseconds are rounded.
                Ok(0) => continue,
                Ok(_) => {}
            }
            let [_, signal] = fds;
            return Ok(signal.any() != Some(true));
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // A signal that waits is taken: the answer was "cancelled", and the program ends by itself.
        while matches!(self.fd.read_signal(), Ok(Some(_))) {}
        let _ = self.mask.thread_set_mask();
    }
}

impl<'t> Quiet<'t> {
    fn begin(terminal: &'t OwnedFd) -> Result<Self, NoAnswer> {
        let before = tcgetattr(terminal)?;
        // From here on dropping it puts everything back.
        let quiet = Self { terminal, before, signals: Signals::hold()? };
        let mut silent = quiet.before.clone();
        silent
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG | LocalFlags::IEXTEN);
        for (index, value) in [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)] {
            if let Some(slot) = silent.control_chars.get_mut(index as usize) {
                *slot = value;
            }
        }
        // What was typed before the question was not an answer to it, and was shown.
        tcsetattr(terminal, SetArg::TCSAFLUSH, &silent)?;
        Ok(quiet)
    }

    /// The next byte; `None` at the end of the input or when a signal asks this program to end.
    fn next_byte(&self) -> Result<Option<u8>, NoAnswer> {
        if self.signals.wait_readable(self.terminal, None)? { read_byte(self.terminal) } else { Ok(None) }
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // The rest of a line that was pasted must not reach the shell.
        let _ = tcflush(self.terminal, FlushArg::TCIFLUSH);
        let _ = tcsetattr(self.terminal, SetArg::TCSANOW, &self.before);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    More,
    Done,
    Cancel,
}

/// The line as it is typed: what the terminal would do, were it not silent.
struct Editor {
    bytes: Zeroizing<Vec<u8>>,
    escape: Escape,
    overflow: bool,
}

#[derive(Clone, Copy)]
enum Escape {
    None,
    Begun,
    Sequence,
}

impl Default for Editor {
    fn default() -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(MAX_ANSWER)), escape: Escape::None, overflow: false }
    }
}

impl Editor {
    fn take(&mut self, byte: u8) -> Step {
        match (self.escape, byte) {
            // Arrow keys and the like come as ESC [ ... letter; they are not part of a secret.
            (Escape::Begun, b'[' | b'O') => self.escape = Escape::Sequence,
            (Escape::Sequence, 0x20..=0x3f) => {}
            (Escape::Sequence, 0x40..=0x7e) => self.escape = Escape::None,
            (_, b'\n' | b'\r') => return Step::Done,
            (_, 0x03) => return Step::Cancel,
            (_, 0x04) if self.bytes.is_empty() => return Step::Cancel,
            (_, 0x1b) => self.escape = Escape::Begun,
            (_, 0x08 | 0x7f) => self.erase_character(),
            (_, 0x15) => {
                self.bytes.zeroize();
                self.bytes.reserve_exact(MAX_ANSWER);
                self.overflow = false;
            }
            (_, 0..=0x1f) => self.escape = Escape::None,
            (_, _) if self.bytes.len() == MAX_ANSWER => self.overflow = true,
            (_, byte) => {
                self.escape = Escape::None;
                self.bytes.push(byte);
            }
        }
        Step::More
    }

    fn erase_character(&mut self) {
        while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }

    fn finish(self) -> Result<Zeroizing<String>, NoAnswer> {
        if self.overflow { Err(NoAnswer::Unreadable) } else { text(self.bytes) }
    }
}

fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, NoAnswer> {
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(NoAnswer::Unreadable)
        }
    }
}

fn read_byte(input: &OwnedFd) -> Result<Option<u8>, NoAnswer> {
    let mut byte = Zeroizing::new([0u8]);
    loop {
        match nix::unistd::read(input, &mut *byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(byte.first().copied()),
            Err(Errno::EINTR) => {}
            // A terminal that was hung up.
            Err(Errno::EIO) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::pty::{OpenptyResult, openpty};
    use std::sync::{Arc, Mutex};

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
        let answer = console.ask_secret("PIN: ");
        hand.join().unwrap();
        assert!(echoes(&slave), "the terminal is as it was");
        assert!(tcgetattr(&slave).unwrap().local_flags.contains(LocalFlags::ISIG | LocalFlags::ICANON));
        let mut echoed = [0; 64];
        nix::fcntl::fcntl(&master, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK)).unwrap();
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
        assert!((50..5000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
        assert!(echoes(&slave), "what is typed can be seen");
        let said = shown.clone();
        let hand = std::thread::spawn(move || {
            while said.0.lock().unwrap().iter().filter(|byte| **byte == b'?').count() < 2 {
                std::thread::sleep(Duration::from_millis(2));
            }
            nix::unistd::write(&master, b"yes\n").unwrap();
            master
        });
        assert_eq!(console.ask("Sure? ", Some(Duration::from_secs(10))).unwrap(), "yes");
        // A terminal that is closed is no answer.
        drop(hand.join().unwrap());
        assert!(console.ask("Sure? ", None).is_err());
    }

    #[test]
    fn answers_from_a_pipe_are_lines_in_the_order_asked() {
        let (read, write) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&write, b"first\r\nsecond\n\nlast").unwrap();
        drop(write);
        let mut console = Console::new(read, Box::new(std::io::sink()));
        assert!(!console.interactive());
        for answer in ["first", "second", "", "last"] {
            assert_eq!(console.ask_secret("?").unwrap().as_str(), answer);
        }
        assert!(matches!(console.ask_secret("?"), Err(NoAnswer::Cancelled)));
    }
}
