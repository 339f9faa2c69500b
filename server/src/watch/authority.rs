//! The end of the authority's own certificate, which nothing renews by itself.

use wardkey_core::time::UnixTime;

use super::facts::{Facts, Prepared, Stock};
use crate::pki::EXCHANGE_DAYS;
use crate::texts::Phrase;

/// What a sentence needs.
type Values = Vec<(&'static str, Phrase)>;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Days before the end at which it is said, and said again.
const SAID_AT: [u64; 3] = [EXCHANGE_DAYS, 60, 14];

/// The authority's certificate is about to end.
pub(super) fn ends(facts: &Facts) -> Option<Values> {
    soon(facts.authority?, facts.now)
}

/// It has ended.
pub(super) fn ended(facts: &Facts) -> Option<Values> {
    (facts.now >= facts.authority?).then(Vec::new)
}

/// The one that was prepared has no long life left: an exchange does not take it.
pub(super) fn prepared_ends(facts: &Facts) -> Option<Values> {
    days_left(facts.stock.as_ref()?.prepared_until()?, facts.now)
}

/// The file of the one that was prepared cannot be read.
pub(super) fn prepared_unfit(facts: &Facts) -> Option<Values> {
    match facts.stock.as_ref()?.prepared.as_ref()? {
        Prepared::Unfit(path) => Some(vec![("path", path.display().to_string().into())]),
        Prepared::Ends(_) => None,
    }
}

/// How many of the bounds are passed: each is news.
pub(super) fn urgency(facts: &Facts) -> u64 {
    passed(facts.authority, facts.now)
}

/// The same for the one that was prepared.
pub(super) fn urgency_prepared(facts: &Facts) -> u64 {
    passed(facts.stock.as_ref().and_then(Stock::prepared_until), facts.now)
}

fn soon(end: UnixTime, now: UnixTime) -> Option<Values> {
    if now >= end { None } else { days_left(end, now) }
}

fn days_left(end: UnixTime, now: UnixTime) -> Option<Values> {
    let left = end.since(now);
    (left <= EXCHANGE_DAYS * DAY).then(|| vec![("days", (left / DAY).into())])
}

fn passed(end: Option<UnixTime>, now: UnixTime) -> u64 {
    let Some(end) = end else { return 0 };
    let left = end.since(now);
    SAID_AT.iter().filter(|days| left <= **days * DAY).count() as u64
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use wardkey_core::code::Code;
    use wardkey_core::name::Language;

    use super::super::checks::tests::{NOW, facts, stock};
    use super::super::checks::{critical, reasons};
    use super::*;
    use crate::config::Watch;

    /// Codes, with how often each is news.
    fn said(facts: &Facts) -> Vec<(u16, Option<u64>)> {
        let all = reasons(facts, &Watch::default());
        all.iter().map(|reason| (reason.code.number(), reason.times)).collect()
    }

    #[test]
    fn the_end_of_the_authority_is_news_at_180_60_and_14_days_and_critical_once_it_is_there() {
        let at = |left: u64| {
            let end = Some(UnixTime(NOW.0 + left));
            (
                Facts { authority: end, ..facts(None) },
                Stock { prepared: end.map(Prepared::Ends), ..stock() },
            )
        };
        for (left, times) in [
            (180 * DAY + 1, None),
            (180 * DAY, Some(1)),
            (60 * DAY + 1, Some(1)),
            (60 * DAY, Some(2)),
            (14 * DAY + 1, Some(2)),
            (14 * DAY, Some(3)),
            (1, Some(3)),
        ] {
            let (own, prepared) = at(left);
            let expected = |code| times.map(|times| (code, Some(times))).into_iter();
            assert_eq!(said(&own), expected(1734).collect::<Vec<_>>(), "{left}");
            assert_eq!(said(&facts(Some(prepared))), expected(1736).collect::<Vec<_>>(), "{left}");
            assert!(critical(&own, &Watch::default()).is_empty());
        }
        // What anyone may ask for knows it too, without the store.
        let (own, prepared) = at(0);
        assert_eq!(said(&own), [(1735, None)]);
        assert_eq!(critical(&own, &Watch::default()).len(), 1);
        assert_eq!(said(&facts(Some(prepared))), [(1736, Some(3))]);
    }

    #[test]
    fn a_prepared_one_that_cannot_be_read_is_named_with_its_file_and_the_way_out() {
        let path = PathBuf::from("/keys/ca.prepared.pem");
        let unfit = Stock { prepared: Some(Prepared::Unfit(path)), ..stock() };
        let all = reasons(&facts(Some(unfit)), &Watch::default());
        let [reason] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(reason.code, Code::CaPreparedUnfit);
        for language in [Language::En, Language::Ja] {
            let said = reason.message.say(language);
            assert!(
                said.contains("/keys/ca.prepared.pem") && said.contains("ca prepare"),
                "{said}"
            );
        }
    }
}
