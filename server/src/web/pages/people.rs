//! The list of people.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

use crate::admin::person::PersonView;
use crate::api::endpoint::{Asked, Nothing};
use crate::api::people::{List, Which};
use crate::api::perform::perform;
use crate::report::Cell;
use crate::web::file::{self, PART};
use crate::web::filter::Filter;
use crate::web::form::{asked_for, query_of};
use crate::web::frame::{Frame, next, or_nothing, search, state};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// The page.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Which>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let given = query.clone();
    let asked = given_of(&given);
    let mut look = site.look(&who, format!("people\n{}", query_of(&asked))).await?;
    let list = Asked::<List> { target: Nothing {}, query, body: Nothing {} };
    let people = perform(&mut look.call, list, None).await?;

    let body = html! {
        (search(&say, ("/people", Text::FindPerson), given.search.as_deref()))
        section { (or_nothing(&say, people.items.is_empty(), table(&say, &people.items))) }
        (next(&say, "/people", &asked, people.next.as_deref()))
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::People), body))
}

/// The list as a file.
pub async fn file(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<Which>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let list = file::List::<List, PersonView> {
        name: "people",
        asked: query_of(&given_of(&query)),
        head: &[
            Text::Login,
            Text::Name,
            Text::LatinName,
            Text::State,
            Text::Keys,
            Text::LastUsed,
            Text::Scopes,
            Text::Groups,
            Text::ValidFrom,
            Text::ValidUntil,
        ],
        part: Box::new(move |after| Which { after, limit: Some(PART), ..query.clone() }),
        row: |say, person| {
            vec![
                person.login.as_str().into(),
                person.name.as_str().into(),
                person.latin_name.as_deref().unwrap_or_default().into(),
                say.state(person.status),
                Cell::Count(active(person) as u64),
                say.moment_or_none(person.keys.iter().filter_map(|key| key.last_used).max()),
                Cell::names(&person.scopes),
                Cell::names(&person.groups),
                say.moment_or_none(person.valid_from),
                say.moment_or_none(person.valid_until),
            ]
        },
    };
    file::list(site, say, (headers, who), list).await
}

fn given_of(query: &Which) -> [(&'static str, Option<&str>); 2] {
    [("search", query.search.as_deref()), ("scope", query.scope.as_deref())]
}

/// Keys that may be used.
fn active(person: &PersonView) -> usize {
    person.keys.iter().filter(|key| key.status == "active").count()
}

fn table(say: &Say, people: &[PersonView]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Login)) }
                th scope="col" { (say.text(Text::Name)) }
                th scope="col" { (say.text(Text::State)) }
                th scope="col" { (say.text(Text::Keys)) }
                th scope="col" { (say.text(Text::Scopes)) }
                th scope="col" { (say.text(Text::ValidUntil)) }
            } }
            tbody {
                @for person in people {
                    tr {
                        td.id { a href={ "/people/" (person.login) } { (person.login) } }
                        td { (person.name) }
                        td { (state(say, person.status)) }
                        td { (active(person)) }
                        td { (person.scopes.join(", ")) }
                        td.time { (say.time_or_none(person.valid_until)) }
                    }
                }
            }
        }
    }
}
