//! In which language a page is, and how it writes times.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::tz::TimeZone;
use wardkey_core::code::AnyCode;
use wardkey_core::name::Language;
use wardkey_core::phrase::Phrase;
use wardkey_core::texts;
use wardkey_core::time::UnixTime;

use super::cookies::cookie;
use super::refusal::Refusal;
use super::texts::Text;
use crate::report::Cell;
use crate::{when, words};

/// The cookie of the language that was chosen.
pub const LANGUAGE: &str = "__Host-wardkey-language";

/// How a page speaks.
#[derive(Clone, Debug)]
pub struct Say {
    /// Its language.
    pub language: Language,
    /// Its time zone.
    pub zone: TimeZone,
}

impl Say {
    /// As a browser asks for it: what was chosen, or what it prefers.
    pub fn of(headers: &HeaderMap, zone: TimeZone) -> Self {
        let chosen = cookie(headers, LANGUAGE).and_then(|word| word.parse().ok());
        Self { language: chosen.unwrap_or_else(|| preferred(headers)), zone }
    }

    /// A text.
    pub fn text(&self, text: Text) -> String {
        text.say(self.language)
    }

    /// A text with a name or a number in it.
    pub fn with(&self, text: Text, args: &[(&str, &str)]) -> String {
        text.say_with(self.language, args)
    }

    /// What was said to be said later.
    pub fn phrase(&self, phrase: &Phrase) -> String {
        phrase.say(self.language)
    }

    /// The sentence of a code such as `WK-1203`; empty for what is none.
    pub fn code(&self, code: &str) -> String {
        let number = code.strip_prefix("WK-").and_then(|number| number.parse().ok());
        let code = number.and_then(AnyCode::from_number);
        code.map_or_else(String::new, |code| self.phrase(&texts::phrase(code, vec![])))
    }

    /// What is stored as a word: a state, a stage.
    pub fn word(&self, word: &str) -> String {
        self.phrase(&words::state(word))
    }

    /// A moment, to the minute: a list of seconds is hard to read.
    pub fn time(&self, moment: u64) -> String {
        let full = when::shown(UnixTime(moment), &self.zone);
        full.get(..16).map_or_else(|| full.clone(), |minute| minute.replace('T', " "))
    }

    /// A moment, to the second, as it stands in files.
    pub fn moment(&self, moment: u64) -> Cell {
        Cell::time(moment, &self.zone)
    }

    /// A moment that may not be, as it stands in files.
    pub fn moment_or_none(&self, moment: Option<u64>) -> Cell {
        Cell::time_or_nothing(moment, &self.zone)
    }

    /// A state or a stage, as it stands in files.
    pub fn state(&self, word: &str) -> Cell {
        words::state(word).into()
    }

    /// A moment that may not be.
    pub fn time_or_none(&self, moment: Option<u64>) -> String {
        moment.map_or_else(|| "–".into(), |moment| self.time(moment))
    }
}

/// What a browser prefers; Japanese when it says neither.
fn preferred(headers: &HeaderMap) -> Language {
    let said = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first = said.into_iter().flat_map(|said| said.split(',')).find_map(|part| {
        let tag = part.split(';').next().unwrap_or_default().trim();
        tag.split('-').next().and_then(|word| word.to_ascii_lowercase().parse().ok())
    });
    first.unwrap_or_default()
}

impl<S: Send + Sync> FromRequestParts<S> for Say {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self { language: Language::default(), zone: TimeZone::UTC }))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_language_is_the_one_that_was_chosen_or_what_the_browser_prefers() {
        let of = |accepts: &'static str, chosen: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepts));
            if let Some(chosen) = chosen {
                let cookie = format!("a=b; {LANGUAGE}={chosen}");
                headers.insert(header::COOKIE, HeaderValue::try_from(cookie).unwrap());
            }
            Say::of(&headers, TimeZone::UTC).language
        };
        assert_eq!(of("en-GB,en;q=0.8,ja;q=0.5", None), Language::En);
        assert_eq!(of("fr, ja;q=0.5, en;q=0.4", None), Language::Ja);
        assert_eq!(of("fr", None), Language::Ja);
        assert_eq!(of("ja", Some("en")), Language::En);
        assert_eq!(of("en", Some("nonsense")), Language::En);
    }

    #[test]
    fn a_time_is_that_of_the_zone_to_the_minute() {
        let zone = when::zone_named("Asia/Tokyo").unwrap();
        let say = Say { language: Language::En, zone };
        assert_eq!(say.time(1_800_000_000), "2027-01-15 17:00");
        assert!(say.code("WK-1203").contains("PIN") && say.code("nonsense").is_empty());
    }
}
