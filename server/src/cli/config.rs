//! `wardkey-server config check`

use std::path::Path;

use serde::Serialize;
use wardkey_core::code::Code;

use super::value::Output;
use crate::config::{self, Config};
use crate::error::{Error, Problem, Result};
use crate::keyring::{Holder, Keyring, Secret};

#[derive(Serialize)]
struct Checked<'a> {
    file: &'a Path,
    ok: bool,
}

/// Reads the file and what it names. Starts nothing and writes nothing.
pub fn check(path: &Path, output: Output) -> Result<()> {
    let problems = problems(path);
    let message = match problems.len() {
        0 => {
            let checked = Checked { file: path, ok: true };
            return output.say(&checked, || vec![format!("{}: all is well", path.display())]);
        }
        1 => "one problem".to_owned(),
        count => format!("{count} problems"),
    };
    let error = Box::new(Error::Configuration { path: path.to_owned(), message });
    Err(Error::Problems { error, problems })
}

fn problems(path: &Path) -> Vec<Problem> {
    let found = |file: &Path, line: Option<usize>, key: Option<&str>, message: String| Problem {
        file: file.to_owned(),
        line: line.map(|line| line as u64),
        column: None,
        key: key.map(str::to_owned),
        value: None,
        code: Code::Configuration.to_string(),
        message,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return vec![found(path, None, None, format!("cannot be read: {error}"))],
    };
    let config = match Config::parse_all(&text) {
        Ok(config) => config,
        Err(problems) => {
            let one =
                |problem: config::Problem| found(path, Some(problem.line), problem.key.as_deref(), problem.message);
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
