//! One's own page: keys, what stands in for them, logins, the language.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use wardkey_core::name::{DisplayText, Language};

use crate::admin::own::{self, Own, OwnKey, Place};
use crate::admin::session::Holder;
use crate::api::endpoint::parsed;
use crate::error::{Error, Result};
use crate::store::audit::Entry;
use crate::store::event::OwnLogin;
use crate::texts::Text as Words;
use crate::web::cookies::set_cookie;
use crate::web::filter::Filter;
use crate::web::form::{Form, asked_for, asked_of};
use crate::web::frame::{Frame, Led, or_nothing, state, token};
use crate::web::own::{Anybody, begin, look};
use crate::web::refusal::Refusal;
use crate::web::say::{LANGUAGE, Say};
use crate::web::site::Site;
use crate::web::texts::Text;

/// Where it is.
pub const PLACE: &str = "/me";
/// Rows of the tables of the page.
const FEW: u32 = 10;
/// Rows of a page of logins.
const ROWS: u32 = 50;
/// Digits of a fingerprint that are shown.
const DIGITS: usize = 16;

/// The page.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Anybody(who): Anybody,
    Filter(led): Filter<Led>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let mut look = look(&site).await?;
    let own = own::show(&mut look.tx, &who.login, site.app().now()).await?;
    let (logins, _) = own::logins(&mut look.tx, &who.login, None, FEW).await?;
    let sign_ins = own::sign_ins(&mut look.tx, &who.login, FEW).await?;
    drop(look);

    let body = html! {
        (led.said(&say))
        section {
            p { (say.text(Text::OwnWhat)) }
            (or_nothing(&say, own.keys.is_empty(), keys(&who, &say, &own.keys)))
            (instead(&say, &own))
        }
        section {
            h2 { (say.text(Text::OwnLanguage)) }
            (languages(&who, &say))
        }
        section {
            h2 { (say.text(Text::OwnLogins)) }
            p { (say.text(Text::OwnLoginsWhat)) }
            (table(&say, &own.keys, &logins))
            p.no-print { a.button href="/me/logins" { (say.text(Text::OwnAllLogins)) } }
        }
        section {
            h2 { (say.text(Text::OwnSignIns)) }
            (or_nothing(&say, sign_ins.is_empty(), entries(&say, &sign_ins)))
            p.no-print { a.button href="/sessions" { (say.text(Text::Sessions)) } }
        }
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.with(Text::OwnTitle, &[("name", who.name.as_str())]), body))
}

/// Which part of the list.
#[derive(Deserialize)]
pub struct Part {
    before: Option<String>,
}

/// One's own logins at terminals.
pub async fn logins(
    State(site): State<Arc<Site>>,
    say: Say,
    Anybody(who): Anybody,
    Filter(Part { before }): Filter<Part>,
    request: Request,
) -> Result<Response, Refusal> {
    let path = asked_for(&request);
    let before = before.map(|text| place(&text)).transpose()?;
    let mut look = look(&site).await?;
    let own = own::show(&mut look.tx, &who.login, site.app().now()).await?;
    let (logins, next) = own::logins(&mut look.tx, &who.login, before, ROWS).await?;
    drop(look);

    let next = next.map(|(time, seq)| format!("{time}-{seq}"));
    let body = html! {
        section { p { (say.text(Text::OwnLoginsWhat)) } (table(&say, &own.keys, &logins)) }
        p.no-print {
            @if next.is_some() {
                @let further = asked_of("/me/logins", &[("before", next.as_deref())]);
                a.button href=(further) { (say.text(Text::More)) } " "
            }
            a href=(PLACE) { (say.text(Text::Back)) }
        }
        @if next.is_some() { p.on-paper { (say.text(Text::MoreFollows)) } }
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&say.text(Text::OwnLogins), body))
}

fn place(text: &str) -> Result<Place> {
    let parts = text.split_once('-');
    let read = parts.and_then(|(time, seq)| Some((time.parse().ok()?, seq.parse().ok()?)));
    read.ok_or_else(|| Error::invalid(Words::NoSuchPage))
}

fn keys(who: &Holder, say: &Say, keys: &[OwnKey]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::OwnName)) }
                th scope="col" { (say.text(Text::State)) }
                th scope="col" { (say.text(Text::Enrolled)) }
                th scope="col" { (say.text(Text::LastUsed)) }
                th.act scope="col" { (say.text(Text::Act)) }
            } }
            tbody { @for key in keys { (row(who, say, key)) } }
        }
    }
}

fn row(who: &Holder, say: &Say, OwnKey { key, last_terminal }: &OwnKey) -> Markup {
    let at = |verb: &str| format!("{PLACE}/keys/{}/{verb}", key.fingerprint);
    html! {
        tr {
            td {
                b { (key.own_name.as_deref().unwrap_or(&key.label)) }
                @if key.own_name.is_some() { div.quiet { (key.label) } }
                div.quiet {
                    (say.text(Text::Fingerprint)) " "
                    (key.fingerprint.get(..DIGITS).unwrap_or_default())
                }
                div.quiet { (say.text(Text::Model)) " " (key.model) }
            }
            td {
                (state(say, key.status))
                @if key.clone_suspected.is_some() {
                    " " span.state.bad { (say.text(Text::MayBeCopied)) }
                }
            }
            td.time { (say.time(key.enrolled)) }
            td {
                (say.time_or_none(key.last_used))
                @if let Some(terminal) = last_terminal { div.quiet { (terminal) } }
            }
            td.act {
                details {
                    summary { (say.text(Text::OwnNameKey)) }
                    form.line method="post" action=(at("name")) {
                        (token(who))
                        label {
                            (say.text(Text::OwnNameWhat))
                            input name="name" size="24" maxlength="100"
                                value=[key.own_name.as_deref()];
                        }
                        button { (say.text(Text::OwnSave)) }
                    }
                }
                @if key.status == "active" {
                    p { a href=(at("lost")) { (say.text(Text::OwnLost)) } }
                } @else {
                    p.quiet { (say.text(Text::OwnOff)) }
                }
            }
        }
    }
}

/// What lets somebody in beside their keys: that there is one, and until when.
fn instead(say: &Say, own: &Own) -> Markup {
    html! {
        @if let Some(loan) = &own.loan {
            @let until = say.time(loan.until);
            p { (say.with(Text::OwnLoan, &[("name", &loan.name), ("until", &until)])) }
        }
        @if let Some(until) = own.code {
            p { (say.with(Text::CodeOpen, &[("until", &say.time(until))])) }
        }
        @if let Some(until) = own.pass {
            p { (say.with(Text::OwnPass, &[("until", &say.time(until))])) }
        }
    }
}

fn languages(who: &Holder, say: &Say) -> Markup {
    html! {
        p { (say.text(Text::OwnLanguageWhat)) }
        form.line method="post" action="/me/language" {
            (token(who))
            label {
                (say.text(Text::OwnLanguage))
                select name="language" {
                    @for (language, name) in [(Language::Ja, "日本語"), (Language::En, "English")] {
                        option value=(language) lang=(language)
                            selected[who.language == language] { (name) }
                    }
                }
            }
            button { (say.text(Text::OwnSave)) }
        }
    }
}

fn table(say: &Say, keys: &[OwnKey], logins: &[OwnLogin]) -> Markup {
    let rows = html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Time)) }
                th scope="col" { (say.text(Text::Terminal)) }
                th scope="col" { (say.text(Text::Event)) }
                th scope="col" { (say.text(Text::Outcome)) }
                th scope="col" { (say.text(Text::Key)) }
                th scope="col" { (say.text(Text::Service)) }
            } }
            tbody {
                @for login in logins {
                    tr {
                        td.time { (say.time(u64::try_from(login.time).unwrap_or_default())) }
                        td { (login.terminal) }
                        td { (login.event) }
                        td {
                            (state(say, &login.outcome))
                            @if login.is_unproven {
                                " " span.state.bad { (say.text(Text::Unproven)) }
                            }
                            @if let Some(reason) = &login.reason {
                                div.quiet { (say.code(reason)) " (" (reason) ")" }
                            }
                        }
                        td { (name_of(keys, login.key.as_deref())) }
                        td { (login.service.as_deref().unwrap_or("–")) }
                    }
                }
            }
        }
    };
    or_nothing(say, logins.is_empty(), rows)
}

/// What a key is called, by the fingerprint that records have.
fn name_of<'a>(keys: &'a [OwnKey], short: Option<&'a str>) -> &'a str {
    let Some(short) = short else { return "–" };
    let found = keys.iter().find(|own| own.key.fingerprint.starts_with(short));
    let name = found.map(|own| own.key.own_name.as_deref().unwrap_or(&own.key.label));
    name.filter(|name| !name.is_empty()).unwrap_or(short)
}

fn entries(say: &Say, rows: &[Entry]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { (say.text(Text::Time)) }
                th scope="col" { (say.text(Text::Outcome)) }
                th scope="col" { (say.text(Text::Detail)) }
            } }
            tbody {
                @for row in rows {
                    @let word = if row.action == "session.begin" { "success" } else { "failure" };
                    tr {
                        td.time { (say.time(u64::try_from(row.time).unwrap_or_default())) }
                        td { (state(say, word)) }
                        td lang="en" { (row.detail.as_deref().unwrap_or("–")) }
                    }
                }
            }
        }
    }
}

/// Back to the page, which says that it is done.
pub fn done() -> Redirect {
    Redirect::to(&format!("{PLACE}?done=1"))
}

/// Calls a key something; nothing any more when the field is empty.
pub async fn name(
    State(site): State<Arc<Site>>,
    Path(key): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let name: Option<DisplayText> =
        form.field("name").map(|text| parsed("name", text)).transpose()?;
    let mut act = begin(&site, &form).await?;
    let login = act.who.login.clone();
    own::name_key(&mut act.operation(None), &login, (&key, name.as_ref())).await?;
    act.keep().await?;
    Ok(done().into_response())
}

/// Chooses the language, of these pages and of terminals.
pub async fn language(State(site): State<Arc<Site>>, form: Form) -> Result<Response, Refusal> {
    let language: Language = parsed("language", form.field("language").unwrap_or_default())?;
    let mut act = begin(&site, &form).await?;
    let login = act.who.login.clone();
    own::set_language(&mut act.operation(None), &login, language).await?;
    act.keep().await?;
    let mut response = done().into_response();
    if let Some(cookie) = set_cookie(LANGUAGE, &language.to_string()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_time_and_a_number() {
        assert_eq!(place("1800000000-7").unwrap(), (1_800_000_000, 7));
        for bad in ["", "7", "a-b", "1-2-3", "-", "99999999999999999999-1"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }
}
