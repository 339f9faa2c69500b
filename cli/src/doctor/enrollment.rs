//! The enrollment console: no way in, but a place where keys become people's.

use std::path::Path;

use wardkey_core::code::Code;

use crate::enroll_console::{self as console, ACCOUNT, TTY};
use crate::finding::{Finding, Level};
use crate::texts::Text;

use super::text;

pub(super) fn look(root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (is_enabled, runs) = (!console::links(root).is_empty(), console::runs(root));
    if is_enabled || runs {
        let open = Finding::new(Code::EnrollConsoleOpen, Level::Note, "tty", TTY);
        let open = open.detail(Text::ConsoleWho);
        findings.push(if is_enabled { open } else { open.detail(Text::ConsoleByHand) });
    }

    findings.extend(console::changes(root).iter().map(|path| {
        let path = text::shown(root, path);
        Finding::new(Code::EnrollConsoleChanged, Level::Warning, "path", path)
    }));

    if console::is_installed(root) {
        let account = || Finding::new(Code::EnrollAccount, Level::Warning, "account", ACCOUNT);
        let problems = console::problems(root);
        let found = problems.into_iter().fold(None, |found: Option<Finding>, problem| {
            Some(found.unwrap_or_else(account).detail(problem))
        });
        findings.extend(found);
    }
    findings
}
