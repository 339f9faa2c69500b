//! The demo: the main job with production binaries, step by step, with what the person sees.
//!
//! Runs inside `tests/ward/enter`. DEMO_LANG is `ja` or `en` (default: LANG); KEY=1 takes the
//! hardware key that is plugged instead of the software one. Ends with `demo: N of N steps as
//! expected`.

mod day;
mod parts;
mod stage;
mod steps;
mod words;

use std::process::ExitCode;

use wardkey_e2e::Tool;

fn main() -> ExitCode {
    let missing = Tool::missing(&Tool::OF_THE_DEMO);
    if !missing.is_empty() {
        let packages = missing.join(" ");
        eprintln!("demo: not installed: {packages}. Run tools/setup --build, which installs them.");
        return ExitCode::from(2);
    }
    let words = words::Words::choose(
        std::env::var("DEMO_LANG").ok().as_deref(),
        std::env::var("LANG").ok().as_deref(),
    );
    let hardware = std::env::var("KEY").is_ok_and(|key| key == "1");
    let mut stage = stage::Stage::new(words, hardware);
    steps::play(&mut stage);
    stage.close()
}
