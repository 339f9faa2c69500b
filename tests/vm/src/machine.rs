//! The machine: QEMU without KVM, which needs no rights and is the same everywhere.

use std::{
    os::{
        fd::{AsFd, AsRawFd as _},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, Signal, kill_process_group},
};

use crate::{
    Failure, keyboard,
    orders::{Orders, Outcome},
    qmp::Qmp,
};

/// How long most things may take; the emulator is slow, and the host may be busy.
pub const PATIENCE: Duration = Duration::from_secs(90);
const BOOT: Duration = Duration::from_secs(300);
/// How often a machine is started that the emulator loses at its start.
const BOOTS: usize = 3;
/// What a kernel says then.
const BROKEN: &str = "Oops: int3";

/// What is booted.
pub struct Plan {
    /// Folder with vmlinuz and initrd.img.
    pub kernel: PathBuf,
    /// The disk that is written, qcow2.
    pub disk: PathBuf,
    /// The disk with packages and the test's programs, ext4.
    pub payload: PathBuf,
    /// The disk with the packages of the next release, ext4, where there is one.
    pub release: Option<PathBuf>,
    /// A raw disk by which a kernel comes out of the machine, with `release`.
    pub exchange: PathBuf,
    /// The log of the serial line.
    pub serial: PathBuf,
    /// More for the kernel's command line, and for who reads it.
    pub command_line: &'static str,
    /// MiB.
    pub memory: u32,
}

/// A running machine; dropping it pulls the plug.
pub struct Machine {
    emulator: Child,
    /// Keyboard and screen.
    pub qmp: Qmp,
    orders: Orders,
}

impl Machine {
    /// Starts it and waits until it takes orders. A kernel that the emulator lost on the way there
    /// is started again.
    pub fn boot(plan: &Plan) -> Result<Self, Failure> {
        for _ in 1..BOOTS {
            match Self::boot_once(plan) {
                Err(_) if is_emulators_fault(&plan.serial) => {
                    eprintln!("vm: the emulator lost a kernel at its start ({BROKEN}); once more");
                }
                booted => return booted,
            }
        }
        Self::boot_once(plan)
    }

    fn boot_once(plan: &Plan) -> Result<Self, Failure> {
        let (qmp, qmp_there) = UnixStream::pair().map_err(Failure::host("socket pair"))?;
        let (orders, orders_there) = UnixStream::pair().map_err(Failure::host("socket pair"))?;
        let emulator = spawn(plan, &qmp_there, &orders_there)?;
        drop((qmp_there, orders_there));
        // From here on a failure ends the emulator.
        let mut guard = Guard(Some(emulator));
        let qmp = Qmp::start(qmp)?;
        let mut orders = Orders::new(orders)?;
        orders.run("true", BOOT)?;
        let emulator = guard.0.take().ok_or_else(|| Failure::Emulator("not there".into()))?;
        let mut machine = Self { emulator, qmp, orders };
        machine.run_within("systemctl is-system-running --wait", BOOT)?;
        Ok(machine)
    }

    /// Runs a shell command as root in the machine.
    pub fn run(&mut self, order: &str) -> Result<Outcome, Failure> {
        self.orders.run(order, PATIENCE)
    }

    /// The same with a longer time.
    pub fn run_within(&mut self, order: &str, patience: Duration) -> Result<Outcome, Failure> {
        self.orders.run(order, patience)
    }

    /// Runs a shell command that must end with 0; gives what it printed.
    pub fn ok(&mut self, order: &str) -> Result<String, Failure> {
        self.ok_within(order, PATIENCE)
    }

    /// The same with a longer time.
    pub fn ok_within(&mut self, order: &str, patience: Duration) -> Result<String, Failure> {
        let outcome = self.orders.run(order, patience)?;
        if outcome.status == 0 {
            return Ok(outcome.printed.trim_end().to_owned());
        }
        Err(Failure::Order {
            order: order.to_owned(),
            status: outcome.status,
            printed: outcome.printed,
        })
    }

    /// Waits until a shell command ends with 0; gives what it printed then.
    pub fn until(&mut self, what: &str, order: &str) -> Result<String, Failure> {
        self.until_within(what, order, PATIENCE)
    }

    /// The same with another time.
    pub fn until_within(
        &mut self,
        what: &str,
        order: &str,
        patience: Duration,
    ) -> Result<String, Failure> {
        let end = Instant::now() + patience;
        loop {
            let outcome = self.run(order)?;
            if outcome.status == 0 {
                return Ok(outcome.printed.trim_end().to_owned());
            }
            if Instant::now() > end {
                return Err(Failure::Late {
                    what: what.into(),
                    seconds: patience.as_secs(),
                    seen: outcome.printed,
                });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Types on the keyboard.
    pub fn type_text(&mut self, text: &str) -> Result<(), Failure> {
        text.chars().try_for_each(|letter| self.qmp.press(&keyboard::keys(letter)?))
    }

    /// The power fails: what the machine has not flushed is lost.
    pub fn cut_power(mut self) {
        self.end();
    }

    /// Shuts down in order.
    pub fn power_off(mut self) -> Result<(), Failure> {
        // The answer may not come any more.
        let _ = self.orders.run("systemctl poweroff --no-block", Duration::from_secs(5));
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if self.emulator.try_wait().map_err(Failure::host("qemu"))?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::Late {
            what: "shutting down".into(),
            seconds: PATIENCE.as_secs(),
            seen: String::new(),
        })
    }

    fn end(&mut self) {
        kill(&mut self.emulator);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}

struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            kill(child);
        }
    }
}

fn kill(child: &mut Child) {
    if let (Ok(None), Some(group)) = (child.try_wait(), Pid::from_raw(child.id().cast_signed())) {
        let _ = kill_process_group(group, Signal::KILL);
        let _ = child.wait();
    }
}

/// Whether the kernel ran into a trap of its own that it had taken out already. It patches its code
/// while other processors run it; the emulator's see the old code now and then.
fn is_emulators_fault(serial: &Path) -> bool {
    let said = std::fs::read(serial).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    said.contains(BROKEN)
}

fn spawn(plan: &Plan, qmp: &UnixStream, orders: &UnixStream) -> Result<Child, Failure> {
    for stream in [qmp, orders] {
        fcntl_setfd(stream.as_fd(), FdFlags::empty())
            .map_err(|errno| Failure::host("socket pair")(errno.into()))?;
    }
    let text = |path: &Path| path.display().to_string();
    let arguments = [
        format!(
            "-machine q35 -accel tcg,thread=multi,tb-size=512 -cpu max -smp 2 -m {}",
            plan.memory
        ),
        "-nodefaults -no-user-config -no-reboot -vga std -display none".into(),
        "-device virtio-rng-pci -device virtio-serial-pci".into(),
        format!("-chardev socket,id=qmp,fd={} -mon chardev=qmp,mode=control", qmp.as_raw_fd()),
        format!("-chardev socket,id=orders,fd={}", orders.as_raw_fd()),
        "-device virtserialport,chardev=orders,name=orders.1".into(),
    ];
    let mut command = Command::new("setpriv");
    // The emulator ends with the test, however the test ends.
    command.args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"]);
    for words in &arguments {
        command.args(words.split(' '));
    }
    command
        .args(["-serial", &format!("file:{}", text(&plan.serial))])
        .args([
            "-drive",
            &format!("file={},if=virtio,format=qcow2,cache=writeback", text(&plan.disk)),
        ])
        .args([
            "-drive",
            &format!("file={},if=virtio,format=raw,readonly=on", text(&plan.payload)),
        ]);
    if let Some(release) = &plan.release {
        command
            .args(["-drive", &format!("file={},if=virtio,format=raw,readonly=on", text(release))])
            .args(["-drive", &format!("file={},if=virtio,format=raw", text(&plan.exchange))]);
    }
    command
        .args([
            "-kernel",
            &text(&plan.kernel.join("vmlinuz")),
            "-initrd",
            &text(&plan.kernel.join("initrd.img")),
        ])
        .arg("-append")
        .arg(format!(
            "root=/dev/vda rw console=tty0 console=ttyS0 quiet mitigations=off panic=-1 \
             systemd.unit=multi-user.target {}",
            plan.command_line
        ))
        .stdin(Stdio::null())
        .process_group(0);
    command.spawn().map_err(Failure::host("qemu-system-x86_64"))
}
