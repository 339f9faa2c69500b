//! Audit events in the forms that others read. Each form is a pure function of the event and of who
//! tells it: no clock, no I/O. docs/RECORDS.md describes every form field by field.
//!
//! Text from elsewhere (a tty, a host, a detail) first loses what is not printable; then each form
//! escapes or replaces what separates its fields. So no value can look like another field.

mod atna;
mod cef;
mod dicom;
mod ecs;
mod fhir;
mod journal;
mod json;
mod leef;
mod ocsf;
mod rfc5424;
mod said;
mod source;
mod words;

use wardkey_core::event::{Event, Format};

pub use source::{Forwarded, Source};

/// An event in a form: one line without its end.
pub fn render(format: Format, event: &Event, source: &Source) -> String {
    match format {
        Format::KeyValue => event.to_line_with(&source.fields()),
        Format::Rfc5424 => rfc5424::message(event, source),
        Format::Ecs => ecs::line(event, source),
        Format::Ocsf => ocsf::line(event, source),
        Format::Cef => cef::line(event, source),
        Format::Leef => leef::line(event, source),
        Format::Atna => atna::message(event, source),
        Format::Fhir => fhir::resource(event, source),
    }
}

/// An event as an entry of systemd's journal, as its socket takes it.
pub fn journal_entry(event: &Event, source: &Source) -> Vec<u8> {
    journal::entry(event, source)
}

/// An event in a form, as a syslog message for the network (RFC 5424): what is none by itself is
/// the text of one.
pub fn syslog_message(format: Format, event: &Event, source: &Source) -> String {
    match format {
        Format::Rfc5424 => rfc5424::message(event, source),
        // IHE ITI-20 names the schema of the text.
        Format::Atna => {
            rfc5424::with_text("DICOM+RFC3881", event, source, &atna::message(event, source))
        }
        _ => rfc5424::with_text(event.name.as_str(), event, source, &render(format, event, source)),
    }
}
