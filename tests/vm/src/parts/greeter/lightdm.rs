//! LightDM with the GTK greeter.

use crate::{
    Failure,
    parts::desktop::{PATIENCE, log_out, touch_and_desktop},
    steps::{Part, Step},
    ward::{PIN, Port, Ward},
};

pub(in crate::parts) const PART: Part = Part {
    name: "LightDM",
    steps: &[
        Step {
            expected: "the name typed, no key: the greeter says to insert one",
            run: asks_for_key,
        },
        Step {
            expected: "the key plugged in, it asks for the PIN and says whose key it is",
            run: asks_for_pin,
        },
        Step {
            expected: "after a wrong PIN, the next question says how many tries are left",
            run: wrong_pin,
        },
        Step { expected: "PIN and touch: hanako's desktop", run: desktop },
        Step { expected: "logged out, the greeter is back", run: logs_out },
        Step { expected: "the same login, with what is said in Japanese", run: in_japanese },
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
    let told = ["Wrong PIN", "Key of Yamada Hanako", "tries left 7"];
    ward.until_read("greeter-wrong-pin", &told, PATIENCE)
}

fn desktop(ward: &mut Ward) -> Result<String, Failure> {
    ward.type_line(PIN)?;
    ward.until_touch_is_asked()?;
    ward.until_read("greeter-touch", &["Please touch the key"], PATIENCE)?;
    touch_and_desktop(ward, "greeter-desktop", PATIENCE)
}

fn logs_out(ward: &mut Ward) -> Result<String, Failure> {
    log_out(ward, "greeter-again", &["east3 desk1", "Log In"], PATIENCE)
}

fn in_japanese(ward: &mut Ward) -> Result<String, Failure> {
    ward.server("person set hanako --language ja")?;
    ward.sync()?;
    ward.type_line("hanako")?;
    ward.until_read("greeter-question-ja", &["PIN"], PATIENCE)?;
    ward.type_line(PIN)?;
    ward.until_touch_is_asked()?;
    ward.picture("greeter-touch-ja")?;
    let seen = touch_and_desktop(ward, "greeter-desktop-ja", PATIENCE)?;
    log_out(ward, "greeter-end", &["east3 desk1", "Log In"], PATIENCE)?;
    ward.server("person set hanako --language en")?;
    ward.sync()?;
    ward.ok("systemctl stop lightdm")?;
    Ok(seen)
}
