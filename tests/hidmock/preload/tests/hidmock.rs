//! What unmodified programs see of a mocked key. Each test here starts the
//! mock with this program as its command, running the function of the same name
//! in [`inside`].

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use wardkey_softkey::{Options, SoftKey, control, transport::seqpacket};

const CONTROL: &str = "HIDMOCK_CONTROL";
const KEYS: &str = "HIDMOCK_KEYS";

/// Runs `command` on a mock with the key `a` plugged as 0, and `b` at hand.
fn on_mock(command: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let _keys = ["a", "b"].map(|name| {
        let key = Arc::new(SoftKey::start(Options::default()).expect("a key"));
        control::serve(key.clone(), &folder.path().join(format!("{name}.control")))
            .expect("a control socket");
        seqpacket::serve(key.clone(), &folder.path().join(format!("{name}.socket")))
            .expect("a socket");
        key
    });
    // The folder of the test programs is beside that of the libraries.
    let programs = env::current_exe().expect("this program");
    let library = programs.parent().expect("deps").with_file_name("libwardkey_hidpreload.so");
    let mock = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("hidmock.py");
    let output = Command::new(mock)
        .arg("--preload")
        .arg(library)
        .arg("--control")
        .arg(folder.path().join("mock"))
        .arg(format!("--plug=0={}", folder.path().join("a.socket").display()))
        .arg("--")
        .args(command)
        .env(CONTROL, folder.path().join("mock"))
        .env(KEYS, folder.path())
        .output()
        .expect("hidmock.py");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn run_inside(name: &str) {
    let this = env::current_exe().expect("this program");
    let name = format!("inside::{name}");
    let arguments = [this.to_str().expect("UTF-8"), "--ignored", "--exact", &name, "--nocapture"];
    let (success, text) = on_mock(&arguments);
    assert!(success && text.contains("1 passed"), "{text}");
}

fn order(line: &str) -> Vec<String> {
    let mut stream =
        UnixStream::connect(env::var(CONTROL).expect(CONTROL)).expect("the control socket");
    writeln!(stream, "{line}").expect("an order");
    let lines = BufReader::new(stream).lines().map(|line| line.expect("an answer"));
    let answer: Vec<_> = lines.scan((), |(), line| (line != "ok").then_some(line)).collect();
    assert!(!answer.iter().any(|line| line.starts_with("error")), "{line}: {answer:?}");
    answer
}

fn key(name: &str) -> PathBuf {
    Path::new(&env::var(KEYS).expect(KEYS)).join(format!("{name}.socket"))
}

#[test]
fn libfido2_finds_and_asks_it() {
    let (success, text) = on_mock(&["sh", "-ec", "fido2-token -L; fido2-token -I /dev/hidraw0"]);
    assert!(success, "{text}");
    assert!(
        text.contains(
            "/dev/hidraw0: vendor=0x1209, product=0x5749 (Wardkey Software security key)"
        ),
        "{text}"
    );
    assert!(text.contains("aaguid: 574152444b4559544553544b45590001"), "{text}");
}

#[test]
fn looks_like_a_hidraw_node() {
    run_inside("looks_like_a_hidraw_node");
}

#[test]
fn plugging_and_unplugging_is_seen() {
    run_inside("plugging_and_unplugging_is_seen");
}

#[test]
fn every_opener_has_its_own_queue() {
    run_inside("every_opener_has_its_own_queue");
}

#[test]
fn an_unplugged_node_fails_as_the_kernels() {
    run_inside("an_unplugged_node_fails_as_the_kernels");
}

#[test]
fn a_swap_shows_nothing() {
    run_inside("a_swap_shows_nothing");
}

#[test]
fn the_end_of_the_command_is_the_end_of_the_mock() {
    let (success, text) = on_mock(&["sh", "-c", "echo $UMOCKDEV_DIR; exit 7"]);
    assert!(!success);
    let folder = text.lines().next().expect("a folder");
    assert!(folder.starts_with('/') && !Path::new(folder).exists(), "{folder} is left behind");
}

mod inside {
    use std::{
        fs::{self, File, OpenOptions},
        io::{ErrorKind, Read, Write},
        os::{
            fd::AsRawFd,
            unix::fs::{FileTypeExt, MetadataExt},
        },
        thread,
        time::{Duration, Instant},
    };

    use super::{key, order};

    fn open() -> std::io::Result<File> {
        OpenOptions::new().read(true).write(true).open("/dev/hidraw0")
    }

    fn hidraw_nodes() -> Vec<String> {
        let entries = fs::read_dir("/dev").expect("/dev");
        let names =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<_> = names.filter(|name| name.starts_with("hidraw")).collect();
        names.sort();
        names
    }

    /// CTAPHID_INIT with this nonce, as hidraw takes it: report id 0 first.
    fn init(nonce: u8) -> [u8; 65] {
        let mut report = [0; 65];
        report[1..5].fill(0xFF);
        report[5..8].copy_from_slice(&[0x86, 0, 8]);
        report[8..16].fill(nonce);
        report
    }

    fn read(file: &mut File) -> [u8; 64] {
        let mut buffer = [0; 200];
        let length = file.read(&mut buffer).expect("a report");
        assert_eq!(length, 64, "one read is one report");
        buffer[..64].try_into().expect("64 bytes")
    }

    /// What poll says within `patience`.
    fn poll(file: &File, patience: Duration) -> i16 {
        let mut entry = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, ours.
        unsafe { libc::poll(&mut entry, 1, patience.as_millis() as i32) };
        entry.revents
    }

    fn ioctl(file: &File, request: u64, buffer: &mut [u8]) -> i32 {
        // SAFETY: each caller's buffer has the size in the request's number.
        unsafe { libc::ioctl(file.as_raw_fd(), request, buffer.as_mut_ptr()) }
    }

    #[test]
    #[ignore = "run on the mock"]
    fn looks_like_a_hidraw_node() {
        assert_eq!(hidraw_nodes(), ["hidraw0"]);
        let file = open().expect("hidraw0");
        for metadata in [
            fs::metadata("/dev/hidraw0"),
            file.metadata(),
            file.try_clone().expect("a copy").metadata(),
        ] {
            let metadata = metadata.expect("metadata");
            assert!(metadata.file_type().is_char_device());
            assert_eq!((libc::major(metadata.rdev()), libc::minor(metadata.rdev())), (246, 0));
        }
        let mut size = [0; 4];
        assert_eq!((ioctl(&file, 0x8004_4801, &mut size), u32::from_ne_bytes(size)), (0, 34));
        let mut descriptor = [0; 4 + 4096];
        descriptor[0] = 34;
        assert_eq!(ioctl(&file, 0x9004_4802, &mut descriptor), 0);
        assert_eq!(descriptor[..9], [34, 0, 0, 0, 0x06, 0xD0, 0xF1, 0x09, 0x01]);
        let mut ids = [0; 8];
        assert_eq!(
            (ioctl(&file, 0x8008_4803, &mut ids), ids),
            (0, [3, 0, 0, 0, 0x09, 0x12, 0x49, 0x57])
        );
        let mut name = [0; 64];
        let length = ioctl(&file, 0x8040_4804, &mut name) as usize;
        assert_eq!(&name[..length], b"Wardkey Software security key\0");
        assert_eq!(ioctl(&file, 0x8040_4899, &mut name), -1);
    }

    #[test]
    #[ignore = "run on the mock"]
    fn plugging_and_unplugging_is_seen() {
        // SAFETY: C strings and numbers; the buffer is as long as told.
        let events = |descriptor: i32| unsafe {
            let mut entry = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
            assert_eq!(libc::poll(&mut entry, 1, 10_000), 1, "no event");
            let mut buffer = [0u8; 4096];
            let length = libc::read(descriptor, buffer.as_mut_ptr().cast(), buffer.len());
            buffer[..length as usize].windows(7).filter(|name| *name == b"hidraw1").count()
        };
        // SAFETY: a C string.
        let inotify = unsafe {
            let inotify = libc::inotify_init1(libc::IN_CLOEXEC);
            assert!(
                libc::inotify_add_watch(
                    inotify,
                    c"/dev".as_ptr(),
                    libc::IN_CREATE | libc::IN_DELETE
                ) >= 0
            );
            inotify
        };
        order(&format!("plug 1 {} 1050:0407 Another key", key("b").display()));
        assert_eq!(events(inotify), 1);
        assert_eq!(hidraw_nodes(), ["hidraw0", "hidraw1"]);
        assert!(order("list")[1].ends_with("1050:0407 Another key"));
        order("unplug 1");
        assert_eq!(events(inotify), 1);
        assert_eq!(hidraw_nodes(), ["hidraw0"]);
        // And again: the second time is as the first.
        order(&format!("plug 1 {}", key("b").display()));
        assert_eq!(hidraw_nodes(), ["hidraw0", "hidraw1"]);
    }

    #[test]
    #[ignore = "run on the mock"]
    fn every_opener_has_its_own_queue() {
        let mut openers = [open().expect("hidraw0"), open().expect("hidraw0")];
        openers[0].write_all(&init(1)).expect("a report");
        openers[1].write_all(&init(2)).expect("a report");
        for opener in &mut openers {
            // Each gets both answers. Which comes first is the key's affair.
            let mut nonces = [read(opener)[7], read(opener)[7]];
            nonces.sort_unstable();
            assert_eq!(nonces, [1, 2]);
            assert_eq!(poll(opener, Duration::from_millis(50)), 0, "nothing more");
        }
        // Who opens later hears nothing of before.
        assert_eq!(poll(&open().expect("hidraw0"), Duration::from_millis(50)), 0);
    }

    #[test]
    #[ignore = "run on the mock"]
    fn an_unplugged_node_fails_as_the_kernels() {
        let mut file = open().expect("hidraw0");
        let mut copy = file.try_clone().expect("a copy");
        let waiting = thread::spawn(move || {
            let begun = Instant::now();
            let seen = poll(&copy, Duration::from_secs(30));
            (seen, copy.read(&mut [0; 64]).map_err(|error| error.raw_os_error()), begun.elapsed())
        });
        thread::sleep(Duration::from_millis(100));
        order("unplug 0");
        let (seen, result, took) = waiting.join().expect("no panic");
        assert!(seen & libc::POLLHUP != 0, "{seen:x}");
        assert_eq!(result, Err(Some(libc::EIO)));
        assert!(took < Duration::from_secs(25), "{took:?}");
        let error = file.write_all(&init(1)).expect_err("the key is gone");
        assert_eq!(error.raw_os_error(), Some(libc::ENODEV));
        assert_eq!(open().expect_err("the node is gone").kind(), ErrorKind::NotFound);
        order(&format!("plug 0 {}", key("a").display()));
        let mut again = open().expect("hidraw0");
        again.write_all(&init(3)).expect("a report");
        assert_eq!(read(&mut again)[7], 3);
    }

    #[test]
    #[ignore = "run on the mock"]
    fn a_swap_shows_nothing() {
        let before = fs::metadata("/dev/hidraw0").expect("metadata");
        order(&format!("plug 0 {}", key("b").display()));
        let after = fs::metadata("/dev/hidraw0").expect("metadata");
        assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
        assert!(order("list")[0].contains("b.socket 1209:5749"));
        let mut file = open().expect("hidraw0");
        file.write_all(&init(4)).expect("a report");
        assert_eq!(read(&mut file)[7], 4);
    }
}
