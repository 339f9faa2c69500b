//! Questions that are not waited for for ever: what is held meanwhile keeps others waiting.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use wardkey_core::code::Code;
use wardkey_core::texts;

use super::output::language;
use crate::error::{Error, Result};
use crate::texts::Text;

/// How long all questions of a command may take.
pub const LIMIT: Duration = Duration::from_secs(600);
/// The longest answer in bytes that is read.
const MAX_ANSWER: u64 = 1024;

/// Asks on the terminal, and reads the answer from standard input.
///
/// # Errors
/// [`Code::RestoreNoAnswer`] when none comes until then; [`Error::Io`].
pub fn ask(question: Text, until: Instant) -> Result<String> {
    eprint!("{}", question.say(language()));
    answer(std::io::stdin(), until).inspect_err(|_| eprintln!())
}

/// Reads the answer to a question that keeps nobody else waiting from standard input.
///
/// # Errors
/// [`Error::Io`].
pub fn answered() -> Result<String> {
    line_of(std::io::stdin().lock()).map_err(Error::io(Text::ReadingAnswer))
}

/// A line, as far as it is read.
fn line_of(from: impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    from.take(MAX_ANSWER).read_line(&mut line)?;
    Ok(line)
}

/// The next line. What is read is not taken back: after an answer that does not come nothing more
/// is read.
fn answer(from: impl Read + Send + 'static, until: Instant) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    // It ends with the process: nothing makes a read return.
    std::thread::spawn(move || {
        let read = line_of(BufReader::with_capacity(1, from));
        // Nobody waits any more.
        let _ = sender.send(read);
    });
    match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(read) => read.map_err(Error::io(Text::ReadingAnswer)),
        Err(_) => {
            let message = texts::phrase(Code::RestoreNoAnswer, vec![]);
            Err(Error::refused(Code::RestoreNoAnswer, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_answer_that_does_not_come_is_a_refusal() {
        let (from, mut to) = std::io::pipe().unwrap();
        let later = Instant::now() + LIMIT;
        to.write_all(b"wardkey.test\nrest").unwrap();
        assert_eq!(answer(from.try_clone().unwrap(), later).unwrap(), "wardkey.test\n");
        // Half a line is none.
        let soon = Instant::now() + Duration::from_millis(50);
        let refused = answer(from, soon).unwrap_err();
        assert_eq!(refused.code(), Code::RestoreNoAnswer);
        drop(to);
    }

    #[test]
    fn of_an_answer_without_end_no_more_is_read_than_an_answer_has() {
        let read = line_of(BufReader::new(std::io::repeat(b'y'))).unwrap();
        assert_eq!(read.len() as u64, MAX_ANSWER);
        assert_eq!(line_of(b"yes\nno\n".as_slice()).unwrap(), "yes\n");
    }
}
