//! A deployment in a temporary folder, made by the server's own commands; terminals are put into
//! its store by its library, as ten thousand joins by hand would be an hour's work.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use wardkey_core::codec::sha256;
use wardkey_core::id::TerminalId;
use wardkey_core::name::{DisplayText, ScopeName};
use wardkey_core::time::UnixTime;
use wardkey_server::config::Config;
use wardkey_server::keyring::{Holder, Keyring};
use wardkey_server::pki::{Authority, CertificateRequest};
use wardkey_server::store::Store;
use wardkey_server::store::terminal::{self, Joining, TerminalStatus};

use super::meter::Meter;

/// Relying party of the deployment.
pub const RP_ID: &str = "hospital.example";

/// How large a deployment is.
#[derive(Clone, Copy)]
pub struct Size {
    pub terminals: usize,
    pub scopes: usize,
    pub people: usize,
}

/// A terminal that has joined.
pub struct Identity {
    pub id: TerminalId,
    /// Its number.
    pub scope: usize,
    pub tls: Arc<ClientConfig>,
}

/// A deployment; removed when dropped.
pub struct Deployment {
    folder: tempfile::TempDir,
    program: PathBuf,
    address: SocketAddr,
    size: Size,
}

/// Its server, as a process; killed when dropped.
pub struct Running {
    child: Child,
    started_in: f64,
}

pub fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

pub fn scope_name(number: usize) -> ScopeName {
    ScopeName::new(format!("ward{number}")).unwrap()
}

pub fn login_name(number: usize) -> String {
    format!("p{number}")
}

/// The id of a person's only credential.
pub fn credential_id(number: usize) -> [u8; 32] {
    let mut id = [7; 32];
    id[..8].copy_from_slice(&(number as u64).to_be_bytes());
    id
}

impl Deployment {
    /// Makes it: its scopes, and people spread over them.
    pub fn new(program: &Path, size: Size) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Free now: nothing else on this machine is started meanwhile.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at = folder.path().display();
        // Thousands of terminals share one address here, and 32 send what all of a day send.
        let configuration = format!(
            "listen = [\"{address}\"]\nstore = \"{at}/data/wardkey.db\"\n\
             keys = \"{at}/data/keys\"\n[limits]\naddress = 1000000\nterminal = 1000000\n\
             token = 1000000\nevents = 100000000\nevent_megabytes = 4000\n"
        );
        std::fs::write(folder.path().join("server.toml"), configuration).unwrap();
        let deployment = Self { folder, program: program.to_owned(), address, size };

        let scopes: Vec<String> =
            (0..size.scopes).map(|number| scope_name(number).to_string()).collect();
        let mut init = vec!["init", "--yes", "--name", "Demo Hospital", "--rp-id", RP_ID];
        init.extend(["--server-name", "127.0.0.1", "--scope"]);
        init.extend(scopes.iter().map(String::as_str));
        deployment.admin(&init);
        deployment.import();
        deployment
    }

    fn import(&self) {
        let key = Base64UrlUnpadded::encode_string(&super::intake::public_key());
        let mut lines = String::new();
        for number in 0..self.size.people {
            let person = json!({
                "login": login_name(number), "name": format!("Person {number}"),
                "scopes": [scope_name(number % self.size.scopes).as_str()],
                "credentials": [{
                    "id": Base64UrlUnpadded::encode_string(&credential_id(number)),
                    "public_key": key,
                }],
            });
            writeln!(lines, "{person}").unwrap();
        }
        let file = self.folder.path().join("people.jsonl");
        std::fs::write(&file, lines).unwrap();
        self.admin(&["person", "import", file.to_str().unwrap()]);
    }

    /// Where the server listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs a command that must be done, whether terminals hear of it or not.
    pub fn admin(&self, arguments: &[&str]) -> String {
        self.must_be_done(self.begin(arguments))
    }

    /// Starts a command.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(&self.program);
        command
            .env("LC_ALL", "C.UTF-8")
            .arg("--config")
            .arg(self.folder.path().join("server.toml"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits for the end of a command; what it printed.
    pub fn must_be_done(&self, command: Child) -> String {
        let output = command.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(0 | 5)), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same, answered in JSON.
    pub fn admin_json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.admin(&[&["--json"], arguments].concat())).unwrap()
    }

    /// Starts the server; it listens.
    pub fn start(&self) -> Running {
        let begun = Instant::now();
        let log = std::fs::File::create(self.folder.path().join("server.log")).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.folder.path().join("server.toml")).arg("run");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        while TcpStream::connect(self.address).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "the server ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        Running { child, started_in: begun.elapsed().as_secs_f64() }
    }

    /// Puts all terminals into the store, spread over the scopes.
    pub async fn join_all(&self) -> Vec<Identity> {
        let config = Config::read(&self.folder.path().join("server.toml")).unwrap();
        let files = Keyring::at(&config.keys).certificate(Holder::Authority).unwrap();
        let authority = Authority::load(&files).unwrap();
        let roots = roots(&files.certificate);
        let store = Store::open(&config.store).await.unwrap();

        let mut identities = Vec::with_capacity(self.size.terminals);
        let mut tx = store.write().await.unwrap();
        for number in 0..self.size.terminals {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(number as u64).to_be_bytes());
            let (id, scope) = (TerminalId::new(id), number % self.size.scopes);
            let key = KeyPair::generate().unwrap();
            let request = CertificateRequest::read(&signing_request(&key)).unwrap();
            let issued = authority.terminal(request, &id, now(), 30).unwrap();
            let joining = Joining {
                id,
                name: &DisplayText::new(format!("terminal {number}")).unwrap(),
                machine: sha256(id.as_bytes()),
                status: TerminalStatus::Active,
                issued: &issued,
                scopes: &BTreeSet::from([scope_name(scope)]),
            };
            terminal::put(&mut tx, &joining, now()).await.unwrap();
            let certificate = CertificateDer::from(issued.certificate.clone());
            let tls = Arc::new(tls(Arc::clone(&roots), Some((certificate, &key))));
            identities.push(Identity { id, scope, tls });
        }
        tx.commit().await.unwrap();
        identities
    }

    /// TLS of a machine that has not joined.
    pub fn stranger(&self) -> Arc<ClientConfig> {
        let config = Config::read(&self.folder.path().join("server.toml")).unwrap();
        let files = Keyring::at(&config.keys).certificate(Holder::Authority).unwrap();
        Arc::new(tls(roots(&files.certificate), None))
    }
}

/// A certificate request for a key.
pub fn signing_request(key: &KeyPair) -> Vec<u8> {
    let params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.serialize_request(key).unwrap().der().to_vec()
}

fn roots(pem: &str) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    Arc::new(roots)
}

fn tls(
    roots: Arc<RootCertStore>,
    identity: Option<(CertificateDer<'static>, &KeyPair)>,
) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    }
}

impl Running {
    pub fn meter(&self) -> Meter {
        Meter::of(self.child.id())
    }

    /// Seconds until it listened.
    pub const fn started_in(&self) -> f64 {
        self.started_in
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
