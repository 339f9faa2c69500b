//! Days and times as people write them, and the time zone in which a day is one.

use std::path::Path;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use wardkey_core::time::UnixTime;

use crate::files;
use crate::texts::{Phrase, Text};

/// The zone of the machine, wherever the environment of a command says that it is.
const LOCAL_TIME: &str = "/etc/localtime";
/// Longest file of a zone in bytes; the longest that there is has 4,000.
const MAX_ZONE: u64 = 64 * 1024;

/// A day, or a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A whole day, wherever it is one.
    Day(Date),
    /// A day and a time of day.
    Local(DateTime),
    /// The same moment everywhere.
    Moment(UnixTime),
}

impl When {
    /// `2027-03-31`, `2027/3/31`, `2027.3.31`, `2027年3月31日`, with a time of day or not; or an RFC
    /// 3339 time. Full-width digits are taken, too. The year comes first: 3/4/2027 is another day
    /// in another country.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().map(half_width).collect();
        if let Ok(moment) = text.parse::<Timestamp>() {
            return u64::try_from(moment.as_second())
                .ok()
                .map(|seconds| Self::Moment(UnixTime(seconds)));
        }
        let (date, time) = match text.split_once([' ', 'T']) {
            Some((date, time)) => (date, Some(time.trim())),
            None => (text.as_str(), None),
        };
        let date = day(date)?;
        match time {
            None => Some(Self::Day(date)),
            Some(time) => time_of_day(time).map(|(hour, minute, second)| {
                let at = date.at(hour, minute, second, 0);
                // Excel writes a day as its midnight.
                if (hour, minute, second) == (0, 0, 0) { Self::Day(date) } else { Self::Local(at) }
            }),
        }
    }

    /// When it begins.
    pub fn begins(self, zone: &TimeZone) -> Option<UnixTime> {
        match self {
            Self::Day(date) => start_of(date, zone),
            Self::Local(at) => seconds(zone.to_timestamp(at).ok()?),
            Self::Moment(moment) => Some(moment),
        }
    }

    /// What is valid until it is not valid from this on: a day counts whole.
    pub fn ends(self, zone: &TimeZone) -> Option<UnixTime> {
        match self {
            Self::Day(date) => start_of(date.checked_add(1.day()).ok()?, zone),
            Self::Local(_) | Self::Moment(_) => self.begins(zone),
        }
    }
}

/// The zone with this name, such as `Asia/Tokyo`.
pub fn zone_named(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// The machine's own zone; UTC where it has none.
pub fn zone_of_the_machine() -> TimeZone {
    zone_in(Path::new(LOCAL_TIME))
}

/// The zone in a file (TZif, RFC 9636), which is a link as a rule; UTC where it says none.
fn zone_in(file: &Path) -> TimeZone {
    let bytes = files::read_followed(file, MAX_ZONE).ok();
    bytes.and_then(|bytes| TimeZone::tzif("local", &bytes).ok()).unwrap_or(TimeZone::UTC)
}

/// A moment for people, in a zone.
pub fn shown(moment: UnixTime, zone: &TimeZone) -> String {
    let moment =
        i64::try_from(moment.0).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    moment.map_or_else(
        || "?".into(),
        |moment| moment.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
    )
}

/// A moment for people, in UTC.
pub fn shown_utc(moment: UnixTime) -> String {
    let moment =
        i64::try_from(moment.0).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    moment.map_or_else(|| "?".into(), |moment| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The last moment of a validity for people: its last day, when it ends with a day.
pub fn shown_end(end: UnixTime, zone: &TimeZone) -> Phrase {
    let civil = |time: UnixTime| zoned(time, zone).map(|local| local.datetime());
    let before = UnixTime(end.0.saturating_sub(1));
    match (civil(before), civil(end)) {
        (Some(last), Some(next)) if last.date() != next.date() => {
            Text::EndOf.with([("date", last.date().to_string().into())])
        }
        _ => shown(end, zone).into(),
    }
}

/// A stretch of time that is counted for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An hour by the clock of the zone.
    Hour,
    /// A day of the zone.
    Day,
}

/// Where the steps between two moments begin, the first one at `from`; the last one ends at `to`.
/// None for more than `most` of them. A day has 23 or 25 hours where the clock is changed, and the
/// hour that comes twice is two.
pub fn steps(
    (from, to): (UnixTime, UnixTime),
    step: Step,
    zone: &TimeZone,
    most: usize,
) -> Option<Vec<UnixTime>> {
    let mut begins = Vec::new();
    let mut at = from;
    while at < to {
        if begins.len() == most {
            return None;
        }
        begins.push(at);
        let next = match step {
            Step::Hour => {
                let local = zoned(at, zone)?;
                let gone = i64::from(local.minute()) * 60 + i64::from(local.second());
                at.plus(u64::try_from(3600 - gone).ok()?)
            }
            Step::Day => start_of(zoned(at, zone)?.date().checked_add(1.day()).ok()?, zone)?,
        };
        // A clock that is set back over midnight has the same day twice.
        at = if next > at { next } else { at.plus(3600) };
    }
    Some(begins)
}

/// When the day began that is so many days before the day of a moment.
pub fn days_before(moment: UnixTime, days: i64, zone: &TimeZone) -> Option<UnixTime> {
    start_of(zoned(moment, zone)?.date().checked_sub(days.days()).ok()?, zone)
}

/// A step for people, by its beginning: `2027-03-31`, or `2027-03-31 17:00`.
pub fn shown_step(begins: UnixTime, step: Step, zone: &TimeZone) -> String {
    let form = match step {
        Step::Hour => "%Y-%m-%d %H:%M",
        Step::Day => "%Y-%m-%d",
    };
    zoned(begins, zone).map_or_else(|| "?".into(), |local| local.strftime(form).to_string())
}

fn zoned(moment: UnixTime, zone: &TimeZone) -> Option<Zoned> {
    let moment = Timestamp::from_second(i64::try_from(moment.0).ok()?).ok()?;
    Some(moment.to_zoned(zone.clone()))
}

/// Where a change of the clock leaves out midnight, the day begins with what follows.
fn start_of(date: Date, zone: &TimeZone) -> Option<UnixTime> {
    seconds(date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?.timestamp())
}

fn seconds(moment: Timestamp) -> Option<UnixTime> {
    u64::try_from(moment.as_second()).ok().map(UnixTime)
}

fn day(text: &str) -> Option<Date> {
    let separator = ['-', '/', '.'].into_iter().find(|separator| text.contains(*separator));
    let parts: Vec<&str> = match separator {
        Some(separator) => text.split(separator).collect(),
        None => text.strip_suffix('日')?.split(['年', '月']).collect(),
    };
    let [year, month, day] = parts.as_slice() else { return None };
    if year.len() != 4 || !(1..=2).contains(&month.len()) || !(1..=2).contains(&day.len()) {
        return None;
    }
    let date = Date::new(number(year)?, number(month)?, number(day)?).ok()?;
    // Before 1970 is a slip of the finger, and after 2200 too.
    (1970..=2200).contains(&date.year()).then_some(date)
}

fn time_of_day(text: &str) -> Option<(i8, i8, i8)> {
    let mut parts = text.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = parts.next().map_or(Some(0), number)?;
    let holds = parts.next().is_none() && (0..24).contains(&hour) && (0..60).contains(&minute);
    (holds && (0..60).contains(&second)).then_some((hour, minute, second))
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Digits and signs of the width of Japanese letters, as an input method leaves them.
pub fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use wardkey_core::name::Language;

    use super::*;

    #[test]
    fn days_as_people_write_them() {
        let day = |year, month, day| Some(When::Day(Date::constant(year, month, day)));
        for (text, when) in [
            ("2027-03-31", day(2027, 3, 31)),
            ("2027/3/31", day(2027, 3, 31)),
            (" 2027.03.31 ", day(2027, 3, 31)),
            ("2027年3月31日", day(2027, 3, 31)),
            ("２０２７／３／３１", day(2027, 3, 31)),
            ("2027/3/31 0:00", day(2027, 3, 31)),
            ("2027/03/31 00:00:00", day(2027, 3, 31)),
            ("2027/3/31 8:30", Some(When::Local(DateTime::constant(2027, 3, 31, 8, 30, 0, 0)))),
            ("2026-04-01T09:00:00+09:00", Some(When::Moment(UnixTime(1_775_001_600)))),
            ("2026-04-01T00:00:00Z", Some(When::Moment(UnixTime(1_775_001_600)))),
            ("2027-02-30", None),
            ("31/3/2027", None),
            ("3/31/2027", None),
            ("27/3/31", None),
            ("46477", None),
            ("1969-12-31", None),
            ("2027-3", None),
            ("2027/3/31 25:00", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(When::parse(text), when, "{text}");
        }
    }

    #[test]
    fn a_day_is_valid_to_its_end_in_its_zone() {
        let tokyo = zone_named("Asia/Tokyo").unwrap();
        let last = When::parse("2027-03-31").unwrap();
        // 24:00 in Tokyo is 15:00 UTC.
        assert_eq!(
            last.ends(&tokyo),
            When::parse("2027-03-31T15:00:00Z").unwrap().begins(&TimeZone::UTC)
        );
        assert_eq!(
            last.begins(&tokyo),
            When::parse("2027-03-30T15:00:00Z").unwrap().begins(&TimeZone::UTC)
        );
        assert_eq!(
            last.ends(&TimeZone::UTC),
            When::parse("2027-04-01T00:00:00Z").unwrap().begins(&TimeZone::UTC)
        );
        let end = shown_end(last.ends(&tokyo).unwrap(), &tokyo);
        assert_eq!(end.say(Language::En), "the end of 2027-03-31");
        assert_eq!(end.say(Language::Ja), "2027-03-31 の終わり");
        // A moment is that moment, and is shown as one.
        let moment = When::parse("2027-03-31T17:30:00+09:00").unwrap();
        assert_eq!(moment.ends(&tokyo), moment.begins(&TimeZone::UTC));
        let end = shown_end(moment.ends(&tokyo).unwrap(), &tokyo);
        assert_eq!(end.to_string(), "2027-03-31T17:30:00+09:00");
        // Days of 23 and 25 hours, and one without midnight.
        for (zone, day, hours) in [
            ("Europe/Berlin", "2027-03-28", 23),
            ("Europe/Berlin", "2027-10-31", 25),
            ("Africa/Cairo", "2027-04-30", 23),
        ] {
            let (zone, day) = (zone_named(zone).unwrap(), When::parse(day).unwrap());
            let length = day.ends(&zone).unwrap().since(day.begins(&zone).unwrap());
            assert_eq!(length, hours * 3600, "{day:?}");
        }
        assert!(zone_named("Asia/Tokio").is_none());
        let _ = zone_of_the_machine();
    }

    /// Nine hours before UTC for ever: a block of version 1, the same of version 2, a rule.
    fn nine_hours() -> Vec<u8> {
        let mut block = b"TZif2".to_vec();
        block.extend([0; 15 + 4 * 4]);
        block.extend([0, 0, 0, 1, 0, 0, 0, 4]);
        block.extend((9 * 3600_i32).to_be_bytes());
        block.extend(b"\0\0JST\0");
        [block.clone(), block, b"\nJST-9\n".to_vec()].concat()
    }

    #[test]
    fn the_zone_of_the_machine_is_a_file_behind_a_link_and_neither_endless_nor_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("Tokyo"), folder.path().join("localtime"));
        let day = When::parse("2027-03-31").unwrap();
        let utc = day.begins(&TimeZone::UTC).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();

        std::fs::write(&file, nine_hours()).unwrap();
        let begins = day.begins(&zone_in(&link)).unwrap();
        assert_eq!(utc.since(begins), 9 * 3600);

        // As long as may be, and a byte more.
        for (more, expected) in [(0, begins), (1, utc)] {
            let mut long = nine_hours();
            long.resize(MAX_ZONE as usize + more, b'\n');
            std::fs::write(&file, long).unwrap();
            assert_eq!(day.begins(&zone_in(&link)), Some(expected), "{more}");
        }

        std::fs::remove_file(&file).unwrap();
        assert_eq!(zone_in(&link), TimeZone::UTC, "nothing is there");
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(zone_in(&link), TimeZone::UTC, "a pipe keeps nobody waiting");
    }

    #[test]
    fn a_period_is_cut_where_hours_and_days_begin_in_its_zone() {
        let at = |text: &str| When::parse(text).unwrap().begins(&TimeZone::UTC).unwrap();
        let cut = |from: &str, to: &str, step, zone: &str| {
            let zone = zone_named(zone).unwrap();
            let begins = steps((at(from), at(to)), step, &zone, 100).unwrap();
            begins.into_iter().map(|at| shown_step(at, step, &zone)).collect::<Vec<_>>()
        };
        // 15:00 UTC is midnight in Tokyo.
        assert_eq!(
            cut("2027-03-30T14:59:59Z", "2027-03-31T15:00:00Z", Step::Day, "Asia/Tokyo"),
            ["2027-03-30", "2027-03-31"]
        );
        assert_eq!(
            cut("2027-03-30T14:30:00Z", "2027-03-30T16:00:01Z", Step::Hour, "Asia/Tokyo"),
            ["2027-03-30 23:30", "2027-03-31 00:00", "2027-03-31 01:00"]
        );
        // Half an hour beside UTC.
        assert_eq!(
            cut("2027-03-30T18:30:00Z", "2027-03-30T20:00:00Z", Step::Hour, "Asia/Kolkata"),
            ["2027-03-31 00:00", "2027-03-31 01:00"]
        );
        // The hour that comes twice, and days around it.
        assert_eq!(
            cut("2027-10-30T23:00:00Z", "2027-10-31T02:00:00Z", Step::Hour, "Europe/Berlin"),
            ["2027-10-31 01:00", "2027-10-31 02:00", "2027-10-31 02:00"]
        );
        let berlin = zone_named("Europe/Berlin").unwrap();
        let begins = steps(
            (at("2027-10-29T22:00:00Z"), at("2027-11-01T23:00:00Z")),
            Step::Day,
            &berlin,
            100,
        );
        let hours = |pair: &[UnixTime]| pair[1].since(pair[0]) / 3600;
        assert_eq!(begins.unwrap().windows(2).map(hours).collect::<Vec<_>>(), [24, 25]);
        // Nothing, and too much.
        assert_eq!(steps((UnixTime(5), UnixTime(5)), Step::Day, &berlin, 1), Some(Vec::new()));
        assert_eq!(steps((UnixTime(0), UnixTime(7201)), Step::Hour, &TimeZone::UTC, 2), None);
        assert_eq!(
            days_before(at("2027-03-30T15:00:00Z"), 29, &zone_named("Asia/Tokyo").unwrap()),
            Some(at("2027-03-01T15:00:00Z"))
        );
    }
}
