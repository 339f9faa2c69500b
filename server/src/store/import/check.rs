//! Everyone of a file is checked against the store; nothing is written.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::tz::TimeZone;
use wardkey_core::id::UserHandle;
use wardkey_core::name::{DisplayText, GroupName, Language, LatinName, LoginName, RpId, ScopeName};
use wardkey_core::person::MAX_GROUPS;
use wardkey_core::time::UnixTime;

use super::plan::{Imported, Newcomer, Plan, Rules};
use crate::error::Result;
use crate::people_file::{People, Problem, UncheckedPerson, Wrong};
use crate::secret;
use crate::store::person::{PersonKind, PersonRow, PersonStatus};
use crate::store::profile::MAX_PERSON_SCOPES;
use crate::store::query::{Db, Only, query};
use crate::store::{scope, setting};
use crate::texts::Text;
use crate::when::{When, half_width};

/// Checks everyone against what is there. Writes nothing.
///
/// `there` is everyone who is there ([`logins`](crate::store::lookup::logins)).
pub async fn plan(db: &mut Db, people: People, there: &[LoginName], rules: &Rules) -> Result<Plan> {
    let mut taking = Taking::start(db, there, rules).await?;
    let mut problems = people.problems;
    let mut newcomers = Vec::with_capacity(people.lines.len());
    for (number, line) in people.lines {
        match taking.take(line) {
            Ok(newcomer) => newcomers.extend(newcomer),
            Err(wrong) => {
                problems.extend(wrong.into_iter().map(|wrong| Problem::at(number, wrong)))
            }
        }
    }
    problems.sort_by_key(|problem| problem.line);
    Ok(Plan {
        newcomers,
        seqs: taking.seqs,
        touched: BTreeSet::new(),
        now: rules.now,
        problems,
        done: taking.done,
    })
}

/// Collects what is wrong, so that everything of a line is said at once.
struct Checked(Vec<Wrong>);

impl Checked {
    /// The value, or what is wrong with it.
    fn take<T>(&mut self, value: Result<T, Wrong>) -> Option<T> {
        value.map_err(|wrong| self.0.push(wrong)).ok()
    }

    /// All of them, without those that are wrong.
    fn take_all<T: Ord>(&mut self, values: impl Iterator<Item = Result<T, Wrong>>) -> BTreeSet<T> {
        values.filter_map(|value| self.take(value)).collect()
    }
}

/// The row of someone who has none yet.
const UNWRITTEN: i64 = 0;

/// A language as people write it; Japanese when nothing is written.
fn language(text: Option<String>) -> Result<Language, Wrong> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Language::Ja) };
    match text.to_lowercase().as_str() {
        "ja" | "ja-jp" | "ja_jp" | "japanese" | "日本語" => Ok(Language::Ja),
        "en" | "en-us" | "en_us" | "en-gb" | "en_gb" | "english" | "英語" => Ok(Language::En),
        _ => Err(Wrong::Language(text)),
    }
}

/// A file that is being checked.
struct Taking<'a> {
    rules: &'a Rules,
    rp_id: RpId,
    /// Who is there already.
    there: HashSet<&'a str>,
    /// Those of them that are loaner keys, and no people.
    loaners: HashSet<String>,
    /// Who stands in the file.
    logins: HashSet<String>,
    credentials: HashSet<Vec<u8>>,
    /// The sequence of each scope.
    seqs: HashMap<ScopeName, u64>,
    done: Imported,
}

impl<'a> Taking<'a> {
    async fn start(db: &mut Db, there: &'a [LoginName], rules: &'a Rules) -> Result<Self> {
        let (_, root) = setting::roots(db).await?;
        let credentials =
            query("SELECT credential_id FROM credential").all::<Only<Vec<u8>>>(db).await?;
        let loaners = query("SELECT login FROM person WHERE kind = 'loaner'")
            .then(" AND status <> 'deleted'")
            .all::<Only<LoginName>>(db)
            .await?;
        let scopes = scope::list(db).await?;
        Ok(Self {
            rules,
            rp_id: root.rp_id,
            there: there.iter().map(LoginName::as_str).collect(),
            loaners: loaners.into_iter().map(|Only(name)| name.to_string()).collect(),
            logins: HashSet::new(),
            credentials: credentials.into_iter().map(|Only(id)| id).collect(),
            seqs: scopes.into_iter().map(|scope| (scope.name, scope.position.seq)).collect(),
            done: Imported::default(),
        })
    }

    /// Checks a line; `None` for someone who is there and is left alone.
    fn take(&mut self, line: UncheckedPerson) -> Result<Option<Newcomer>, Vec<Wrong>> {
        if line.login.is_empty() {
            return Err(vec![Wrong::Missing("login")]);
        }
        if !self.logins.insert(line.login.clone()) {
            return Err(vec![Wrong::Twice(line.login)]);
        }
        if self.loaners.contains(&line.login) {
            return Err(vec![Wrong::Loaner(line.login)]);
        }
        if self.there.contains(line.login.as_str()) {
            if self.rules.skip_existing {
                self.done.skipped += 1;
                return Ok(None);
            }
            return Err(vec![Wrong::Exists(line.login)]);
        }
        let newcomer = self.newcomer(line)?;
        self.done.people += 1;
        self.done.keys += newcomer.keys.len() as u64;
        Ok(Some(newcomer))
    }

    fn newcomer(&mut self, line: UncheckedPerson) -> Result<Newcomer, Vec<Wrong>> {
        let mut checked = Checked(Vec::new());
        let login = checked.take(
            LoginName::new(line.login.as_str()).map_err(|_| Wrong::Login(line.login.clone())),
        );
        let name = if line.name.is_empty() {
            Err(Wrong::Missing("name"))
        } else {
            DisplayText::new(line.name.as_str()).map_err(|_| Wrong::Name(line.name))
        };
        let name = checked.take(name);
        // As Japanese files have them: letters of the width of a Japanese one.
        let latin = line.latin_name.map(|text| text.chars().map(half_width).collect::<String>());
        let latin = latin.filter(|text| !text.is_empty());
        let latin =
            latin.map(|text| LatinName::new(text.as_str()).map_err(|_| Wrong::LatinName(text)));
        let latin_name = checked.take(latin.transpose()).flatten();
        let language = checked.take(language(line.language));

        let zone = &self.rules.zone;
        let when = |column: &'static str,
                    text: Option<String>,
                    edge: fn(When, &TimeZone) -> Option<UnixTime>| {
            let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
            let time = When::parse(&text).and_then(|when| edge(when, zone));
            time.map(Some).ok_or(Wrong::Date(column, text))
        };
        let not_before = checked.take(when("valid_from", line.valid_from, When::begins)).flatten();
        let not_after = checked.take(when("valid_until", line.valid_until, When::ends)).flatten();
        if not_before.zip(not_after).is_some_and(|(from, until)| until <= from) {
            checked.0.push(Wrong::Dates);
        }

        if line.scopes.is_empty() {
            checked.0.push(Wrong::Missing("scopes"));
        }
        let known = |name: String| {
            let scope =
                ScopeName::new(name.as_str()).ok().filter(|scope| self.seqs.contains_key(scope));
            scope.ok_or(Wrong::Scope(name))
        };
        let scopes = checked.take_all(line.scopes.into_iter().map(known));
        let group = |name: String| GroupName::new(name.as_str()).map_err(|_| Wrong::Group(name));
        let groups = checked.take_all(line.groups.into_iter().map(group));
        let most_keys = self.rules.keys_per_person as usize;
        for (column, count, most) in [
            ("scopes", scopes.len(), MAX_PERSON_SCOPES),
            ("groups", groups.len(), MAX_GROUPS),
            ("credentials", line.credentials.len(), most_keys),
        ] {
            if count > most {
                checked.0.push(Wrong::TooMany(column, most));
            }
        }

        let mut keys = Vec::with_capacity(line.credentials.len());
        for key in line.credentials {
            let key = key.record(&self.rp_id, self.rules.now).map_err(Wrong::Key);
            let Some((key, counter)) = checked.take(key) else { continue };
            if !self.credentials.insert(key.id.as_slice().to_vec()) {
                let key = key.fingerprint().short().into();
                checked.0.push(Wrong::Key(Text::KeyThere.with([("key", key)])));
            }
            keys.push((key, counter));
        }

        let user_handle = secret::random().map_err(|error| Wrong::Key(error.phrase()));
        let user_handle = checked.take(user_handle).map(UserHandle::new);
        match (login, name, language, user_handle) {
            (Some(login), Some(display_name), Some(language), Some(user_handle))
                if checked.0.is_empty() =>
            {
                let person = PersonRow {
                    id: UNWRITTEN,
                    login,
                    display_name,
                    latin_name,
                    language,
                    user_handle,
                    not_before,
                    not_after,
                    status: PersonStatus::Active,
                    kind: PersonKind::Staff,
                };
                Ok(Newcomer { person, groups, scopes, keys })
            }
            _ => Err(checked.0),
        }
    }
}
