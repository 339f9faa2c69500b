//! The program; everything is in the library.
#![forbid(unsafe_code)]

use std::os::unix::net::UnixListener;
use std::process::ExitCode;

use clap::Parser;
use wardkey_lock::arguments::Options;
use wardkey_lock::serve::Service;

fn main() -> ExitCode {
    let options = Options::parse();
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wardkey-lock: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Options) -> Result<(), String> {
    let service = Service::new(&options.agent_user, options.listen.is_none())?;
    let listener = match &options.listen {
        Some(path) => {
            UnixListener::bind(path).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => listenfd::ListenFd::from_env()
            .take_unix_listener(0)
            .map_err(|error| error.to_string())?
            .ok_or("no socket from systemd; use --listen PATH")?,
    };
    if let Some(path) = &options.listen {
        // Who connects is judged by the kernel's word.
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))
            .map_err(|error| error.to_string())?;
    }
    service.run(&listener).map_err(|error| error.to_string())
}
