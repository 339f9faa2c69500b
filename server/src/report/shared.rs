//! Who used the shared accounts.

use jiff::tz::TimeZone;

use super::plot::{Plot, Shape};
use super::sheet::{COUNTS, Cell, SERIES, Sheet, Table, counts, drawn, of_period};
use crate::admin::report::shared::{AccountView, SharedView, UseView};
use crate::texts::Text;

/// The sheet; times are those of the zone.
pub fn sheet(view: &SharedView, zone: &TimeZone) -> Sheet {
    let mut lines = of_period(&view.period, view.scope.as_deref(), zone);
    let logins: u64 = view.accounts.iter().map(|row| row.counts.logins()).sum();
    let nobody: u64 = view
        .uses
        .iter()
        .filter(|row| row.person.is_none())
        .map(|row| row.counts.refused + row.counts.unproven)
        .sum();
    let accounts = view.accounts.len() as u64;
    lines.push(
        Text::ReportSharedTotal.with([("accounts", accounts.into()), ("logins", logins.into())]),
    );
    lines.push(Text::ReportNobody.with([("count", nobody.into())]));
    lines.push(Text::ReportSharedNow.into());
    lines.push(Text::ReportNotCounted.into());

    let of_account = |row: &AccountView| (row.account.as_str().into(), drawn(&row.counts));
    let by_people = |row: &UseView| {
        let who = row.person.as_deref().map(|person| format!("{person} ({})", row.account));
        who.map(|who| (who.into(), drawn(&row.counts)))
    };
    Sheet {
        title: Text::ReportShared,
        lines,
        plots: vec![
            Plot {
                title: Text::ReportAccounts,
                shape: Shape::Bars,
                series: SERIES.into(),
                points: view.accounts.iter().map(of_account).collect(),
            },
            Plot {
                title: Text::ReportUses,
                shape: Shape::Bars,
                series: SERIES.into(),
                points: view.uses.iter().filter_map(by_people).collect(),
            },
        ],
        tables: tables(view, zone),
    }
}

fn tables(view: &SharedView, zone: &TimeZone) -> Vec<Table> {
    let with =
        |first: &[Text], last: &[Text]| first.iter().chain(&COUNTS).chain(last).copied().collect();
    vec![
        Table {
            name: "uses",
            title: Text::ReportUses,
            head: with(
                &[Text::HeadAccount, Text::HeadPerson, Text::HeadName],
                &[Text::HeadTerminals, Text::HeadFirst, Text::HeadLast],
            ),
            rows: view.uses.iter().map(|row| of_use(row, zone)).collect(),
            is_long: false,
        },
        Table {
            name: "accounts",
            title: Text::ReportAccounts,
            head: with(
                &[Text::HeadAccount, Text::HeadScopes, Text::HeadGroups, Text::HeadPeople],
                &[],
            ),
            rows: view.accounts.iter().map(of_account).collect(),
            is_long: false,
        },
    ]
}

fn of_use(row: &UseView, zone: &TimeZone) -> Vec<Cell> {
    let mut cells = vec![
        row.account.as_str().into(),
        row.person.as_deref().map_or_else(|| Text::ReportNotProven.into(), Cell::from),
        Cell::name(row.name.as_deref()),
    ];
    cells.extend(counts(&row.counts));
    cells.extend([
        Cell::Count(row.terminals),
        Cell::time(row.first, zone),
        Cell::time(row.last, zone),
    ]);
    cells
}

fn of_account(row: &AccountView) -> Vec<Cell> {
    let mut cells = vec![
        row.account.as_str().into(),
        Cell::names(&row.scopes),
        Cell::names(&row.groups),
        row.people.into(),
    ];
    cells.extend(counts(&row.counts));
    cells
}
