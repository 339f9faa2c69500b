//! SDDM with the theme that is built in. It sends name and PIN together, so the key is in before,
//! and the one question is never on its screen; nor is what the module says later ("Login failed"
//! is all). Hanako was here before: she is chosen.

use crate::{
    Failure,
    parts::desktop::{PATIENCE, log_out, touch_and_desktop},
    steps::{Part, Step},
    ward::{PIN, Port, Ward},
};

pub(in crate::parts) const PART: Part = Part {
    name: "SDDM",
    steps: &[
        Step { expected: "SDDM's greeter, with hanako chosen", run: greets },
        Step { expected: "a wrong PIN: not in; the journal has the reason", run: wrong_pin },
        Step { expected: "PIN and touch: hanako's desktop", run: desktop },
        Step { expected: "logged out, the greeter is back", run: logs_out },
    ],
};

/// What stands below the people.
const FIELDS: &[&str] = &["Select your user and enter password"];
/// What SDDM writes after a login; it takes the first of its list else.
const LAST: &str = "[Last]\\nSession=/usr/share/xsessions/ward.desktop\\nUser=hanako\\n";

fn greets(ward: &mut Ward) -> Result<String, Failure> {
    ward.unplug()?;
    ward.plug("hanako", Port::Uhid)?;
    ward.ok(&format!(
        "printf '{LAST}' >/var/lib/sddm/state.conf; chown sddm: /var/lib/sddm/state.conf"
    ))?;
    ward.ok("systemctl start graphical.target")?;
    ward.until_read("sddm-empty", FIELDS, PATIENCE)
}

fn wrong_pin(ward: &mut Ward) -> Result<String, Failure> {
    ward.type_line("99999999")?;
    let refusal = "journalctl -b -t wardkey | grep service=sddm | grep reason=WK-1203";
    ward.until("the refusal in the journal", refusal)?;
    ward.until_read("sddm-wrong-pin", &["Login failed"], PATIENCE)
}

fn desktop(ward: &mut Ward) -> Result<String, Failure> {
    ward.type_line(PIN)?;
    ward.until_touch_is_asked()?;
    ward.picture("sddm-touch")?;
    touch_and_desktop(ward, "sddm-desktop", PATIENCE)
}

fn logs_out(ward: &mut Ward) -> Result<String, Failure> {
    let seen = log_out(ward, "sddm-again", FIELDS, PATIENCE)?;
    ward.ok("systemctl stop sddm")?;
    Ok(seen)
}
