//! The real server of the ward, administered by its own command line.

use std::process::Command;
use std::time::Duration;

use crate::paths;
use crate::process::{Process, run, wait_for};

/// Where it listens; the ward has a network of its own, so the port is always free.
pub const ADDRESS: &str = "127.0.0.1:8443";
/// What terminals are told.
pub const URL: &str = "https://127.0.0.1:8443";
/// Relying party id of the deployment.
pub const RP_ID: &str = "hospital.example";
const CONFIGURATION: &str = "/etc/wardkey/server.toml";

/// A server with its store in the ward.
pub struct Server {
    process: Option<Process>,
}

impl Server {
    /// Initialises a deployment with the scopes `roaming` and `ward3` and starts the server. Heads
    /// live `head_seconds`.
    pub fn start(head_seconds: u64) -> Self {
        Self::start_with(head_seconds, "")
    }

    /// The same for keys of any maker: they need not say who vouches for them.
    pub fn start_for_any_key(head_seconds: u64) -> Self {
        Self::start_configured(&format!(
            "head_seconds = {head_seconds}\nattestation_required = false\n"
        ))
    }

    /// As [`Self::start`] with further lines of configuration.
    pub fn start_with(head_seconds: u64, configuration: &str) -> Self {
        Self::start_configured(&Self::for_the_software_key(head_seconds, configuration))
    }

    fn start_configured(configuration: &str) -> Self {
        std::fs::create_dir_all("/etc/wardkey").expect("/etc/wardkey");
        std::fs::create_dir_all("/var/lib/wardkey-server").expect("folder of the server");
        Self::write_configuration(configuration);
        let mut server = Self { process: None };
        server.admin(&[
            "init",
            "--yes",
            "--name",
            "Demo Hospital",
            "--rp-id",
            RP_ID,
            "--server-name",
            "127.0.0.1",
            "--scope",
            "roaming",
            "--scope",
            "ward3",
        ]);
        server.resume();
        server
    }

    /// Writes server.toml: heads live `head_seconds`, and further lines.
    pub fn configure(head_seconds: u64, configuration: &str) {
        Self::write_configuration(&Self::for_the_software_key(head_seconds, configuration));
    }

    fn for_the_software_key(head_seconds: u64, configuration: &str) -> String {
        let attestation_ca = paths::checkout().join("tests/softkey/data/attestation-ca.pem");
        format!(
            "head_seconds = {head_seconds}\nattestation_roots = [\"{}\"]\n\
                attestation_required = true\n{configuration}",
            attestation_ca.display()
        )
    }

    fn write_configuration(lines: &str) {
        std::fs::write(CONFIGURATION, format!("listen = [\"{ADDRESS}\"]\n{lines}"))
            .expect("configuration of the server");
    }

    /// Starts it (again).
    pub fn resume(&mut self) {
        let mut command = Command::new(paths::binary("wardkey-server"));
        command.args(["--config", CONFIGURATION, "run"]);
        self.process = Some(Process::start("wardkey-server", &mut command));
        wait_for("the server to listen", Duration::from_secs(60), || {
            std::net::TcpStream::connect(ADDRESS).ok()
        });
    }

    /// Stops it cleanly.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate();
        }
    }

    /// Cuts it off.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Runs an administrative command that must work; gives what it printed.
    pub fn admin(&self, arguments: &[&str]) -> String {
        let output = run(&mut Self::command(arguments), true);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(arguments: &[&str]) -> Command {
        let mut command = Command::new(paths::binary("wardkey-server"));
        command.args(["--config", CONFIGURATION]).args(arguments);
        command
    }

    /// The same as JSON.
    pub fn admin_json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.admin(&[&["--json"], arguments].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Adds a person to the ward's scope.
    pub fn add_person(&self, login: &str, name: &str, language: &str) {
        self.admin(&[
            "person",
            "add",
            login,
            "--name",
            name,
            "--scope",
            "ward3",
            "--group",
            "nurses",
            "--language",
            language,
        ]);
    }

    /// A join token for a terminal of the two scopes.
    pub fn join_token(&self) -> String {
        let value = self.admin_json(&["token", "add", "--scope", "roaming", "--scope", "ward3"]);
        value["token"].as_str().expect("a token").to_owned()
    }

    /// A one-time enrollment code.
    pub fn enrollment_code(&self, login: &str) -> String {
        let value = self.admin_json(&["code", "issue", login]);
        value["code"].as_str().expect("a code").to_owned()
    }

    /// The fingerprint of a person's only key.
    pub fn key_of(&self, login: &str) -> String {
        let value = self.admin_json(&["key", "list", login]);
        let keys = value["items"].as_array().expect("a list of keys");
        keys.first()
            .and_then(|key| key["key"].as_str().or_else(|| key["fingerprint"].as_str()))
            .expect("a key")
            .to_owned()
    }
}
