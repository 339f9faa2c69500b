//! The program as systemd and the key process see it, and what the command line asks for.

use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::common::*;
use wardkey_agent::error::ServerError;
use wardkey_agent::sync::upstream::{Connect, Upstream};
use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::event::EventName;
use wardkey_core::id::CredentialId;
use wardkey_core::message::agent::{EnrollBegin, EnrollFinish, Reply, Request};
use wardkey_core::message::http::*;
use wardkey_core::message::{MAX_FRAME, MAX_KEY_FRAME, key};
use wardkey_core::name::{DisplayText, Language};
use wardkey_ipc::{Channel, Deadline, Peer};

fn soon() -> Deadline {
    Deadline::after(LONG)
}

#[test]
fn systemd_gives_the_socket_and_hears_ready_watchdog_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o777)).unwrap();
    let path = at.join("activated.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let notify = UnixDatagram::bind(at.join("notify")).unwrap();
    std::fs::set_permissions(at.join("notify"), std::fs::Permissions::from_mode(0o777)).unwrap();
    notify.set_read_timeout(Some(LONG)).unwrap();
    let text = format!(
        "socket = \"{0}/never.sock\"\nkey_socket = \"{0}/key.sock\"\nstate_dir = \"{0}/state\"\n\
            syslog = \"{0}/log\"\nuser = \"nobody\"\n\
         spool_mib = 4\n",
        at.display()
    );
    // As on a terminal, the folder of the configuration belongs to root alone.
    std::fs::create_dir(at.join("etc")).unwrap();
    std::fs::write(at.join("etc/agent.toml"), text).unwrap();
    // The shell puts the socket where systemd does and becomes the agent, with its pid.
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(
            "exec 3<&0 </dev/null; LISTEN_PID=$$ WATCHDOG_PID=$$ LISTEN_FDS=1 \
             exec \"$0\" --config \"$1\"",
        )
        .arg(env!("CARGO_BIN_EXE_wardkey-agent"))
        .arg(at.join("etc/agent.toml"))
        .env("NOTIFY_SOCKET", at.join("notify"))
        .env("WATCHDOG_USEC", "400000")
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let hear = || {
        let mut buffer = [0; 256];
        let length = notify.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert!(hear().contains("READY=1"));
    let mut channel = Channel::connect(&path, None, MAX_FRAME, soon()).unwrap();
    channel.send(&Request::Status, soon()).unwrap();
    let Reply::Status(status) = channel.receive(soon()).unwrap() else { panic!() };
    assert_eq!((status.terminal, status.connected), (None, false));
    channel.send(&Request::Begin(begin("hanako")), soon()).unwrap();
    let reply: Reply = channel.receive(soon()).unwrap();
    assert!(matches!(reply, Reply::Refused(refusal) if refusal.code == Code::NotJoined));
    assert!(hear().contains("WATCHDOG=1"));
    assert!(hear().contains("WATCHDOG=1"));
    // It is not root, whoever started it.
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let uid = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
    if nix::unistd::geteuid().is_root() {
        assert!(!uid.split_whitespace().skip(1).any(|uid| uid == "0"), "{uid}");
    }
    let signal = |signal| {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), signal).unwrap()
    };
    // A hangup is no end, and no login's either.
    signal(nix::sys::signal::Signal::SIGHUP);
    assert!(hear().contains("WATCHDOG=1"));
    assert!(hear().contains("WATCHDOG=1"));
    channel.send(&Request::Status, soon()).unwrap();
    assert!(matches!(channel.receive(soon()).unwrap(), Reply::Status(_)));
    signal(nix::sys::signal::Signal::SIGTERM);
    // What it said before may still be on its way.
    while !hear().contains("STOPPING=1") {}
    assert!(child.wait().unwrap().success());
    assert!(path.exists(), "the socket is systemd's to remove");
    assert!(!at.join("never.sock").exists());
}

fn plugged(path: &str) -> key::KeyInfo {
    key::KeyInfo {
        path: path.into(),
        vendor: 0x1209,
        product: 0xbeee,
        name: "Soft\u{202e} key".into(),
        details: None,
        problem: None,
    }
}

#[test]
fn keys_are_watched_and_the_key_process_may_come_and_go() {
    assert!(nix::unistd::geteuid().is_root(), "run this test as root: it changes owners and uids");
    let f = Fixture::joined();
    let agent = Arc::clone(&f.agent);
    let running = std::thread::spawn(move || wardkey_agent::keywatch::run(&agent));
    // Not there yet; then it comes.
    std::thread::sleep(Duration::from_millis(100));
    let listener = UnixListener::bind(f.folder.path().join("key.sock")).unwrap();
    let serve = || {
        let mut channel = Channel::new(listener.accept().unwrap().0, MAX_KEY_FRAME).unwrap();
        let request: key::Request = channel.receive(soon()).unwrap();
        assert_eq!(request, key::Request::Watch);
        channel
    };
    let tell = |channel: &mut Channel, keys: Vec<key::KeyInfo>| {
        channel.send(&key::Reply::Keys(List::new(keys).unwrap()), soon()).unwrap();
    };
    let keys = || f.agent.keys.load(std::sync::atomic::Ordering::SeqCst);
    let mut channel = serve();
    tell(&mut channel, vec![]);
    tell(&mut channel, vec![plugged("/dev/hidraw0")]);
    eventually("plugged", || keys() == 1);
    tell(&mut channel, vec![]);
    eventually("unplugged", || keys() == 0);
    drop(channel);
    let mut channel = serve();
    tell(&mut channel, vec![plugged("/dev/hidraw1")]);
    eventually("after the key process came again", || keys() == 1);
    f.agent.stop();
    drop(channel);
    running.join().unwrap();
    let changes: Vec<_> = f
        .events()
        .into_iter()
        .filter(|event| event.name == EventName::KeyChanged)
        .map(|event| event.detail.unwrap())
        .collect();
    assert_eq!(changes, ["plugged 1209:beee Soft? key", "unplugged 1209:beee Soft? key"]);
}

/// A server that enrolls.
struct Enrolling {
    rp: &'static str,
}

impl Upstream for Enrolling {
    fn wait(&self, _: &WaitRequest) -> Result<WaitReply, ServerError> {
        unreachable!()
    }
    fn changes(
        &self,
        _: &wardkey_core::name::ScopeName,
        _: u64,
    ) -> Result<ChangesReply, ServerError> {
        unreachable!()
    }
    fn policy(&self, _: &wardkey_core::id::Hash) -> Result<Vec<u8>, ServerError> {
        unreachable!()
    }
    fn events(&self, _: &EventsRequest) -> Result<EventsReply, ServerError> {
        unreachable!()
    }
    fn checkpoint(&self, _: u64) -> Result<CheckpointReply, ServerError> {
        unreachable!()
    }
    fn cosignature(&self, _: &CosignatureRequest) -> Result<CosignatureReply, ServerError> {
        unreachable!()
    }
    fn renew(&self, _: &RenewRequest) -> Result<JoinReply, ServerError> {
        unreachable!()
    }
    fn time(&self, _: &TimeRequest) -> Result<TimeReply, ServerError> {
        unreachable!()
    }
    fn enroll_begin(&self, request: &EnrollBeginRequest) -> Result<EnrollBeginReply, ServerError> {
        if request.code != "ABCD-EFGH-JKMN" {
            let message = "wrong, used or expired".into();
            return Err(ServerError::Refused {
                status: 403,
                code: Code::EnrollmentCodeInvalid,
                message,
                retry_after: Some(9),
            });
        }
        Ok(EnrollBeginReply {
            session: "s1".into(),
            login: "hanako".into(),
            latin_name: Some("Demo HANAKO".into()),
            origin: format!("https://{}", self.rp),
            cred_protect: 2,
            min_pin_length: Some(6),
            pin_change_at_first_use: Some(true),
            public_key: CreationOptions {
                rp: RpEntity { id: self.rp.into(), name: "Demo Hospital".into() },
                user: UserEntity {
                    id: Base64(vec![8; 32]),
                    name: "hanako".into(),
                    display_name: "Demo Hanako".into(),
                },
                challenge: Base64(vec![1; 32]),
                pub_key_cred_params: [-7, -8, i64::MAX]
                    .map(|alg| CredentialParameter { alg, kind: "public-key".into() })
                    .into(),
                timeout: None,
                exclude_credentials: Some(
                    [1, 2]
                        .map(|id| Descriptor {
                            id: Base64(vec![id; 32]),
                            kind: "public-key".into(),
                        })
                        .into(),
                ),
            },
            // More than a terminal of before takes in excludeCredentials.
            pool: (2..=50).map(|id| Base64(vec![id; 32])).collect(),
        })
    }
    fn enroll_finish(
        &self,
        request: &EnrollFinishRequest,
    ) -> Result<EnrollFinishReply, ServerError> {
        assert_eq!((request.session.as_str(), request.label.as_str()), ("s1", "blue"));
        assert_eq!(request.can_force_pin_change, Some(false));
        Ok(EnrollFinishReply {
            login: "hanako".into(),
            display_name: "Demo Hanako".into(),
            key: Base64(vec![5; 32]),
            attested: true,
        })
    }
}

impl Connect for Enrolling {
    fn open(
        &self,
        _: &wardkey_agent::identity::Identity,
        _: &[u8],
        _: &Arc<wardkey_agent::clock::Clock>,
    ) -> Result<Arc<dyn Upstream>, ServerError> {
        Ok(Arc::new(Self { rp: self.rp }))
    }
}

#[test]
fn an_enrollment_goes_through_and_keeps_to_the_rp_id_that_was_signed() {
    for (rp, good) in [(RP, true), ("evil.example", false)] {
        let mut f = Fixture::synced();
        f.agent.state.close();
        f.agent.directory.close();
        let clock = wardkey_agent::clock::Clock::machine();
        let sessions = Box::new(Shared(Arc::clone(&f.sessions)));
        let mut agent = wardkey_agent::agent::Agent::open(
            config(f.folder.path()),
            clock,
            sessions,
            Box::new(Enrolling { rp }),
        )
        .unwrap();
        // The console asks as the person at the terminal does, and nobody else's service.
        let console = wardkey_agent::startup::enroller("nobody").unwrap();
        agent.enroller = Some(console);
        f.agent = Arc::new(agent);
        let console = Peer { uid: console, gid: console, pid: 77 };
        let begin = |code: &str| {
            Request::EnrollBegin(EnrollBegin { code: code.into(), language: Language::En })
        };
        let Reply::Refused(refusal) = f.root().ask(&begin("WRONG")) else { panic!() };
        assert_eq!((refusal.code, refusal.retry_after), (Code::EnrollmentCodeInvalid, Some(9)));
        let reply = f.root().ask(&begin(" ABCD-EFGH-JKMN\n"));
        if !good {
            assert!(matches!(reply, Reply::Refused(refusal) if refusal.code == Code::RpIdMismatch));
            continue;
        }
        let by_console = |line: Option<&str>| {
            *f.sessions.line.lock().unwrap() = line.map(str::to_owned);
            f.connect(console).ask(&begin(" ABCD-EFGH-JKMN\n"))
        };
        for line in [None, Some("tty7"), Some("tty1"), Some("tty122")] {
            let Reply::Refused(refusal) = by_console(line) else { panic!("{line:?}") };
            assert_eq!(refusal.code, Code::CallerNotAllowed, "{line:?}");
        }
        let shown = by_console(Some("tty12"));
        assert!(matches!(shown, Reply::Enrollment(_)), "{shown:?}");
        assert_eq!(f.connect(console).refused(&Request::Sync), Code::NeedsRoot);
        let other = wardkey_agent::startup::enroller("daemon").unwrap();
        let other = Peer { uid: other, gid: other, pid: 78 };
        assert_eq!(f.connect(other).refused(&begin("ABCD")), Code::CallerNotAllowed);
        let Reply::Enrollment(enrollment) = reply else { panic!("{reply:?}") };
        assert_eq!(&enrollment.algorithms[..], [-7, -8]);
        let id = |id: u8| CredentialId::new(vec![id; 32]).unwrap();
        assert_eq!(&enrollment.exclude[..], [id(1)], "the person's own");
        let pool: Vec<_> = (2..=50).map(id).collect();
        assert_eq!(enrollment.pool.as_deref(), Some(&pool[..]));
        assert_eq!(enrollment.min_pin_length, Some(6));
        assert_eq!(enrollment.pin_change_at_first_use, Some(true));
        assert_eq!(enrollment.latin_name, DisplayText::new("Demo HANAKO").ok());
        let json: serde_json::Value =
            serde_json::from_slice(enrollment.client_data.as_slice()).unwrap();
        assert_eq!(json["origin"], format!("https://{RP}"));
        let finish = Request::EnrollFinish(EnrollFinish {
            session: enrollment.session.clone(),
            client_data: enrollment.client_data.clone(),
            attestation_object: wardkey_core::codec::Bytes::new([1; 200]).unwrap(),
            credential_id: id(1),
            label: DisplayText::new("blue").unwrap(),
            can_force_pin_change: Some(false),
        });
        let reply = f.connect(console).ask(&finish);
        assert!(matches!(reply, Reply::Enrolled(enrolled) if enrolled.attested));
        let event = f.events().into_iter().find(|event| event.name == EventName::Enrolled).unwrap();
        assert_eq!(
            (event.person, event.key.as_deref(), event.tty.as_deref()),
            (Some(login("hanako")), Some("0505050505050505"), Some("tty12"))
        );
    }
}
