//! The daemon of a terminal. Everything is in the library; this reads the configuration and runs
//! it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use wardkey_agent::arguments::Arguments;
use wardkey_agent::daemon;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match daemon::run(&arguments.config, &arguments.enroll_user) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            wardkey_agent::log::warning(error);
            ExitCode::FAILURE
        }
    }
}
