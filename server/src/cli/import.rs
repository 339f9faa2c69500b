//! `wardkey-server person import`

use std::path::Path;

use super::Context;
use super::args::ImportFormat;
use crate::error::{Error, Result};
use crate::store::audit::{self, Act};
use crate::store::import::{self, Source};

pub async fn import(
    context: &Context,
    file: &Path,
    format: Option<ImportFormat>,
    skip_existing: bool,
    reason: Option<&str>,
) -> Result<()> {
    let format = format.or_else(|| match file.extension()?.to_str()? {
        "csv" => Some(ImportFormat::Csv),
        "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
        _ => None,
    });
    let format = format.ok_or_else(|| Error::Usage("the name does not end in .csv or .jsonl; give --format".into()))?;
    let opened = std::fs::File::open(file).map_err(|error| Error::invalid(format!("{}: {error}", file.display())))?;
    let source = match format {
        ImportFormat::Csv => Source::csv(opened),
        ImportFormat::Jsonl => Source::jsonl(opened),
    };
    let now = context.clock.now();
    let mut tx = context.store.write().await?;
    let done =
        import::import(&mut tx, source, context.config.keys_per_person, skip_existing, now).await.map_err(|error| {
            match error {
                Error::Refused { code, message } => {
                    Error::refused(code, format!("{}: {message}; nothing was imported", file.display()))
                }
                error => error,
            }
        })?;
    let detail = format!("{} people, {} keys, {} skipped", done.people, done.keys, done.skipped);
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    audit::record(&mut tx, now, &context.actor, Act::new("person.import", &name).because(reason).with(&detail)).await?;
    context.commit(tx).await?;
    context.output.say(&done, || vec![detail.clone()])
}
