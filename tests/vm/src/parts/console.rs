//! A person at tty1: login, sudo, a wrong PIN, a key that comes and goes.

use std::time::Duration;

use crate::{
    Failure,
    console::{QUESTION, dialogue},
    steps::{Part, Step},
    ward::{PIN, Port, Ward},
};

pub(super) const PART: Part = Part {
    name: "a person at the console",
    steps: &[
        Step {
            expected: "hanako logs in on tty1: name, PIN, touch; a session on seat0",
            run: logs_in,
        },
        Step { expected: "sudo by hanako asks for the key, and is root", run: sudo },
        Step { expected: "after logout the session is gone", run: logs_out },
        Step {
            expected: "taro with hanako's key is refused, and no try is spent",
            run: wrong_person,
        },
        Step {
            expected: "a wrong PIN is refused with the tries left; then the right one",
            run: wrong_pin,
        },
        Step {
            expected: "without a key it says so, and goes on when one is plugged in",
            run: plugged_late,
        },
        Step {
            expected: "a key pulled out at the touch is refused; plugged in again it works",
            run: pulled_out,
        },
        Step { expected: "a key on USB/IP (a true USB device) logs in", run: usbip },
        Step {
            expected: "hanako in a shared account: the record names her, its user manager runs",
            run: shared,
        },
    ],
};

fn logs_in(ward: &mut Ward) -> Result<String, Failure> {
    let question = ward.login("hanako")?;
    ward.picture("console-login")?;
    let who = ward.in_shell(
        "id -un; tty; loginctl show-session \"$XDG_SESSION_ID\" -p Name -p Seat -p TTY -p State",
    )?;
    Failure::unless(who.starts_with("hanako\n/dev/tty1") && who.contains("Seat=seat0"), || {
        who.clone()
    })?;
    Ok(question)
}

fn sudo(ward: &mut Ward) -> Result<String, Failure> {
    ward.sudo_in_shell()?;
    // As text: after a power cut the file has zeros in it.
    let record = "grep -a ' wardkey' /var/log/auth.log | tail -n 1 | grep -a sudo";
    ward.until("the record of sudo", record)
}

impl Ward {
    /// sudo in the shell of tty1 with the key.
    pub(super) fn sudo_in_shell(&mut self) -> Result<(), Failure> {
        self.ok("printf '\\033c' >/dev/tty1; rm -f /tmp/by-root")?;
        self.type_line("sudo -k; sudo sh -c 'id -u >/tmp/by-root'")?;
        self.until_seen(QUESTION)?;
        self.type_line(PIN)?;
        self.touch()?;
        self.until("sudo to run", "grep -qx 0 /tmp/by-root").map(drop)
    }
}

fn logs_out(ward: &mut Ward) -> Result<String, Failure> {
    ward.logout("hanako")?;
    Ok(String::new())
}

fn tries_left(ward: &mut Ward) -> Result<u64, Failure> {
    let text = ward.ok("wardkey key info --json")?;
    let found = text
        .split("\"pin_tries\":")
        .nth(1)
        .and_then(|rest| rest.split([',', '}']).next()?.parse().ok());
    found.ok_or_else(|| Failure::Otherwise(format!("no pin_tries in {text}")))
}

fn wrong_person(ward: &mut Ward) -> Result<String, Failure> {
    let before = tries_left(ward)?;
    ward.fresh_login()?;
    ward.type_line("taro")?;
    // Told at once; the refusal comes when no other key was inserted. No PIN is asked for.
    ward.until_seen("not registered for this name")?;
    let screen = ward.until_seen_within("WK-1001", Duration::from_secs(120))?;
    Failure::unless(!screen.contains(QUESTION), || format!("a PIN was asked for: {screen}"))?;
    let after = tries_left(ward)?;
    Failure::unless(before == after, || format!("tries {before}, then {after}"))?;
    Ok(dialogue(&screen))
}

fn wrong_pin(ward: &mut Ward) -> Result<String, Failure> {
    ward.login_until_question("hanako")?;
    ward.type_line("99999999")?;
    let refused = ward.until_seen("Wrong PIN. Tries left: 7.")?;
    ward.picture("console-wrong-pin")?;
    let question = ward.login_until_question("hanako")?;
    Failure::unless(question.contains("wrong PIN (WK-1203), tries left: 7."), || question.clone())?;
    ward.type_line(PIN)?;
    ward.touch()?;
    ward.until_logged_in("hanako")?;
    ward.logout("hanako")?;
    let question = ward.login_until_question("hanako")?;
    Failure::unless(!question.contains("tries left"), || {
        format!("after the right PIN: {question}")
    })?;
    Ok(dialogue(&refused))
}

fn plugged_late(ward: &mut Ward) -> Result<String, Failure> {
    ward.unplug()?;
    ward.fresh_login()?;
    ward.type_line("hanako")?;
    let screen = ward.until_seen("Please insert your security key")?;
    ward.picture("console-insert")?;
    ward.plug("hanako", Port::Uhid)?;
    ward.until_seen(QUESTION)?;
    ward.type_line(PIN)?;
    ward.touch()?;
    ward.until_logged_in("hanako")?;
    ward.logout("hanako")?;
    Ok(dialogue(&screen))
}

fn pulled_out(ward: &mut Ward) -> Result<String, Failure> {
    ward.login_until_question("hanako")?;
    ward.type_line(PIN)?;
    ward.until_touch_is_asked()?;
    ward.unplug()?;
    let screen = ward.until_seen("WK-1210")?;
    ward.ok("! loginctl list-sessions --no-legend | grep -E ' hanako +seat0 '")?;
    ward.plug("hanako", Port::Uhid)?;
    ward.login("hanako")?;
    ward.logout("hanako")?;
    Ok(dialogue(&screen))
}

fn usbip(ward: &mut Ward) -> Result<String, Failure> {
    ward.unplug()?;
    ward.plug("hanako", Port::UsbIp)?;
    let device = ward.ok("cat /sys/bus/usb/devices/*/product | grep -v -i 'host controller'; \
         wardkey --lang en key info | head -n 1")?;
    ward.login_until_question("hanako")?;
    ward.type_line(PIN)?;
    ward.until_seen("Please touch the key")?;
    ward.ok("touch /run/softkey.touch")?;
    ward.until_logged_in("hanako")?;
    ward.ok("rm /run/softkey.touch")?;
    ward.logout("hanako")?;
    ward.unplug()?;
    ward.plug("hanako", Port::Uhid)?;
    Ok(device)
}

fn shared(ward: &mut Ward) -> Result<String, Failure> {
    ward.ok("useradd -m -s /bin/bash ward-east3 && passwd -q -l ward-east3")?;
    ward.server("scope share ward-east3 --scope east3 --group nurses")?;
    ward.sync()?;
    ward.login("ward-east3")?;
    ward.until("its user manager", "systemctl is-active user@$(id -u ward-east3).service")?;
    let log = ward.until(
        "the record of the shared account",
        "grep -a 'event=login ' /var/log/auth.log | grep -a 'account=ward-east3 ' |
         tail -n 1 | grep -a ' outcome=success ' | grep -a ' person=hanako '",
    )?;
    ward.logout("ward-east3")?;
    Ok(log)
}
