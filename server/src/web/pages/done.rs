//! What follows an act.

use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use crate::api::call::NotHeard;
use crate::web::form::encoded;
use crate::web::frame::Frame;
use crate::web::say::Say;
use crate::web::site::Site;
use crate::web::texts::Text;

/// The page of somebody.
pub fn person(login: &str) -> String {
    format!("/people/{}", encoded(login))
}

/// Back to a page, which says that it is done; or first that no terminal hears of it.
pub fn done(site: &Site, say: &Say, back: &str, unheard: Option<NotHeard>) -> Response {
    let Some(unheard) = unheard else {
        return Redirect::to(&format!("{back}?done=1")).into_response();
    };
    let body = html! {
        section.note.warn role="alert" {
            p { (say.text(Text::DoneUnheard)) }
            p { (say.code(&unheard.code)) " " span.quiet { (unheard.code) } }
        }
        p { a href=(back) { (say.text(Text::Back)) } }
    };
    Frame { site, say, who: None, path: back }.page(&say.text(Text::Done), body)
}

/// A code, the only time that it can be seen: `what` says whose it is and until when, `more` what
/// else is to be known.
pub fn code(
    frame: &Frame<'_>,
    title: Text,
    (what, code): (&str, &str),
    more: &[String],
) -> Response {
    let say = frame.say;
    let body = html! {
        section.narrow {
            p { (what) }
            p.code { (code) }
            @for sentence in more { p { (sentence) } }
            p.quiet { (say.text(Text::SeenOnce)) }
            p { a href=(frame.path) { (say.text(Text::Back)) } }
        }
    };
    frame.page(&say.text(title), body)
}
