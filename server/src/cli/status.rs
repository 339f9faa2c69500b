//! `wardkey-server status`

use super::context::Context;
use crate::error::Result;
use crate::serve;
use crate::texts::{Phrase, Text};
use crate::watch::{self, DestinationView, Severity, Sources, StatusView};
use crate::words::{time, time_or_never};

pub async fn status(context: &Context) -> Result<()> {
    let running = serve::state(&context.config.store);
    let keyring = context.keyring();
    let sources = Sources { config: &context.config, keyring: &keyring };
    let view = watch::show(&context.store, sources, &context.clock, running).await?;
    context.output.say(&view, || {
        let mut lines = context.output.fields(fields(&view));
        if !view.reasons.is_empty() {
            lines.push(String::new());
        }
        lines.extend(view.reasons.iter().map(|reason| {
            let text = match reason.severity {
                Severity::Critical => Text::ReasonCritical,
                Severity::Warning => Text::ReasonWarning,
            };
            let code = reason.code.to_string().into();
            let said = text.with([("what", reason.message.clone()), ("code", code)]);
            said.say(context.output.language)
        }));
        lines
    })
}

/// What waits for a destination of records, since when, and why.
fn destination(of: &DestinationView) -> Phrase {
    let name = of.name.as_str().into();
    let waiting = Text::RecordsWaiting.with([("name", name), ("count", of.waiting.into())]);
    let since = of.since.map(|since| Text::OldestSince.with([("time", time(since))]));
    let lost = of.refused.saturating_add(of.pruned);
    let lost = (lost > 0).then(|| Text::RecordsLost.with([("count", lost.into())]));
    let why = of.why.clone().map(|why| {
        let since = time(of.failed.unwrap_or_default());
        Text::LastError.with([("time", since), ("why", why)])
    });
    let all = std::iter::once(waiting).chain(since).chain(lost).chain(why);
    Phrase::joined(all.collect(), "; ")
}

fn fields(view: &StatusView) -> Vec<(Text, Phrase)> {
    let megabytes = |bytes: u64| Text::Megabytes.with([("count", (bytes / 1_000_000).into())]);
    let server = if view.running { Text::ServerRuns } else { Text::ServerStopped };
    let halted = view.scopes.iter().filter(|scope| scope.halted).count() as u64;
    let scopes = (view.scopes.len() as u64).into();
    let clock = view.clock.map_or_else(|| Text::Plausible.into(), |trouble| trouble.phrase());
    let mut fields: Vec<(Text, Phrase)> = vec![
        (Text::LabelDeployment, view.deployment.as_str().into()),
        (Text::LabelServer, server.into()),
        (Text::LabelVersion, view.version.into()),
        (Text::LabelClock, clock),
        (
            Text::LabelScopes,
            Text::ScopesCounted.with([("count", scopes), ("halted", halted.into())]),
        ),
    ];
    if let Some(terminals) = &view.terminals {
        let counted = Text::TerminalsCounted.with([
            ("active", terminals.active.into()),
            ("pending", terminals.pending.into()),
            ("silent", terminals.silent.into()),
        ]);
        fields.push((Text::LabelTerminals, counted));
    }
    fields.push((Text::LabelBackup, time_or_never(view.backup)));
    fields.push((Text::LabelArchive, time_or_never(view.archive)));
    if let Some(bytes) = view.database_bytes {
        fields.push((Text::LabelStore, megabytes(bytes)));
    }
    if let Some(bytes) = view.disk_free_bytes {
        fields.push((Text::LabelFree, megabytes(bytes)));
    }
    if let Some(until) = view.certificate_until {
        fields.push((Text::LabelCertificate, Text::Until.with([("time", time(until))])));
    }
    let ends = [(Text::LabelCa, view.ca_until), (Text::LabelCaPrepared, view.prepared_ca_until)];
    for (label, until) in ends {
        let until = until.map(|until| Text::Until.with([("time", time(until))]));
        fields.extend(until.map(|until| (label, until)));
    }
    fields.extend(view.destinations.iter().map(|one| (Text::LabelRecordsTo, destination(one))));
    if let Some(administration) = &view.administration {
        let address: Phrase = administration.listen.as_str().into();
        let said = if administration.served {
            address
        } else {
            Text::NotServed.with([("address", address)])
        };
        fields.push((Text::LabelAdministration, said));
    }
    if let Some(here) = view.root_key_here {
        let place = if here { Text::RootKeyHere } else { Text::RootKeyElsewhere };
        fields.push((Text::LabelRootKey, place.into()));
    }
    fields
}
