//! `wardkey doctor`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use wardkey_core::code::{Code, Notice};
use wardkey_core::exit::Exit;
use wardkey_core::message::agent::{Request, WayIn};
use wardkey_core::texts;

use crate::args::DoctorOptions;
use crate::context::Context;
use crate::doctor::{self, Acceptance, Accepted};
use crate::error::CliError;
use crate::files;
use crate::finding::{Finding, Level, MAX_REASON};
use crate::output::Output;
use crate::peers::Agent;
use crate::texts::Text;

/// How long the agent may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Runs the command; the exit status: 1 when something was found that nobody has accepted.
pub(crate) fn doctor(
    context: &mut Context<'_, '_>,
    options: &DoctorOptions,
) -> Result<(Output, Exit), CliError> {
    if let (Some(subject), Some(reason)) = (&options.accept, &options.reason) {
        return accept(context, subject, reason).map(|output| (output, Exit::Done));
    }
    let (findings, administrators) = doctor::everything(context);
    if options.record {
        doctor::record(context, &findings)?;
    }
    let exit = if findings.iter().any(Finding::matters) { Exit::Refused } else { Exit::Done };
    Ok((shown(context, &findings, &administrators), exit))
}

fn accept(context: &mut Context<'_, '_>, subject: &str, reason: &str) -> Result<Output, CliError> {
    if !context.env.root {
        return Err(CliError::new(Code::NeedsRoot));
    }
    let reason = reason.trim();
    if reason.is_empty()
        || reason.chars().count() > MAX_REASON
        || reason.chars().any(char::is_control)
    {
        return Err(CliError::invalid(Text::ReasonOfOneLine));
    }
    let path = context.env.places.accepted.clone();
    let mut accepted = Accepted::read(&path, context.env.files_owner)?;
    let (findings, _) = doctor::everything(context);
    let about: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.subject == subject && finding.level != Level::Note)
        .collect();
    let Some(first) = about.first() else {
        return Err(CliError::about(Code::NothingToAccept, "subject", subject));
    };
    let ways = about.iter().flat_map(|finding| finding.accepted_as()).collect();
    let by = std::env::var("SUDO_USER")
        .ok()
        .filter(|name| !name.is_empty() && name.len() <= 64)
        .unwrap_or("root".into());
    accepted.add(subject, Acceptance { reason: reason.into(), by, time: doctor::now(), ways });
    files::replace(&path, accepted.to_text().as_bytes())?;
    // The file says so; that the agent is not there must not keep an administrator from a repair.
    let way = WayIn {
        code: first.code,
        subject: subject.into(),
        detail: None,
        accepted: Some(reason.into()),
    };
    let told = Agent::connect(context)
        .and_then(|mut agent| agent.ask(&Request::WayIn(way), ANSWER))
        .is_ok();
    let text = texts::with_code(Notice::WayAccepted, context.language, &[("subject", subject)]);
    Ok(Output { text, json: json!({ "accepted": subject, "recorded": told }) })
}

fn shown(
    context: &Context<'_, '_>,
    findings: &[Finding],
    administrators: &BTreeMap<String, Vec<String>>,
) -> Output {
    let open = findings.iter().filter(|finding| finding.matters()).count();
    let mut text = findings
        .iter()
        .map(|finding| finding.in_words(context.language))
        .collect::<Vec<_>>()
        .join("\n");
    if !text.is_empty() {
        text += "\n\n";
    }
    if !administrators.is_empty() {
        let places = administrators
            .iter()
            .map(|(service, names)| format!("{service} ({})", names.join(", ")));
        text +=
            &format!("{}: {}\n", context.text(Text::WaysIn), places.collect::<Vec<_>>().join("; "));
    }
    text += &match open {
        0 => texts::with_code(Notice::NoWayIn, context.language, &[]),
        count => texts::with_code(
            Notice::WaysInFound,
            context.language,
            &[("count", &count.to_string())],
        ),
    };
    let json = json!({
        "open": findings.iter().filter(|finding| finding.is_open()).count(),
        "findings": findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        "administrators": administrators,
    });
    Output { text, json }
}
