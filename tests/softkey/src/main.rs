//! `wardkey-softkey`: a software security key as a program.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::{ArgGroup, Parser};
use wardkey_softkey::{
    Error, Hostile, Options, SoftKey, TouchPolicy, control,
    transport::{seqpacket, uhid, usbip::UsbIpKey},
};

/// A security key in software, for tests. It has no PIN and no credential at
/// first, and its secrets protect nothing.
#[derive(Parser)]
#[command(version, group(ArgGroup::new("host").required(true).multiple(true)))]
struct Arguments {
    /// Be a UNIX SEQPACKET socket; one packet is one 64-byte report
    #[arg(long, value_name = "PATH", group = "host")]
    socket: Option<PathBuf>,
    /// Be a HID device of this kernel, through /dev/uhid
    #[arg(long, group = "host")]
    uhid: bool,
    /// Be a USB device on 127.0.0.1:3240 (USB/IP)
    #[arg(long, group = "host", conflicts_with_all = ["socket", "uhid", "control", "hostile"])]
    usbip: bool,
    /// Take orders on this UNIX socket: touch, waiting, exchanges, hostile, replug, unplug, quit
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// always, never, once, after:MILLISECONDS, file:PATH
    #[arg(long, default_value = "always", value_name = "POLICY")]
    touch: TouchPolicy,
    /// How long a touch is waited for; the firmware's own 30 s otherwise
    #[arg(long, value_name = "MILLISECONDS")]
    presence_timeout: Option<u64>,
    /// Keep the key's memory in this folder instead of in RAM
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// USB vendor id, hexadecimal
    #[arg(long, default_value = "1209", value_parser = hexadecimal)]
    vid: u16,
    /// USB product id, hexadecimal
    #[arg(long, default_value = "5749", value_parser = hexadecimal)]
    pid: u16,
    /// Misbehave: MODE[@STEP], see the error message of a wrong one
    #[arg(long, value_name = "MODE")]
    hostile: Option<Hostile>,
    /// Memory of the key that `--hostile swap` changes to
    #[arg(long, value_name = "FOLDER")]
    swap_state: Option<PathBuf>,
}

fn hexadecimal(text: &str) -> Result<u16, std::num::ParseIntError> {
    u16::from_str_radix(text.trim_start_matches("0x"), 16)
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wardkey-softkey: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Error> {
    let options = Options {
        touch: arguments.touch,
        presence_timeout: arguments.presence_timeout.map(Duration::from_millis),
        state: arguments.state,
        hostile: arguments.hostile,
        swap_state: arguments.swap_state,
    };
    if arguments.usbip {
        let _key = UsbIpKey::start(options, arguments.vid, arguments.pid)?;
        eprintln!("wardkey-softkey: ready");
        loop {
            std::thread::park();
        }
    }
    let key = Arc::new(SoftKey::start(options)?);
    if let Some(path) = &arguments.control {
        control::serve(key.clone(), path)?;
    }
    if arguments.uhid {
        uhid::serve(key.clone(), arguments.vid, arguments.pid)?;
    }
    if let Some(path) = &arguments.socket {
        seqpacket::serve(key.clone(), path)?;
    }
    eprintln!("wardkey-softkey: ready");
    key.wait_until_gone();
    Ok(())
}
