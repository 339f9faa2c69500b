//! Agent and key process as scripts over real socket pairs.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wardkey_core::message::agent::{Reply as AgentReply, Request as AgentRequest};
use wardkey_core::message::key::{Reply as KeyReply, Request as KeyRequest};
use wardkey_core::message::{MAX_FRAME, MAX_KEY_FRAME};
use wardkey_ipc::{Channel, Deadline, IpcError};

use crate::sockets::Sockets;
use crate::world::Timeouts;

/// So long that nothing that comes at all comes late, however slow the machine is.
pub const LONG: Timeouts = Timeouts::per_second(Duration::from_secs(10));
/// A tenth of the usual, where something does not come: tests see every time-out pass.
pub const SHORT: Timeouts = Timeouts::per_second(Duration::from_millis(100));

/// What a peer does on a request.
#[derive(Clone)]
pub enum Act<R> {
    Say(R),
    Bytes(Vec<u8>),
    Sleep(u64),
    HangUp,
}

type Script<Q, R> = Arc<dyn Fn(usize, &Q) -> Vec<Act<R>> + Send + Sync>;
pub type AgentScript = Script<AgentRequest, AgentReply>;
pub type KeyScript = Script<KeyRequest, KeyReply>;

/// A peer: its script, what it heard, whether it can be connected to.
pub struct Peer<Q, R> {
    pub script: Script<Q, R>,
    pub heard: Arc<Mutex<Vec<Q>>>,
    pub connections: usize,
    /// Those that neither side has ended.
    pub open: Arc<AtomicUsize>,
    /// Connections from this one on are refused.
    pub down_from: usize,
}

impl<Q, R> Peer<Q, R>
where
    Q: for<'b> minicbor::Decode<'b, ()> + Clone + Send + 'static,
    R: minicbor::Encode<()> + Send + 'static,
{
    pub fn new(script: Script<Q, R>) -> Self {
        Self {
            script,
            heard: Arc::default(),
            connections: 0,
            open: Arc::default(),
            down_from: usize::MAX,
        }
    }

    fn connect(&mut self, max: usize) -> Result<Channel, IpcError> {
        let number = self.connections;
        self.connections += 1;
        if number >= self.down_from {
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into());
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (script, heard) = (Arc::clone(&self.script), Arc::clone(&self.heard));
        let open = Open::one_more(&self.open);
        std::thread::spawn(move || {
            let _open = open;
            let mut raw = theirs.try_clone().unwrap();
            let mut channel = Channel::new(theirs, max).unwrap();
            let long = || Deadline::after(Duration::from_secs(120));
            while let Ok(request) = channel.receive::<Q>(long()) {
                heard.lock().unwrap().push(request.clone());
                for act in script(number, &request) {
                    match act {
                        Act::Say(reply) => drop(channel.send(&reply, long())),
                        Act::Bytes(bytes) => drop(std::io::Write::write_all(&mut raw, &bytes)),
                        Act::Sleep(milliseconds) => {
                            std::thread::sleep(Duration::from_millis(milliseconds))
                        }
                        Act::HangUp => return,
                    }
                }
            }
        });
        Ok(Channel::new(ours, max)?)
    }
}

/// A connection, counted as long as it is open.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn one_more(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub struct Both<'a> {
    pub agent: &'a mut Peer<AgentRequest, AgentReply>,
    pub key: &'a mut Peer<KeyRequest, KeyReply>,
}

impl Sockets for Both<'_> {
    fn agent(&mut self) -> Result<Channel, IpcError> {
        self.agent.connect(MAX_FRAME)
    }
    fn key(&mut self, _: bool) -> Result<Channel, IpcError> {
        self.key.connect(MAX_KEY_FRAME)
    }
}
