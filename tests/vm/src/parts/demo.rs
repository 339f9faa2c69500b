//! `make demo KEY=1`: the demo with a key that is plugged in, and a person who types, touches and
//! pulls.

use std::{path::Path, time::Duration};

use crate::{
    Failure,
    console::QUESTION,
    steps::{Part, Step},
    ward::{PIN, Port, Ward},
};

/// The demo waits for what it published to expire.
const PATIENCE: Duration = Duration::from_secs(180);
const EMPTY_SCREEN: &str = "printf '\\033c' >/dev/tty1";

pub(super) const PART: Part = Part {
    name: "the demo with a plugged key",
    steps: &[
        Step {
            expected: "server, terminal, and the key enrolled: a new PIN, a touch",
            run: enrolls,
        },
        Step { expected: "right PIN and touch; a wrong PIN; the right one again", run: logs_in },
        Step { expected: "pulled out, and plugged in when it is asked for", run: replugs },
        Step {
            expected: "disabled at the server: refused; enabled: in; offline: in",
            run: to_the_end,
        },
    ],
};

/// Where the programs of the demo believe to be.
fn checkout() -> Result<String, Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Ok(std::fs::canonicalize(&path).map_err(Failure::host(&path))?.display().to_string())
}

/// Waits for a text, and empties the screen, so that the next one is not taken for it.
fn shown(ward: &mut Ward, text: &str) -> Result<String, Failure> {
    let screen = ward.until_seen_within(text, PATIENCE)?;
    ward.ok(EMPTY_SCREEN)?;
    Ok(screen)
}

/// Waits for the question for the PIN: the last on the screen, as the demo shows each login's words
/// again when it has ended.
fn asked(ward: &mut Ward) -> Result<(), Failure> {
    ward.until_screen("the question for the PIN", PATIENCE, |screen| {
        screen.contains(QUESTION) && screen.trim_end().ends_with(':')
    })?;
    ward.ok(EMPTY_SCREEN).map(drop)
}

fn enrolls(ward: &mut Ward) -> Result<String, Failure> {
    if !ward.is_running() {
        ward.boot("")?;
    }
    ward.ok("systemctl stop getty@tty1; ! pgrep -x wardkey-agent")?;
    // The key of the parts before may still be plugged in.
    ward.unplug()?;
    ward.insert("demo", Port::Uhid)?;
    let checkout = checkout()?;
    ward.ok(&format!(
        "set -e; mkdir -p {checkout} /opt/wards; mount --bind /srv/payload/checkout {checkout}; \
         cd {checkout}
         printf '\\033c' >/dev/tty1
         export DEMO_LANG=en KEY=1 WARDKEY_WARD_KEYS=1
         setsid -c tests/ward/enter --scratch /opt/wards target/tests/debug/wardkey-demo \
           </dev/tty1 >/dev/tty1 2>&1 3<&- & "
    ))?;
    ward.machine()?.qmp.press(&["ctrl", "alt", "f1"])?;
    let seen = shown(ward, "PIN")?;
    ward.type_line(PIN)?;
    shown(ward, "gain")?;
    ward.type_line(PIN)?;
    ward.touch()?;
    Ok(seen)
}

fn types_and_touches(ward: &mut Ward) -> Result<(), Failure> {
    asked(ward)?;
    ward.type_line(PIN)?;
    ward.touch()
}

fn logs_in(ward: &mut Ward) -> Result<String, Failure> {
    types_and_touches(ward)?;
    asked(ward)?;
    ward.type_line("99999999")?;
    types_and_touches(ward)?;
    Ok(String::new())
}

fn replugs(ward: &mut Ward) -> Result<String, Failure> {
    shown(ward, "Pull the key out")?;
    ward.unplug()?;
    ward.type_line("")?;
    let seen = shown(ward, "Please insert your security key")?;
    ward.insert("demo", Port::Uhid)?;
    types_and_touches(ward)?;
    Ok(seen)
}

fn to_the_end(ward: &mut Ward) -> Result<String, Failure> {
    // Disabled: it is asked, and refused without a touch.
    asked(ward)?;
    ward.type_line(PIN)?;
    types_and_touches(ward)?;
    types_and_touches(ward)?;
    let seen = ward.until_seen_within("steps as expected", PATIENCE)?;
    ward.picture("demo-with-a-key")?;
    Failure::unless(seen.contains("demo: 12 of 12 steps as expected"), || seen.clone())?;
    ward.unplug()?;
    Ok("demo: 12 of 12 steps as expected".into())
}
