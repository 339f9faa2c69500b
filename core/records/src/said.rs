//! What several forms say of an event in the same way.

use wardkey_core::event::{Event, Severity};
use wardkey_core::name::printable;

use crate::source::Source;

/// Longest value in characters, as in the key=value line.
const LONGEST: usize = 256;

/// Facility authpriv.
pub(crate) const FACILITY: u8 = 10;
/// Name of the program.
pub(crate) const APP: &str = "wardkey";

/// What stands for nothing where something must be.
pub(crate) const NIL: &str = "-";

/// A text without what is not printable.
pub(crate) fn text(value: &str) -> String {
    printable(value, LONGEST)
}

/// The machine's name.
pub(crate) fn host(source: &Source) -> String {
    said_or_nil(&source.host)
}

/// A printable text where one must be that is not blank.
pub(crate) fn said_or_nil(value: &str) -> String {
    let value = text(value);
    if value.trim().is_empty() { NIL.into() } else { value }
}

/// The time in UTC as RFC 3339 has it: `2026-09-21T14:13:20Z`.
pub(crate) fn time(event: &Event) -> String {
    event.time.to_rfc3339()
}

/// The time in milliseconds since 1970.
pub(crate) fn milliseconds(event: &Event) -> u64 {
    event.time.0.saturating_mul(1000)
}

/// How bad it is: an error at the least where the server found that the evidence does not hold,
/// whatever the terminal says that the record is.
pub(crate) fn severity(event: &Event, source: &Source) -> Severity {
    // The worst comes first.
    if source.is_disproved() { event.severity().min(Severity::Error) } else { event.severity() }
}

/// The severity from 0 to 10, as CEF has it and LEEF does: the higher, the worse.
pub(crate) fn severity_of_ten(event: &Event, source: &Source) -> u8 {
    match severity(event, source) {
        Severity::Info => 1,
        Severity::Notice => 3,
        Severity::Warning => 6,
        Severity::Error => 9,
        Severity::Critical => 10,
    }
}

/// The syslog severity's number.
pub(crate) fn syslog_severity(event: &Event, source: &Source) -> u8 {
    match severity(event, source) {
        Severity::Critical => 2,
        Severity::Error => 3,
        Severity::Warning => 4,
        Severity::Notice => 5,
        Severity::Info => 6,
    }
}

/// The person, or of an event without one the account.
pub(crate) fn user(event: &Event) -> Option<String> {
    event.person.as_ref().or(event.account.as_ref()).map(ToString::to_string)
}

/// The account, when it is not the person's own.
pub(crate) fn other_account(event: &Event) -> Option<String> {
    let (person, account) = (event.person.as_ref()?, event.account.as_ref()?);
    (person != account).then(|| account.to_string())
}

/// The scopes of the terminal, where they are known.
pub(crate) fn scopes(source: &Source) -> Option<String> {
    let scopes = source.forwarded.as_ref().map(|forwarded| text(&forwarded.scopes));
    scopes.filter(|scopes| !scopes.is_empty())
}

/// The remote host.
pub(crate) fn remote(event: &Event) -> Option<String> {
    event.rhost.as_deref().map(text).filter(|host| !host.is_empty())
}

/// The remote host, when it is an address.
pub(crate) fn remote_ip(event: &Event) -> Option<String> {
    remote(event)?.parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string())
}

/// The terminal's number.
pub(crate) fn terminal(event: &Event) -> Option<String> {
    event.terminal.map(|terminal| terminal.to_hex())
}

/// The reason's code.
pub(crate) fn reason(event: &Event) -> Option<String> {
    event.reason.map(|code| code.to_string())
}

/// The detail.
pub(crate) fn detail(event: &Event) -> Option<String> {
    event.detail.as_deref().map(text)
}

/// Name and printable value of every field but those that `except` names; then of what else is said
/// of the record.
pub(crate) fn fields(
    event: &Event,
    source: &Source,
    except: &[&str],
) -> Vec<(&'static str, String)> {
    let fields = event.fields().into_iter().chain(source.fields());
    let kept = fields.filter(|(name, _)| !except.contains(name));
    kept.map(|(name, value)| (name, text(&value))).collect()
}
