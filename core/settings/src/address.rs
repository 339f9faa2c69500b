//! How an address on the network and a path of a file are spelt: each in one way, as they name
//! cursors.

use wardkey_core::name::is_printable;

/// Longest path in bytes.
const LONGEST_PATH: usize = 200;

/// Whether a text is `host:port`, in the one way that each has.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.parse::<u16>().is_ok_and(|number| number.to_string() == port && number > 0);
    is_host(host) && is_port
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
    };
    host.len() <= 253 && host.split('.').all(fits)
}

/// A whole path of a file, spelt in the one way that it has.
pub(crate) fn is_path(text: &str) -> bool {
    let fits = |c: char| is_printable(c) && !c.is_whitespace();
    text.len() <= LONGEST_PATH
        && text.chars().all(fits)
        && text
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}
