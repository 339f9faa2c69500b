//! Who tells of the events.

use wardkey_records::Source;

use crate::config::Config;

/// This machine and this process.
pub fn of_this_machine(config: &Config) -> Source {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let host = host.unwrap_or_default();
    let (version, enterprise) = (env!("CARGO_PKG_VERSION"), config.records_enterprise);
    Source {
        pid: Some(std::process::id()),
        ..Source::new(&host, "wardkey-agent", version, enterprise)
    }
}
