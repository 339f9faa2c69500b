//! A ward terminal with production binaries at their production places: module, agent, key process.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::keys::{Bus, SoftKey};
use crate::paths;
use crate::process::{Process, run, wait_for};
use crate::server::{Server, URL};

/// Where Debian's libpam looks for modules.
const MODULES: &str = "/usr/lib/x86_64-linux-gnu/security";
/// Agent's socket.
pub const AGENT_SOCKET: &str = "/run/wardkey/agent.sock";
/// Key process's socket.
pub const KEY_SOCKET: &str = "/run/wardkey/key.sock";
/// Where the key process is told who sits at the terminal. Not logind's folder: that there is none
/// in a ward, the agent sees by its absence.
pub const SEATS: &str = "/run/ward-seats";
/// The PAM service of staff logins: the module, then passwords for the accounts that it leaves
/// alone.
pub const SERVICE: &str = "ward-login";

/// The lines of `config/pam.d/wardkey`.
const STACK: &str = "\
auth    [success=done user_unknown=2 module_unknown=ignore default=die] pam_fido.so\n\
auth    [success=1 default=ignore] pam_succeed_if.so quiet uid eq 0\n\
auth    [success=ignore default=die] pam_listfile.so quiet item=user sense=allow \
    file=/etc/wardkey/local-accounts onerr=fail\n\
auth    required pam_unix.so\n\
account [success=2 user_unknown=2 module_unknown=ignore default=die] pam_fido.so\n\
account [success=1 default=ignore] pam_succeed_if.so quiet uid eq 0\n\
account [success=ignore default=die] pam_listfile.so quiet item=user sense=allow \
    file=/etc/wardkey/local-accounts onerr=fail\n\
account required pam_unix.so\n\
session required pam_permit.so\n\
session optional pam_fido.so\n";

/// A terminal.
pub struct Terminal {
    /// The bus with the key process; `None` with the machine's own devices.
    pub bus: Option<Bus>,
    key: Option<Process>,
    agent: Option<Process>,
}

/// A PIN that people may use in tests.
pub const PIN: &str = "271828";

impl Terminal {
    /// Installs module, PAM service and configuration, and starts key process (on a simulated bus)
    /// and agent.
    pub fn start() -> Self {
        let mut terminal = Self::install();
        terminal.start_key();
        terminal.start_agent();
        terminal
    }

    /// The same with the machine's own `/dev/hidraw*`.
    pub fn start_with_hardware() -> Self {
        let mut terminal = Self::install();
        let mut command = Command::new(paths::binary("wardkey-key"));
        command.args(["--listen", KEY_SOCKET, "--agent-user", "wardkey", "--seats-dir", SEATS]);
        terminal.key = Some(Process::start("wardkey-key", &mut command));
        wait_for("the key process", Duration::from_secs(60), || {
            Path::new(KEY_SOCKET).exists().then_some(())
        });
        terminal.start_agent();
        terminal
    }

    /// Everything in place, nothing running.
    pub fn install() -> Self {
        for folder in ["/etc/wardkey", "/run/wardkey", "/var/lib/wardkey-marks"] {
            std::fs::create_dir_all(folder).expect("folders");
        }
        std::fs::create_dir_all("/var/lib/wardkey").expect("folder of the agent");
        run(Command::new("chown").args(["wardkey:wardkey", "/var/lib/wardkey"]), true);
        run(Command::new("chmod").args(["0700", "/var/lib/wardkey"]), true);
        let module = Path::new(MODULES).join("pam_fido.so");
        let _ = std::fs::remove_file(&module);
        std::fs::copy(paths::binary("libpam_fido.so"), &module).expect("PAM module");
        std::fs::write(format!("/etc/pam.d/{SERVICE}"), STACK).expect("PAM service");
        std::fs::write("/etc/pam.d/sudo", STACK).expect("PAM service");
        for locker in ["ward-lock", "screen-locker"] {
            std::fs::write(format!("/etc/pam.d/{locker}"), STACK).expect("PAM service");
        }
        Self::configure_module("");
        Self::configure_agent("heartbeat_seconds = 5\nretry_seconds = 1\n");
        Self { bus: None, key: None, agent: None }
    }

    /// Writes pam.toml with the administrator's account and further lines.
    pub fn configure_module(lines: &str) {
        let mut text = format!("local_accounts = [\"localadmin\"]\n{lines}");
        // A login waits for the right key as long as this: shorter than for people.
        if !lines.contains("key_wait_seconds") {
            text += "key_wait_seconds = 8\n";
        }
        std::fs::write("/etc/wardkey/pam.toml", text).expect("pam.toml");
    }

    /// Writes agent.toml.
    pub fn configure_agent(lines: &str) {
        std::fs::write("/etc/wardkey/agent.toml", lines).expect("agent.toml");
    }

    /// Starts the key process on a simulated bus.
    pub fn start_key(&mut self) {
        let _ = std::fs::remove_file(KEY_SOCKET);
        let key = paths::binary("wardkey-key");
        let key = key.to_str().expect("a path in UTF-8");
        let bus = Bus::run(&[
            key,
            "--listen",
            KEY_SOCKET,
            "--agent-user",
            "wardkey",
            "--seats-dir",
            SEATS,
        ]);
        wait_for("the key process", Duration::from_secs(60), || {
            Path::new(KEY_SOCKET).exists().then_some(())
        });
        self.bus = Some(bus);
    }

    /// Stops the key process with its bus.
    pub fn stop_key(&mut self) {
        if let Some(mut bus) = self.bus.take() {
            bus.stop();
        }
        let _ = std::fs::remove_file(KEY_SOCKET);
    }

    /// Starts the agent and waits until it answers.
    pub fn start_agent(&mut self) {
        let mut command = Command::new(paths::binary("wardkey-agent"));
        command.args(["--config", "/etc/wardkey/agent.toml"]);
        command.envs(paths::environment_of("wardkey-agent.service"));
        self.start_agent_by(&mut command);
    }

    /// The same by another command line, for example under strace.
    pub fn start_agent_by(&mut self, command: &mut Command) {
        let _ = std::fs::remove_file(AGENT_SOCKET);
        self.agent = Some(Process::start("wardkey-agent", command));
        wait_for("the agent to answer", Duration::from_secs(60), || {
            Path::new(AGENT_SOCKET)
                .exists()
                .then(|| self.wardkey(&["status", "--json"]).status.success().then_some(()))?
        });
    }

    /// The agent's process.
    pub fn agent(&mut self) -> &mut Process {
        self.agent.as_mut().expect("the agent runs")
    }

    /// kill -9.
    pub fn kill_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill();
        }
    }

    /// Stops it cleanly.
    pub fn stop_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.terminate();
        }
    }

    /// Plugs a key into port 0.
    pub fn plug(&self, key: &SoftKey) {
        self.plug_at(0, key);
    }

    /// Plugs a key into a port: the lower ports are the nodes of lower numbers.
    pub fn plug_at(&self, port: u8, key: &SoftKey) {
        self.bus.as_ref().expect("a simulated bus").plug(port, key);
    }

    /// Pulls the key out of port 0.
    pub fn unplug(&self) {
        self.bus.as_ref().expect("a simulated bus").unplug(0);
    }

    /// Pulls the key out of a port.
    pub fn unplug_at(&self, port: u8) {
        self.bus.as_ref().expect("a simulated bus").unplug(port);
    }

    /// Runs the command line of the terminal as root.
    pub fn wardkey(&self, arguments: &[&str]) -> Output {
        self.wardkey_with(arguments, "")
    }

    /// The same with lines on standard input.
    pub fn wardkey_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(paths::binary("wardkey"))
            .args(arguments)
            .env("LANG", "en_US.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("wardkey starts");
        // A command that asks for nothing may have ended already.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("wardkey ends")
    }

    /// The same; standard output holds both streams, in the order in which a person sees them.
    pub fn wardkey_in_order(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
            .arg(paths::binary("wardkey"))
            .args(arguments)
            .env("LANG", "en_US.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("wardkey starts");
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("wardkey ends")
    }

    /// The agent's state.
    pub fn status(&self) -> serde_json::Value {
        let output = self.wardkey(&["status", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("status: {error}: {}{}", text(&output.stdout), text(&output.stderr))
        })
    }

    /// Joins the server and waits until the directory is there.
    pub fn join(&self, server: &Server) {
        let output = self.wardkey(&[
            "join",
            "--server",
            URL,
            "--token",
            &server.join_token(),
            "--name",
            "ward3-a",
        ]);
        assert!(output.status.success(), "join: {}{}", text(&output.stdout), text(&output.stderr));
        self.wait_synced();
    }

    /// Waits until both scopes are there.
    pub fn wait_synced(&self) {
        wait_for("the directory", Duration::from_secs(60), || {
            (self.status()["scopes"].as_array().is_some_and(|scopes| scopes.len() == 2))
                .then_some(())
        });
    }

    /// Waits until the terminal has as many people of `ward3`.
    pub fn wait_people(&self, people: u64) {
        wait_for("the people", Duration::from_secs(60), || {
            let status = self.status();
            let scopes = status["scopes"].as_array()?.clone();
            scopes.iter().any(|s| s["scope"] == "ward3" && s["people"] == people).then_some(())
        });
    }

    /// Waits until the terminal is where the server is: everything done there counts here.
    pub fn sync(&self) {
        let output = self.wardkey(&["sync", "--json"]);
        assert!(output.status.success(), "sync: {}{}", text(&output.stdout), text(&output.stderr));
    }

    /// Enrolls a plugged key that has no PIN yet: sets [`PIN`].
    pub fn enroll(&self, server: &Server, login: &str) {
        let code = server.enrollment_code(login);
        let output = self.wardkey_with(
            &["--lang", "en", "enroll", "--code", &code, "--label", "blue key"],
            &format!("{PIN}\n{PIN}\n"),
        );
        assert!(
            output.status.success(),
            "enroll: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        self.sync();
    }

    /// Enrolls a plugged key that has its PIN already.
    pub fn enroll_again(&self, server: &Server, login: &str) {
        let code = server.enrollment_code(login);
        let output = self.wardkey_with(
            &["--lang", "en", "enroll", "--code", &code, "--label", "blue key"],
            &format!("{PIN}\n"),
        );
        assert!(
            output.status.success(),
            "enroll: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        self.sync();
    }

    /// Where the terminal stands in `ward3`.
    pub fn position(&self) -> u64 {
        let status = self.status();
        let scopes = status["scopes"].as_array().cloned().unwrap_or_default();
        scopes
            .iter()
            .filter(|scope| scope["scope"] == "ward3")
            .filter_map(|scope| scope["seq"].as_u64())
            .max()
            .unwrap_or(0)
    }

    /// Resident memory of the agent in KiB (VmRSS).
    pub fn agent_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!(
            "/proc/{}/status",
            self.agent.as_ref().expect("the agent runs").id()
        ))
        .expect("the agent");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("KiB")
    }

    /// A relay in the agent's place, for what connects from now on.
    pub fn relay_agent(&self) -> crate::relay::Relay {
        let behind = Path::new("/run/wardkey/agent.real");
        std::fs::rename(AGENT_SOCKET, behind).expect("agent's socket");
        crate::relay::Relay::start(Path::new(AGENT_SOCKET), behind).expect("relay")
    }

    /// A relay in the key process's place.
    pub fn relay_key(&self) -> crate::relay::Relay {
        let behind = Path::new("/run/wardkey/key.real");
        std::fs::rename(KEY_SOCKET, behind).expect("key process's socket");
        crate::relay::Relay::start(Path::new(KEY_SOCKET), behind).expect("relay")
    }

    /// Makes a program of the ward available under a production name.
    pub fn link(from: &Path, to: &str) {
        let _ = std::fs::remove_file(to);
        symlink(from, to).expect("link");
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
