//! `wardkey-server archive`

use std::io::IsTerminal;
use std::path::Path;

use wardkey_core::code::Code;
use wardkey_core::texts;

use super::args::{Archive, ArchiveCreate, ArchivePrune, ArchiveVerify};
use super::context::Context;
use super::output::Output;
use super::question;
use crate::admin::Listing;
use crate::error::{Error, Result};
use crate::log::archive::{self, Creating, PrunedRecords, Pruning, Whole};
use crate::log::{Trusted, files_refused, public, root_at};
use crate::store::archive::{self as stored, Archive as Row};
use crate::store::setting;
use crate::texts::{Phrase, Text};
use crate::words::time;

pub async fn act(context: &Context, command: Archive) -> Result<()> {
    match command {
        Archive::Create(asked) => create(context, &asked).await,
        Archive::List(paging) => list(context, &paging.request()).await,
        Archive::Show { number } => show(context, number).await,
        Archive::Verify(asked) => verify(context, &asked).await,
        Archive::Prune(asked) => prune(context, &asked).await,
    }
}

async fn create(context: &Context, asked: &ArchiveCreate) -> Result<()> {
    let creating = Creating {
        store: &context.store,
        keyring: &context.keyring(),
        actor: &context.actor,
        now: context.clock.now(),
        reason: asked.reason.as_deref(),
    };
    let done = archive::create(&creating, &asked.to, asked.from, asked.witnessed).await?;
    let said = Text::ArchiveMade.with([
        ("number", done.number.unsigned_abs().into()),
        ("path", shown(&done.whole.path)),
        ("records", done.records.into()),
        ("megabytes", done.whole.bytes.div_ceil(1_000_000).into()),
    ]);
    context.output.done(&done, said)?;
    context.output.remark(Text::ArchiveKeep);
    Ok(())
}

async fn list(context: &Context, request: &crate::store::PageRequest) -> Result<()> {
    let mut tx = context.read().await?;
    let page = stored::page(&mut tx, request).await?;
    let listing = Listing::new(page, |row| row);
    let head = [
        Text::HeadNumber,
        Text::HeadFrom,
        Text::HeadUntilPlace,
        Text::HeadPruned,
        Text::HeadMade,
        Text::HeadFile,
    ];
    context.output.list(&listing, &head, |row: &Row| {
        vec![
            row.number.unsigned_abs().into(),
            row.first.into(),
            row.size.into(),
            row.pruned.into(),
            time(row.made),
            row.path.as_str().into(),
        ]
    })
}

async fn show(context: &Context, number: i64) -> Result<()> {
    let mut tx = context.read().await?;
    let found = stored::find(&mut tx, number).await?;
    let code = Code::ArchiveUnknown;
    let unknown = || texts::phrase(code, vec![("number", number.unsigned_abs().into())]);
    let row = found.ok_or_else(|| Error::refused(code, unknown()))?;
    context.output.say(&row, || {
        context.output.fields(vec![
            (Text::LabelNumber, row.number.unsigned_abs().into()),
            (Text::LabelFile, row.path.as_str().into()),
            (Text::LabelMade, time(row.made)),
            (Text::LabelName, row.origin.as_str().into()),
            (Text::LabelPlaces, places(row.first, row.size)),
            (Text::LabelRoot, row.root.as_str().into()),
            (Text::LabelSha256, row.sha256.as_str().into()),
            (Text::LabelPruned, row.pruned.into()),
        ])
    })
}

/// Checks an archive with a key that was given: neither configuration nor database is looked at.
pub fn verify_alone(asked: &ArchiveVerify, output: Output) -> Result<()> {
    let Some(key) = &asked.key else { return Err(Error::usage(Text::StandsAlone)) };
    let file = archive::open(&asked.file)?;
    say(output, &archive::verify(&asked.file, &file, &Trusted::Log(key))?)
}

/// Checks an archive against the log that is here.
async fn verify(context: &Context, asked: &ArchiveVerify) -> Result<()> {
    let mut tx = context.read().await?;
    let (_, root) = setting::roots(&mut tx).await?;
    let key = public(&context.keyring(), &root)?;
    let file = archive::open(&asked.file)?;
    let whole = archive::verify(&asked.file, &file, &Trusted::Server(&key))?;
    match root_at(&mut tx, whole.size).await? {
        Some(root) if root == whole.head => say(context.output, &whole),
        _ => Err(files_refused(Code::ArchiveOther, &asked.file)),
    }
}

fn say(output: Output, whole: &Whole) -> Result<()> {
    let said = Text::ArchiveVerified.with([
        ("path", shown(&whole.path)),
        ("places", places(whole.first, whole.size)),
        ("origin", whole.origin.as_str().into()),
    ]);
    output.done(whole, said)
}

async fn prune(context: &Context, asked: &ArchivePrune) -> Result<()> {
    let keyring = context.keyring();
    let pruning = |is_rehearsal| Pruning {
        store: &context.store,
        keyring: &keyring,
        actor: &context.actor,
        clock: &context.clock,
        retention: &context.config.retention,
        reason: asked.reason.as_deref(),
        is_rehearsal,
        anyway: asked.anyway,
    };
    let is_asked = !asked.check && !asked.yes && std::io::stdin().is_terminal();
    if is_asked {
        let would = archive::prune(&pruning(true), &asked.file).await?;
        if !asked.anyway {
            would.sent()?;
        }
        unsent(&would).into_iter().for_each(|line| context.output.remark(line));
        eprint!(
            "{}",
            Text::AskPrune.with([("records", would.records.into())]).say(context.output.language)
        );
        let answer = question::answered()?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            let message = texts::phrase(Code::ActNotConfirmed, vec![]);
            return Err(Error::refused(Code::ActNotConfirmed, message));
        }
    }
    let done = archive::prune(&pruning(asked.check), &asked.file).await?;
    if done.changed.is_some() {
        // The answer is the error; people are told what became of the others, too.
        lines(&done).into_iter().for_each(|line| context.output.remark(line));
        return done.verdict();
    }
    context
        .output
        .say(&done, || lines(&done).iter().map(|line| line.say(context.output.language)).collect())
}

fn lines(done: &PrunedRecords) -> Vec<Phrase> {
    let text = if done.rehearsal { Text::WouldPrune } else { Text::PrunedDone };
    let of_class = |name: &str| done.classes.get(name).copied().unwrap_or_default();
    let mut lines = vec![text.with([
        ("records", done.records.into()),
        ("logins", of_class("logins").into()),
        ("administration", of_class("administration").into()),
        ("security", of_class("security").into()),
        ("operation", of_class("operation").into()),
    ])];
    lines.push(Text::PruneKept.with([
        ("due", done.kept.not_due.into()),
        ("compared", done.kept.compared.into()),
        ("witnessed", done.kept.not_witnessed.into()),
    ]));
    lines.extend(unsent(done));
    if done.kept.changed > 0 {
        lines.push(Text::PruneChanged.with([("count", done.kept.changed.into())]));
    }
    if done.records > 0 && !done.rehearsal {
        lines.push(Text::ArchiveKeep.into());
    }
    lines
}

/// Destinations that have not been sent what goes.
fn unsent(done: &PrunedRecords) -> Vec<Phrase> {
    let said = |to: &archive::Unsent| {
        let name = to.destination.as_str().into();
        Text::PruneUnsent.with([("name", name), ("count", to.records.into())])
    };
    done.unsent.iter().map(said).collect()
}

fn places(first: u64, size: u64) -> Phrase {
    Text::Places.with([("first", first.into()), ("last", size.saturating_sub(1).into())])
}

fn shown(path: &Path) -> Phrase {
    path.display().to_string().into()
}
