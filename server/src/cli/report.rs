//! `wardkey-server report`

use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Serialize;
use wardkey_core::time::UnixTime;

use super::args::{Form, Of, Report};
use super::context::Context;
use crate::admin::report::{self, Asked, inventory};
use crate::error::{Error, Result};
use crate::report::{Sheet, Table, coverage, csv, exceptions, html, logins, shared};
use crate::store::setting;
use crate::texts::{Phrase, Text};
use crate::when::shown;

/// A page that was written.
#[derive(Debug, Serialize)]
struct Written {
    /// The file.
    path: PathBuf,
}

pub async fn act(context: &Context, command: Report) -> Result<()> {
    let zone = context.zone();
    let now = context.clock.now();
    let mut tx = context.read().await?;
    match command {
        Report::Logins { of, by, form } => {
            let asked = asked(&of, now, &zone);
            let view = report::logins::logins(&mut tx, &asked, by.map(Into::into)).await?;
            answer(context, &view, logins::sheet(&view, &zone), form).await
        }
        Report::Exceptions { of, form } => {
            let asked = asked(&of, now, &zone);
            let view = report::exceptions::exceptions(&mut tx, &asked).await?;
            answer(context, &view, exceptions::sheet(&view, &zone), form).await
        }
        Report::Inventory { unused, in_scope, form } => {
            let asked = inventory::Asked { scope: in_scope.as_ref(), unused, now };
            let view = inventory::inventory(&mut tx, &asked).await?;
            answer(context, &view, crate::report::inventory::sheet(&view, &zone), form).await
        }
        Report::Coverage { of, form } => {
            let asked = asked(&of, now, &zone);
            let head_seconds = context.config.head_seconds;
            let view = report::coverage::coverage(&mut tx, &asked, head_seconds).await?;
            answer(context, &view, coverage::sheet(&view, &zone), form).await
        }
        Report::SharedAccounts { of, form } => {
            let asked = asked(&of, now, &zone);
            let view = report::shared::shared(&mut tx, &asked).await?;
            answer(context, &view, shared::sheet(&view, &zone), form).await
        }
    }
}

fn asked<'a>(of: &'a Of, now: UnixTime, zone: &'a TimeZone) -> Asked<'a> {
    Asked { from: of.from, to: of.to, scope: of.in_scope.as_ref(), is_alone: false, now, zone }
}

async fn answer(context: &Context, view: &impl Serialize, sheet: Sheet, form: Form) -> Result<()> {
    let output = context.output;
    if let Some(path) = form.html {
        let mut tx = context.read().await?;
        let (_, root) = setting::roots(&mut tx).await?;
        drop(tx);
        let foot = Text::ReportMade.with([
            ("name", root.name.as_str().into()),
            ("time", shown(context.clock.now(), &context.zone()).into()),
            ("version", env!("CARGO_PKG_VERSION").into()),
        ]);
        write(&path, &html::html(&sheet, &foot, output.language))?;
        let said = Text::ReportWritten.with([("path", path.display().to_string().into())]);
        return output.done(&Written { path }, said);
    }

    let named = match &form.table {
        Some(name) => Some(sheet.table(name).ok_or_else(|| no_table(&sheet, name))?),
        None => None,
    };
    if form.csv {
        let Some(table) = named.or(sheet.tables.first()) else { return Ok(()) };
        let reader = csv::Reader::Program { mark: form.bom };
        let lines = csv::Lines { language: output.language, reader };
        return output.print(&csv::csv(table, lines));
    }
    output.say(view, || match named {
        Some(table) => lines_of(context, table),
        None => lines(context, &sheet),
    })
}

fn no_table(sheet: &Sheet, name: &str) -> Error {
    let names: Vec<&str> = sheet.tables.iter().map(|table| table.name).collect();
    let names = ("names", names.join(", ").into());
    Error::usage(Text::ReportNoTable.with([("name", name.into()), names]))
}

/// What a screen has room for.
fn lines(context: &Context, sheet: &Sheet) -> Vec<String> {
    let language = context.output.language;
    let mut lines = vec![sheet.title.say(language)];
    lines.extend(sheet.lines.iter().map(|line| line.say(language)));
    let short = sheet.tables.iter().filter(|table| !table.is_long && !table.rows.is_empty());
    for table in short {
        lines.push(String::new());
        lines.push(table.title.say(language));
        lines.extend(lines_of(context, table));
    }
    lines
}

fn lines_of(context: &Context, table: &Table) -> Vec<String> {
    let say = |cell: &crate::report::Cell| Phrase::from(cell.say(context.output.language));
    let rows: Vec<Vec<Phrase>> =
        table.rows.iter().map(|row| row.iter().map(say).collect()).collect();
    context.output.table(&table.head, &rows)
}

/// Writes a page into a new file and puts it into its place: whoever reads it sees all of it, and
/// nobody else has had it open before.
fn write(path: &Path, page: &str) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = PathBuf::from(partial);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&partial).map_err(Error::at_file(Text::Writing, path))?;
    let written = file
        .set_permissions(Permissions::from_mode(0o600))
        .and_then(|()| file.write_all(page.as_bytes()))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.map_err(Error::at_file(Text::Writing, path))
}
