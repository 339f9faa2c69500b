//! A relay between two rooms that can look at, change, hold back or answer every frame: how tests
//! take over the agent, or stop a program between two messages.
//!
//! ```text
//!   module ──> Relay (root's socket) ──> agent
//!                └ Script decides per frame
//! ```

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the program that connected.
    Request,
    /// From the program that was connected to.
    Reply,
}

/// One frame on its way.
#[derive(Debug)]
pub struct Frame {
    /// Which way it goes.
    pub way: Way,
    /// Connections counted from 0.
    pub connection: usize,
    /// Frames of this way on this connection, counted from 0.
    pub number: usize,
    /// The message, without its length.
    pub body: Vec<u8>,
}

/// What becomes of a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on (as the script left it).
    Pass,
    /// Both connections are closed instead.
    Close,
    /// It is not delivered; these bodies go back instead.
    Answer(Vec<Vec<u8>>),
}

type Script = Box<dyn FnMut(&mut Frame) -> Fate + Send>;
/// (way, connection, body)
pub type Log = Vec<(Way, usize, Vec<u8>)>;

/// A relay at a socket of its own. It ends with the test.
pub struct Relay {
    path: PathBuf,
    script: Arc<Mutex<Script>>,
    log: Arc<Mutex<Log>>,
}

impl Relay {
    /// Listens at `path` (anyone may connect) and connects to `behind` for each connection.
    pub fn start(path: &Path, behind: &Path) -> std::io::Result<Self> {
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(|_: &mut Frame| Fate::Pass)));
        let log = Arc::new(Mutex::new(Vec::new()));
        let relay = Self { path: path.to_owned(), script: script.clone(), log: log.clone() };
        let behind = behind.to_owned();
        std::thread::spawn(move || {
            for (connection, front) in listener.incoming().flatten().enumerate() {
                let Ok(back) = UnixStream::connect(&behind) else { continue };
                for way in [Way::Request, Way::Reply] {
                    let (Ok(front), Ok(back)) = (front.try_clone(), back.try_clone()) else {
                        continue;
                    };
                    let (from, to) = match way {
                        Way::Request => (front, back),
                        Way::Reply => (back, front),
                    };
                    let (script, log) = (script.clone(), log.clone());
                    std::thread::spawn(move || pump(way, connection, from, to, &script, &log));
                }
            }
        });
        Ok(relay)
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What happens to frames from now on.
    pub fn script(&self, script: impl FnMut(&mut Frame) -> Fate + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    /// Every frame that came, in order, as it came.
    pub fn frames(&self) -> Log {
        self.log.lock().unwrap().clone()
    }
}

fn pump(
    way: Way,
    connection: usize,
    mut from: UnixStream,
    mut to: UnixStream,
    script: &Mutex<Script>,
    log: &Mutex<Log>,
) {
    for number in 0.. {
        let Some(body) = read_frame(&mut from) else { break };
        log.lock().unwrap().push((way, connection, body.clone()));
        let mut frame = Frame { way, connection, number, body };
        let fate = (script.lock().unwrap())(&mut frame);
        let sent = match fate {
            Fate::Pass => write_frame(&mut to, &frame.body),
            Fate::Close => None,
            Fate::Answer(bodies) => bodies.iter().try_for_each(|body| write_frame(&mut from, body)),
        };
        if sent.is_none() {
            break;
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// One frame of a socket; `None` at its end.
pub fn read_frame(from: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut body).ok()?;
    Some(body)
}

/// Writes one frame; `None` when the socket is gone.
pub fn write_frame(to: &mut UnixStream, body: &[u8]) -> Option<()> {
    let length = u32::try_from(body.len()).ok()?;
    to.write_all(&length.to_be_bytes()).ok()?;
    to.write_all(body).ok()
}
