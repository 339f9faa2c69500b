//! Shell commands in the machine, over a virtio port: see guest/usr/local/sbin/vm-orders.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Write as _},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::Failure;

/// What an order came to.
pub struct Outcome {
    /// Exit status.
    pub status: i32,
    /// Standard output and standard error.
    pub printed: String,
}

/// The port.
pub struct Orders {
    answers: BufReader<UnixStream>,
    orders: UnixStream,
}

impl Orders {
    /// Takes the host's end of the port.
    pub fn new(stream: UnixStream) -> Result<Self, Failure> {
        let orders = stream.try_clone().map_err(Failure::host("orders"))?;
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .map_err(Failure::host("orders"))?;
        Ok(Self { answers: BufReader::new(stream), orders })
    }

    /// Has the machine's shell run `order` and waits for it at most as long as `patience`.
    pub fn run(&mut self, order: &str, patience: Duration) -> Result<Outcome, Failure> {
        let line = STANDARD.encode(order) + "\n";
        self.orders.write_all(line.as_bytes()).map_err(Failure::host("orders"))?;
        let answer = self.answer(order, patience)?;
        let parsed = answer.trim_end_matches('\n').split_once(' ').and_then(|(status, printed)| {
            let printed = STANDARD.decode(printed).ok()?;
            Some(Outcome {
                status: status.parse().ok()?,
                printed: String::from_utf8_lossy(&printed).into_owned(),
            })
        });
        parsed.ok_or_else(|| Failure::Otherwise(format!("answer to `{order}`: {answer:?}")))
    }

    fn answer(&mut self, order: &str, patience: Duration) -> Result<String, Failure> {
        let end = Instant::now() + patience;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\n") {
            match self.answers.read_until(b'\n', &mut answer) {
                Ok(0) => return Err(Failure::Emulator(format!("gone during `{order}`"))),
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    if Instant::now() > end {
                        let what = format!("the end of `{order}`");
                        return Err(Failure::Late {
                            what,
                            seconds: patience.as_secs(),
                            seen: String::new(),
                        });
                    }
                }
                Err(error) => return Err(Failure::host("orders")(error)),
            }
        }
        String::from_utf8(answer).map_err(|error| Failure::Otherwise(error.to_string()))
    }
}
