//! What happened: records of terminals, and the trail of administration.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

use crate::admin::event::EventView;
use crate::api::endpoint::{Asked, Nothing};
use crate::api::perform::perform;
use crate::api::records::{Events, Rows, Trail, Which};
use crate::report::Cell;
use crate::store::audit::Entry;
use crate::web::file::{self, PART};
use crate::web::filter::Filter;
use crate::web::form::{asked_for, query_of};
use crate::web::frame::{Frame, next, or_nothing, state};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// Records, newest first.
pub async fn events(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Which>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let wanted = query.clone();
    let given = given_of(&wanted);
    let mut look = site.look(&who, format!("events\n{}", query_of(&given))).await?;
    let asked = Asked::<Events> { target: Nothing {}, query, body: Nothing {} };
    let events = perform(&mut look.call, asked, None).await?;

    let value =
        |name: &str| given.iter().find(|(own, _)| *own == name).and_then(|(_, value)| *value);
    let body = html! {
        form.line.no-print {
            label { (say.text(Text::Person))
                input name="person" size="16" value=[value("person")]; }
            label { (say.text(Text::Since))
                input type="date" name="since" value=[value("since")]; }
            label { (say.text(Text::Outcome))
                select name="outcome" {
                    option value="" { (say.text(Text::All)) }
                    @for word in ["success", "failure"] {
                        option value=(word) selected[value("outcome") == Some(word)] {
                            (say.word(word))
                        }
                    }
                } }
            button { (say.text(Text::Search)) }
        }
        section { (table(&say, &events.items)) }
        (next(&say, "/events", &given, events.next.as_deref()))
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::Records), body))
}

/// Records as a file.
pub async fn events_file(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let list = file::List::<Events, EventView> {
        name: "records",
        asked: query_of(&given_of(&query)),
        head: &[
            Text::Time,
            Text::Received,
            Text::Event,
            Text::Outcome,
            Text::Code,
            Text::Meaning,
            Text::Proof,
            Text::Person,
            Text::Account,
            Text::Terminal,
            Text::Service,
            Text::Fingerprint,
        ],
        part: Box::new(move |after| Which { after, limit: Some(PART), ..query.clone() }),
        row: |say, EventView { event, .. }| {
            let moment = |time: i64| say.moment(u64::try_from(time).unwrap_or_default());
            let meaning = event.reason.as_deref().map(|reason| say.code(reason));
            vec![
                moment(event.time),
                moment(event.received),
                event.event.as_str().into(),
                say.state(&event.outcome),
                Cell::name(event.reason.as_deref()),
                Cell::name(meaning.as_deref()),
                say.state(&event.evidence),
                Cell::name(event.person.as_deref()),
                Cell::name(event.account.as_deref()),
                event.terminal_name.as_str().into(),
                Cell::name(event.service.as_deref()),
                Cell::name(event.key.as_deref()),
            ]
        },
    };
    file::list(site, say, (headers, who), list).await
}

fn given_of(query: &Which) -> [(&'static str, Option<&str>); 7] {
    [
        ("person", query.person.as_deref()),
        ("terminal", query.terminal.as_deref()),
        ("event", query.event.as_deref()),
        ("outcome", query.outcome.as_deref()),
        ("since", query.since.as_deref()),
        ("search", query.search.as_deref()),
        ("invalid", query.invalid.filter(|invalid| *invalid).map(|_| "true")),
    ]
}

/// Records as a table.
pub fn table(say: &Say, events: &[EventView]) -> Markup {
    let rows = html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Time)) }
                th scope="col" { (say.text(Text::Event)) }
                th scope="col" { (say.text(Text::Outcome)) }
                th scope="col" { (say.text(Text::Person)) }
                th scope="col" { (say.text(Text::Terminal)) }
                th scope="col" { (say.text(Text::Service)) }
            } }
            tbody {
                @for EventView { event, .. } in events {
                    tr {
                        td.time { (say.time(u64::try_from(event.time).unwrap_or_default())) }
                        td { (event.event) }
                        td {
                            (state(say, &event.outcome))
                            @if event.evidence == "invalid" {
                                " " span.state.bad { (say.text(Text::Unproven)) }
                            }
                            @if let Some(reason) = &event.reason {
                                div.quiet { (reason) " " (say.code(reason)) }
                            }
                        }
                        td.id {
                            @if let Some(person) = &event.person {
                                a href={ "/people/" (person) } { (person) }
                            } @else { "–" }
                        }
                        td { a href={ "/terminals/" (event.terminal) } { (event.terminal_name) } }
                        td { (event.service.as_deref().unwrap_or("–")) }
                    }
                }
            }
        }
    };
    or_nothing(say, events.is_empty(), rows)
}

/// The trail, newest first.
pub async fn trail(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Rows>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let wanted = query.clone();
    let given = rows_of(&wanted);
    let mut look = site.look(&who, format!("trail\n{}", query_of(&given))).await?;
    let asked = Asked::<Trail> { target: Nothing {}, query, body: Nothing {} };
    let rows = perform(&mut look.call, asked, None).await?;

    let body = html! {
        form.line.no-print {
            label { (say.text(Text::Object))
                input name="object" size="24" value=[wanted.object.as_deref()]; }
            button { (say.text(Text::Search)) }
        }
        section { (or_nothing(&say, rows.items.is_empty(), acts(&say, &rows.items))) }
        (next(&say, "/trail", &given, rows.next.as_deref()))
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::Trail), body))
}

/// The trail as a file.
pub async fn trail_file(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Rows>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let list = file::List::<Trail, Entry> {
        name: "trail",
        asked: query_of(&rows_of(&query)),
        head: &[
            Text::Number,
            Text::Time,
            Text::Actor,
            Text::Act,
            Text::Object,
            Text::Reason,
            Text::Detail,
        ],
        part: Box::new(move |after| Rows { after, limit: Some(PART), ..query.clone() }),
        row: |say, row| {
            vec![
                Cell::Count(row.seq.unsigned_abs()),
                say.moment(u64::try_from(row.time).unwrap_or_default()),
                row.actor.as_str().into(),
                row.action.as_str().into(),
                row.object.as_str().into(),
                Cell::name(row.reason.as_deref()),
                Cell::name(row.detail.as_deref()),
            ]
        },
    };
    file::list(site, say, (headers, who), list).await
}

fn rows_of(query: &Rows) -> [(&'static str, Option<&str>); 2] {
    [("object", query.object.as_deref()), ("search", query.search.as_deref())]
}

fn acts(say: &Say, rows: &[Entry]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Number)) }
                th scope="col" { (say.text(Text::Time)) }
                th scope="col" { (say.text(Text::Actor)) }
                th scope="col" { (say.text(Text::Act)) }
                th scope="col" { (say.text(Text::Object)) }
                th scope="col" { (say.text(Text::Reason)) }
                th scope="col" { (say.text(Text::Detail)) }
            } }
            tbody {
                @for row in rows {
                    tr {
                        td { (row.seq) }
                        td.time { (say.time(u64::try_from(row.time).unwrap_or_default())) }
                        td { (row.actor) }
                        td { (row.action) }
                        td { (row.object) }
                        td { (row.reason.as_deref().unwrap_or("")) }
                        td { (row.detail.as_deref().unwrap_or("")) }
                    }
                }
            }
        }
    }
}
