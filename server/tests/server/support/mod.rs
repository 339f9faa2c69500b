//! A deployment in a temporary folder, its running server, and terminals as clients.

pub mod admin;
pub mod authenticator;
pub mod backups;
pub mod browser;
pub mod client;
pub mod driver;
pub mod follower;
pub mod people;
pub mod port;
pub mod running;
pub mod schema;
pub mod ward;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use wardkey_server::clock::Clock;
use wardkey_server::config::Config;
use wardkey_server::serve::Server;
use wardkey_server::store::Store;
use wardkey_testkit::TestDatabase;

use client::Terminal;

pub use running::Running;

pub const RP_ID: &str = "wardkey.test";
pub const ORIGIN: &str = "https://wardkey.test";

/// A deployment with the scopes `icu` and `er`; removed when dropped.
pub struct Deployment {
    pub folder: tempfile::TempDir,
    /// Where the tests run beside PostgreSQL.
    postgresql: Option<TestDatabase>,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Waits until something is so. The bound is there to end a test that would hang, and no more.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Tells threads to stop, also when the test fails: a scope waits for them.
pub struct Stops<'a>(pub &'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Deployment {
    pub fn new() -> Self {
        Self::with("")
    }

    /// With more lines of configuration.
    pub fn with(configuration: &str) -> Self {
        let (folder, postgresql) = (tempfile::tempdir().unwrap(), TestDatabase::wanted());
        let deployment = Self { folder, postgresql };
        deployment.configure(configuration);
        deployment.init();
        deployment
    }

    fn init(&self) {
        self.ok(&[
            "init",
            "--name",
            "Test",
            "--rp-id",
            RP_ID,
            "--server-name",
            "localhost",
            "127.0.0.1",
            "--scope",
            "icu",
            "er",
        ]);
    }

    /// In a file, whatever the tests run beside.
    pub fn of_a_file() -> Self {
        let deployment = Self { folder: tempfile::tempdir().unwrap(), postgresql: None };
        deployment.configure("");
        deployment.init();
        deployment
    }

    /// The same, with PostgreSQL in the place of the file from now on.
    pub fn at(self, database: TestDatabase) -> Self {
        let deployment = Self { postgresql: Some(database), ..self };
        deployment.configure("");
        deployment
    }

    pub fn configure(&self, configuration: &str) {
        let folder = self.folder.path().display();
        let database = self
            .postgresql
            .as_ref()
            .map_or(String::new(), |database| format!("database = \"{}\"\n", database.url()));
        let text = format!(
            "listen = [\"127.0.0.1:0\"]\nstore = \"{folder}/data/wardkey.db\"\n{database}\
                keys = \"{folder}/data/keys\"\n{configuration}\n"
        );
        std::fs::write(self.path(), text).unwrap();
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("server.toml")
    }

    pub fn config(&self) -> Config {
        Config::read(&self.path()).unwrap()
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/wardkey.db")
    }

    /// The database, where the tests run beside PostgreSQL.
    pub fn postgresql(&self) -> Option<&TestDatabase> {
        self.postgresql.as_ref()
    }

    /// Its store, opened beside the server.
    pub async fn store(&self) -> Store {
        Store::open(self.config().place().unwrap()).await.unwrap()
    }

    pub fn cli(&self, args: &[&str]) -> Output {
        self.cli_in("C.UTF-8", args)
    }

    pub fn cli_in(&self, locale: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-server"));
        command.env("LC_ALL", locale).arg("--config").arg(self.path()).args(args).output().unwrap()
    }

    /// Runs a command and kills it, as by kill -9, after `delay`; it may have ended before.
    pub fn killed_after(&self, delay: Duration, args: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardkey-server"));
        command.arg("--config").arg(self.path()).args(args);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Runs a command that must be done, whether terminals hear of it now or not; what it printed.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.cli(args);
        let done = matches!(output.status.code(), Some(0 | 5));
        assert!(done, "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"], args].concat())).unwrap()
    }

    /// The rows of a list, of which there is no second page.
    pub fn rows(&self, args: &[&str]) -> Value {
        let listing = self.json(args);
        if !args.contains(&"--limit") {
            assert_eq!(
                (&listing["more"], &listing["next"]),
                (&false.into(), &Value::Null),
                "{args:?}"
            );
        }
        listing["items"].clone()
    }

    /// Runs a command that must be refused with this exit status; what it said.
    pub fn refused(&self, status: i32, args: &[&str]) -> String {
        let output = self.cli(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{args:?}: {said}");
        said
    }

    pub fn start(&self) -> Running {
        self.start_at(now())
    }

    pub fn start_at(&self, time: u64) -> Running {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let clock = Clock::manual(time);
        let server = runtime.block_on(Server::start(self.config(), clock.clone())).unwrap();
        let address = server.addresses()[0];
        Running { server: Some(server), runtime, clock, address }
    }

    /// Runs a command that must be done although no terminal hears of it; what it said about that.
    pub fn unheard(&self, args: &[&str]) -> String {
        let output = self.cli(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{args:?}: {said}");
        assert!(!output.stdout.is_empty(), "{args:?}: it is done, and says so");
        said
    }

    /// A terminal that has joined with these scopes.
    pub fn join(&self, running: &Running, name: &str, scopes: &[&str]) -> Terminal {
        let token = self.ok(&[&["terminal", "token", "--scope"], scopes].concat());
        Terminal::join(running, &token, name, name.as_bytes()).unwrap()
    }

    /// Stops the publishing of a scope, as a terminal that is ahead of the server does.
    pub fn halt(&self, scope: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = self.store().await;
            let mut tx = store.write().await.unwrap();
            let name = wardkey_core::name::ScopeName::new(scope).unwrap();
            wardkey_server::store::scope::halt(&mut tx, &name, "a test").await.unwrap();
            tx.commit().await.unwrap();
            store.close().await;
        });
    }

    /// The actions of the trail, newest first.
    pub fn actions(&self) -> Vec<String> {
        let trail = self.rows(&["audit", "list"]);
        trail
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["action"].as_str().unwrap().to_owned())
            .collect()
    }
}
