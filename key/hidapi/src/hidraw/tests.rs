//! The node's byte handling over a socket pair, which like a simulated node is
//! a byte stream.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::{Hidraw, Locks, MAX_NODES, by_turns, devices_in, node_number, port_of};
use crate::transport::{LinkError, Received, Transport};

fn pair() -> (Hidraw, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let link = Hidraw::received(OwnedFd::from(ours), Locks::default());
    (link, theirs)
}

/// When whatever ends by itself has ended, however slow the machine is.
fn late() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[test]
fn reports_are_cut_out_of_a_byte_stream() {
    let (mut link, mut key) = pair();
    let (one, two) = ([1; 64], [2; 64]);
    key.write_all(&one[..10]).unwrap();
    assert_eq!(
        link.receive(Instant::now() + Duration::from_millis(20), None).unwrap(),
        Received::TimedOut
    );
    key.write_all(&[&one[10..], &two[..]].concat()).unwrap();
    assert_eq!(link.receive(late(), None).unwrap(), Received::Report(one));
    assert_eq!(link.receive(late(), None).unwrap(), Received::Report(two));
}

#[test]
fn a_report_is_sent_behind_its_id() {
    let (mut link, mut key) = pair();
    link.send(&[9; 64], late()).unwrap();
    let mut got = [0xff; 65];
    key.read_exact(&mut got).unwrap();
    assert_eq!(got[0], 0);
    assert_eq!(got[1..], [9; 64]);
}

#[test]
fn draining_forgets_what_was_not_asked_for() {
    let (mut link, mut key) = pair();
    key.write_all(&[3; 64 * 5 + 7]).unwrap();
    link.drain();
    key.write_all(&[4; 64]).unwrap();
    assert_eq!(link.receive(late(), None).unwrap(), Received::Report([4; 64]));
}

#[test]
fn end_of_file_is_removal() {
    let (mut link, key) = pair();
    drop(key);
    assert!(matches!(link.receive(late(), None), Err(LinkError::Removed)));
    assert!(matches!(link.send(&[0; 64], late()), Err(LinkError::Removed)));
}

#[test]
fn a_key_that_takes_nothing_is_stuck_at_the_deadline() {
    let (mut link, _key) = pair();
    let until = Instant::now() + Duration::from_millis(200);
    let error = loop {
        if let Err(error) = link.send(&[0; 64], until) {
            break error;
        }
    };
    assert!(matches!(error, LinkError::Stuck), "{error}");
}

#[test]
fn cancelling_wakes_the_wait() {
    let (mut link, _key) = pair();
    let (cancel, mut caller) = UnixStream::pair().unwrap();
    caller.write_all(b"x").unwrap();
    let got = link.receive(late(), Some(std::os::fd::AsFd::as_fd(&cancel)));
    assert_eq!(got.unwrap(), Received::Cancelled);
}

#[test]
fn names_of_nodes() {
    for (name, number) in [
        ("hidraw0", Some(0)),
        ("hidraw12", Some(12)),
        ("hidraw", None),
        ("hidraw1x", None),
        ("hidraw+1", None),
        ("hiddev0", None),
        ("hidraw99999999999", None),
    ] {
        assert_eq!(node_number(name), number, "{name}");
    }
}

#[test]
fn a_device_of_many_interfaces_hides_no_other_device() {
    let hostile = (0..16).map(|number| (number, "usb-0000:00:14.0-1"));
    let found: Vec<(u32, &str)> =
        hostile.chain([(16, "usb-0000:00:14.0-2"), (17, "usb-0000:00:14.0-3")]).collect();
    let order: Vec<u32> =
        by_turns(found, |(_, port)| port).into_iter().map(|(number, _)| number).collect();
    assert_eq!(order[..4], [0, 16, 17, 1]);
    assert_eq!(order.len(), 18);
}

#[test]
fn interfaces_of_one_device_share_its_port() {
    assert_eq!(port_of("usb-0000:00:14.0-2.1/input0"), port_of("usb-0000:00:14.0-2.1/input7"));
    assert_ne!(port_of("usb-0000:00:14.0-2.1/input0"), port_of("usb-0000:00:14.0-2.2/input0"));
    assert_eq!(port_of(""), None);
}

#[test]
fn a_listing_is_complete_only_when_every_node_was_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    assert!(devices_in(folder.path()).is_complete);
    std::fs::write(folder.path().join("null"), "").unwrap();
    assert!(devices_in(folder.path()).is_complete, "no node");

    // Pulled out between the folder's listing and the look.
    let gone = folder.path().join("hidraw7");
    std::os::unix::fs::symlink("nowhere", &gone).unwrap();
    assert!(devices_in(folder.path()).is_complete);

    // It is there, and does not say what it is.
    std::fs::write(folder.path().join("hidraw3"), "").unwrap();
    assert!(!devices_in(folder.path()).is_complete);
    std::fs::remove_file(folder.path().join("hidraw3")).unwrap();

    for number in 100..100 + MAX_NODES {
        std::os::unix::fs::symlink("nowhere", folder.path().join(format!("hidraw{number}")))
            .unwrap();
    }
    assert!(!devices_in(folder.path()).is_complete, "more than are looked at");
    assert!(!devices_in(&folder.path().join("missing")).is_complete);
}
