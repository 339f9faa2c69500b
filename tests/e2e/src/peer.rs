//! pam_u2f, the program that ours is compared with: the same software key, the same PAM
//! application, Debian's packages.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::keys::Bus;
use crate::tool::Tool;

/// PAM service with pam_u2f and PIN, and nothing else.
pub const SERVICE: &str = "peer-login";
/// Who has which credential, for pam_u2f.
const MAP: &str = "/etc/u2f_mappings";
const ORIGIN: &str = "pam://ward3";

/// Gives the key in `port` its first PIN, with libfido2's tool.
pub fn set_pin(bus: &Bus, port: u8, pin: &str) {
    token(bus, &["-S", &node(port)], &[("Enter new PIN", pin), ("again", pin)]);
}

/// Has the key in `port` ask for another PIN before it does anything more, as an enrollment desk
/// does, with libfido2's tool.
pub fn force_pin_change(bus: &Bus, port: u8, pin: &str) {
    token(bus, &["-S", "-f", &node(port)], &[("Enter PIN", pin)]);
}

fn node(port: u8) -> String {
    format!("/dev/hidraw{port}")
}

/// Runs libfido2's tool. Every program that has a key open reads what it answers to all of them,
/// and libfido2 takes the first answer to an opening for its own: while the agent looks at a key
/// that was plugged in, opening fails, nothing else has happened, and whoever sits there tries
/// again.
fn token(bus: &Bus, arguments: &[&str], answers: &[(&str, &str)]) {
    for tries_left in (0..5).rev() {
        let mut command = Tool::Fido2Token.command();
        command.args(arguments);
        match typed(command.envs(bus.environment()), answers) {
            Ok(_) => return,
            Err(said) if said.contains("fido_dev_open") && tries_left > 0 => {}
            Err(said) => panic!("fido2-token: {said}"),
        }
    }
}

/// Registers the only plugged key with pam_u2f's tool; a credential as the map has it. A login will
/// need the PIN, registering does not.
pub fn register(bus: &Bus) -> String {
    let mut command = Tool::Pamu2fcfg.command();
    command.args(["--nouser", "--pin-verification", "--origin", ORIGIN, "--appid", ORIGIN]);
    let output = crate::process::run(command.envs(bus.environment()), true);
    let line = String::from_utf8_lossy(&output.stdout);
    let credential = line.trim().trim_start_matches(':').to_owned();
    assert!(credential.contains(",es256,"), "pamu2fcfg wrote {line:?}");
    credential
}

/// Installs the service and a map of these people with their credentials.
pub fn install<'a>(people: impl IntoIterator<Item = (String, &'a [String])>) {
    let mut map = String::new();
    for (name, credentials) in people {
        let _ = writeln!(map, "{name}:{}", credentials.join(":"));
    }
    fs::write(MAP, map).expect("map of pam_u2f");
    // It refuses a map that others can write.
    fs::set_permissions(MAP, fs::Permissions::from_mode(0o644)).expect("mode of the map");
    let stack = format!(
        "auth required pam_u2f.so authfile={MAP} origin={ORIGIN} appid={ORIGIN} \
         pinverification=1 cue\n\
         account required pam_permit.so\n"
    );
    fs::write(format!("/etc/pam.d/{SERVICE}"), stack).expect("PAM service of the peer");
}

/// Runs a program that asks for secrets at its controlling terminal, and types an answer when each
/// prompt, in this order, is there. Gives its standard output, or, where it fails, all that it
/// wrote.
///
/// # Panics
/// When it does not ask, or does not end.
fn typed(command: &mut Command, answers: &[(&str, &str)]) -> Result<String, String> {
    let master =
        openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal");
    let name = ptsname(&master, Vec::new()).expect("its name").into_string().expect("UTF-8");
    let terminal = File::options().read(true).write(true).open(name).expect("its other end");
    // setsid makes standard input the controlling terminal, which the prompts go to.
    let mut inside = Tool::Setsid.command();
    inside.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            inside.env(name, value);
        }
    }
    let mut child = inside
        .stdin(terminal)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("setsid");
    let mut master = File::from(master);
    let (tell, shown) = mpsc::channel();
    let mut prompts = master.try_clone().expect("a copy");
    thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(length @ 1..) = prompts.read(&mut buffer) {
            if tell.send(String::from_utf8_lossy(&buffer[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    for (prompt, answer) in answers {
        let mut seen = String::new();
        while !seen.contains(prompt) {
            match shown.recv_timeout(Duration::from_secs(60)) {
                Ok(text) => seen += &text,
                Err(_) => panic!("no {prompt:?} but {seen:?}: {:?}", output(&mut child)),
            }
        }
        // The prompt is written before the echo is off, by which the input is flushed.
        crate::process::wait_for("the echo to be off", Duration::from_secs(60), || {
            let modes = tcgetattr(&master).expect("a terminal").local_modes;
            (!modes.contains(LocalModes::ECHO)).then_some(())
        });
        master.write_all(format!("{answer}\n").as_bytes()).expect("typing");
    }
    output(&mut child)
}

fn output(child: &mut Child) -> Result<String, String> {
    let mut text = [String::new(), String::new()];
    let streams = (child.stdout.take(), child.stderr.take());
    let (mut out, mut err) = (streams.0.expect("a pipe"), streams.1.expect("a pipe"));
    let ended = crate::process::wait_for("the program to end", Duration::from_secs(60), || {
        child.try_wait().expect("wait")
    });
    let _ = (out.read_to_string(&mut text[0]), err.read_to_string(&mut text[1]));
    if !ended.success() {
        return Err(format!("{ended}: {text:?}"));
    }
    let [out, _] = text;
    Ok(out)
}
