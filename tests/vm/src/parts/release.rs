//! Debian is upgraded to its next release under a terminal that is in use, with a power cut in the
//! middle; then everybody works on it, also when it boots the old kernel once more.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    Failure,
    parts::install::no_unit_failed,
    steps::{Part, Step},
    ward::{Port, Ward},
};

pub(super) const PART: Part = Part {
    name: "Debian's next release",
    steps: &[
        Step { expected: "what has to be the same afterwards is noted", run: notes },
        Step {
            expected: "apt full-upgrade while hanako is logged in; the power fails in the middle",
            run: is_cut,
        },
        Step {
            expected: "it boots as it lies: the administrator gets in, staff with the key or not \
                at all",
            run: boots_as_it_lies,
        },
        Step {
            expected: "dpkg and apt go on to the end, and nobody is locked out meanwhile",
            run: goes_on,
        },
        Step { expected: "booted with the new kernel, no unit has failed", run: boots_the_new },
        Step { expected: "the same terminal, enabled, nothing new for the doctor", run: is_same },
        Step {
            expected: "the administrator logs in with the password",
            run: |ward| ward.administrator_logs_in(),
        },
    ],
};

pub(super) const OLD_KERNEL: Part = Part {
    name: "the old kernel",
    steps: &[
        Step { expected: "the machine boots the kernel of before, by mistake", run: boots_the_old },
        Step { expected: "hanako logs in, and sudo asks for the key", run: works },
    ],
};

/// An emulated machine unpacks a release in this time, also on a busy host.
const UPGRADING: Duration = Duration::from_secs(7200);
/// How long nobody may get in while libraries are exchanged, on an emulated machine.
const LOCKED_OUT: Duration = Duration::from_secs(240);

const BEFORE: &str = "/root/before";

/// What the doctor finds, a line each.
fn findings(ward: &mut Ward) -> Result<BTreeSet<String>, Failure> {
    let printed = ward.machine()?.run_within("wardkey --json doctor", Duration::from_secs(240))?;
    let said: Value = serde_json::from_str(&printed.printed)
        .map_err(|error| Failure::Otherwise(format!("{error}: {}", printed.printed)))?;
    let all = said.get("findings").and_then(Value::as_array).into_iter().flatten();
    Ok(all.map(|one| format!("{} {} {}", one["level"], one["code"], one["subject"])).collect())
}

fn identity(status: &Value) -> String {
    let scopes = status.get("scopes").and_then(Value::as_array).into_iter().flatten();
    let scopes: Vec<_> =
        scopes.map(|scope| format!("{}:{}", scope["scope"], scope["people"])).collect();
    format!("{} {} {}", status["terminal"], status["server"], scopes.join(" "))
}

fn notes(ward: &mut Ward) -> Result<String, Failure> {
    let found = findings(ward)?;
    let same = identity(&ward.status()?);
    let lines: Vec<_> = found.iter().map(String::as_str).collect();
    ward.ok(&format!(
        "mkdir -p {BEFORE}; cp -a --parents /etc/wardkey/anchor.toml /etc/wardkey/pam.toml \
         /etc/wardkey/agent.toml /etc/wardkey/local-accounts {BEFORE}
         cat >{BEFORE}/findings <<'END'\n{}\nEND
         cat >{BEFORE}/identity <<'END'\n{same}\nEND",
        lines.join("\n")
    ))?;
    Ok(format!("{same}\n{}", lines.join("\n")))
}

/// The sources of apt, as an administrator changes them; of a kernel only what this machine has.
const NEXT_SOURCES: &str = "mkdir -p /srv/release; mountpoint -q /srv/release || \
    mount -o ro /dev/vdc /srv/release
    echo 'deb [trusted=yes] file:/srv/release ./' >/etc/apt/sources.list.d/release.list
    for part in sound drivers/media drivers/infiniband drivers/net/wireless drivers/net/ethernet \
        drivers/gpu/drm/amd drivers/gpu/drm/i915 drivers/gpu/drm/nouveau drivers/gpu/drm/radeon \
        drivers/gpu/drm/xe drivers/staging drivers/iio; do
      echo \"path-exclude=/usr/lib/modules/*/kernel/$part/*\"
    done >/etc/dpkg/dpkg.cfg.d/vm
    echo 'path-exclude=/usr/share/doc/*' >>/etc/dpkg/dpkg.cfg.d/vm
    apt-get -q update";

/// Answers of an administrator: what was edited here stays.
const UPGRADE: &str = "apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold full-upgrade";

/// Begins to upgrade beside everything else; a file in /run says how it ended.
fn begin(ward: &mut Ward, first: &str) -> Result<(), Failure> {
    ward.machine()?.ok_within(NEXT_SOURCES, Duration::from_secs(600))?;
    ward.ok(&format!(
        "rm -f /run/upgrade.status; systemctl reset-failed full-upgrade 2>/dev/null
         systemd-run --quiet --collect --unit=full-upgrade \
         --setenv=DEBIAN_FRONTEND=noninteractive sh -c \
         '{{ {first} {UPGRADE}; }} >>/var/log/full-upgrade.log 2>&1; echo $? >/run/upgrade.status'"
    ))
    .map(drop)
}

fn is_cut(ward: &mut Ward) -> Result<String, Failure> {
    ward.login("hanako")?;
    begin(ward, "")?;
    // The library of PAM and everything under it is exchanged, its users are not yet.
    let middle = "[ -e /run/upgrade.status ] || \
        grep -Eq ' (status (unpacked|installed)|upgrade) libpam0g' /var/log/dpkg.log";
    ward.machine()?.until_within("the middle of the upgrade", middle, UPGRADING)?;
    // An upgrade that has ended has no middle any more, and says why.
    ward.ok("[ ! -e /run/upgrade.status ] || { tail -n 30 /var/log/full-upgrade.log; exit 1; }")?;
    let state = ward.ok("tail -n 1 /var/log/dpkg.log; dpkg --audit | grep -c '^ ' || true")?;
    ward.take_machine()?.cut_power();
    Ok(state)
}

fn boots_as_it_lies(ward: &mut Ward) -> Result<String, Failure> {
    let seconds = ward.boot("")?;
    ward.until("the agent to answer", "wardkey status --json")?;
    ward.administrator_logs_in()?;
    ward.plug("hanako", Port::Uhid)?;
    let staff = match ward.login("hanako") {
        Ok(question) => {
            ward.logout("hanako")?;
            question
        }
        Err(_) => {
            // Refused is allowed here; an open door is not.
            let screen = ward.screen()?;
            Failure::unless(!screen.contains("hanako@east3-desk1"), || screen.clone())?;
            format!("refused: {screen}")
        }
    };
    Ok(format!("{seconds:.1} s; hanako: {staff}"))
}

/// Lets somebody log in, again and again for as long as it is bearable; the seconds it took.
fn within(
    ward: &mut Ward,
    who: &str,
    login: fn(&mut Ward) -> Result<String, Failure>,
) -> Result<u64, Failure> {
    let begin = Instant::now();
    loop {
        match login(ward) {
            Ok(_) => return Ok(begin.elapsed().as_secs()),
            Err(failure) if begin.elapsed() > LOCKED_OUT => {
                return Err(Failure::Otherwise(format!("{who} does not get in: {failure}")));
            }
            Err(_) => {}
        }
    }
}

fn hanako(ward: &mut Ward) -> Result<String, Failure> {
    let question = ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(question)
}

fn goes_on(ward: &mut Ward) -> Result<String, Failure> {
    begin(ward, "dpkg --configure -a --force-confdef --force-confold;")?;
    let (mut rounds, mut longest) = (0, 0);
    let end = Instant::now() + UPGRADING;
    while ward.machine()?.run("[ -e /run/upgrade.status ]")?.status != 0 {
        longest = longest.max(within(ward, "the administrator", Ward::administrator_logs_in)?);
        longest = longest.max(within(ward, "hanako", hanako)?);
        rounds += 1;
        Failure::unless(Instant::now() < end, || "the upgrade does not end".into())?;
    }
    let status = ward.ok("cat /run/upgrade.status")?;
    let said = ward.ok("tail -n 30 /var/log/full-upgrade.log")?;
    Failure::unless(status == "0", || format!("apt-get ended with {status}:\n{said}"))?;
    let half = ward.ok("dpkg --audit; dpkg-query -W -f '${db:Status-Abbrev}\n' | \
        grep -v '^[irh][in] ' || true")?;
    Failure::unless(half.is_empty(), || format!("not whole: {half}"))?;
    let release = ward.ok("grep PRETTY_NAME /etc/os-release; cat /etc/debian_version")?;
    Failure::unless(rounds > 0, || "nobody was seen in the middle".into())?;
    Ok(format!("{rounds} rounds of logins meanwhile, the longest {longest} s; {release}"))
}

/// Brings the newest kernel out of the machine, to boot it.
fn boots_the_new(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("set -e; cd /boot; new=$(ls vmlinuz-* | sed s/vmlinuz-// | sort -V | tail -n 1)
         [ \"$new\" != \"$(uname -r)\" ]; cp vmlinuz-$new vmlinuz; cp initrd.img-$new initrd.img
         tar -cf /dev/vdd vmlinuz initrd.img; rm vmlinuz initrd.img; sync")?;
    let folder = ward.options.folder.join("kernel-next");
    unpack(&ward.exchange(), &folder)?;
    let before = ward.ok("uname -r")?;
    ward.take_machine()?.power_off()?;
    ward.kernel = folder;
    let seconds = ward.boot("")?;
    no_unit_failed(ward)?;
    ward.until("the agent to answer", "wardkey status --json")?;
    let kernel = ward.ok("uname -r")?;
    Failure::unless(kernel != before, || format!("still Linux {kernel}"))?;
    Ok(format!("{seconds:.1} s, Linux {before}, then {kernel}"))
}

fn unpack(archive: &Path, folder: &Path) -> Result<(), Failure> {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).map_err(Failure::host(folder))?;
    let output = Command::new("tar")
        .arg("-xf")
        .arg(archive)
        .arg("-C")
        .arg(folder)
        .output()
        .map_err(Failure::host("tar"))?;
    Failure::unless(output.status.success(), || {
        String::from_utf8_lossy(&output.stderr).into_owned()
    })
}

fn is_same(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("wardkey status --json | grep -q '\"state\":\"enabled\"'")?;
    ward.sync()?;
    let before = ward.ok(&format!("cat {BEFORE}/identity"))?;
    let now = identity(&ward.status()?);
    Failure::unless(before == now, || format!("before {before}\nnow    {now}"))?;
    ward.ok(&format!(
        "cd {BEFORE}; find etc -type f | while read -r file; do cmp $file /$file || exit 1; done"
    ))?;
    let before = ward.ok(&format!("cat {BEFORE}/findings"))?;
    let found = findings(ward)?;
    let new: Vec<_> = found.iter().filter(|one| !before.lines().any(|line| line == *one)).collect();
    Failure::unless(new.is_empty(), || format!("the doctor finds: {new:?}"))?;
    ward.plug("hanako", Port::Uhid)?;
    Ok(now)
}

fn boots_the_old(ward: &mut Ward) -> Result<String, Failure> {
    ward.take_machine()?.power_off()?;
    ward.kernel = ward.options.image.clone();
    let seconds = ward.boot("")?;
    no_unit_failed(ward)?;
    ward.until("the agent to answer", "wardkey status --json")?;
    let kernel = ward.ok("uname -r")?;
    Ok(format!("{seconds:.1} s, Linux {kernel}"))
}

fn works(ward: &mut Ward) -> Result<String, Failure> {
    ward.plug("hanako", Port::Uhid)?;
    let question = ward.login("hanako")?;
    ward.sudo_in_shell()?;
    ward.logout("hanako")?;
    Ok(question)
}
