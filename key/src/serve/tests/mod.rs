//! Whole conversations over a socket, with scripted keys.

mod by_code;
mod conversation;
mod fingers;
mod login;
mod managing;
mod preparing;

use std::cell::RefCell;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use hidapi::scripted::Reply as Says;
use wardkey_core::codec::{Bytes, List};
use wardkey_core::id::CredentialId;
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_core::message::key::{
    Assert, ChangePinOf, ForcePinChange, Identify, MakeCredential, Pin,
};
use wardkey_ipc::IpcError;

use super::*;
use crate::keys::{Description, SecurityKey};
use crate::testkey::{
    AGREEMENT, ASSERT, CHANGE_PIN, CONFIG, INFO, MAKE, NEXT_NODE, RETRIES, RP_ID, TOKEN, TOKEN_FOR,
    TestKey, assertion, auth_data, configured::Configured, id, info,
};
use crate::tries::Known;

/// Makes the plugged keys, within the serving thread.
type Plug = fn() -> Vec<TestKey>;

struct FakeBus {
    plug: Plug,
    known: Known,
}

impl SecurityKeys for FakeBus {
    fn list(&mut self) -> Vec<Box<dyn SecurityKey>> {
        NEXT_NODE.set(0);
        (self.plug)().into_iter().map(|test| test.key).collect()
    }

    fn describe(&mut self) -> Vec<Description> {
        self.list().iter().map(|key| key.description().clone()).collect()
    }

    fn is_only_one(&mut self) -> bool {
        self.list().len() == 1
    }

    fn has_many_tries(&self, key: &Description, credential: &[u8]) -> bool {
        self.known.has_many(key, credential)
    }

    fn pin_is_tried(&mut self) {
        self.known.is_tried();
    }

    fn pin_was_right(&mut self, key: &Description, credential: &[u8], tries: Option<u8>) {
        self.known.was_right(key, credential, tries);
    }
}

struct Client {
    channel: RefCell<Option<Channel>>,
    server: Option<JoinHandle<()>>,
}

impl Client {
    fn new(caller: Caller, plug: Plug) -> Self {
        Self::among(Others::None, caller, plug)
    }

    fn among(others: Others, caller: Caller, plug: Plug) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let server = std::thread::spawn(move || {
            let channel = Channel::new(theirs, MAX_KEY_FRAME).unwrap();
            let mut bus = FakeBus { plug, known: Known::default() };
            let _ = serve(channel, caller, others, &mut bus, |_| {});
        });
        Self {
            channel: RefCell::new(Some(Channel::new(ours, MAX_KEY_FRAME).unwrap())),
            server: Some(server),
        }
    }

    fn send(&self, request: &Request) {
        let mut channel = self.channel.borrow_mut();
        channel.as_mut().unwrap().send(request, soon()).unwrap();
    }

    fn receive(&self) -> Reply {
        let mut channel = self.channel.borrow_mut();
        channel.as_mut().unwrap().receive(soon()).unwrap()
    }

    fn ask(&self, request: &Request) -> Reply {
        self.send(request);
        self.receive()
    }

    fn hangs_up(&self) -> bool {
        let mut channel = self.channel.borrow_mut();
        let next = channel.as_mut().unwrap().receive::<Reply>(soon());
        matches!(next, Err(IpcError::Closed))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.channel.borrow_mut().take();
        if let Some(server) = self.server.take() {
            server.join().unwrap();
        }
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn pin() -> Pin {
    crate::testkey::pin()
}

fn identify(ids: &[Vec<u8>], wait_ms: u32) -> Request {
    let allow = ids.iter().map(|id| CredentialId::new(id.clone()).unwrap()).collect();
    Request::Identify(Identify {
        rp_id: RP_ID.parse().unwrap(),
        allow: List::new(allow).unwrap(),
        wait_ms,
        client_data: Bytes::new(b"challenge".to_vec()).unwrap(),
        every: false,
        more: None,
    })
}

fn every(ids: &[Vec<u8>], wait_ms: u32) -> Request {
    let Request::Identify(request) = identify(ids, wait_ms) else { unreachable!() };
    Request::Identify(Identify { every: true, ..request })
}

fn pass_over(paths: &[&str]) -> Request {
    Request::PassOver(List::new(paths.iter().map(|path| (*path).to_owned()).collect()).unwrap())
}

fn assert_with(credential: Vec<u8>, wait_ms: u32) -> Request {
    assert_at(0, credential, wait_ms)
}

fn assert_at(node: u32, credential: Vec<u8>, wait_ms: u32) -> Request {
    Request::Assert(Assert {
        pin: pin(),
        client_data: Bytes::new(b"client data".to_vec()).unwrap(),
        credential: CredentialId::new(credential).unwrap(),
        wait_ms,
        path: format!("test:{node}"),
    })
}

fn make(wait_ms: u32) -> MakeCredential {
    MakeCredential {
        pin: pin(),
        rp_id: RP_ID.parse().unwrap(),
        rp_name: "Hospital".to_owned(),
        user_handle: Bytes::new(vec![5; 32]).unwrap(),
        user_name: "tanaka".to_owned(),
        display_name: "Tanaka".to_owned(),
        client_data: Bytes::new(b"client data".to_vec()).unwrap(),
        algorithms: List::new(vec![-7]).unwrap(),
        exclude: List::default(),
        cred_protect: 2,
        wait_ms,
        min_pin_length: None,
    }
}

fn code(reply: &Reply) -> Code {
    match reply {
        Reply::Failed(failure) => failure.code,
        other => panic!("{other:?}"),
    }
}

fn good() -> TestKey {
    TestKey::new(|_, _| None)
}

fn stranger() -> TestKey {
    TestKey::new(|about, payload| {
        (about == ASSERT && payload.windows(3).any(|window| window == b"up\xf4"))
            .then(|| vec![Says::Cbor(0x2e, vec![])])
    })
}

fn waiting_for_touch() -> TestKey {
    TestKey::new(|about, payload| {
        let silent = payload.windows(3).any(|window| window == b"up\xf4");
        ((about == ASSERT && !silent) || about == MAKE)
            .then(|| vec![Says::KeepAlive(1), Says::KeepAlive(2), Says::KeepAlive(2)])
    })
}
