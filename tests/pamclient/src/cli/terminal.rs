//! A real person at a terminal: standard input to type on, standard error to read from.

use std::io::{IsTerminal, Write, stderr, stdin};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const ERASE_LINE: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// More than libpam's 512 bytes nobody types.
const MAX_ANSWER: usize = 512;

/// Whether somebody can type.
pub fn present() -> bool {
    stdin().is_terminal()
}

/// Shows a text on a line of its own.
pub fn show(text: &str) {
    let _ = writeln!(stderr(), "{}", printable(text));
}

/// Asks, and reads a line with or without echo. None if the person pressed Ctrl-C or Ctrl-D, or the
/// terminal is gone.
pub fn ask(question: &str, echo: bool) -> Option<Zeroizing<String>> {
    // Before the question shows: an answer typed at its sight must neither echo nor be thrown away.
    let _quiet = Quiet::begin()?;
    let _ = write!(stderr(), "{}", printable(question));
    // Never grown, so that no copy of a secret is left behind in freed memory.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
    let typed = loop {
        let mut byte = [0];
        match nix::unistd::read(stdin(), &mut byte) {
            Ok(1) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            _ => break false,
        }
        match byte[0] {
            b'\r' | b'\n' => break true,
            INTERRUPT => break false,
            END if line.is_empty() => break false,
            END => {}
            BACKSPACE | DELETE => erase(&mut line, echo),
            ERASE_LINE => {
                while !line.is_empty() {
                    erase(&mut line, echo);
                }
            }
            byte if line.len() < MAX_ANSWER => {
                line.push(byte);
                if echo {
                    let _ = stderr().write_all(&[byte]);
                }
            }
            _ => {}
        }
    };
    let _ = writeln!(stderr());
    typed.then(|| Zeroizing::new(String::from_utf8_lossy(&line).into_owned()))
}

/// Takes back the last character.
fn erase(line: &mut Vec<u8>, echo: bool) {
    while let Some(byte) = line.pop() {
        // Bytes that continue a character of UTF-8 go with its first.
        if byte & 0xc0 != 0x80 {
            if echo {
                let _ = write!(stderr(), "\x08 \x08");
            }
            return;
        }
    }
}

/// The text without control characters other than line ends: a module may pass on what it was told.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() && char != '\n' { '\u{fffd}' } else { char })
        .collect()
}

/// A terminal that hands over each key and shows none, until dropped. Ctrl-C arrives as a key as
/// well: a signal would end the program and leave the terminal without echo.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Option<Self> {
        let before = tcgetattr(stdin()).ok()?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG);
        // What was typed before the question is not an answer to it.
        tcsetattr(stdin(), SetArg::TCSAFLUSH, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &self.0);
    }
}
