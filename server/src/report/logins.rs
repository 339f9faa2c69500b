//! Logins and refusals.

use jiff::tz::TimeZone;
use wardkey_core::code::Code;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::plot::{Plot, Shape};
use super::sheet::{COUNTS, Cell, SERIES, Sheet, Table, counts, decimal, drawn, of_period};
use crate::admin::report::logins::{LoginsView, OfReason, OfScope};
use crate::texts::{Phrase, Text};
use crate::when::{Step, shown_step};

/// The sheet; times are those of the zone.
pub fn sheet(view: &LoginsView, zone: &TimeZone) -> Sheet {
    let step = if view.by == "hour" { Step::Hour } else { Step::Day };
    let time = |begins: u64| shown_step(UnixTime(begins), step, zone);
    let of_scopes = |row: &OfScope| (scope(row.scope.as_deref()), drawn(&row.counts));
    let of_times =
        view.by_time.iter().map(|row| (time(row.begins).into(), drawn(&row.counts))).collect();

    let mut lines = of_period(&view.period, view.scope.as_deref(), zone);
    lines.extend(summary(view));
    Sheet {
        title: Text::ReportLogins,
        lines,
        plots: vec![
            Plot {
                title: if step == Step::Hour { Text::ReportByHour } else { Text::ReportByDay },
                shape: Shape::Columns,
                series: SERIES.into(),
                points: of_times,
            },
            Plot {
                title: Text::ReportByScope,
                shape: Shape::Bars,
                series: SERIES.into(),
                points: view.by_scope.iter().map(of_scopes).collect(),
            },
        ],
        tables: tables(view, step, &time),
    }
}

fn summary(view: &LoginsView) -> Vec<Phrase> {
    let total = &view.total;
    let mut lines = vec![Text::ReportLoginsTotal.with([
        ("logins", total.logins().into()),
        ("key", total.with_key.into()),
        ("pass", total.with_pass.into()),
        ("refused", total.refused.into()),
    ])];
    if let Some(share) = total.two_factors() {
        lines.push(Text::ReportTwoFactors.with([("share", decimal(share).into())]));
    }
    lines.push(Text::ReportWhatCounts.into());
    if view.in_several_scopes > 0 {
        lines.push(Text::ReportSeveral.with([("count", view.in_several_scopes.into())]));
    }
    lines.push(Text::ReportNotCounted.into());
    if total.unproven > 0 {
        lines.push(Text::ReportUnproven.with([("count", total.unproven.into())]));
    }
    lines
}

fn tables(view: &LoginsView, step: Step, time: &impl Fn(u64) -> String) -> Vec<Table> {
    let when = if step == Step::Hour { Text::HeadHour } else { Text::HeadDay };
    let with = |first: &[Text]| first.iter().chain(&COUNTS).copied().collect();
    let row = |first: Vec<Cell>, of| first.into_iter().chain(counts(of)).collect();
    let by_scope = view.by_scope.iter();
    let by_time = view.by_time.iter();
    let both = view.by_scope_and_time.iter();
    let services = view.by_service.iter();
    vec![
        Table {
            name: "scopes-and-times",
            title: if step == Step::Hour {
                Text::ReportByScopeHour
            } else {
                Text::ReportByScopeDay
            },
            head: with(&[when, Text::HeadScope]),
            rows: both
                .map(|of| {
                    let first = vec![time(of.begins).as_str().into(), name(of.scope.as_deref())];
                    row(first, &of.counts)
                })
                .collect(),
            is_long: true,
        },
        Table {
            name: "scopes",
            title: Text::ReportByScope,
            head: with(&[Text::HeadScope]),
            rows: by_scope.map(|of| row(vec![name(of.scope.as_deref())], &of.counts)).collect(),
            is_long: false,
        },
        Table {
            name: "times",
            title: if step == Step::Hour { Text::ReportByHour } else { Text::ReportByDay },
            head: with(&[when]),
            rows: by_time
                .map(|of| row(vec![time(of.begins).as_str().into()], &of.counts))
                .collect(),
            is_long: false,
        },
        Table {
            name: "services",
            title: Text::ReportByService,
            head: with(&[Text::HeadService]),
            rows: services
                .map(|of| row(vec![Cell::name(of.service.as_deref())], &of.counts))
                .collect(),
            is_long: false,
        },
        Table {
            name: "refusals",
            title: Text::ReportRefusals,
            head: vec![Text::HeadReason, Text::HeadRefused, Text::HeadMeaning],
            rows: view.refusals.iter().map(reason).collect(),
            is_long: false,
        },
    ]
}

fn scope(name: Option<&str>) -> Phrase {
    name.map_or_else(|| Text::ReportNoScope.into(), Phrase::from)
}

fn name(scope_name: Option<&str>) -> Cell {
    scope(scope_name).into()
}

fn reason(row: &OfReason) -> Vec<Cell> {
    let said = |code: Code| Cell::Said(texts::phrase(code, Vec::new()));
    let meaning = row.code.map_or(Cell::Nothing, said);
    vec![Cell::name(row.reason.as_deref()), row.refused.into(), meaning]
}
