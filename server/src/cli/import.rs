//! `wardkey-server person import`

use std::io::Read;
use std::path::Path;

use serde::Serialize;
use wardkey_core::code::Code;
use wardkey_core::name::Language;
use wardkey_core::texts;

use super::Context;
use super::args::ImportFormat;
use super::value::language;
use crate::error::{Error, Result};
use crate::people_file::{MAX_FILE, People, Problem};
use crate::store::audit::{self, Act};
use crate::store::import::{self, Imported, Rules};

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

/// A problem for people and programs.
#[derive(Serialize)]
struct Said {
    line: u64,
    column: Option<&'static str>,
    value: Option<String>,
    code: String,
    message: String,
}

impl Said {
    fn new(problem: &Problem, language: Language) -> Self {
        Self {
            line: problem.line,
            column: problem.column(),
            value: problem.value(),
            code: problem.code().to_string(),
            message: problem.message(language),
        }
    }
}

pub async fn import(context: &Context, asked: &Asked<'_>) -> Result<()> {
    // Read before anything is locked: a file on a slow share holds up nobody.
    let people = read(asked)?;
    let rules = Rules {
        keys_per_person: context.config.keys_per_person,
        skip_existing: asked.skip_existing,
        zone: context.config.zone(),
        now: context.clock.now(),
    };
    if asked.check {
        let plan = import::plan(&mut *context.store.read().await?, people, &rules).await?;
        refuse(context, asked.file, &plan.problems)?;
        return context.output.say(&plan.done, || vec![format!("would import {}", detail(&plan.done))]);
    }

    let mut tx = context.store.write().await?;
    let plan = import::plan(&mut tx, people, &rules).await?;
    refuse(context, asked.file, &plan.problems)?;
    let done = plan.carry_out(&mut tx).await?;
    let name = asked.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let detail = detail(&done);
    let act = Act::new("person.import", &name).because(asked.reason).with(&detail);
    audit::record(&mut tx, rules.now, &context.actor, act).await?;
    context.commit(tx).await?;
    context.output.say(&done, || vec![detail.clone()])
}

fn read(asked: &Asked<'_>) -> Result<People> {
    let format = asked.format.or_else(|| match asked.file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" | "tsv" => Some(ImportFormat::Csv),
        "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
        _ => None,
    });
    let format = format.ok_or_else(|| Error::Usage("the name does not end in .csv or .jsonl; give --format".into()))?;
    let unreadable = |error: std::io::Error| Error::invalid(format!("{}: {error}", asked.file.display()));
    let file = std::fs::File::open(asked.file).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        let message = format!("{}: longer than {} MiB; import it in parts", asked.file.display(), MAX_FILE >> 20);
        return Err(Error::invalid(message));
    }
    Ok(match format {
        ImportFormat::Csv => People::from_csv(&bytes),
        ImportFormat::Jsonl => People::from_jsonl(&bytes),
    })
}

/// Says everything that is wrong, each with its line.
fn refuse(context: &Context, file: &Path, problems: &[Problem]) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let language = if context.output.json { Language::En } else { language() };
    let said: Vec<Said> = problems.iter().take(MAX_SAID).map(|problem| Said::new(problem, language)).collect();
    if context.output.json {
        context.output.say(&serde_json::json!({ "file": file, "problems": said }), Vec::new)?;
    } else {
        said.iter().for_each(|said| eprintln!("{}:{}: {}", file.display(), said.line, said.message));
        if problems.len() > said.len() {
            eprintln!("{}: ... ({})", file.display(), problems.len() - said.len());
        }
    }
    let count = problems.len().to_string();
    let message = texts::message(Code::ImportRefused, language, &[("count", &count)]);
    Err(Error::refused(Code::ImportRefused, message))
}

fn detail(done: &Imported) -> String {
    format!("{} people, {} keys, {} skipped", done.people, done.keys, done.skipped)
}
