//! LightDM with the GTK greeter.

use std::time::Duration;

use crate::{
    Failure,
    steps::{Part, Step},
    ward::{PIN, Port, Ward},
};

const PATIENCE: Duration = Duration::from_secs(100);

pub(super) const PART: Part = Part {
    name: "LightDM",
    steps: &[
        Step { expected: "the name typed, no key: the greeter says to insert one", run: asks_for_key },
        Step { expected: "the key plugged in, it asks for the PIN and says whose key it is", run: asks_for_pin },
        Step { expected: "after a wrong PIN, the next question says how many tries are left", run: wrong_pin },
        Step { expected: "PIN and touch: hanako's desktop", run: desktop },
        Step { expected: "logged out, the greeter is back", run: logs_out },
    ],
};

fn asks_for_key(ward: &mut Ward) -> Result<String, Failure> {
    ward.unplug()?;
    ward.ok("systemctl start graphical.target")?;
    ward.until_read("greeter-empty", &["east3 desk1", "Log In"], PATIENCE)?;
    ward.type_line("hanako")?;
    ward.until_read("greeter-insert", &["Please insert your security key"], PATIENCE)
}

fn asks_for_pin(ward: &mut Ward) -> Result<String, Failure> {
    ward.plug("hanako", Port::Uhid)?;
    ward.until_read("greeter-question", &["Key of Yamada Hanako", "Enter the PIN"], PATIENCE)
}

fn wrong_pin(ward: &mut Ward) -> Result<String, Failure> {
    // The refusal itself is there only until the greeter asks again, at once.
    ward.type_line("99999999")?;
    ward.until_read("greeter-wrong-pin", &["Key of Yamada Hanako", "tries left 7"], PATIENCE)
}

fn desktop(ward: &mut Ward) -> Result<String, Failure> {
    ward.type_line(PIN)?;
    ward.until_touch_is_asked()?;
    ward.until_read("greeter-touch", &["Please touch the key"], PATIENCE)?;
    ward.touch()?;
    let seen = ward.until_read("greeter-desktop", &["This is the desktop of hanako"], PATIENCE)?;
    ward.ok("loginctl list-sessions --no-legend | grep -E ' hanako +seat0'")?;
    Ok(seen)
}

fn logs_out(ward: &mut Ward) -> Result<String, Failure> {
    // The desktop ends with its only window.
    ward.type_line("exit")?;
    let seen = ward.until_read("greeter-again", &["east3 desk1", "Log In"], PATIENCE)?;
    ward.ok("! loginctl list-sessions --no-legend | grep -E ' hanako +seat0'")?;
    ward.ok("systemctl stop lightdm")?;
    Ok(seen)
}
