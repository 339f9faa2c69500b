//! A person: keys, codes, passes, what happened; and what is done about them.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use wardkey_core::code::Code as ErrorCode;
use wardkey_core::name::LoginName;

use super::done::{self, done};
use super::{records, signed_in};
use crate::admin::key::{KeyOfPerson, KeyView};
use crate::admin::pass::PassView;
use crate::admin::person::{PersonSwitched, PersonView};
use crate::admin::role::{Act, Grant};
use crate::admin::session::SignedIn;
use crate::admin::{self, code::CodeView};
use crate::api::call::{Call, Done};
use crate::api::endpoint::{Asked, Endpoint, Nothing, Reason, Route, parsed};
use crate::api::people::Show;
use crate::api::perform::perform;
use crate::api::{desks, keys};
use crate::error::Result;
use crate::web::file::{self, PART};
use crate::web::filter::Filter;
use crate::web::form::{Form, asked_for, asked_of, query_of};
use crate::web::frame::{Frame, Led, act, file as file_of, or_nothing, state};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// Records that are shown.
const RECORDS: u32 = 20;

/// What a page shows of somebody.
struct Whole {
    person: PersonView,
    code: Option<CodeView>,
    pass: Option<PassView>,
    records: Markup,
    sessions: Markup,
}

/// The page.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Path(login): Path<String>,
    Filter(led): Filter<Led>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let login: LoginName = parsed("login", &login)?;
    let mut look = site.look(&who, "person".into()).await?;
    let whole = whole(&mut look.call, &say, &login).await?;
    let grant = &who.known.grant;
    let person = &whole.person;
    let at = format!("/people/{}", person.login);

    let body = html! {
        (led.said(&say))
        section { (facts(&say, person)) (acts(&who, &say, person, &at)) }
        section {
            h2 { (say.text(Text::Keys)) }
            (or_nothing(&say, person.keys.is_empty(), table(&who, &say, &person.keys)))
            @if !person.keys.is_empty() && grant.has(Act::ReadKeys) {
                p.no-print { (file_of(&say, "/keys.csv", &[("person", Some(&person.login))])) }
            }
        }
        @if grant.has(Act::ReadCodes) || grant.has(Act::ReadPasses) {
            section {
                h2 { (say.text(Text::WithoutKey)) }
                (instead(&who, &say, &whole, &at))
            }
        }
        (whole.sessions)
        @if grant.has(Act::ReadEvents) {
            @let all = [("person", Some(person.login.as_str()))];
            section {
                h2 { (say.text(Text::Records)) }
                (whole.records)
                p.no-print {
                    a.button href=(asked_of("/events", &all)) { (say.text(Text::AllRecords)) }
                    " " (file_of(&say, "/events.csv", &all))
                }
            }
        }
    };
    let title = format!("{} ({})", person.name, person.login);
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&title, body))
}

async fn whole(call: &mut Call<'_>, say: &Say, login: &LoginName) -> Result<Whole> {
    let asked = Asked::<Show> { target: login.clone(), query: Nothing {}, body: Nothing {} };
    let person = perform(call, asked, None).await?;
    let grant = call.grant().clone();
    // What is theirs is seen by whoever sees them.
    let mut code = None;
    if grant.has(Act::ReadCodes) {
        let shown = admin::code::show(&mut call.tx, login, call.now).await;
        code = open(shown, |code| code.status)?;
    }
    let mut pass = None;
    if grant.has(Act::ReadPasses) {
        let shown = admin::pass::show(&mut call.tx, login, call.now).await;
        pass = open(shown, |pass| pass.status)?;
    }
    let records = if grant.has(Act::ReadEvents) {
        let query = crate::api::records::Which {
            person: Some(login.to_string()),
            limit: Some(RECORDS),
            ..Default::default()
        };
        let events = Asked { target: Nothing {}, query, body: Nothing {} };
        records::table(
            say,
            &perform::<crate::api::records::Events>(call, events, None).await?.items,
        )
    } else {
        html! {}
    };
    let which = desks::Which { person: Some(login.to_string()), ..Default::default() };
    let sessions = signed_in::section(call, say, which).await?;
    Ok(Whole { person, code, pass, records, sessions })
}

/// The latest one, when it is open.
fn open<T>(shown: Result<T>, status: impl Fn(&T) -> &'static str) -> Result<Option<T>> {
    match shown {
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        shown => Ok(Some(shown?).filter(|shown| status(shown) == "open")),
    }
}

fn facts(say: &Say, person: &PersonView) -> Markup {
    html! {
        dl {
            @if let Some(name) = &person.latin_name {
                dt { (say.text(Text::LatinName)) } dd { (name) }
            }
            dt { (say.text(Text::State)) } dd { (state(say, person.status)) }
            dt { (say.text(Text::Scopes)) } dd { (person.scopes.join(", ")) }
            dt { (say.text(Text::Groups)) } dd { (person.groups.join(", ")) }
            dt { (say.text(Text::ValidFrom)) } dd { (say.time_or_none(person.valid_from)) }
            dt { (say.text(Text::ValidUntil)) } dd { (say.time_or_none(person.valid_until)) }
        }
    }
}

fn acts(who: &SignedIn, say: &Say, person: &PersonView, at: &str) -> Markup {
    let grant = &who.known.grant;
    let is_active = person.status == "active";
    html! {
        @if is_active && grant.has(Act::DisablePeople) {
            (act(who, say, (&format!("{at}/disable"), Text::DisablePerson), true))
        }
        @if !is_active && grant.has(Act::EnablePeople) {
            (act(who, say, (&format!("{at}/enable"), Text::EnablePerson), false))
        }
    }
}

fn table(who: &SignedIn, say: &Say, keys: &[KeyView]) -> Markup {
    let grant = &who.known.grant;
    html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Label)) }
                th scope="col" { (say.text(Text::Fingerprint)) }
                th scope="col" { (say.text(Text::State)) }
                th scope="col" { (say.text(Text::Enrolled)) }
                th scope="col" { (say.text(Text::LastUsed)) }
                th.act scope="col" { (say.text(Text::Act)) }
            } }
            tbody {
                @for key in keys {
                    tr {
                        td {
                            (key.label)
                            @if let Some(name) = &key.own_name { div.quiet { (name) } }
                            @if key.clone_suspected.is_some() {
                                " " span.state.bad { (say.text(Text::MayBeCopied)) }
                            }
                        }
                        td.id { (key.fingerprint.get(..16).unwrap_or_default()) }
                        td { (state(say, key.status)) }
                        td.time { (say.time(key.enrolled)) }
                        td.time { (say.time_or_none(key.last_used)) }
                        td.act { (key_act(who, say, grant, key)) }
                    }
                }
            }
        }
    }
}

/// Keys as a file: those of a person, or all.
pub async fn keys_file(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Filter(query): Filter<keys::Wanted>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let list = file::List::<keys::List, KeyOfPerson> {
        name: "keys",
        asked: query_of(&[
            ("person", query.person.as_deref()),
            ("search", query.search.as_deref()),
        ]),
        head: &[
            Text::Person,
            Text::Label,
            Text::Fingerprint,
            Text::Model,
            Text::State,
            Text::Enrolled,
            Text::LastUsed,
            Text::MayBeCopied,
        ],
        part: Box::new(move |after| keys::Wanted { after, limit: Some(PART), ..query.clone() }),
        row: |say, KeyOfPerson { person, key, .. }| {
            vec![
                person.as_str().into(),
                key.label.as_str().into(),
                key.fingerprint.get(..16).unwrap_or_default().into(),
                key.model.as_str().into(),
                say.state(key.status),
                say.moment(key.enrolled),
                say.moment_or_none(key.last_used),
                say.moment_or_none(key.clone_suspected),
            ]
        },
    };
    file::list(site, say, (headers, who), list).await
}

fn key_act(who: &SignedIn, say: &Say, grant: &Grant, key: &KeyView) -> Markup {
    let at = |verb: &str| format!("/keys/{}/{verb}", key.fingerprint);
    html! {
        @if key.status == "active" && grant.has(Act::DisableKeys) {
            (act(who, say, (&at("disable"), Text::DisableKey), true))
        }
        @if key.status == "disabled" && grant.has(Act::EnableKeys) {
            (act(who, say, (&at("enable"), Text::EnableKey), false))
        }
    }
}

/// Codes and passes.
fn instead(who: &SignedIn, say: &Say, whole: &Whole, at: &str) -> Markup {
    let grant = &who.known.grant;
    html! {
        @if let Some(code) = &whole.code {
            p { (say.with(Text::CodeOpen, &[("until", &say.time(code.expires))])) }
        }
        @if let Some(pass) = &whole.pass {
            @let until = say.time(pass.until);
            @let args = [("until", until.as_str()), ("reason", &pass.reason)];
            p { (say.with(Text::PassOpen, &args)) }
        }
        @if whole.code.is_none() && whole.pass.is_none() {
            p.quiet { (say.text(Text::Nothing)) }
        }
        p.no-print {
            @if grant.has(Act::IssuePasses) {
                a.button href={ (at) "/pass" } { (say.text(Text::IssuePass)) } " "
            }
            @if grant.has(Act::IssueCodes) {
                a.button href={ (at) "/code" } { (say.text(Text::IssueCode)) }
            }
        }
        @if whole.pass.is_some() && grant.has(Act::EndPasses) {
            (act(who, say, (&format!("{at}/pass/end"), Text::EndPass), true))
        }
        @if whole.code.is_some() && grant.has(Act::WithdrawCodes) {
            (act(who, say, (&format!("{at}/code/withdraw"), Text::WithdrawCodes), true))
        }
    }
}

/// Does what a route does with somebody: off, or on again.
pub async fn switch<E>(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(login): Path<String>,
    form: Form,
) -> Result<Response, Refusal>
where
    E: Endpoint
        + Route<Target = LoginName, Query = Nothing, Body = Reason, View = Done<PersonSwitched>>,
{
    let target = parsed("login", &login)?;
    let body = Reason { reason: form.text("reason") };
    let asked = Asked::<E> { target, query: Nothing {}, body };
    let switched = site.act(&form).await?.perform(asked).await?;
    Ok(done(&site, &say, &done::person(&login), switched.unheard))
}
