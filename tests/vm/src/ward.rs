//! The ward of the test: one terminal and its server in one machine, and the people's security key.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Failure,
    machine::{Machine, Plan},
    suite::{Greeter, Suite},
};

/// The PIN of every key here.
pub const PIN: &str = "271828";
/// The password of the administrator's local account.
pub const PASSWORD: &str = "correct horse";
/// Where the server answers.
pub const URL: &str = "https://wardkey.example.org:8443";
/// Seconds for which what the server publishes is valid: short, so that "offline" comes soon.
pub const HEAD_SECONDS: u64 = 20;

/// A kernel and its initial RAM disk fit in.
const EXCHANGE_BYTES: u64 = 256 << 20;

/// What the test was asked for.
pub struct Options {
    /// Folder of everything: target/vm.
    pub folder: PathBuf,
    /// Which Debian the image is.
    pub suite: Suite,
    /// Folder of the image.
    pub image: PathBuf,
    /// What the image has to log in at.
    pub greeter: Greeter,
    /// The disk with what `apt full-upgrade` to the next release takes, if that is tried.
    pub release: Option<PathBuf>,
    /// Do not end at the first step that is not as expected.
    pub keep_going: bool,
}

/// How the security key is connected.
#[derive(Clone, Copy)]
pub enum Port {
    /// A HID device by /dev/uhid.
    Uhid,
    /// A USB device by vhci-hcd.
    UsbIp,
}

/// Everything that a step has in its hands.
pub struct Ward {
    /// What was asked for.
    pub options: Options,
    /// Folder of the kernel that boots next.
    pub kernel: PathBuf,
    machine: Option<Machine>,
    boots: usize,
    pictures: usize,
}

impl Ward {
    /// A ward with an empty disk on top of the image; nothing runs.
    pub fn new(options: Options) -> Result<Self, Failure> {
        let artefacts = options.folder.join("artefacts");
        let _ = std::fs::remove_dir_all(&artefacts);
        std::fs::create_dir_all(&artefacts).map_err(Failure::host(&artefacts))?;
        let kernel = options.image.clone();
        let ward = Self { options, kernel, machine: None, boots: 0, pictures: 0 };
        let _ = std::fs::remove_file(ward.disk());
        let output = Command::new("qemu-img")
            .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"])
            .arg(ward.options.image.join("root.ext4"))
            .arg(ward.disk())
            .output()
            .map_err(Failure::host("qemu-img"))?;
        Failure::unless(output.status.success(), || {
            String::from_utf8_lossy(&output.stderr).into_owned()
        })?;
        if ward.options.release.is_some() {
            let exchange = ward.exchange();
            let file = File::create(&exchange).map_err(Failure::host(&exchange))?;
            file.set_len(EXCHANGE_BYTES).map_err(Failure::host(&exchange))?;
        }
        Ok(ward)
    }

    /// Where what remains is kept.
    pub fn artefact(&self, name: &str) -> PathBuf {
        self.options.folder.join("artefacts").join(name)
    }

    /// The raw disk by which files come out of the machine.
    pub fn exchange(&self) -> PathBuf {
        self.options.folder.join("exchange.tar")
    }

    fn disk(&self) -> PathBuf {
        self.options.folder.join("disk.qcow2")
    }

    /// Boots, with more for the kernel's command line; gives the seconds until the machine is up.
    pub fn boot(&mut self, command_line: &'static str) -> Result<f64, Failure> {
        self.boots += 1;
        let start = Instant::now();
        let plan = Plan {
            kernel: self.kernel.clone(),
            disk: self.disk(),
            payload: self.options.folder.join("payload.ext4"),
            release: self.options.release.clone(),
            exchange: self.exchange(),
            serial: self.artefact(&format!("serial-{}.log", self.boots)),
            command_line,
            memory: match self.options.greeter {
                Greeter::No => 1024,
                Greeter::Lightdm | Greeter::Sddm => 2048,
            },
        };
        self.machine = Some(Machine::boot(&plan)?);
        Ok(start.elapsed().as_secs_f64())
    }

    /// Whether the machine runs.
    pub fn is_running(&self) -> bool {
        self.machine.is_some()
    }

    /// The running machine.
    pub fn machine(&mut self) -> Result<&mut Machine, Failure> {
        self.machine.as_mut().ok_or_else(|| Failure::Otherwise("the machine does not run".into()))
    }

    /// Takes the machine away, to cut its power or to shut it down.
    pub fn take_machine(&mut self) -> Result<Machine, Failure> {
        self.machine.take().ok_or_else(|| Failure::Otherwise("the machine does not run".into()))
    }

    /// A shell command that must end with 0.
    pub fn ok(&mut self, order: &str) -> Result<String, Failure> {
        self.machine()?.ok(order)
    }

    /// Waits for a shell command to end with 0.
    pub fn until(&mut self, what: &str, order: &str) -> Result<String, Failure> {
        self.machine()?.until(what, order)
    }

    /// `wardkey-server ARGUMENTS`.
    pub fn server(&mut self, arguments: &str) -> Result<String, Failure> {
        self.ok(&format!("wardkey-server {arguments}"))
    }

    /// `wardkey-server --json ARGUMENTS`.
    pub fn server_json(&mut self, arguments: &str) -> Result<Value, Failure> {
        let text = self.server(&format!("--json {arguments}"))?;
        parse(&text)
    }

    /// `wardkey status --json`.
    pub fn status(&mut self) -> Result<Value, Failure> {
        let text = self.ok("wardkey status --json")?;
        parse(&text)
    }

    /// Plugs a person's key in, and waits until the agent sees it.
    pub fn plug(&mut self, person: &str, port: Port) -> Result<(), Failure> {
        self.insert(person, port)?;
        self.until("the agent to see the key", "wardkey status --json | grep -q '\"keys\":1'")
            .map(drop)
    }

    /// Plugs a person's key in.
    pub fn insert(&mut self, person: &str, port: Port) -> Result<(), Failure> {
        let (modules, options, then) = match port {
            Port::Uhid => {
                ("uhid hid-generic", "--uhid --control /run/softkey.control --touch never", "")
            }
            Port::UsbIp => (
                "vhci-hcd usbhid hid-generic",
                "--usbip --touch file:/run/softkey.touch",
                "for i in $(seq 50); do usbip attach -r 127.0.0.1 -b 1-1 && break; sleep 0.1; done",
            ),
        };
        self.ok(&format!(
            "set -e; rm -f /run/softkey.touch; modprobe -a {modules}
             systemd-run --quiet --collect --unit=softkey \
             /srv/payload/bin/wardkey-softkey {options} --state /var/lib/softkey-{person}
             {then}"
        ))
        .map(drop)
    }

    /// Pulls the key out.
    pub fn unplug(&mut self) -> Result<(), Failure> {
        self.ok("systemctl stop softkey; usbip detach -p 0 2>/dev/null; true")?;
        self.until("the key to be gone", "[ -z \"$(ls /dev/hidraw* 2>/dev/null)\" ]").map(drop)
    }

    /// Waits until the key asks to be touched.
    pub fn until_touch_is_asked(&mut self) -> Result<(), Failure> {
        self.until("the key to ask for a touch", &format!("{} | grep -qx yes", control("waiting")))
            .map(drop)
    }

    /// Waits until the key asks to be touched, and touches it.
    pub fn touch(&mut self) -> Result<(), Failure> {
        self.until_touch_is_asked()?;
        self.ok(&format!("{} | grep -qx ok", control("touch once"))).map(drop)
    }

    /// Fetches what the server has now.
    pub fn sync(&mut self) -> Result<(), Failure> {
        self.ok("wardkey sync --json").map(drop)
    }

    /// Takes a picture of the screen for the artefacts.
    pub fn picture(&mut self, name: &str) -> Result<PathBuf, Failure> {
        self.pictures += 1;
        let file = self.artefact(&format!("{:02}-{name}.png", self.pictures));
        self.machine()?.qmp.screenshot(&file)?;
        Ok(file)
    }

    /// After a failure: screen, text of the console, the end of the journal.
    pub fn keep_what_is_seen(&mut self, step: usize) {
        let Ok(machine) = self.machine() else { return };
        let journal = machine.run_within(
            "journalctl -b -n 120 --no-pager -o short-precise",
            Duration::from_secs(60),
        );
        let console = machine.run("fold -w 128 /dev/vcs1");
        let enrollment = machine.run("fold -w 128 /dev/vcs12");
        for (name, outcome) in
            [("journal", journal), ("console", console), ("enrollment-console", enrollment)]
        {
            if let Ok(outcome) = outcome {
                let _ = std::fs::write(
                    self.artefact(&format!("wrong-{step}-{name}.txt")),
                    outcome.printed,
                );
            }
        }
        let _ = self.picture(&format!("wrong-{step}"));
    }

    /// Removes the disk; the artefacts stay.
    pub fn close(&mut self) {
        self.machine = None;
        let _ = std::fs::remove_file(self.disk());
        let _ = std::fs::remove_file(self.exchange());
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        self.close();
    }
}

fn control(order: &str) -> String {
    format!("echo '{order}' | socat -t 5 - UNIX-CONNECT:/run/softkey.control")
}

fn parse(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Otherwise(format!("{error}: {text}")))
}

/// Whether a file is there: for what the host has to bring.
pub fn required(path: &Path, by: &str) -> Result<(), Failure> {
    Failure::unless(path.exists(), || format!("{} is missing: {by}", path.display()))
}
