//! Reports: plots and tables of how often what happened, and what there is; each table as a file.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use jiff::tz::TimeZone;
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use wardkey_core::name::ScopeName;

use crate::api::endpoint::{Asked, Endpoint, Nothing, Part, Route};
use crate::api::perform::{must_have, perform};
use crate::api::reports::{
    Coverage, Exceptions, Inventory, Logins, Now, Period, SharedAccounts, Steps,
};
use crate::api::scopes;
use crate::error::Error;
use crate::report::csv::csv;
use crate::report::{Cell, Plot, Sheet, Table};
use crate::report::{coverage, exceptions, inventory, logins, shared};
use crate::texts::Text as Words;
use crate::web::file;
use crate::web::filter::Filter;
use crate::web::form::{asked_for, asked_of, query_of};
use crate::web::frame::{Frame, file as file_of, or_nothing};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// Rows of a table on a page: a file has all.
const SHOWN: usize = 200;
/// Letters of `2027-03-31T17:30`.
const MINUTE: usize = 16;
/// Letters of `2027-03-31`.
const DAY: usize = 10;
/// Columns of a table that fits a page upright.
const MANY: usize = 8;
/// The most scopes to choose from.
const SCOPES: u32 = 1000;

/// The reports: path, what it is called, what it answers.
const ALL: [(&str, Text, Text); 5] = [
    (Logins::PAGE, Text::ReportLogins, Text::ReportLoginsSays),
    (Exceptions::PAGE, Text::ReportExceptions, Text::ReportExceptionsSays),
    (Inventory::PAGE, Text::ReportInventory, Text::ReportInventorySays),
    (Coverage::PAGE, Text::ReportCoverage, Text::ReportCoverageSays),
    (SharedAccounts::PAGE, Text::ReportShared, Text::ReportSharedSays),
];

/// What is asked of a report.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    from: Option<String>,
    to: Option<String>,
    scope: Option<String>,
    by: Option<String>,
    unused: Option<u64>,
    table: Option<String>,
}

impl Wanted {
    fn period(&self) -> Period {
        let Self { from, to, scope, .. } = self.clone();
        Period { from, to, scope }
    }
}

/// A report that has a page.
pub trait Report: Endpoint<Target = Nothing, Body = Nothing> {
    /// Where it is.
    const PAGE: &'static str;

    /// Its name in that of a file.
    const FILE: &'static str;

    /// Whether it is of a period, and not of now.
    const IS_OF_A_PERIOD: bool = true;

    /// Whether the period is cut into hours or days.
    const HAS_STEPS: bool = false;

    /// What is asked of it.
    fn query(wanted: &Wanted) -> Self::Query;

    /// What it shows.
    fn sheet(view: &Self::View, zone: &TimeZone) -> Sheet;
}

impl Report for Logins {
    const PAGE: &'static str = "/reports/logins";
    const FILE: &'static str = "logins";
    const HAS_STEPS: bool = true;

    fn query(wanted: &Wanted) -> Steps {
        let Wanted { from, to, scope, by, .. } = wanted.clone();
        Steps { from, to, scope, by }
    }

    fn sheet(view: &Self::View, zone: &TimeZone) -> Sheet {
        logins::sheet(view, zone)
    }
}

impl Report for Exceptions {
    const PAGE: &'static str = "/reports/exceptions";
    const FILE: &'static str = "exceptions";

    fn query(wanted: &Wanted) -> Period {
        wanted.period()
    }

    fn sheet(view: &Self::View, zone: &TimeZone) -> Sheet {
        exceptions::sheet(view, zone)
    }
}

impl Report for Inventory {
    const PAGE: &'static str = "/reports/inventory";
    const FILE: &'static str = "inventory";
    const IS_OF_A_PERIOD: bool = false;

    fn query(wanted: &Wanted) -> Now {
        Now { scope: wanted.scope.clone(), unused: wanted.unused }
    }

    fn sheet(view: &Self::View, zone: &TimeZone) -> Sheet {
        inventory::sheet(view, zone)
    }
}

impl Report for Coverage {
    const PAGE: &'static str = "/reports/coverage";
    const FILE: &'static str = "coverage";

    fn query(wanted: &Wanted) -> Period {
        wanted.period()
    }

    fn sheet(view: &Self::View, zone: &TimeZone) -> Sheet {
        coverage::sheet(view, zone)
    }
}

impl Report for SharedAccounts {
    const PAGE: &'static str = "/reports/shared-accounts";
    const FILE: &'static str = "shared-accounts";

    fn query(wanted: &Wanted) -> Period {
        wanted.period()
    }

    fn sheet(view: &Self::View, zone: &TimeZone) -> Sheet {
        shared::sheet(view, zone)
    }
}

/// Which reports there are.
pub async fn index(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    request: Request,
) -> Result<Response, Refusal> {
    must_have(&who.known.grant, Logins::ACT)?;
    let path = asked_for(&request);
    let body = html! {
        @for (path, name, says) in ALL {
            section {
                h2 { a href=(path) { (say.text(name)) } }
                p { (say.text(says)) }
            }
        }
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::Reports), body))
}

/// One of them, or a table of it as a file.
pub async fn show<R: Report>(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(mut wanted): Filter<Wanted>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    must_have(&who.known.grant, R::ACT)?;
    // Whoever is for certain scopes has one of them at a time.
    if wanted.scope.is_none() {
        let own = who.known.grant.scopes();
        wanted.scope = own.and_then(|own| own.first()).map(ScopeName::to_string);
    }

    // Before it has a reader of the store, which others wait for.
    let turn = site.api.report()?;
    let mut look = site.look(&who, "report".into()).await?;
    let part = Part { limit: Some(SCOPES), ..Part::default() };
    let names = Asked::<scopes::List> { target: Nothing {}, query: part, body: Nothing {} };
    let names = perform(&mut look.call, names, None).await?;
    let names: Vec<String> = names.items.into_iter().map(|scope| scope.name).collect();
    let query = R::query(&wanted);
    let asked = Asked::<R> { target: Nothing {}, query, body: Nothing {} };
    let view = perform(&mut look.call, asked, None).await?;
    drop((look, turn));

    let sheet = R::sheet(&view, &say.zone);
    if let Some(name) = &wanted.table {
        let found = sheet.table(name).ok_or_else(|| Error::not_found(Words::NotYours))?;
        let text = csv(found, file::lines(&say));
        let file = format!("{}-{name}", R::FILE);
        let unused = unused(&wanted);
        let asked = query_of(&given(&wanted, unused.as_deref()));
        return file::table(&site, &say, &who, (&file, &asked), text).await;
    }
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    let is_everywhere = who.known.grant.is_everywhere();
    let body = html! {
        (others::<R>(&say, &wanted))
        (form::<R>(&say, &wanted, (&names, is_everywhere)))
        (drawn(&say, &sheet))
        // What is long stands at the end.
        @for is_long in [false, true] {
            @for part in sheet.tables.iter().filter(|part| part.is_long == is_long) {
                (table::<R>(&say, &wanted, part))
            }
        }
    };
    let title = sheet.title.say(say.language);
    Ok(frame.page(&title, body))
}

fn unused(wanted: &Wanted) -> Option<String> {
    wanted.unused.map(|days| days.to_string())
}

fn given<'a>(wanted: &'a Wanted, unused: Option<&'a str>) -> [(&'static str, Option<&'a str>); 5] {
    [
        ("from", wanted.from.as_deref()),
        ("to", wanted.to.as_deref()),
        ("scope", wanted.scope.as_deref()),
        ("by", wanted.by.as_deref()),
        ("unused", unused),
    ]
}

/// The other reports, of the same period and scope.
fn others<R: Report>(say: &Say, wanted: &Wanted) -> Markup {
    let here = |page: &str| (page == R::PAGE).then_some("page");
    let same = [
        ("from", wanted.from.as_deref()),
        ("to", wanted.to.as_deref()),
        ("scope", wanted.scope.as_deref()),
    ];
    html! {
        nav.tabs aria-label=(say.text(Text::Reports)) {
            @for (page, name, _) in ALL {
                a href=(asked_of(page, &same)) aria-current=[here(page)] { (say.text(name)) }
            }
        }
    }
}

fn form<R: Report>(
    say: &Say,
    wanted: &Wanted,
    (scopes, is_everywhere): (&[String], bool),
) -> Markup {
    let is_scope = |name: &str| wanted.scope.as_deref() == Some(name);
    let is_step = |name: &str| wanted.by.as_deref() == Some(name);
    html! {
        form.line.no-print {
            @if R::IS_OF_A_PERIOD {
                label { (say.text(Text::From))
                    input type="date" name="from" value=[wanted.from.as_deref()]; }
                label { (say.text(Text::To))
                    input type="date" name="to" value=[wanted.to.as_deref()]; }
            } @else {
                label { (say.text(Text::UnusedDays))
                    input type="number" name="unused" min="1" max="36500"
                        value=(wanted.unused.unwrap_or(90)); }
            }
            label { (say.text(Text::Scope))
                select name="scope" {
                    @if is_everywhere { option value="" { (say.text(Text::All)) } }
                    @for name in scopes {
                        option value=(name) selected[is_scope(name)] { (name) }
                    }
                } }
            @if R::HAS_STEPS {
                label { (say.text(Text::By))
                    select name="by" {
                        option value="" { (say.text(Text::Fitting)) }
                        option value="hour" selected[is_step("hour")] { (say.text(Text::Hour)) }
                        option value="day" selected[is_step("day")] { (say.text(Text::Day)) }
                    } }
            }
            button { (say.text(Text::Show)) }
        }
    }
}

/// What counts, and the plots.
fn drawn(say: &Say, sheet: &Sheet) -> Markup {
    html! {
        section {
            ul.facts { @for line in &sheet.lines { li { (say.phrase(line)) } } }
        }
        @for plot in sheet.plots.iter().filter(|plot| !plot.is_empty()) {
            section { figure {
                figcaption { (plot.title.say(say.language)) }
                div.wide.plot tabindex="0" role="region"
                    aria-label=(plot.title.say(say.language)) { (svg(say, plot)) }
            } }
        }
    }
}

/// A drawing, which escapes what it says itself. Within a page it needs no name of its language.
fn svg(say: &Say, plot: &Plot) -> Markup {
    PreEscaped(plot.svg(say.language).replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1))
}

fn table<R: Report>(say: &Say, wanted: &Wanted, table: &Table) -> Markup {
    let unused = unused(wanted);
    let mut asked = given(wanted, unused.as_deref()).to_vec();
    asked.push(("table", Some(table.name)));
    let left = table.rows.len().saturating_sub(SHOWN);
    let has_many = table.head.len() > MANY;
    let rows = html! {
        table {
            thead { tr {
                @for (at, name) in table.head.iter().enumerate() {
                    @let class = is_of_numbers(table, at).then_some("number");
                    th scope="col" class=[class] { (name.say(say.language)) }
                }
            } }
            tbody {
                @for row in table.rows.iter().take(SHOWN) {
                    tr {
                        @for (at, cell) in row.iter().enumerate() {
                            @let text = value(say, cell);
                            td class=[class_of(&text, is_of_numbers(table, at))] { (text) }
                        }
                    }
                }
            }
        }
    };
    html! {
        section id=(table.name) class=[has_many.then_some("many")] {
            h2 { (table.title.say(say.language)) }
            (or_nothing(say, table.rows.is_empty(), rows))
            @if left > 0 {
                p { (say.with(Text::RowsLeft, &[("count", &left.to_string())])) }
            }
            @if !table.rows.is_empty() { p.no-print { (file_of(say, R::PAGE, &asked)) } }
        }
    }
}

/// A moment to the minute: the page says the zone.
fn value(say: &Say, cell: &Cell) -> String {
    match cell {
        Cell::Time(time) => time.chars().take(MINUTE).collect::<String>().replace('T', " "),
        cell => cell.say(say.language),
    }
}

/// Whether a column has numbers: they stand at the right, and so does that there is none.
fn is_of_numbers(table: &Table, at: usize) -> bool {
    table.rows.iter().any(|row| row.get(at).is_some_and(Cell::is_number))
}

/// A time or a day stays in one piece.
fn class_of(text: &str, is_of_numbers: bool) -> Option<&'static str> {
    let is_time =
        text.len() >= DAY && text.chars().all(|c| c.is_ascii_digit() || "-: ".contains(c));
    if is_of_numbers { Some("number") } else { is_time.then_some("time") }
}
