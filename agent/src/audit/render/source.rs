//! Who tells of the events.

use wardkey_records::Source;

use crate::config::Config;

/// This machine and this process.
pub fn of_this_machine(config: &Config) -> Source {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    Source {
        host: host.unwrap_or_default(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        enterprise: config.records_enterprise,
    }
}
