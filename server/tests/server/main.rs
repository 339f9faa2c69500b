//! The server as terminals and administrators meet it: the real binary for the command line, real
//! TLS over loopback, a real store. Only the time is an argument.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

mod addresses;
mod administration;
mod administrators;
mod api;
mod api_answers;
mod api_bounds;
mod api_listener;
mod api_requests;
mod archives;
mod archives_kept;
mod archives_signed;
mod backups;
mod break_glass;
mod ca;
mod ca_counts;
mod ca_interrupted;
mod chromium;
mod clock;
mod connections;
mod contract;
mod enrollment;
mod enrollment_codes;
mod enrollment_pin;
mod event_log;
mod event_log_changed;
mod event_log_keys;
mod events;
mod fleet;
mod forwarding;
mod forwarding_again;
mod forwarding_rsyslog;
mod importing;
mod init;
mod joining;
mod json;
mod json_refused;
mod limits;
mod loaners;
mod measure;
mod migrating;
mod openapi;
mod pages;
mod pages_again;
mod pages_files;
mod pages_own;
mod pages_refusals;
mod pages_reports;
mod passes;
mod people;
mod postgresql;
mod process;
mod publish_key;
mod publish_key_interrupted;
mod publishing;
mod quota;
mod report_forms;
mod reports;
mod restoring;
mod restoring_safely;
mod restoring_what_is_there;
mod revoking;
mod root_key;
mod root_key_safely;
mod scale;
mod sign_in;
mod signed_in;
mod small_changes;
mod vouches;
mod watching;
mod witnesses;
