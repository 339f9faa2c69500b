//! The arguments in the PAM service file: `debug`, `timeout=SECONDS`, `conf=PATH`, `local`. None of
//! them, and no unknown one, weakens a login.

use std::ffi::CStr;
use std::path::PathBuf;

use wardkey_core::name::printable;
use wardkey_settings::pam::{DEFAULT_PATH, WAIT_SECONDS};

/// What the arguments say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// More lines for syslog.
    pub debug: bool,
    /// Whether this is the second line, which only says whether the first one left the account
    /// alone.
    pub local: bool,
    /// Seconds to wait for a key, instead of the configuration's.
    pub timeout: Option<u64>,
    /// The configuration file.
    pub configuration: PathBuf,
    /// Complaints about arguments, for syslog.
    pub complaints: Vec<String>,
}

impl Options {
    /// Reads the arguments. What cannot be understood is complained about and has no effect: the
    /// defaults ask for everything that Wardkey can ask for.
    pub fn read(arguments: &[&CStr]) -> Self {
        let mut options = Self {
            debug: false,
            local: false,
            timeout: None,
            configuration: PathBuf::from(DEFAULT_PATH),
            complaints: Vec::new(),
        };
        for argument in arguments {
            if let Err(complaint) = options.take(argument) {
                let argument = printable(&argument.to_string_lossy(), 80);
                options.complaints.push(format!("option \"{argument}\" is ignored: {complaint}"));
            }
        }
        options
    }

    fn take(&mut self, argument: &CStr) -> Result<(), String> {
        let argument = argument.to_str().map_err(|_| "not UTF-8".to_owned())?;
        match argument.split_once('=') {
            None if argument == "debug" => self.debug = true,
            None if argument == "local" => self.local = true,
            Some(("timeout", seconds)) => {
                let seconds = seconds.parse().ok().filter(|seconds| WAIT_SECONDS.contains(seconds));
                self.timeout = Some(seconds.ok_or_else(|| {
                    format!(
                        "timeout takes {} to {} seconds",
                        WAIT_SECONDS.start(),
                        WAIT_SECONDS.end()
                    )
                })?);
            }
            Some(("conf", path)) if path.starts_with('/') => {
                self.configuration = PathBuf::from(path)
            }
            Some(("conf", _)) => return Err("conf takes an absolute path".into()),
            _ => return Err("known are debug, timeout=SECONDS, conf=PATH and local".into()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_and_unknown_ones_change_nothing() {
        let plain = Options::read(&[]);
        assert_eq!(plain.configuration, PathBuf::from(DEFAULT_PATH));
        let all = Options::read(&[c"debug", c"timeout=90", c"conf=/opt/pam.toml"]);
        assert_eq!((all.debug, all.timeout), (true, Some(90)));
        assert_eq!(all.configuration, PathBuf::from("/opt/pam.toml"));
        assert!(all.complaints.is_empty() && !all.local);
        assert!(Options::read(&[c"local"]).local);
        for wrong in [
            c"nouserok",
            c"alwaysok",
            c"Debug",
            c"debug=1",
            c"local=1",
            c"Local",
            c"timeout",
            c"timeout=",
            c"timeout=0",
            c"timeout=601",
            c"timeout=-1",
            c"timeout=9x",
            c"conf=",
            c"conf=pam.toml",
            c"conf",
            c"debug_file=/tmp/x",
            c"\xff",
            c"",
        ] {
            let options = Options::read(&[wrong]);
            assert_eq!(options.complaints.len(), 1, "{wrong:?}");
            assert_eq!(Options { complaints: vec![], ..options }, plain, "{wrong:?}");
        }
    }
}
