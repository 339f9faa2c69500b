//! `wardkey-server config check`

use std::path::Path;

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_settings::{files, sink_places};
use wardkey_sinks::MAX_CERTIFICATES;

use super::output::Output;
use crate::config::{self, Admin, Config};
use crate::error::{Error, Problem, Result};
use crate::keyring::{Holder, Keyring, Secret};
use crate::pki::given;
use crate::texts::{Phrase, Text};

/// Whom the package has the server run as.
const USER: &str = "wardkey-server";

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
            let path = path.display().to_string().into();
            let right = Text::ConfigRight.with([("path", path)]);
            return output.done(&checked, right);
        }
        count => Text::ConfigProblems.with([("count", (count as u64).into())]),
    };
    let error = Box::new(Error::Configuration { path: path.to_owned(), message });
    Err(Error::Problems { error, problems })
}

fn problems(path: &Path) -> Vec<Problem> {
    let found = |file: &Path, line: Option<usize>, key: Option<&str>, message: Phrase| Problem {
        file: file.to_owned(),
        line: line.map(|line| line as u64),
        column: None,
        key: key.map(str::to_owned),
        value: None,
        code: Code::Configuration,
        message,
    };
    let text = match config::text_of(path) {
        Ok(text) => text,
        Err(error) => return vec![found(path, None, None, unreadable(&error))],
    };
    let config = match Config::parse_all(&text) {
        Ok(config) => config,
        Err(problems) => {
            let one = |problem: config::Problem| {
                found(path, Some(problem.line), problem.key.as_deref(), problem.message)
            };
            return problems.into_iter().map(one).collect();
        }
    };
    let mut all = Vec::new();
    for (root, why) in
        config.attestation_roots.iter().filter_map(|root| Some((root, unusable(root)?)))
    {
        let line = Config::line_of(&text, "attestation_roots");
        let place = format!("attestation_roots: {}", root.display()).into();
        let message = Text::At.with([("place", place), ("why", why)]);
        all.push(found(path, Some(line), Some("attestation_roots"), message));
    }
    for (key, file, error) in administration(&config.admin) {
        let (file, why) =
            error.in_file().map_or((file, error.phrase()), |(file, why)| (file, why.clone()));
        let place = format!("{key}: {}", file.display()).into();
        let message = Text::At.with([("place", place), ("why", why)]);
        all.push(found(path, Some(Config::line_of(&text, key)), Some(key), message));
    }
    if let Err(error) = config.place() {
        let key = "database_password_file";
        let message = Text::At.with([("place", key.into()), ("why", error.phrase())]);
        all.push(found(path, Some(Config::line_of(&text, key)), Some(key), message));
    }
    let records = config.records();
    for problem in sink_places::of_user(&records.to, USER) {
        let place = format!("records_to: {}", problem.file).into();
        let why = Phrase::joined(vec![problem.what, problem.fix], "; ");
        let message = Phrase::joined(vec![place, why], ": ");
        all.push(found(
            path,
            Some(Config::line_of(&text, "records_to")),
            Some("records_to"),
            message,
        ));
    }
    if records.needs_authorities()
        && let Some(why) = unusable_authorities(&records.ca)
    {
        let place = format!("records_ca: {}", records.ca.display()).into();
        let message = Phrase::joined(vec![place, why], ": ");
        let line = Config::line_of(&text, "records_ca");
        all.push(found(path, Some(line), Some("records_ca"), message));
    }
    // Before "init" there is neither store nor key, and nothing wrong with that.
    let keyring = Keyring::at(&config.keys);
    match (config.store.exists(), config.keys.exists()) {
        (false, false) => {}
        (true, false) => {
            let message = not_there("keys", &config.keys);
            all.push(found(path, Some(Config::line_of(&text, "keys")), Some("keys"), message));
        }
        (false, true) => {
            let message = not_there("store", &config.store);
            all.push(found(path, Some(Config::line_of(&text, "store")), Some("store"), message));
        }
        (true, true) => {
            let keys = [
                keyring.secret(Secret::Publish).map(|_| ()),
                keyring.secret(Secret::Code).map(|_| ()),
            ];
            let mut certificates = vec![keyring.certificate(Holder::Authority).map(|_| ())];
            // Without any the server makes new ones at its start.
            if keyring.holds_part_of(Holder::Server) {
                certificates.push(keyring.certificate(Holder::Server).map(|_| ()));
            }
            for error in keys.into_iter().chain(certificates).filter_map(std::result::Result::err) {
                all.push(match error.in_file() {
                    Some((path, message)) => found(path, None, None, message.clone()),
                    None => found(&config.keys, None, None, error.phrase()),
                });
            }
        }
    }
    all
}

/// What is wrong with the files of the interface for administration: key, file, error.
fn administration(admin: &Admin) -> Vec<(&'static str, &Path, Error)> {
    let own = admin.certificate.as_deref().zip(admin.key.as_deref()).and_then(|(path, key)| {
        let error = given::pair(path, key).err()?;
        Some(("certificate", path, error))
    });
    let issuers = admin.client_ca.as_deref().and_then(|path| {
        let error = given::issuers(path).err()?;
        Some(("client_ca", path, error))
    });
    own.into_iter().chain(issuers).collect()
}

fn unreadable(error: &std::io::Error) -> Phrase {
    Text::CannotBeRead.with([("why", error.to_string().into())])
}

fn not_there(key: &str, path: &Path) -> Phrase {
    let why = Text::NotThere.with([("path", path.display().to_string().into())]);
    Text::At.with([("place", key.into()), ("why", why)])
}

/// Why a file of certificates cannot be used.
fn unusable(path: &Path) -> Option<Phrase> {
    match config::attestation_roots(path) {
        Ok(bytes) => no_certificates(&bytes),
        Err(error) => Some(unreadable(&error)),
    }
}

/// The same of the file of those who may certify collectors, which is read as the server reads it
/// for each batch.
fn unusable_authorities(path: &Path) -> Option<Phrase> {
    match files::read(path, sink_places::owner(USER), MAX_CERTIFICATES) {
        Ok(bytes) => no_certificates(&bytes),
        Err(error) => Some(error.what()),
    }
}

fn no_certificates(bytes: &[u8]) -> Option<Phrase> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let mut count = 0usize;
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        if let Err(error) = certificate {
            return Some(Text::NotPem.with([("why", error.to_string().into())]));
        }
        count += 1;
    }
    (count == 0).then(|| Text::NoCertificate.into())
}
