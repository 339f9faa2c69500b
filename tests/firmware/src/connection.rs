//! A connection to the key process, whose `serve` runs on a thread here, over a
//! real socket: what the PAM module says to a key, and hears.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use wardkey_core::codec::{Bytes, List};
use wardkey_core::id::CredentialId;
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_core::message::key::{Assert, Identified, Identify, Reply, Request};
use wardkey_core::name::RpId;
use wardkey_ipc::{Channel, Deadline};
use wardkey_key::caller::Caller;
use wardkey_key::keys::{Description, SecurityKey, SecurityKeys};
use wardkey_key::serve::{Others, serve};
use wardkey_softkey::SoftKey;

use crate::plugged::{RP, open, pin};

/// The keys of the terminal, in the place of `/dev/hidraw*`.
struct Bus(Vec<Arc<SoftKey>>);

impl SecurityKeys for Bus {
    fn list(&mut self) -> Vec<Box<dyn SecurityKey>> {
        self.0.iter().filter(|key| !key.is_gone()).map(open).collect()
    }

    fn describe(&mut self) -> Vec<Description> {
        self.list().iter().map(|key| key.description().clone()).collect()
    }

    fn is_only_one(&mut self) -> bool {
        self.list().len() == 1
    }
}

/// A connection. Dropping it hangs up and waits for the process to end.
pub struct Connection {
    channel: Option<Channel>,
    process: Option<JoinHandle<()>>,
    /// Where the key was that was identified last.
    path: String,
}

impl Connection {
    /// Connects to a terminal with these keys, as root.
    pub fn new(keys: Vec<Arc<SoftKey>>) -> Self {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let process = std::thread::spawn(move || {
            let channel = Channel::new(theirs, MAX_KEY_FRAME).expect("a channel");
            // It ends with an error, as its caller hangs up.
            let _ = serve(channel, Caller::Root, Others::None, &mut Bus(keys), |_| {});
        });
        let channel = Channel::new(ours, MAX_KEY_FRAME).expect("a channel");
        Self { channel: Some(channel), process: Some(process), path: String::new() }
    }

    /// Says something.
    pub fn send(&mut self, request: &Request) {
        self.channel.as_mut().expect("open").send(request, soon()).expect("a listener");
    }

    /// The next answer.
    pub fn receive(&mut self) -> Reply {
        self.channel.as_mut().expect("open").receive(soon()).expect("an answer")
    }

    /// Whose key is it, of those with these credentials?
    pub fn identify(&mut self, ids: &[Vec<u8>]) -> Identified {
        self.begin(ids, b"a challenge", false);
        match self.receive() {
            Reply::Identified(identified) => {
                self.path.clone_from(&identified.key.path);
                identified
            }
            other => panic!("{other:?}"),
        }
    }

    /// Asks whose key it is; the answers are the caller's to receive.
    pub fn begin(&mut self, ids: &[Vec<u8>], challenge: &[u8], every: bool) {
        let allow = ids.iter().map(|id| credential(id)).collect();
        self.send(&Request::Identify(Identify {
            rp_id: RpId::new(RP).expect("an rp id"),
            allow: List::new(allow).expect("few ids"),
            wait_ms: 5_000,
            client_data: Bytes::new(challenge).expect("short"),
            every,
            more: None,
        }));
    }

    /// Asks for a signature; the answers are the caller's to receive.
    pub fn assert(&mut self, id: &[u8], client_data: &[u8], typed: &str) {
        let path = self.path.clone();
        self.send(&Request::Assert(Assert {
            path,
            pin: pin(typed),
            client_data: Bytes::new(client_data).expect("short"),
            credential: credential(id),
            wait_ms: 10_000,
        }));
    }

    /// Hangs up, and waits until the process has noticed.
    pub fn hang_up(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.channel = None;
        if let Some(process) = self.process.take() {
            process.join().expect("no panic gets out");
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
    }
}

fn credential(id: &[u8]) -> CredentialId {
    CredentialId::new(id).expect("an id")
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}
