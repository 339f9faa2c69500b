//! `wardkey-server config check`

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::value::Output;
use crate::config::{Config, Problem};
use crate::error::{Error, Result};
use crate::keyring::{Holder, Keyring, Secret};

#[derive(Serialize)]
struct Checked {
    file: PathBuf,
    ok: bool,
    problems: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    message: String,
}

/// Reads the file and what it names. Starts nothing and writes nothing.
pub fn check(path: &Path, output: Output) -> Result<()> {
    let problems = problems(path);
    let checked = Checked { file: path.to_owned(), ok: problems.is_empty(), problems };
    output.say(&checked, || {
        let line = |found: &Found| match found.line {
            Some(line) => format!("{}:{line}: {}", found.file.display(), found.message),
            None => format!("{}: {}", found.file.display(), found.message),
        };
        match checked.problems.as_slice() {
            [] => vec![format!("{}: all is well", path.display())],
            problems => problems.iter().map(line).collect(),
        }
    })?;
    match checked.problems.len() {
        0 => Ok(()),
        1 => Err(wrong(path, "one problem")),
        count => Err(wrong(path, &format!("{count} problems"))),
    }
}

fn wrong(path: &Path, message: &str) -> Error {
    Error::Configuration { path: path.to_owned(), message: message.to_owned() }
}

fn problems(path: &Path) -> Vec<Found> {
    let found = |file: &Path, line, key: Option<&str>, message: String| Found {
        file: file.to_owned(),
        line,
        key: key.map(str::to_owned),
        message,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return vec![found(path, None, None, format!("cannot be read: {error}"))],
    };
    let config = match Config::parse_all(&text) {
        Ok(config) => config,
        Err(problems) => {
            let one = |problem: Problem| found(path, Some(problem.line), problem.key.as_deref(), problem.message);
            return problems.into_iter().map(one).collect();
        }
    };
    let mut all = Vec::new();
    for (root, why) in config.attestation_roots.iter().filter_map(|root| Some((root, unusable(root)?))) {
        let line = Config::line_of(&text, "attestation_roots");
        let message = format!("attestation_roots: {}: {why}", root.display());
        all.push(found(path, Some(line), Some("attestation_roots"), message));
    }
    // Before "init" there is neither store nor key, and nothing wrong with that.
    let keyring = Keyring::at(&config.keys);
    match (config.store.exists(), config.keys.exists()) {
        (false, false) => {}
        (true, false) => {
            let message = format!("keys: {} is not there; restore it", config.keys.display());
            all.push(found(path, Some(Config::line_of(&text, "keys")), Some("keys"), message));
        }
        (false, true) => {
            let message = format!("store: {} is not there; restore it", config.store.display());
            all.push(found(path, Some(Config::line_of(&text, "store")), Some("store"), message));
        }
        (true, true) => {
            let keys = [keyring.secret(Secret::Publish).map(|_| ()), keyring.secret(Secret::Code).map(|_| ())];
            let mut certificates = vec![keyring.certificate(Holder::Authority).map(|_| ())];
            // Without any the server makes new ones at its start.
            if keyring.holds_part_of(Holder::Server) {
                certificates.push(keyring.certificate(Holder::Server).map(|_| ()));
            }
            for error in keys.into_iter().chain(certificates).filter_map(std::result::Result::err) {
                match error {
                    Error::Configuration { path, message } => all.push(found(&path, None, None, message)),
                    error => all.push(found(&config.keys, None, None, error.to_string())),
                }
            }
        }
    }
    all
}

/// Why a file of attestation roots cannot be used.
fn unusable(path: &Path) -> Option<String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    let mut count = 0usize;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        if let Err(error) = certificate {
            return Some(format!("not PEM: {error}"));
        }
        count += 1;
    }
    (count == 0).then(|| "holds no certificate (PEM)".to_owned())
}
