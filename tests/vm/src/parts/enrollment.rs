//! A person without a session at the enrollment console: a wrong code, a change of mind, a key of
//! one's own, and the login with it.

use crate::{
    Failure,
    machine::PATIENCE,
    steps::{Part, Step},
    ward::{PIN, Port, Ward},
};

pub(super) const PART: Part = Part {
    name: "the enrollment console",
    steps: &[
        Step { expected: "it opens on tty12, in its sandbox, and shows its screen", run: opens },
        Step {
            expected: "a wrong code and somebody else's get the same line, and no key is asked for",
            run: wrong_code,
        },
        Step {
            expected: "taro sets the first PIN of a new key, and stops at the touch",
            run: stops,
        },
        Step { expected: "with the same code taro's key is registered", run: enrolls },
        Step { expected: "taro logs in on tty1 with that key", run: logs_in },
        Step { expected: "killed it is there again; disabled it is gone", run: closes },
    ],
};

/// The line of a code that does not lead on.
const WRONG: &str =
    "The enrollment code is wrong, used or expired. Please ask for a new one. (WK-1506)";
const UNIT: &str = "wardkey-enroll.service";

impl Ward {
    /// Waits for a text on tty12; gives its screen, with runs of blanks as one.
    fn until_on_tty12(&mut self, text: &str) -> Result<String, Failure> {
        let order = format!(
            "screen=$(tr -s ' ' </dev/vcs12 | tr -d '\\000'); printf '%s' \"$screen\"; \
             case $screen in *'{text}'*) ;; *) exit 1 ;; esac"
        );
        self.machine()?.until_within(&format!("{text:?} on tty12"), &order, PATIENCE)
    }

    /// Name and code, at the first question.
    fn types_name_and_code(&mut self, name: &str, code: &str) -> Result<(), Failure> {
        self.until_on_tty12("Login name:")?;
        self.type_line(name)?;
        self.until_on_tty12("Enrollment code:")?;
        self.type_line(code)
    }

    /// An enrollment code of a person.
    fn code_of(&mut self, person: &str) -> Result<String, Failure> {
        let issued = self.server_json(&format!("code issue {person}"))?;
        Ok(issued["code"].as_str().unwrap_or_default().to_owned())
    }
}

fn opens(ward: &mut Ward) -> Result<String, Failure> {
    ward.unplug()?;
    let said = ward.ok("wardkey --lang en enroll-console enable")?;
    // "enable" says so when it is there, not before: nothing is waited for here.
    ward.ok(&format!("systemctl is-enabled --quiet {UNIT} && systemctl is-active {UNIT}"))?;
    let screen = ward.ok("tr -s ' ' </dev/vcs12 | tr -d '\\000'")?;
    Failure::unless(
        screen.contains("Register your security key here") && screen.contains("Ctrl-C stops it"),
        || format!("{said}: {screen}"),
    )?;
    ward.machine()?.qmp.press(&["ctrl", "alt", "f12"])?;
    ward.until("tty12 to be shown", "grep -qx tty12 /sys/class/tty/tty0/active")?;
    ward.until("logind to know", "! grep -q ^ACTIVE /run/systemd/seats/seat0")?;
    ward.picture("enrollment-console")?;
    ward.ok("wardkey --lang en status | grep -qF 'Enrollment console: open on tty12'")?;

    // Who it is, and what it may not.
    let process = format!("/proc/$(systemctl show -P MainPID {UNIT})");
    let status = ward.ok(&format!(
        "grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp|VmLck):' {process}/status; \
         cat {process}/attr/current; ls {process}/fd | wc -l; id -u wardkey-enroll"
    ))?;
    let is_kept_in = ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"];
    Failure::unless(
        is_kept_in.iter().all(|line| status.contains(line))
            && status.contains("wardkey-enroll (enforce)"),
        || status.clone(),
    )?;
    // All of it, not a page.
    ward.ok(&format!("awk '/^VmLck:/ {{ exit $2 < 1000 }}' {process}/status"))?;
    // Of the disk it could run itself and no shell, were it another program.
    let inside = format!("nsenter --target $(systemctl show -P MainPID {UNIT}) --mount");
    ward.ok(&format!("{inside} /usr/bin/wardkey --version"))?;
    ward.ok(&format!(
        "for shell in /usr/bin/dash /usr/bin/bash /usr/lib/klibc/bin/sh; do \
         ! {inside} $shell -c true 2>/dev/null || exit 1; done"
    ))?;
    Ok(status)
}

fn wrong_code(ward: &mut Ward) -> Result<String, Failure> {
    let code = ward.code_of("hanako")?;
    let mut lines = Vec::new();
    for (name, code) in [("hanako", "WRNG-CXDE-WRNG"), ("taro", code.as_str())] {
        ward.types_name_and_code(name, code)?;
        let screen = ward.until_on_tty12("Press Enter.")?;
        let line = screen.split("Enrollment code:").last().unwrap_or_default();
        lines.push(line.split("Press Enter.").next().unwrap_or_default().trim().to_owned());
        ward.type_line("")?;
        ward.until("the screen to be reset", "! grep -qF 'Press Enter.' /dev/vcs12")?;
    }
    Failure::unless(lines.iter().all(|line| line == WRONG), || format!("{lines:?}"))?;
    ward.server("code delete hanako")?;
    Ok(lines.concat())
}

/// Up to the touch: the code, whose key it is, the PIN.
fn until_the_touch(ward: &mut Ward, code: &str, is_new: bool) -> Result<String, Failure> {
    ward.types_name_and_code("taro", code)?;
    ward.until_on_tty12("will be that of Suzuki Taro (taro)")?;
    ward.until_on_tty12("Is this you?")?;
    ward.type_line("")?;
    if is_new {
        ward.until_on_tty12("insert your security key")?;
        ward.insert("taro", Port::Uhid)?;
        ward.until_on_tty12("New PIN:")?;
        ward.type_line(PIN)?;
        ward.until_on_tty12("New PIN again:")?;
    } else {
        ward.until_on_tty12(" PIN:")?;
    }
    ward.type_line(PIN)?;
    let screen = ward.until_on_tty12("touch the key")?;
    Failure::unless(!screen.contains(PIN), || format!("the PIN is shown: {screen}"))?;
    ward.until_touch_is_asked()?;
    Ok(screen)
}

fn stops(ward: &mut Ward) -> Result<String, Failure> {
    // A name that the console cannot show, and a letter that it has not.
    ward.server("person set taro --name '鈴木 太郎' --latin-name 'Suzuki Tarō'")?;
    let code = ward.code_of("taro")?;
    ward.ok(&format!("umask 077; printf %s '{code}' >/run/code-of-taro"))?;
    let screen = until_the_touch(ward, &code, true)?;
    ward.picture("enrollment-touch")?;
    ward.machine()?.qmp.press(&["ctrl", "c"])?;
    ward.until_on_tty12("the code is still good")?;
    // The next one finds nothing of it.
    ward.until_on_tty12("Login name:")?;
    let keys = ward.server_json("key list taro")?;
    let is_none = keys["items"].as_array().is_some_and(Vec::is_empty);
    Failure::unless(is_none, || keys.to_string())?;
    Ok(screen)
}

fn enrolls(ward: &mut Ward) -> Result<String, Failure> {
    let code = ward.ok("cat /run/code-of-taro; rm /run/code-of-taro")?;
    until_the_touch(ward, &code, false)?;
    ward.touch()?;
    let screen = ward.until_on_tty12("The key of Suzuki Taro has been registered.")?;
    ward.picture("enrollment-done")?;
    ward.until_on_tty12("Press Enter.")?;
    ward.type_line("")?;
    ward.until("a clean screen", "! grep -qF 'Suzuki' /dev/vcs12")?;
    ward.until(
        "the record",
        "grep -a ' wardkey' /var/log/auth.log | grep -a 'event=enrolled ' | \
         grep -a 'person=taro' | grep -aq 'tty=tty12'",
    )?;
    ward.server("person set taro --name 'Suzuki Taro' --no-latin-name")?;
    ward.sync()?;
    Ok(screen)
}

fn logs_in(ward: &mut Ward) -> Result<String, Failure> {
    let question = ward.login("taro")?;
    ward.logout("taro")?;
    Ok(question)
}

fn closes(ward: &mut Ward) -> Result<String, Failure> {
    let number = format!("systemctl show -P MainPID {UNIT}");
    ward.ok(&format!("{number} >/run/number-before; kill -KILL $({number})"))?;
    ward.until(
        "it to be there again",
        &format!(
            "systemctl is-active --quiet {UNIT} && \
             [ \"$({number})\" != \"$(cat /run/number-before)\" ]"
        ),
    )?;
    ward.until_on_tty12("Login name:")?;
    ward.ok("wardkey --lang en enroll-console disable")?;
    ward.ok(&format!(
        "! systemctl is-active --quiet {UNIT} && ! systemctl is-enabled --quiet {UNIT} && \
         wardkey --lang en enroll-console status | grep -qF 'is closed'"
    ))?;
    // As it was before this part.
    ward.unplug()?;
    ward.plug("hanako", Port::Uhid)?;
    Ok(String::new())
}
