//! Notices: each reason that begins or ends is a line in the log, and the administrator's command
//! is told of it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use super::checks::{Reason, Severity};
use super::hook;
use super::status::{Readiness, ReasonView};
use super::watched::Watched;

/// How often it is looked; at once where a sealed code was used.
const EVERY: Duration = Duration::from_secs(30);
/// How long the command may run.
const LONGEST: Duration = Duration::from_secs(30);

/// What the command is told: one JSON object on its standard input.
#[derive(Debug, Serialize)]
struct Notice {
    /// When, Unix seconds.
    time: u64,
    /// Reasons that were not there when it was looked last.
    began: Vec<ReasonView>,
    /// Reasons that were there then.
    ended: Vec<ReasonView>,
    /// How it is now.
    #[serde(flatten)]
    readiness: Readiness,
}

/// Looks until told to stop. What is so when the server starts has begun.
pub async fn follow(watched: Arc<Watched>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // What the log says, and what the command was told.
    let (mut said, mut told) = (Vec::new(), Vec::new());
    while !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => {}
            () = watched.counters.alarmed() => watched.latest.forget().await,
            _ = stop.changed() => break,
        }
        let now = watched.reasons().await;
        begun(&now, &said).into_iter().for_each(log);
        for reason in missing(&said, &now) {
            tracing::info!(code = %reason.code, "it is over: {}", reason.message);
        }
        said.clone_from(&now);

        let (began, ended) = (begun(&now, &told), missing(&told, &now));
        if began.is_empty() && ended.is_empty() {
            told.clone_from(&now);
            continue;
        }
        let notice = Notice {
            time: watched.clock.now().0,
            began: began.into_iter().map(ReasonView::from).collect(),
            ended: ended.into_iter().map(ReasonView::from).collect(),
            readiness: Readiness::of(&now),
        };
        // A command that failed is told the next time.
        if tell(watched.config.watch.notify.clone(), &notice, stop.clone()).await {
            told = now;
        }
    }
}

/// Reasons that were not there before, or happened again since.
fn begun<'a>(now: &'a [Reason], before: &[Reason]) -> Vec<&'a Reason> {
    let is_known = |reason: &Reason| {
        before.iter().any(|known| known.code == reason.code && known.times >= reason.times)
    };
    now.iter().filter(|reason| !is_known(reason)).collect()
}

/// Reasons of the first that the second lacks; a number that changes is no other reason.
fn missing<'a>(of: &'a [Reason], others: &[Reason]) -> Vec<&'a Reason> {
    of.iter().filter(|reason| others.iter().all(|other| other.code != reason.code)).collect()
}

fn log(reason: &Reason) {
    let code = reason.code;
    match reason.severity {
        Severity::Critical => tracing::error!(%code, "{}", reason.message),
        Severity::Warning => tracing::warn!(%code, "{}", reason.message),
    }
}

/// Tells the command, and waits for its end; whether it was told, or there is none.
async fn tell(command: Vec<String>, notice: &Notice, stop: watch::Receiver<bool>) -> bool {
    if command.is_empty() {
        return true;
    }
    let text = match serde_json::to_vec(notice) {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a notice");
            return false;
        }
    };
    let run = tokio::task::spawn_blocking(move || hook::run(&command, &text, LONGEST, &stop));
    match run.await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::warn!(%error, "the command of \"notify\" was not told"),
        Err(error) => tracing::error!(%error, "the command of \"notify\""),
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardkey_core::code::Code;

    #[test]
    fn a_number_that_changes_is_no_news() {
        let reason = |code, message: &str| Reason {
            code,
            severity: Severity::Warning,
            message: message.into(),
            times: None,
        };
        let before = [reason(Code::BackupOld, "48"), reason(Code::DiskLow, "5")];
        let now = [reason(Code::BackupOld, "49"), reason(Code::KeysSuspected, "1")];
        let codes = |all: Vec<&Reason>| all.iter().map(|reason| reason.code).collect::<Vec<_>>();
        assert_eq!(codes(missing(&now, &before)), [Code::KeysSuspected]);
        assert_eq!(codes(missing(&before, &now)), [Code::DiskLow]);
    }

    #[test]
    fn what_happens_again_is_news_though_it_was_told() {
        let alarm = |times| Reason {
            code: Code::BreakGlassAlarm,
            severity: Severity::Warning,
            message: "used".into(),
            times: Some(times),
        };
        assert_eq!(begun(&[alarm(2)], &[alarm(1)]).len(), 1, "while the first alarm is open");
        assert_eq!(begun(&[alarm(1)], &[alarm(1)]).len(), 0);
        assert_eq!(begun(&[alarm(1)], &[alarm(2)]).len(), 0, "one of two was looked into");
        assert_eq!(missing(&[alarm(1)], &[alarm(2)]).len(), 0, "and none has ended");
    }
}
