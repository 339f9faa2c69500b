//! Scripted agent and key process on real sockets, a scripted person, and a deployment that signs.
#![allow(dead_code)]

mod scripted;
pub mod trying;

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use wardkey_cli::{Cli, Environment, Places, Wait};
use wardkey_core::codec::{Bytes, List};
use wardkey_core::document::{RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::id::{Aaguid, CredentialId, Hash, TerminalId};
use wardkey_core::message::agent::{self, Enrolled, Enrollment};
use wardkey_core::message::key::{self, KeyCredential, KeyDetails, KeyFailure, KeyInfo};
use wardkey_core::message::{MAX_FRAME, MAX_KEY_FRAME};
use wardkey_core::name::{DisplayText, LoginName, RpId, ScopeName};
use wardkey_core::person::{MAX_POOL, Status};
use wardkey_core::sign::SigningKey;
use wardkey_core::time::UnixTime;
use wardkey_core::token::JoinToken;
use wardkey_ipc::{Channel, Deadline};
use wardkey_testkit::{RP, T0, signing};

pub use scripted::{Log, Scripted};

/// A throw-away machine.
pub struct Machine {
    pub folder: tempfile::TempDir,
    pub log: Log,
    /// Every frame that the agent was sent.
    pub to_agent: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// What a run left.
pub struct Ran {
    pub exit: u8,
    pub out: String,
    pub errors: String,
    pub said: Vec<String>,
    /// How long each question was to wait.
    pub waits: Vec<Wait>,
}

impl Ran {
    /// The one line of JSON: a result on standard output, or an error on standard error.
    pub fn json(&self) -> serde_json::Value {
        let (line, other) =
            if self.out.is_empty() { (&self.errors, &self.out) } else { (&self.out, &self.errors) };
        assert_eq!((line.lines().count(), other.as_str()), (1, ""), "{line}");
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            json.get("error").is_some(),
            self.out.is_empty(),
            "errors go to standard error: {json}"
        );
        json
    }
}

impl Machine {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("machine-id"), "0123456789abcdef0123456789abcdef\n")
            .unwrap();
        // PAM as Debian installs it, in short.
        for (name, text) in [
            ("pam.d/common-auth", "auth [success=1 default=ignore] pam_unix.so nullok\n"),
            ("pam.d/common-account", "account [success=1 default=ignore] pam_unix.so\n"),
            ("pam/auth", "Module: unix\n[success=end default=ignore] pam_unix.so nullok\n"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { folder, log: Log::default(), to_agent: Arc::default() }
    }

    /// Where things are: nothing of this machine.
    pub fn places(&self) -> Places {
        Places {
            root: self.folder.path().into(),
            doctor: self.path("doctor/last.json"),
            accepted: self.path("accepted.toml"),
            pam: self.path("pam.d"),
            pam_state: self.path("pam"),
            undo: self.path("enable"),
            test_services: self.path("test"),
            pam_config: self.path("pam.toml"),
            agent_config: self.path("agent.toml"),
            ..Places::default()
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Answers the agent's socket; a panic in `answer` hangs up.
    pub fn agent(
        &self,
        mut answer: impl FnMut(agent::Request) -> Vec<agent::Reply> + Send + 'static,
    ) {
        let (log, frames) = (self.log.clone(), self.to_agent.clone());
        serve(&self.path("agent.sock"), MAX_FRAME, move |request: agent::Request| {
            frames.lock().unwrap().push(wardkey_core::codec::to_message(&request));
            log.lock().unwrap().push(format!("agent {}", name(&request)));
            answer(request)
        });
    }

    /// Answers the key process's socket.
    pub fn key(&self, mut answer: impl FnMut(key::Request) -> Vec<key::Reply> + Send + 'static) {
        let log = self.log.clone();
        serve(&self.path("key.sock"), MAX_KEY_FRAME, move |request: key::Request| {
            log.lock().unwrap().push(format!("key {}", name(&request)));
            answer(request)
        });
    }

    pub fn run(&self, line: &str, answers: &[&str], interactive: bool, root: bool) -> Ran {
        let folder = self.folder.path().to_str().unwrap();
        let line = line.replace("DIR", folder);
        let sockets = [
            format!("--agent-socket={folder}/agent.sock"),
            format!("--key-socket={folder}/key.sock"),
        ];
        let args = ["wardkey"]
            .into_iter()
            .chain(line.split(' '))
            .chain(sockets.iter().map(String::as_str));
        let mut args: Vec<_> = args.map(str::to_owned).collect();
        if !line.contains("--lang") {
            args.push("--lang=en".into());
        }
        let cli = Cli::try_parse_from(args).unwrap_or_else(|error| panic!("{error}"));
        let answers = answers.iter().map(|text| (*text).to_owned()).collect();
        let (said, waits, log) = (Vec::new(), Vec::new(), self.log.clone());
        let mut person = Scripted { interactive, answers, said, waits, log };
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let me = Some(nix::unistd::geteuid().as_raw());
        let exit = wardkey_cli::run(
            &cli,
            &mut Environment {
                agent_owner: me,
                key_owner: me,
                root,
                machine_id: self.path("machine-id"),
                places: self.places(),
                files_owner: wardkey_settings::files::Owner::current(),
                anchor: self.path("anchor.toml"),
                marks: self.path("marks"),
                person: &mut person,
                out: &mut out,
                errors: &mut errors,
            },
        );
        assert!(person.answers.is_empty(), "not asked for {:?}", person.answers);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let Scripted { said, waits, .. } = person;
        Ran { exit: exit.status(), out: text(out), errors: text(errors), said, waits }
    }

    /// Whoever is asked reads a console of Linux.
    pub fn reads_latin_letters(&self) {
        self.log.lock().unwrap().push(scripted::LATIN.to_owned());
    }

    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// Whether these bytes were ever sent to the agent.
    pub fn agent_got(&self, secret: &str) -> bool {
        let holds =
            |frame: &Vec<u8>| frame.windows(secret.len()).any(|part| part == secret.as_bytes());
        self.to_agent.lock().unwrap().iter().any(holds)
    }
}

/// The variant's name of a message, without its content.
fn name(message: &impl std::fmt::Debug) -> String {
    let text = format!("{message:?}");
    text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap().to_owned()
}

fn serve<Q, A>(path: &Path, max: usize, answer: impl FnMut(Q) -> Vec<A> + Send + 'static)
where
    Q: for<'b> minicbor::Decode<'b, ()>,
    A: minicbor::Encode<()>,
{
    let listener = UnixListener::bind(path).unwrap();
    let answer = Arc::new(Mutex::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = answer.clone();
            let mut channel = Channel::new(stream.unwrap(), max).unwrap();
            std::thread::spawn(move || {
                while let Ok(request) = channel.receive(Deadline::after(Duration::from_secs(60))) {
                    for reply in (answer.lock().unwrap())(request) {
                        let _ = channel.send(&reply, Deadline::after(Duration::from_secs(60)));
                    }
                }
            });
        }
    });
}

/// A deployment that signs.
pub struct Deployment {
    pub root: SigningKey,
    pub publish: SigningKey,
}

impl Deployment {
    pub fn new(seed: u8) -> Self {
        Self { root: signing(seed), publish: signing(seed + 100) }
    }

    pub fn token(&self) -> String {
        JoinToken::make([2; 10], &self.root.public()).unwrap().1
    }

    pub fn root_document(&self, version: u64, root: &SigningKey) -> RootDocument {
        RootDocument {
            version,
            name: DisplayText::new("中央病院").unwrap(),
            root_key: root.public(),
            publish_keys: List::new(vec![self.publish.public()]).unwrap(),
            ..wardkey_testkit::root_document()
        }
    }

    pub fn first_root(&self) -> SignedRoot {
        let signed = self.root.sign(&self.root_document(1, &self.root));
        SignedRoot { by_itself: Bytes::new(signed).unwrap(), by_previous: None }
    }

    pub fn next_root(&self, by: &SigningKey) -> SignedRoot {
        let next = signing(77);
        let document = self.root_document(2, &next);
        SignedRoot {
            by_itself: Bytes::new(next.sign(&document)).unwrap(),
            by_previous: Some(Bytes::new(by.sign(&document)).unwrap()),
        }
    }

    pub fn terminal(&self, id: u8, status: Status) -> Vec<u8> {
        self.publish.sign(&TerminalDocument {
            terminal: TerminalId::new([id; 16]),
            name: DisplayText::new("病棟3-1").unwrap(),
            status,
            ..wardkey_testkit::terminal_document(T0)
        })
    }

    pub fn joined(&self, id: u8) -> agent::Joined {
        self.joined_as(id, Status::Active)
    }

    /// Joined by a token for several machines.
    pub fn pending(&self, id: u8) -> agent::Joined {
        self.joined_as(id, Status::Disabled)
    }

    fn joined_as(&self, id: u8, status: Status) -> agent::Joined {
        agent::Joined {
            terminal: TerminalId::new([id; 16]),
            roots: List::new(vec![self.first_root()]).unwrap(),
            document: Bytes::new(self.terminal(id, status)).unwrap(),
        }
    }
}

pub fn status() -> agent::Status {
    agent::Status {
        version: "0.1.0".into(),
        terminal: Some(TerminalId::new([5; 16])),
        terminal_name: Some(DisplayText::new("病棟3-1").unwrap()),
        server: Some("https://wardkey.example:8443".into()),
        connected: false,
        last_contact: Some(UnixTime(999_000)),
        last_error: Some("timed\nout".into()),
        scopes: List::new(vec![scope()]).unwrap(),
        events_waiting: 3,
        logins: 1,
        now: UnixTime(1_000_000),
        keys: 2,
        in_memory: None,
        clock_ahead: None,
        active: Some(true),
        sessions: None,
        destinations: None,
        last_code: None,
        last_system: None,
        log: None,
    }
}

pub fn scope() -> agent::ScopeStatus {
    agent::ScopeStatus {
        scope: ScopeName::new("ward3").unwrap(),
        position: wardkey_core::document::Position { epoch: 1, seq: 25 },
        people: 120,
        issued: UnixTime(990_000),
        expires: UnixTime(999_999),
    }
}

pub fn key_info(pin_set: bool, tries: u8) -> KeyInfo {
    KeyInfo {
        path: "/dev/hidraw0".into(),
        vendor: 0x1050,
        product: 0x0407,
        name: "Test Key".into(),
        details: Some(KeyDetails {
            aaguid: Aaguid::new([0xab; 16]),
            versions: List::new(vec!["U2F_V2".into(), "FIDO_2_1".into()]).unwrap(),
            pin_set,
            pin_must_change: false,
            min_pin_length: 4,
            pin_tries: pin_set.then_some(tries),
            takes_pin_rules: None,
            fingerprint: None,
        }),
        problem: None,
    }
}

pub fn keys(infos: Vec<KeyInfo>) -> key::Reply {
    key::Reply::Keys(List::new(infos).unwrap())
}

pub fn key_failure(code: wardkey_core::code::Code, tries_left: Option<u8>) -> key::Reply {
    key::Reply::Failed(KeyFailure { code, status: None, tries_left, detail: None })
}

pub fn credential() -> key::Reply {
    key::Reply::Credential(KeyCredential {
        credential: CredentialId::new(vec![4; 32]).unwrap(),
        attestation_object: Bytes::new(vec![0xa3, 1, 2]).unwrap(),
        aaguid: Aaguid::new([0xab; 16]),
        min_pin_length: None,
    })
}

pub fn enrollment(keys_before: usize) -> Enrollment {
    Enrollment {
        latin_name: None,
        session: "session-1".into(),
        login: LoginName::new("hanako").unwrap(),
        display_name: DisplayText::new("山田 花子").unwrap(),
        user_handle: Bytes::new(vec![6; 32]).unwrap(),
        rp_id: RpId::new(RP).unwrap(),
        rp_name: DisplayText::new("中央病院").unwrap(),
        client_data: Bytes::new(b"{\"type\":\"webauthn.create\"}".to_vec()).unwrap(),
        algorithms: List::new(vec![-7, -8]).unwrap(),
        exclude: List::new(vec![CredentialId::new(vec![3; 32]).unwrap(); keys_before]).unwrap(),
        cred_protect: 2,
        roots: List::new(vec![Deployment::new(1).first_root()]).unwrap(),
        pool: Some(List::new(vec![CredentialId::new(vec![5; 32]).unwrap(); MAX_POOL]).unwrap()),
        min_pin_length: None,
        pin_change_at_first_use: None,
    }
}

pub fn enrolled() -> Enrolled {
    Enrolled {
        login: LoginName::new("hanako").unwrap(),
        display_name: DisplayText::new("山田 花子").unwrap(),
        key: Hash::new([0xcd; 32]),
        attested: true,
    }
}
