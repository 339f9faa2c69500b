//! The list of people.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use maud::{Markup, html};

use crate::admin::person::PersonView;
use crate::api::endpoint::{Asked, Nothing};
use crate::api::people::{List, Which};
use crate::api::perform::perform;
use crate::web::form::asked_for;
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
    Query(query): Query<Which>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let given = (query.search.clone(), query.scope.clone());
    let place = format!("people\n{given:?}");
    let mut look = site.look(&who, place).await?;
    let asked = Asked::<List> { target: Nothing {}, query, body: Nothing {} };
    let people = perform(&mut look.call, asked, None).await?;

    let asked = [("search", given.0.as_deref()), ("scope", given.1.as_deref())];
    let body = html! {
        (search(&say, ("/people", Text::FindPerson), given.0.as_deref()))
        section { (or_nothing(&say, people.items.is_empty(), table(&say, &people.items))) }
        (next(&say, "/people", &asked, people.next.as_deref()))
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::People), body))
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
                    @let keys = person.keys.iter().filter(|key| key.status == "active").count();
                    tr {
                        td.id { a href={ "/people/" (person.login) } { (person.login) } }
                        td { (person.name) }
                        td { (state(say, person.status)) }
                        td { (keys) }
                        td { (person.scopes.join(", ")) }
                        td.time { (say.time_or_none(person.valid_until)) }
                    }
                }
            }
        }
    }
}
