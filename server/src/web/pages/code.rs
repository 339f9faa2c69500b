//! A one-time code with which somebody enrolls a key.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use maud::html;

use super::done::{self, done};
use crate::api::codes::{Add, CodeToMake, Withdraw};
use crate::api::endpoint::{Asked, Nothing, Reason, parsed};
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
    let body = html! {
        section.narrow {
            p { (say.text(Text::CodeWhat)) }
            form method="post" {
                (token(&who)) (once()?)
                p { label { (say.text(Text::Hours))
                    input type="number" name="hours" min="1" max="720" value="24" required; } }
                p { label { (say.text(Text::Reason))
                    input name="reason" size="36" maxlength="200" required; } }
                p { button { (say.text(Text::IssueCode)) } " "
                    a href=(done::person(&login)) { (say.text(Text::Back)) } }
            }
        }
    };
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    Ok(frame.page(&format!("{}: {login}", say.text(Text::IssueCode)), body))
}

/// Makes the code, and shows it: the only time that it can be seen.
pub async fn make(
    State(site): State<Arc<Site>>,
    say: Say,
    Visitor(who): Visitor,
    Path(login): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let hours: u64 = parsed("hours", form.field("hours").unwrap_or_default())?;
    let body =
        CodeToMake { seconds: Some(hours.saturating_mul(3600)), reason: form.text("reason") };
    let target = parsed("login", &login)?;
    let acting = site.act_once(&form).await?;
    let made = acting.perform::<Add>(Asked { target, query: Nothing {}, body }).await?;

    let path = done::person(&login);
    let frame = Frame { site: &site, say: &say, who: Some(&who), path: &path };
    let whose = say.with(Text::CodeFor, &[("login", &made.login)]);
    let until = say.with(Text::CodeOpen, &[("until", &say.time(made.expires))]);
    Ok(done::code(&frame, Text::CodeMade, (&whose, &made.code), &[until]))
}

/// Withdraws every open code.
pub async fn withdraw(
    State(site): State<Arc<Site>>,
    say: Say,
    Path(login): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let query = Reason { reason: form.text("reason") };
    let target = parsed("login", &login)?;
    let acting = site.act(&form).await?;
    acting.perform::<Withdraw>(Asked { target, query, body: Nothing {} }).await?;
    Ok(done(&site, &say, &done::person(&login), None))
}
