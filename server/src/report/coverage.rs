//! Terminals.

use jiff::tz::TimeZone;

use super::plot::{Plot, Shape};
use super::sheet::{Cell, Sheet, Table, of_period};
use crate::admin::report::coverage::{CoverageView, CoveredView, VersionView};
use crate::texts::{Phrase, Text};
use crate::words;

/// The sheet; times are those of the zone.
pub fn sheet(view: &CoverageView, zone: &TimeZone) -> Sheet {
    let total = &view.total;
    let mut lines = of_period(&view.period, view.scope.as_deref(), zone);
    lines.extend([
        Text::ReportTerminalsTotal.with([
            ("active", total.active.into()),
            ("pending", total.pending.into()),
            ("revoked", total.revoked.into()),
        ]),
        Text::ReportTerminalsUsed.with([
            ("used", total.with_logins.into()),
            ("offline", total.offline.into()),
            ("ways", total.with_ways_in.into()),
        ]),
        Text::ReportCoverageSays.into(),
    ]);

    let active = || view.terminals.iter().filter(|row| row.terminal.status == "active");
    let stages = ["online", "soft", "degraded", "hard", "over"].map(|name| {
        let count = active().filter(|row| row.terminal.stage == Some(name)).count();
        (words::state(name), vec![count as u64])
    });
    let of_version = |row: &VersionView| (version(row.version.as_deref()), vec![row.terminals]);
    Sheet {
        title: Text::ReportCoverage,
        lines,
        plots: vec![
            Plot {
                title: Text::ReportTerminalStages,
                shape: Shape::Bars,
                series: vec![Text::HeadTerminals],
                points: stages.into(),
            },
            Plot {
                title: Text::ReportVersions,
                shape: Shape::Bars,
                series: vec![Text::HeadTerminals],
                points: view.versions.iter().map(of_version).collect(),
            },
        ],
        tables: vec![
            Table {
                name: "terminals",
                title: Text::ReportTerminals,
                head: vec![
                    Text::HeadTerminal,
                    Text::HeadScopes,
                    Text::HeadStatus,
                    Text::HeadVersion,
                    Text::HeadStage,
                    Text::HeadSeen,
                    Text::HeadWithKey,
                    Text::HeadWithPass,
                    Text::HeadRefused,
                    Text::HeadLastLogin,
                    Text::HeadOffline,
                    Text::HeadWaysOpened,
                    Text::HeadWaysAccepted,
                ],
                rows: view.terminals.iter().map(|row| of_terminal(row, zone)).collect(),
                is_long: false,
            },
            Table {
                name: "versions",
                title: Text::ReportVersions,
                head: vec![Text::HeadVersion, Text::HeadTerminals],
                rows: view
                    .versions
                    .iter()
                    .map(|row| vec![version(row.version.as_deref()).into(), row.terminals.into()])
                    .collect(),
                is_long: false,
            },
        ],
    }
}

fn of_terminal(row: &CoveredView, zone: &TimeZone) -> Vec<Cell> {
    let terminal = &row.terminal;
    vec![
        terminal.name.as_str().into(),
        Cell::names(&terminal.scopes),
        words::state(terminal.status).into(),
        Cell::name(terminal.version.as_deref()),
        terminal.stage.map_or(Cell::Nothing, |name| words::state(name).into()),
        Cell::time_or_nothing(terminal.seen, zone),
        row.counts.with_key.into(),
        row.counts.with_pass.into(),
        row.counts.refused.into(),
        Cell::time_or_nothing(row.last_login, zone),
        row.offline.into(),
        row.ways_in_opened.into(),
        row.ways_in_accepted.into(),
    ]
}

fn version(name: Option<&str>) -> Phrase {
    name.map_or_else(|| Text::ReportNotSaid.into(), Phrase::from)
}
