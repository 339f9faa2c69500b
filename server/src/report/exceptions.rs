//! What is out of the ordinary.

use jiff::tz::TimeZone;

use super::plot::{Plot, Shape};
use super::sheet::{COUNTS, Cell, Sheet, Table, counts, of_period};
use crate::admin::report::exceptions::{ExceptionsView, PassView};
use crate::texts::{Phrase, Text};
use crate::words;

/// The sheet; times are those of the zone.
pub fn sheet(view: &ExceptionsView, zone: &TimeZone) -> Sheet {
    let mut lines = of_period(&view.period, view.scope.as_deref(), zone);
    let of = |kind: &str| {
        let found = view.kinds.iter().find(|row| row.kind == kind);
        found.map_or(0, |row| row.count)
    };
    lines.push(Text::ReportExceptionsTotal.with([
        ("passes", (view.passes.len() as u64).into()),
        ("uses", of("pass-login").into()),
        ("ways", of("way-in-opened").into()),
        ("devices", of("device-suspected").into()),
    ]));
    let offline: u64 = view.stages.iter().map(|row| row.counts.logins()).sum();
    lines.push(Text::ReportOffline.with([("count", offline.into())]));
    if view.stage_unknown > 0 {
        lines.push(Text::ReportStageUnknown.with([("count", view.stage_unknown.into())]));
    }
    if view.scope.is_some() {
        lines.push(Text::ReportActsLeftOut.into());
    }
    lines.push(Text::ReportNotHeard.into());

    let points = view.kinds.iter().filter(|row| row.count > 0);
    let offline = view.stages.iter().filter(|row| row.counts.logins() > 0);
    let of_stage = offline.map(|row| (words::state(row.stage), vec![row.counts.logins()]));
    Sheet {
        title: Text::ReportExceptions,
        lines,
        plots: vec![
            Plot {
                title: Text::ReportKinds,
                shape: Shape::Bars,
                series: vec![Text::HeadCount],
                points: points.map(|row| (kind(row.kind), vec![row.count])).collect(),
            },
            Plot {
                title: Text::ReportStages,
                shape: Shape::Bars,
                series: vec![Text::HeadLogins],
                points: of_stage.collect(),
            },
        ],
        tables: tables(view, zone),
    }
}

fn tables(view: &ExceptionsView, zone: &TimeZone) -> Vec<Table> {
    let of_kind = view.kinds.iter().map(|row| {
        vec![
            kind(row.kind).into(),
            row.count.into(),
            row.terminals.map_or(Cell::Nothing, Cell::Count),
            Cell::time_or_nothing(row.last, zone),
            row.kind.into(),
        ]
    });
    let of_stage = view.stages.iter().map(|row| {
        std::iter::once(Cell::Said(words::state(row.stage))).chain(counts(&row.counts)).collect()
    });
    vec![
        Table {
            name: "kinds",
            title: Text::ReportKinds,
            head: vec![
                Text::HeadKind,
                Text::HeadCount,
                Text::HeadTerminals,
                Text::HeadLast,
                Text::HeadShortName,
            ],
            rows: of_kind.collect(),
            is_long: false,
        },
        Table {
            name: "stages",
            title: Text::ReportStages,
            head: std::iter::once(Text::HeadStage).chain(COUNTS).collect(),
            rows: of_stage.collect(),
            is_long: false,
        },
        Table {
            name: "passes",
            title: Text::ReportPasses,
            head: vec![
                Text::HeadPerson,
                Text::HeadName,
                Text::HeadFrom,
                Text::HeadValidUntil,
                Text::HeadWhere,
                Text::HeadIssuedBy,
                Text::HeadReason,
                Text::HeadLastUsed,
                Text::HeadEnded,
            ],
            rows: view.passes.iter().map(|pass| of_pass(pass, zone)).collect(),
            is_long: false,
        },
    ]
}

fn of_pass(pass: &PassView, zone: &TimeZone) -> Vec<Cell> {
    vec![
        pass.person.as_str().into(),
        pass.name.as_str().into(),
        Cell::time(pass.from, zone),
        Cell::time(pass.until, zone),
        Cell::name(pass.terminal.as_deref().or(pass.scope.as_deref())),
        pass.issued_by.as_str().into(),
        pass.reason.as_str().into(),
        Cell::time_or_nothing(pass.used, zone),
        Cell::time_or_nothing(pass.ended, zone),
    ]
}

fn kind(name: &str) -> Phrase {
    let text = match name {
        "pass.issue" => Text::KindPassIssue,
        "code.issue" => Text::KindCodeIssue,
        "code.withdraw" => Text::KindCodeWithdraw,
        "key.enroll" => Text::KindKeyEnroll,
        "key.suspicion-cleared" => Text::KindSuspicionCleared,
        "terminal.enable" => Text::KindTerminalEnable,
        "terminal.replace" => Text::KindTerminalReplace,
        "clock.confirm" => Text::KindClockConfirm,
        "epoch.raise" => Text::KindEpochRaise,
        "restore" => Text::KindRestore,
        "break-glass.add" => Text::KindSealedAdd,
        "break-glass.used" => Text::KindSealedUsed,
        "break-glass.clear-alarm" => Text::KindSealedClear,
        "break-glass-login" => Text::KindSealedLogin,
        "break-glass-refused" => Text::KindSealedRefused,
        "break-glass-wrong" => Text::KindSealedWrong,
        "break-glass-void" => Text::KindSealedVoid,
        "pass-login" => Text::KindPassLogin,
        "pass-wrong" => Text::KindPassWrong,
        "pass-void" => Text::KindPassVoid,
        "offline" => Text::KindOffline,
        "way-in-opened" => Text::KindWayInOpened,
        "way-in-accepted" => Text::KindWayInAccepted,
        "unlocked-without-key" => Text::KindUnlocked,
        "session-not-locked" => Text::KindNotLocked,
        "device-suspected" => Text::KindDeviceSuspected,
        "clone-suspected" => Text::KindCloneSuspected,
        "locked-out" => Text::KindLockedOut,
        "directory-refused" => Text::KindDirectoryRefused,
        "marks-not-raised" => Text::KindMarksNotRaised,
        "clock-wrong" => Text::KindClockWrong,
        "records-lost" => Text::KindRecordsLost,
        "state-set-aside" => Text::KindStateSetAside,
        "evidence-invalid" => Text::KindEvidenceInvalid,
        "log-contradicted" => Text::KindLogContradicted,
        "ca.prepare" => Text::KindCaPrepare,
        "ca.retire" => Text::KindCaRetire,
        "ca.rotate" => Text::KindCaRotate,
        "ca.stolen" => Text::KindCaStolen,
        "publish-key.rotate" => Text::KindPublishKeyRotate,
        "publish-key.stolen" => Text::KindPublishKeyStolen,
        "root-key.export" => Text::KindRootKeyExport,
        "address.set" => Text::KindAddressSet,
        "address.retire" => Text::KindAddressRetire,
        "root-key.lost" => Text::KindRootKeyLost,
        "root-key.rotate" => Text::KindRootKeyRotate,
        "token.reused" => Text::KindTokenReused,
        "terminal.replace-refused" => Text::KindReplaceRefused,
        "terminal.conflict" => Text::KindTerminalConflict,
        "terminal.quota" => Text::KindTerminalQuota,
        "scope.halt" => Text::KindScopeHalt,
        "event.set-aside" => Text::KindEventSetAside,
        "key.clone-suspected" => Text::KindKeyCloneSuspected,
        "clock.refused" => Text::KindClockRefused,
        other => return other.into(),
    };
    text.into()
}
