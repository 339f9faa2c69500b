//! What a caller's resource limits and a damaged module do to a login: they let nobody in, and kill
//! nothing.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use wardkey_e2e::process::run;
use wardkey_e2e::terminal::text;
use wardkey_e2e::{Login, PIN, Ward, audit, paths};

const MODULES: &str = "/usr/lib/x86_64-linux-gnu/security";
const MARKS: &str = "/var/lib/wardkey-marks/marks";
const PASSWORD: &str = "emergency";

/// A terminal whose profile is on, and staff who know a password of this machine: what must never
/// be enough.
fn enabled() -> Ward {
    let ward = Ward::ready();
    std::fs::copy(
        paths::checkout().join("config/pam-configs/wardkey"),
        "/usr/share/pam-configs/wardkey",
    )
    .unwrap();
    run(
        Command::new("pam-auth-update")
            .args(["--enable", "wardkey"])
            .env("DEBIAN_FRONTEND", "noninteractive"),
        true,
    );
    let shadow = std::fs::read_to_string("/etc/shadow").unwrap();
    let secret = shadow
        .lines()
        .find_map(|line| line.strip_prefix("localadmin:")?.split(':').next())
        .unwrap();
    for user in ["hanako", "root"] {
        run(Command::new("usermod").args(["-p", secret, user]), true);
    }
    std::fs::write("/etc/pam.d/ward-common", "@include common-auth\n@include common-account\n")
        .unwrap();
    assert!(ward.terminal.wardkey(&["config", "check", "--watch"]).status.success());
    // su itself writes there what it refused, and is killed for it by a file size limit.
    let _ = std::fs::remove_file("/var/log/btmp");
    // su sleeps after each refusal.
    let defs = std::fs::read_to_string("/etc/login.defs").unwrap();
    std::fs::write("/etc/login.defs", format!("{defs}\nFAIL_DELAY 0\n")).unwrap();
    ward
}

/// taro runs a command under limits of his.
fn taro(limits: &str, command: &str, answer: &str) -> Output {
    let script = format!("{limits} || exit 99; exec {command}");
    let mut child = Command::new("setpriv")
        .args(["--reuid", "2002", "--regid", "2002", "--init-groups", "bash", "-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = std::io::Write::write_all(
        &mut child.stdin.take().unwrap(),
        format!("{answer}\n").as_bytes(),
    );
    child.wait_with_output().unwrap()
}

fn su(limits: &str, user: &str, answer: &str) -> Output {
    taro(limits, &format!("su {user} -c 'ulimit -v unlimited 2>/dev/null; /bin/echo in'"), answer)
}

fn is_in(output: &Output) -> bool {
    text(&output.stdout).contains("in\n")
}

/// Every limit from where `su` starts at all to where a login has all it wants.
fn sweep() -> Vec<String> {
    let range = |letter: char, from: u32, to: u32, step: usize| {
        (from..=to).step_by(step).map(move |value| format!("ulimit -{letter} {value}"))
    };
    let mut limits: Vec<String> = range('v', 2_000, 14_000, 100).collect();
    limits.extend(range('d', 0, 9_000, 250));
    // At 32 KB Debian's own stack of modules overflows.
    limits.extend(range('s', 48, 1_024, 16));
    limits.extend(range('n', 3, 20, 1));
    limits.extend([
        "ulimit -f 0".into(),
        "ulimit -f 1".into(),
        "ulimit -u 1".into(),
        "ulimit -i 0".into(),
    ]);
    limits
}

#[test]
fn no_limit_of_the_caller_makes_the_module_missing() {
    let ward = enabled();
    ward.terminal.unplug();
    // Refused at once: the wait for a key is not what is tried here.
    std::fs::rename("/etc/wardkey/anchor.toml", "/etc/wardkey/anchor.away").unwrap();
    let (mut started, mut refused_by_us) = (0, 0);
    for limits in sweep() {
        let output = su(&limits, "hanako", PASSWORD);
        assert!(!is_in(&output), "{limits}: in by the password: {}", text(&output.stderr));
        // Where su itself comes up, nothing of ours kills it.
        if taro(&limits, "su --version", "").status.success() {
            started += 1;
            assert_eq!(output.status.signal(), None, "{limits}: {}", text(&output.stderr));
        }
        refused_by_us += usize::from(text(&output.stderr).contains("WK-"));
    }
    assert!(started > 100, "{started} starts: a sweep that starts nothing shows nothing");
    assert!(refused_by_us > 50, "{refused_by_us}: the module itself refused in the others");

    // Under no limits of their own root and the local administrator get in, by the same su.
    for user in ["root", "localadmin"] {
        assert!(is_in(&su("true", user, PASSWORD)), "{user}");
        assert!(!is_in(&su("true", user, "wrong")), "{user}");
    }

    // A whole login under limits: in with key and PIN, or refused, never killed. Where the limits
    // can be raised, and soft ones always can, the marks are raised, too: nobody keeps them down.
    std::fs::rename("/etc/wardkey/anchor.away", "/etc/wardkey/anchor.toml").unwrap();
    ward.terminal.plug(&ward.key);
    for letters in ["-f 0", "-v 9000", "-d 1000", "-s 300", "-n 6", "-c 0"] {
        for limits in [format!("ulimit -S {letters}"), format!("ulimit {letters}")] {
            let _ = std::fs::remove_file(MARKS);
            let output = su(&limits, "hanako", PIN);
            let said = text(&output.stderr);
            assert_eq!(output.status.signal(), None, "{limits}: {said}");
            if limits.contains("-S") || may_raise() {
                assert!(Path::new(MARKS).exists(), "{limits}: the marks were not raised: {said}");
            } else if letters == "-f 0" {
                assert!(is_in(&output), "{limits}: {said}");
                assert!(
                    audit::lines()
                        .iter()
                        .any(|line| line.contains("marks were not raised: RLIMIT_FSIZE is 0"))
                );
            } else {
                assert!(
                    is_in(&output) || said.contains("WK-1311") || said.contains("cannot retrieve"),
                    "{limits}: {said}"
                );
            }
        }
    }
}

/// Whether root may raise hard limits here (CAP_SYS_RESOURCE): not in every container.
fn may_raise() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() >> 24 & 1 == 1
}

#[test]
fn a_module_that_cannot_be_loaded_lets_local_accounts_in_only() {
    let _ward = enabled();
    let module = Path::new(MODULES).join("pam_fido.so");
    let whole = std::fs::read(&module).unwrap();
    let mut foreign = whole.clone();
    // e_machine: AArch64.
    foreign[18..20].copy_from_slice(&[0xb7, 0]);
    let login = |user: &str, password: &str| Login::at("ward-common", user).answer(password).run();
    let damages: [(&str, Option<&[u8]>); 5] = [
        ("missing", None),
        ("empty", Some(b"")),
        ("no library", Some(b"no module\n")),
        ("a header only", Some(&whole[..64])),
        ("of another architecture", Some(&foreign)),
    ];
    for (what, content) in damages {
        std::fs::remove_file(&module).ok();
        if let Some(content) = content {
            std::fs::write(&module, content).unwrap();
        }
        assert!(!login("hanako", PASSWORD).is_in(), "{what}: staff by password");
        // The account phase alone, too.
        std::fs::write(
            "/etc/pam.d/ward-alone",
            "auth required pam_permit.so\n@include common-account\n",
        )
        .unwrap();
        assert!(!Login::at("ward-alone", "hanako").run().is_in(), "{what}: the account phase");
        assert!(Login::at("ward-alone", "localadmin").run().is_in(), "{what}");
        for user in ["localadmin", "root"] {
            login(user, PASSWORD).expect_in();
            assert!(!login(user, "wrong").is_in(), "{what}: {user}");
        }
    }
    // Cut in the middle, glibc's loader itself is killed (SIGBUS) before it could say so: nobody is
    // in.
    std::fs::write(&module, &whole[..whole.len() / 2]).unwrap();
    for user in ["hanako", "localadmin", "root"] {
        assert!(!login(user, "wrong").is_in(), "cut: {user}");
    }
    assert!(!login("hanako", PASSWORD).is_in());
    std::fs::remove_file(&module).unwrap();

    // A guard that is missing as well refuses; root's own guard is another one.
    let guard = Path::new(MODULES).join("pam_listfile.so");
    std::fs::remove_file(&guard).unwrap();
    for user in ["hanako", "localadmin"] {
        assert!(!login(user, PASSWORD).is_in(), "{user} without the guard");
    }
    login("root", PASSWORD).expect_in();
    // With the module healthy neither guard nor list is needed.
    std::fs::remove_file("/etc/wardkey/local-accounts").unwrap();
    std::fs::write(&module, &whole).unwrap();
    login("localadmin", PASSWORD).expect_in();
    login("hanako", PIN).expect_in();
}
