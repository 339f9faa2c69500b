//! Memory that held a PIN is wiped before it is given back: watched at the allocator, so that a
//! buffer that grows, a copy that is forgotten, or an early return shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wardkey_core::codec::{self, Bytes};
use wardkey_core::id::CredentialId;
use wardkey_core::message::MAX_KEY_FRAME;
use wardkey_core::message::key::{
    Assert, ChangePinOf, ForcePinChange, MAX_EXCLUDE, MakeCredential, Pin, Request,
};
use wardkey_ipc::{Channel, Deadline, IpcError};
use zeroize::Zeroizing;

/// Longer than what a PIN usually is, so that nothing else looks like it.
const PIN: &str = "a PIN that is in no other memory: 48151623";

static FOUND: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator; looks at what is given back.
struct Watching;

// SAFETY: everything is passed on to `System` as it came; blocks are only read, within their
// length, while they are still allocated. `realloc` and `alloc_zeroed` are the trait's own, made of
// these two.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is System's condition. Zeroed: fresh memory may hold what
        // was freed before, and all of it is read below.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller says that `at` is a live block of this layout; it was zeroed or
        // written.
        let block = unsafe { std::slice::from_raw_parts(at, layout.size()) };
        if block.windows(PIN.len()).any(|bytes| bytes == PIN.as_bytes()) {
            FOUND.fetch_add(1, Ordering::SeqCst);
        }
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

fn pin() -> Pin {
    Pin::new(Zeroizing::new(PIN.to_owned())).unwrap()
}

fn requests() -> [Request; 6] {
    let credential = || CredentialId::new(vec![7; 64]).unwrap();
    let assert = Assert {
        pin: pin(),
        client_data: Bytes::new(vec![1; 1024]).unwrap(),
        credential: credential(),
        wait_ms: 30_000,
        path: "/dev/hidraw0".into(),
    };
    let make = MakeCredential {
        pin: pin(),
        rp_id: "hospital.example".parse().unwrap(),
        rp_name: "Demo Hospital".into(),
        user_handle: Bytes::new(vec![2; 64]).unwrap(),
        user_name: "hanako".into(),
        display_name: "Demo Hanako".into(),
        client_data: Bytes::new(vec![1; 1024]).unwrap(),
        algorithms: Default::default(),
        // As many as there can be, and longer than those of any key we know.
        exclude: codec::List::new(vec![CredentialId::new([7; 256]).unwrap(); MAX_EXCLUDE]).unwrap(),
        cred_protect: 2,
        wait_ms: 30_000,
        min_pin_length: Some(6),
    };
    let change = ChangePinOf {
        old: pin(),
        new: pin(),
        credential: credential(),
        path: "/dev/hidraw0".into(),
    };
    let force = ForcePinChange {
        pin: pin(),
        rp_id: "hospital.example".parse().unwrap(),
        credential: credential(),
    };
    [
        Request::Assert(assert),
        Request::MakeCredential(Box::new(make)),
        Request::ChangePin { old: pin(), new: pin() },
        Request::SetPin(pin()),
        Request::ChangePinOf(change),
        Request::ForcePinChange(force),
    ]
}

fn found_in(work: impl FnOnce()) -> usize {
    FOUND.store(0, Ordering::SeqCst);
    work();
    FOUND.load(Ordering::SeqCst)
}

// One test: the allocator is everybody's.
#[test]
fn memory_that_held_a_pin_is_wiped_before_it_is_free() {
    let soon = || Deadline::after(Duration::from_secs(60));
    // The watch works: a buffer that nobody wipes, and one that grows, are seen.
    assert_eq!(found_in(|| drop(std::hint::black_box(PIN.as_bytes().to_vec()))), 1);
    assert_eq!(
        found_in(|| {
            let mut grows = Zeroizing::new(PIN.as_bytes().to_vec());
            grows.extend_from_slice(&[0; 4096]);
            drop(std::hint::black_box(grows));
        }),
        1
    );
    for request in requests() {
        // The buffer has its length from the beginning.
        let length = codec::message_length(&request);
        let mut buffer = Zeroizing::new(Vec::with_capacity(length));
        let (at, capacity) = (buffer.as_ptr(), buffer.capacity());
        codec::append_message(&request, &mut buffer);
        assert_eq!((buffer.as_ptr(), buffer.capacity(), buffer.len()), (at, capacity, length));
        drop(buffer);
    }
    assert_eq!(found_in(|| drop(requests())), 0, "requests");
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut ours = Channel::new(ours, MAX_KEY_FRAME).unwrap();
    let mut theirs = Channel::new(theirs, MAX_KEY_FRAME).unwrap();
    for request in requests() {
        let seen = found_in(|| {
            ours.send(&request, soon()).unwrap();
            let received: Request = theirs.receive(soon()).unwrap();
            assert!(received == request);
        });
        assert_eq!(seen, 0, "sent and received");
    }
    // What is refused or never arrives whole is wiped, too.
    let [assert, ..] = requests();
    let (one, two) = UnixStream::pair().unwrap();
    let mut narrow = Channel::new(one, 100).unwrap();
    assert_eq!(
        found_in(|| assert!(matches!(narrow.send(&assert, soon()), Err(IpcError::FrameLength(_))))),
        0
    );
    let mut frame = Zeroizing::new(vec![0, 0, 0, 200]);
    frame.reserve_exact(200);
    frame.extend_from_slice(PIN.as_bytes());
    std::io::Write::write_all(&mut &two, &frame).unwrap();
    let seen = found_in(|| {
        let mut cut = Channel::new(narrow_stream(narrow), 300).unwrap();
        assert!(matches!(
            cut.receive::<Request>(Deadline::after(Duration::from_millis(200))),
            Err(IpcError::TimedOut)
        ));
        drop(cut);
    });
    assert_eq!(seen, 0, "a frame that was cut off");
}

fn narrow_stream(channel: Channel) -> UnixStream {
    UnixStream::from(channel.as_fd().try_clone_to_owned().unwrap())
}
