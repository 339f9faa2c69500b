//! Modules of other versions, in the middle of an upgrade: what they say in bytes, and that they
//! are served or refused by code, never left without an answer.

use std::io::{Read, Write};

use crate::common::*;
use wardkey_core::code::Code;
use wardkey_core::codec;
use wardkey_core::message::PROTOCOL;
use wardkey_core::message::agent::{Begin, Reply, Request};

/// What the agent answers to a frame of these bytes.
fn answer(f: &Fixture, body: &[u8]) -> Reply {
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let agent = std::sync::Arc::clone(&f.agent);
    let counted = f.connections.admit(0, 64).unwrap();
    let served =
        std::thread::spawn(move || wardkey_agent::server::serve(&agent, theirs, ROOT, counted));
    ours.write_all(&u32::try_from(body.len()).unwrap().to_be_bytes()).unwrap();
    ours.write_all(body).unwrap();
    let mut length = [0; 4];
    ours.read_exact(&mut length).unwrap();
    let mut reply = vec![0; u32::from_be_bytes(length) as usize];
    ours.read_exact(&mut reply).unwrap();
    drop(ours);
    served.join().unwrap();
    codec::from_message(&reply).unwrap()
}

/// A request whose only field is a map, with one more entry in the map.
fn with_another_field(request: &Request) -> Vec<u8> {
    let mut bytes = codec::to_message(request);
    assert_eq!((bytes[0], bytes[2], bytes[3] & 0xf0), (0x82, 0x81, 0xa0), "[variant, [{{..}}]]");
    bytes[3] += 1;
    bytes.extend([0x18, 99, 0x63, b'n', b'e', b'w']);
    bytes
}

fn of_version(protocol: u16) -> Request {
    Request::Begin(Begin { protocol, ..begin("hanako") })
}

#[test]
fn a_module_of_this_version_and_the_one_before_is_served() {
    let f = Fixture::synced();
    assert!(matches!(answer(&f, &codec::to_message(&of_version(PROTOCOL))), Reply::Granted(_)));
    // What a field adds that this agent does not know is passed over.
    assert!(matches!(answer(&f, &with_another_field(&of_version(PROTOCOL))), Reply::Granted(_)));
    if PROTOCOL > 1 {
        assert!(matches!(
            answer(&f, &codec::to_message(&of_version(PROTOCOL - 1))),
            Reply::Granted(_)
        ));
    }
}

#[test]
fn a_newer_module_is_refused_by_code_and_the_agent_goes_on() {
    let f = Fixture::synced();
    let unknown_kind = [0x82, 0x18, 99, 0x80];
    let other_shape = [0x82, 0x00, 0x81, 0xa1, 0x00, 0x63, b'n', b'e', b'w'];
    for (what, bytes) in [
        ("the next version", codec::to_message(&of_version(PROTOCOL + 1))),
        ("the next version, with a new field", with_another_field(&of_version(PROTOCOL + 1))),
        ("no version", codec::to_message(&of_version(0))),
        ("a kind of request that is not known", unknown_kind.to_vec()),
        ("a request of another shape", other_shape.to_vec()),
        ("no CBOR", vec![0xff, 0xff]),
    ] {
        let reply = answer(&f, &bytes);
        let Reply::Refused(refusal) = reply else { panic!("{what}: {reply:?}") };
        assert_eq!((refusal.code, refusal.detail.is_some()), (Code::ProtocolError, true), "{what}");
    }
    assert!(matches!(answer(&f, &codec::to_message(&of_version(PROTOCOL))), Reply::Granted(_)));
}
