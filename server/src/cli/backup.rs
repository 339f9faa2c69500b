//! `wardkey-server backup`

use std::io::{IsTerminal, Write};

use wardkey_core::code::Code;
use wardkey_core::texts;

use super::args::Backup;
use super::context::Context;
use super::output::language;
use crate::backup::{KeysFor, Made, Making, keys, make};
use crate::error::{Error, Result};
use crate::store::by_its_own_tools;
use crate::texts::{Phrase, Text};

pub async fn backup(context: &Context, asked: Backup) -> Result<()> {
    if context.config.database.is_some() {
        return Err(by_its_own_tools());
    }
    let mut recipients = asked.recipients;
    if let Some(path) = &asked.recipients_file {
        recipients.extend(keys::recipients(path)?);
    }
    let keys = match (recipients.is_empty(), asked.without_keys) {
        (false, _) => KeysFor::Recipients(recipients),
        (true, true) => KeysFor::Nobody,
        (true, false) => {
            let message = texts::phrase(Code::BackupNeedsRecipient, vec![]);
            return Err(Error::refused(Code::BackupNeedsRecipient, message));
        }
    };

    let making = Making {
        store: &context.store,
        keyring: &context.keyring(),
        keys,
        actor: &context.actor,
        now: context.clock.now(),
    };
    let shown = !context.output.json && std::io::stderr().is_terminal();
    let made = make(&making, &asked.to, |done, total| {
        if shown {
            progress(done, total);
        }
    });
    let made = made.await?;
    context.output.say(&made, || lines(&made))?;
    if !made.keys {
        context.output.warn(&[Text::BackupWithoutKeys.into()]);
    }
    Ok(())
}

fn progress(done: u64, total: u64) {
    let megabytes = |bytes: u64| Phrase::from(bytes.div_ceil(1_000_000));
    let line = Text::BackupCopied.with([("done", megabytes(done)), ("total", megabytes(total))]);
    let end = if done == total { "\n" } else { "\r" };
    eprint!("{}{end}", line.say(language()));
    // A terminal that is gone is no reason to stop.
    let _ = std::io::stderr().flush();
}

fn lines(made: &Made) -> Vec<String> {
    let counts = made.contents.counts;
    let done = Text::BackupMade.with([
        ("path", made.path.display().to_string().into()),
        ("megabytes", made.bytes.div_ceil(1_000_000).into()),
    ]);
    let holds = Text::BackupHolds.with([
        ("people", counts.people.into()),
        ("keys", counts.keys.into()),
        ("terminals", counts.terminals.into()),
        ("events", counts.events.into()),
        ("trail", counts.trail.into()),
    ]);
    [done, holds].map(|line| line.say(language())).into()
}
