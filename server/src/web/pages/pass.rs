//! A temporary code for somebody who has forgotten the key.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use maud::html;

use super::done::{self, done};
use crate::api::endpoint::{Asked, Nothing, Reason, parsed};
use crate::api::passes::{Add, Disable, PassToIssue};
use crate::api::people::Show;
use crate::api::perform::perform;
use crate::web::form::{Form, asked_for};
use crate::web::frame::{Frame, once, token};
use crate::web::refusal::Refusal;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;
use crate::web::visitor::Visitor;

/// Asks what the code is to be.
pub async fn ask(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Path(login): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    // Before anything is filled in.
    who.must_be_fresh(site.app().now())?;
    let path = asked_for(&request);
    let mut look = site.look(&who, "pass".into()).await?;
    let target = parsed("login", &login)?;
    let asked = Asked::<Show> { target, query: Nothing {}, body: Nothing {} };
    let person = perform(&mut look.call, asked, None).await?;

    let body = html! {
        section.narrow {
            p { (say.text(Text::PassWhat)) }
            form method="post" {
                (token(&who)) (once()?)
                p { label { (say.text(Text::Hours))
                    input type="number" name="hours" min="1" max="168" value="8" required; } }
                p { label { (say.text(Text::Scope))
                    select name="scope" {
                        @for scope in &person.scopes { option value=(scope) { (scope) } }
                    } } }
                p { label { (say.text(Text::Reason))
                    input name="reason" size="36" maxlength="200" required; } }
                p { button { (say.text(Text::IssuePass)) } " "
                    a href=(done::person(&login)) { (say.text(Text::Back)) } }
            }
        }
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&format!("{}: {}", say.text(Text::IssuePass), person.name), body))
}

/// Issues it, and shows it: the only time that it can be seen.
pub async fn issue(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Path(login): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let hours: u64 = parsed("hours", form.field("hours").unwrap_or_default())?;
    let reason = form.text("reason").unwrap_or_default();
    let body = PassToIssue::new(Some(hours.saturating_mul(3600)), form.text("scope"), reason);
    let target = parsed("login", &login)?;
    let asked = Asked::<Add> { target, query: Nothing {}, body };
    let acting = site.act_once(&form).await?;
    let issued = acting.perform(asked).await?;

    let path = done::person(&login);
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    let until = say.time(issued.pass.until);
    let whose = say.with(Text::PassFor, &[("login", &issued.pass.login), ("until", &until)]);
    let warnings: Vec<String> = issued.warnings.iter().map(|said| say.phrase(said)).collect();
    Ok(done::code(&frame, Text::PassIssued, (&whose, &issued.code), &warnings))
}

/// Ends it.
pub async fn end(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(login): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let body = Reason { reason: form.text("reason") };
    let target = parsed("login", &login)?;
    let acting = site.act(&form).await?;
    let asked = Asked::<Disable> { target, query: Nothing {}, body };
    let ended = acting.perform(asked).await?;
    Ok(done(&site, &say, &done::person(&login), ended.unheard))
}
