//! What happened: records of terminals, and the trail of administration.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use maud::{Markup, html};

use crate::admin::event::EventView;
use crate::api::endpoint::{Asked, Nothing};
use crate::api::perform::perform;
use crate::api::records::{Events, Rows, Trail, Which};
use crate::store::audit::Entry;
use crate::web::form::asked_for;
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
    Query(mut query): Query<Which>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    // A form sends what was left empty, too.
    for field in [&mut query.person, &mut query.outcome, &mut query.since, &mut query.event] {
        *field = field.take().filter(|text| !text.is_empty());
    }
    let given = [
        ("person", query.person.clone()),
        ("terminal", query.terminal.clone()),
        ("event", query.event.clone()),
        ("outcome", query.outcome.clone()),
        ("since", query.since.clone()),
        ("search", query.search.clone()),
        ("invalid", query.invalid.map(|invalid| invalid.to_string())),
    ];
    let given = given.each_ref().map(|(name, value)| (*name, value.as_deref()));
    let mut look = site.look(&who, format!("events\n{given:?}")).await?;
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
    Query(mut query): Query<Rows>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    query.object = query.object.take().filter(|text| !text.is_empty());
    let object = query.object.clone();
    let mut look = site.look(&who, format!("trail\n{object:?}")).await?;
    let asked = Asked::<Trail> { target: Nothing {}, query, body: Nothing {} };
    let rows = perform(&mut look.call, asked, None).await?;

    let body = html! {
        form.line.no-print {
            label { (say.text(Text::Object))
                input name="object" size="24" value=[object.as_deref()]; }
            button { (say.text(Text::Search)) }
        }
        section { (or_nothing(&say, rows.items.is_empty(), acts(&say, &rows.items))) }
        (next(&say, "/trail", &[("object", object.as_deref())], rows.next.as_deref()))
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::Trail), body))
}

fn acts(say: &Say, rows: &[Entry]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "#" }
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
