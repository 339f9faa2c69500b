//! `wardkey-vm`: see [`wardkey_vm`].
#![forbid(unsafe_code)]

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;
use wardkey_vm::{
    Failure, parts,
    steps::Account,
    suite::{Greeter, Suite},
    ward::{Options, Ward, required},
};

/// Goes through a terminal's life in a virtual machine and says what was as expected.
///
/// Run by `make vm-test`, which builds what it needs. Exit status: 0 all as expected.
#[derive(Parser)]
struct Arguments {
    /// Folder of disks and artefacts
    #[arg(long, default_value = "target/vm", value_name = "FOLDER")]
    folder: PathBuf,
    /// Which Debian the image is
    #[arg(long)]
    suite: Suite,
    /// Folder of the image, as tests/vm/image says
    #[arg(long, value_name = "FOLDER")]
    image: PathBuf,
    /// What the image has to log in at, besides the console
    #[arg(long, default_value = "lightdm")]
    greeter: Greeter,
    /// Disk with the packages of the next release: the machine is upgraded to it, and the parts of
    /// a release alone are left out
    #[arg(long, value_name = "DISK")]
    upgrade: Option<PathBuf>,
    /// Only parts whose name contains this, to work on them; all stand on the first, "install"
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Go on after a step that is not as expected
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("vm: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<bool, Failure> {
    // The emulator gets the names of files; they must not depend on where it stands.
    let folder =
        std::fs::canonicalize(&arguments.folder).map_err(Failure::host(&arguments.folder))?;
    let image = std::fs::canonicalize(&arguments.image).map_err(Failure::host(&arguments.image))?;
    required(&image.join("root.ext4"), "tests/vm/image makes it")?;
    required(&folder.join("payload.ext4"), "tests/vm/payload makes it")?;
    let Arguments { suite, greeter, keep_going, .. } = arguments;
    let release = match &arguments.upgrade {
        Some(disk) => Some(std::fs::canonicalize(disk).map_err(Failure::host(disk))?),
        None => None,
    };
    let upgrading = release.is_some();
    let options = Options { folder, suite, image, greeter, release, keep_going };
    let wanted = |name: &str| {
        arguments.only.is_empty() || arguments.only.iter().any(|text| name.contains(text))
    };
    let parts: Vec<_> = parts::with(greeter, upgrading).filter(|part| wanted(part.name)).collect();
    let planned = parts.iter().map(|part| part.steps.len()).sum();

    let begin = Instant::now();
    let mut ward = Ward::new(options)?;
    let mut account = Account::default();
    for part in parts {
        if !account.play(&mut ward, part) && !keep_going {
            break;
        }
    }
    account.note("all", begin);
    ward.close();
    Ok(account.close(planned))
}
