//! What stands around each page, and the parts that pages share.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use url::form_urlencoded;
use wardkey_core::id::to_hex;
use wardkey_core::name::Language;

use super::form::{ONCE, TOKEN, asked_of};
use super::say::Say;
use super::site::Site;
use super::texts::Text;
use crate::admin::role::{Act, Grant, Role};
use crate::admin::session::Holder;
use crate::error::Result;
use crate::secret;

/// The pages that the bar of a page leads to: path, what it is called, the act that it needs.
const PLACES: [(&str, Text, Act); 6] = [
    ("/signed-in", Text::SignedIn, Act::ReadSessions),
    ("/people", Text::People, Act::ReadPeople),
    ("/terminals", Text::Terminals, Act::ReadTerminals),
    ("/events", Text::Records, Act::ReadEvents),
    ("/reports", Text::Reports, Act::ReadReports),
    ("/trail", Text::Trail, Act::ReadTrail),
];

/// What stands around a page.
pub struct Frame<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its language.
    pub say: &'a Say,
    /// Who looks at it, when somebody is signed in.
    pub who: Option<&'a Holder>,
    /// Its path, with what it asks: where a change of the language leads back to.
    pub path: &'a str,
}

impl Frame<'_> {
    /// A whole page.
    pub fn page(&self, title: &str, body: Markup) -> Response {
        let say = self.say;
        let language = say.language.to_string();
        let page = html! {
            (DOCTYPE)
            html lang=(language) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " – " (self.site.deployment) }
                    link rel="stylesheet" href="/assets/style.css";
                    link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                }
                body {
                    a.skip href="#main" { (say.text(Text::SkipToMain)) }
                    header { div.bar {
                        a.brand href="/" { (self.site.deployment) }
                        nav aria-label=(say.text(Text::Navigation)) { (self.places()) }
                        (self.session())
                    } }
                    main id="main" { (self.on_paper()) h1 { (title) } (body) }
                    footer { "Wardkey " (env!("CARGO_PKG_VERSION")) }
                }
            }
        };
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        ([(header::CONTENT_TYPE, kind)], page.into_string()).into_response()
    }

    /// The same for something that is not done.
    pub fn refusal(
        &self,
        status: StatusCode,
        code: &str,
        (said, again): (&str, Option<(String, Text)>),
    ) -> Response {
        let title = self.say.text(Text::NotDone);
        let body = html! {
            section.note.bad role="alert" { p { (said) } p.quiet { (code) } }
            @if let Some((again, text)) = again {
                p { a.button href=(again) { (self.say.text(text)) } }
            }
            p { a href="/" { (self.say.text(Text::ToToday)) } }
        };
        let mut response = self.page(&title, body);
        *response.status_mut() = status;
        response
    }

    /// What a page says of itself once it is printed: whose it is, by whom and when, and what it
    /// was asked.
    fn on_paper(&self) -> Markup {
        let Some(who) = self.who else { return html! {} };
        let time = self.say.time(self.site.app().now().0);
        let args = [("time", time.as_str()), ("login", who.login.as_str())];
        html! {
            div.on-paper {
                b { (self.site.deployment) } " " (self.say.with(Text::Printed, &args))
                @for (name, value) in self.asked() { br; (name) ": " (value) }
            }
        }
    }

    /// What the page was asked, in words.
    fn asked(&self) -> Vec<(String, String)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let pairs = form_urlencoded::parse(query.as_bytes());
        let in_words = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
            let text = match &*name {
                "search" => Text::Search,
                "scope" => Text::Scope,
                "tag" => Text::Tags,
                "person" => Text::Person,
                "terminal" => Text::Terminal,
                "event" => Text::Event,
                "outcome" => Text::Outcome,
                "object" => Text::Object,
                "since" => Text::Since,
                "from" => Text::From,
                "to" => Text::To,
                "silent" => Text::SilentSeconds,
                "behind" => Text::Behind,
                _ => return None,
            };
            (!value.is_empty()).then(|| (self.say.text(text), value.into_owned()))
        };
        pairs.filter_map(in_words).collect()
    }

    fn places(&self) -> Markup {
        let Some(who) = self.who else { return html! {} };
        let grant = who.grant.as_ref();
        let here = |path: &str| self.path.starts_with(path).then_some("page");
        html! {
            @for (path, text, act) in PLACES {
                // The trail is of the whole deployment.
                @let is_theirs =
                    |grant: &&Grant| act != Act::ReadTrail || grant.is_everywhere();
                @if grant.filter(is_theirs).is_some_and(|grant| grant.has(act)) {
                    a href=(path) aria-current=[here(path)] { (self.say.text(text)) }
                }
            }
            @if self.site.has_own_pages() {
                a href="/me" aria-current=[here("/me")] { (self.say.text(Text::OwnPage)) }
            }
        }
    }

    fn session(&self) -> Markup {
        let (language, other) = match self.say.language {
            Language::Ja => (Language::En, "English"),
            Language::En => (Language::Ja, "日本語"),
        };
        html! {
            div.who {
                @if let Some(who) = self.who {
                    a href="/sessions" {
                        (who.name)
                        @if let Some(grant) = &who.grant { " (" (self.role(grant.role())) ")" }
                    }
                    form method="post" action="/sign-out" {
                        (token(who))
                        button { (self.say.text(Text::SignOut)) }
                    }
                }
                form method="post" action="/language" {
                    input type="hidden" name="back" value=(self.path);
                    button name="language" value=(language) lang=(language) {
                        (other)
                    }
                }
            }
        }
    }

    fn role(&self, role: Role) -> String {
        self.say.text(match role {
            Role::Owner => Text::RoleOwner,
            Role::SiteAdministrator => Text::RoleSiteAdministrator,
            Role::HelpDesk => Text::RoleHelpDesk,
            Role::Approver => Text::RoleApprover,
            Role::Auditor => Text::RoleAuditor,
        })
    }
}

/// What is asked of a page to which an act led back.
#[derive(Deserialize)]
pub struct Led {
    done: Option<String>,
}

impl Led {
    /// That it is done.
    pub fn said(&self, say: &Say) -> Markup {
        html! {
            @if self.done.is_some() {
                section.note.good role="status" { p { (say.text(Text::Done)) } }
            }
        }
    }
}

/// What says that a form is one of this session.
pub fn token(who: &Holder) -> Markup {
    html! { input type="hidden" name=(TOKEN) value=(who.form()); }
}

/// What tells a form from every other one, for what is done anew each time that it is asked for.
pub fn once() -> Result<Markup> {
    let value = to_hex(&secret::random::<16>()?);
    Ok(html! { input type="hidden" name=(ONCE) value=(value); })
}

/// A form with a reason and a button, closed until it is wanted.
pub fn act(who: &Holder, say: &Say, (action, text): (&str, Text), is_bad: bool) -> Markup {
    let class = if is_bad { "bad" } else { "" };
    html! {
        details {
            summary { (say.text(text)) }
            form.line method="post" action=(action) {
                (token(who))
                label {
                    (say.text(Text::Reason))
                    input name="reason" size="32" maxlength="200" required;
                }
                button class=(class) { (say.text(text)) }
            }
        }
    }
}

/// A state, as a word with a colour that says the same.
pub fn state(say: &Say, word: &str) -> Markup {
    let class = match word {
        "active" | "open" | "success" => "good",
        "disabled" | "deleted" | "revoked" | "failure" => "bad",
        _ => "",
    };
    html! { span class={ "state " (class) } { (say.word(word)) } }
}

/// A box that searches a list.
pub fn search(say: &Say, (action, what): (&str, Text), given: Option<&str>) -> Markup {
    html! {
        form.line.no-print role="search" action=(action) {
            label {
                (say.text(what))
                input type="search" name="search" size="28" maxlength="200" value=[given];
            }
            button { (say.text(Text::Search)) }
        }
    }
}

/// Where a list goes on, and all of it as a file.
pub fn next(say: &Say, path: &str, asked: &[(&str, Option<&str>)], after: Option<&str>) -> Markup {
    let further = [asked, &[("after", after)]].concat();
    html! {
        p.no-print {
            @if after.is_some() {
                a.button href=(asked_of(path, &further)) { (say.text(Text::More)) } " "
            }
            (file(say, &format!("{path}.csv"), asked))
        }
        @if after.is_some() { p.on-paper { (say.text(Text::MoreFollows)) } }
    }
}

/// All of a list, or a table, as a file.
pub fn file(say: &Say, path: &str, asked: &[(&str, Option<&str>)]) -> Markup {
    html! { a.file href=(asked_of(path, asked)) download { (say.text(Text::AsFile)) } }
}

/// That there is nothing, or what there is: a table, which is moved by keys too where it is wider
/// than the window.
pub fn or_nothing(say: &Say, is_empty: bool, table: Markup) -> Markup {
    html! {
        @if is_empty { p.quiet { (say.text(Text::Nothing)) } }
        @else { div.wide tabindex="0" role="region" aria-label=(say.text(Text::Table)) { (table) } }
    }
}
