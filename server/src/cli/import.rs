//! `wardkey-server person import`

use std::io::Read;
use std::path::Path;

use wardkey_core::code::Code;
use wardkey_core::texts;

use super::args::ImportFormat;
use super::context::Context;
use crate::admin::Operation;
use crate::admin::import::{self, Outcome, Taking};
use crate::error::{Error, Problem, Result};
use crate::people_file::{self, MAX_FILE, People};
use crate::store::import::Imported;
use crate::texts::{Phrase, Text};

/// Problems that are said of one file; a wrong separator makes one of each line.
const MAX_SAID: usize = 200;

/// What is asked for.
pub struct Asked<'a> {
    /// The file.
    pub file: &'a Path,
    /// Its format, when it is not known by its name.
    pub format: Option<ImportFormat>,
    /// Whether it is only checked.
    pub check: bool,
    /// Whether people who are there already are passed over.
    pub skip_existing: bool,
    /// Why, for the trail.
    pub reason: Option<&'a str>,
}

pub async fn import(context: &Context, asked: &Asked<'_>) -> Result<()> {
    // Read before anything is locked: a file on a slow share holds up nobody.
    let people = read(asked)?;
    let taking = Taking {
        keys_per_person: context.config.keys_per_person,
        skip_existing: asked.skip_existing,
    };

    if asked.check {
        let at = (context.clock.now(), &context.zone());
        let outcome = import::check(&mut context.read().await?, people, taking, at).await?;
        let done = added(asked.file, outcome)?;
        let said = Text::WouldImport.with([("what", import::in_words(&done))]);
        return context.output.done(&done, said);
    }

    let name =
        asked.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let run = async |op: &mut Operation<'_>| import::run(op, people, taking, &name).await;
    let outcome = context.change(asked.reason, run).await?;
    let done = added(asked.file, outcome)?;
    context.output.done(&done, import::in_words(&done))
}

fn read(asked: &Asked<'_>) -> Result<People> {
    let format = asked.format.or_else(|| {
        match asked.file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" => Some(ImportFormat::Csv),
            "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
            _ => None,
        }
    });
    let format = format.ok_or_else(|| Error::usage(Text::ImportFormat))?;
    let unreadable = |error: std::io::Error| {
        Error::invalid(Text::At.with([
            ("place", asked.file.display().to_string().into()),
            ("why", Text::CannotBeRead.with([("why", error.to_string().into())])),
        ]))
    };
    // A pipe or a link is as good as a file: who may import may read it, and it is bounded.
    let file = std::fs::File::open(asked.file).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Error::invalid(Text::ImportTooLong.with([
            ("path", asked.file.display().to_string().into()),
            ("count", (MAX_FILE >> 20).into()),
        ])));
    }
    Ok(match format {
        ImportFormat::Csv => People::from_csv(&bytes),
        ImportFormat::Jsonl => People::from_jsonl(&bytes),
    })
}

/// What was added; else everything that is wrong, each with its line.
fn added(file: &Path, outcome: Outcome) -> Result<Imported> {
    let wrong = match outcome {
        Outcome::Done(done) => return Ok(done),
        Outcome::Refused(wrong) => wrong,
    };

    let problem = |wrong: &people_file::Problem| Problem {
        file: file.to_owned(),
        line: Some(wrong.line),
        column: wrong.column(),
        key: None,
        value: wrong.value(),
        code: wrong.code(),
        message: wrong.message(),
    };
    let count = Phrase::from(wrong.len() as u64);
    let message = texts::phrase(Code::ImportRefused, vec![("count", count)]);
    Err(Error::Problems {
        error: Box::new(Error::refused(Code::ImportRefused, message)),
        problems: wrong.iter().take(MAX_SAID).map(problem).collect(),
    })
}
