//! `wardkey-server log`

use std::path::Path;

use serde::Serialize;
use wardkey_core::codec::List;
use wardkey_core::document::MAX_ROOTS;
use wardkey_core::log_keys::ReplacedLogKey;
use wardkey_core::time::UnixTime;
use wardkey_tlog::Verifier;

use super::args::{Log, LogCheck};
use super::context::Context;
use super::output::Output;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keyring::Keyring;
use crate::log::{self, Checked, CosignedBy, Cosigners, ProvedRecord, Trusted, Witnessed};
use crate::store::{Store, setting};
use crate::texts::{Phrase, Text};
use crate::words::{dash, time};

pub async fn act(context: &Context, command: Log) -> Result<()> {
    let (output, store, keyring) = (context.output, &context.store, context.keyring());
    let now = context.clock.now();
    match command {
        Log::Show => {
            let shown = log::witnessed(store, &keyring, now).await?;
            output.say(&shown, || output.fields(fields(&shown)))
        }
        Log::Checkpoint { witnessed } => {
            let log = log::checkpoint(store, &keyring, now, witnessed).await?;
            // The note ends with a newline, as an answer does.
            let note = log.checkpoint.trim_end_matches('\n');
            output.hand_out(&log, note, &[Text::LogKeepCheckpoint.into()])
        }
        Log::Export { to } => {
            let done = log::export(store, &keyring, now, &to).await?;
            let said = Text::LogExported.with([
                ("path", shown(&done.path)),
                ("size", done.log.size.into()),
                ("before", done.before.into()),
            ]);
            output.done(&done, said)
        }
        Log::Prove { record, archive } => {
            let proved = log::prove(store, &keyring, now, &record, archive.as_deref()).await?;
            let proof = proved.proof.trim_end_matches('\n');
            output.hand_out(&proved, proof, &[Text::LogProofHoldsRecord.into()])
        }
        Log::Verify => {
            let verified = log::verify(store, &keyring).await?;
            let said = Text::LogVerified.with([
                ("size", verified.size.into()),
                ("waiting", verified.waiting.into()),
                ("pruned", verified.pruned.into()),
            ]);
            output.done(&verified, said)
        }
        Log::Check(_) => Err(Error::usage(Text::StandsAlone)),
    }
}

fn fields(shown: &Witnessed) -> Vec<(Text, Phrase)> {
    let (log, witnesses) = (&shown.log, &shown.witnesses);
    vec![
        (Text::LabelName, log.origin.as_str().into()),
        (Text::LabelRecords, log.size.into()),
        (Text::LabelRoot, log.root.as_str().into()),
        (Text::LabelLastSigned, time(log.signed)),
        (Text::LabelKey, log.verifier.as_str().into()),
        (Text::LabelWitnessedHour, cosigners(&witnesses.hour)),
        (Text::LabelWitnessedDay, cosigners(&witnesses.day)),
    ]
}

fn cosigners(of: &Cosigners) -> Phrase {
    match (of.least, of.greatest) {
        (Some(least), Some(greatest)) => Text::LogWitnessedBy.with([
            ("count", of.terminals.into()),
            ("least", least.into()),
            ("greatest", greatest.into()),
        ]),
        _ => Text::LogWitnessedByNone.into(),
    }
}

/// Checks an export or a proof. Where a key is given, neither configuration nor database is looked
/// at: an auditor has none.
pub async fn check(config: &Path, asked: &LogCheck, output: Output) -> Result<()> {
    let (own, stolen);
    let trusted = match &asked.key {
        Some(key) => {
            stolen = List::default();
            Trusted::Log(key)
        }
        None => {
            (own, stolen) = of_this_server(&Config::read(config)?).await?;
            Trusted::Server(&own)
        }
    };
    if asked.from.is_file() {
        if asked.since.is_some() {
            return Err(Error::usage(Text::LogProofAlone));
        }
        let proved = log::check_proof(&asked.from, &trusted)?;
        return output.say(&proved, || output.fields(fields_of(&proved)));
    }

    let since = asked.since.as_deref().map(|path| (path, asked.since_key.as_ref()));
    let checked = log::check(&asked.from, &trusted, since, &stolen)?;
    let cosigned = match &asked.since {
        Some(since) => log::cosigned(since, &asked.witnesses)?,
        None => Vec::new(),
    };
    let checked = AndCosigned { checked, cosigned };
    output
        .say(&checked, || lines(&checked).iter().map(|line| line.say(output.language)).collect())?;
    let checked = &checked.checked;
    let renamed = checked.since.iter().filter(|since| since.origin != checked.origin);
    let mut warnings: Vec<Phrase> = renamed
        .map(|since| Text::LogRenamed.with([("origin", since.origin.as_str().into())]))
        .collect();
    let stolen = checked.since.iter().filter_map(|since| since.key_stolen);
    warnings
        .extend(stolen.map(|time| {
            Text::LogKeyWasStolen.with([("time", UnixTime(time).to_rfc3339().into())])
        }));
    output.warn(&warnings);
    Ok(())
}

/// The key by which this server signs the log, and those that were stolen before it.
async fn of_this_server(config: &Config) -> Result<(Verifier, List<ReplacedLogKey, MAX_ROOTS>)> {
    let store = Store::open(config.place()?).await?;
    let read = async {
        let mut tx = store.read().await?;
        let (_, root) = setting::roots(&mut tx).await?;
        let key = log::public(&Keyring::at(&config.keys), &root)?;
        Ok((key, log::replaced_keys(&mut tx).await?))
    };
    let read = read.await;
    store.close().await;
    read
}

fn fields_of(proved: &ProvedRecord) -> Vec<(Text, Phrase)> {
    vec![
        (Text::LabelName, proved.origin.as_str().into()),
        (Text::LabelRecords, proved.size.into()),
        (Text::LabelNumber, proved.number.into()),
        (Text::LabelReceived, time(proved.received)),
        (Text::LabelTerminal, proved.terminal.as_str().into()),
        (Text::LabelRecord, dash(proved.line.as_deref())),
    ]
}

/// An export, and who cosigned the checkpoint from which it goes on.
#[derive(Serialize)]
struct AndCosigned {
    #[serde(flatten)]
    checked: Checked,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cosigned: Vec<CosignedBy>,
}

fn lines(AndCosigned { checked, cosigned }: &AndCosigned) -> Vec<Phrase> {
    let mut lines = vec![Text::LogChecked.with([
        ("path", shown(&checked.path)),
        ("size", checked.size.into()),
        ("origin", checked.origin.as_str().into()),
    ])];
    if checked.pruned > 0 {
        lines.push(Text::LogHasPruned.with([("count", checked.pruned.into())]));
    }
    if let Some(since) = &checked.since {
        lines.push(
            Text::LogGoesOn.with([("path", shown(&since.path)), ("size", since.size.into())]),
        );
    }
    lines.extend(cosigned.iter().map(|by| {
        Text::LogCosigned.with([("name", by.name.as_str().into()), ("time", time(by.time))])
    }));
    lines
}

fn shown(path: &Path) -> Phrase {
    path.display().to_string().into()
}
