//! Keys and people, as they are now: who has none, who has no spare, what is not used.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;
use wardkey_core::person::CredentialFlags;
use wardkey_core::time::UnixTime;

use crate::error::Result;
use crate::store::credential::{Credential, CredentialStatus};
use crate::store::page::MAX_ROWS;
use crate::store::person::{self, Details, PersonStatus};
use crate::store::{PageRequest, Tx, report, scope, terminal};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// People of this scope only.
    pub scope: Option<&'a ScopeName>,
    /// After so many seconds without a login, accounts and keys are unused.
    pub unused: u64,
    /// Now.
    pub now: UnixTime,
}

/// Keys and people.
#[derive(Debug, JsonSchema, Serialize)]
pub struct InventoryView {
    /// When this was so, Unix seconds.
    pub at: u64,
    /// The one scope, when one was asked for.
    pub scope: Option<String>,
    /// After so many seconds without a login, accounts and keys are unused.
    pub unused_seconds: u64,
    /// How many of what.
    pub total: Totals,
    /// Keys that are not deleted, by login name.
    pub keys: Vec<KeyView>,
    /// People who are not deleted, by login name.
    pub people: Vec<PersonView>,
    /// Models of the keys that may be used, the most frequent first.
    pub models: Vec<ModelView>,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(rename = "InventoryTotals")]
pub struct Totals {
    /// People who are not disabled, and whose validity is not over; those below are of these.
    pub people: u64,
    /// People who are disabled, or whose validity is over.
    pub people_disabled: u64,
    /// With two keys or more that may be used.
    pub with_spare: u64,
    /// With one such key.
    pub without_spare: u64,
    /// With none.
    pub without_key: u64,
    /// Who have not logged in for so long.
    pub unused_accounts: u64,
    /// Keys that may be used, of these people; those below are of these.
    pub keys: u64,
    /// Keys that are disabled, or of people who are.
    pub keys_disabled: u64,
    /// Whose makers vouch for them.
    pub attested: u64,
    /// Not used for so long.
    pub unused_keys: u64,
    /// That may have been copied.
    pub suspected: u64,
}

/// A key.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "InventoryKey")]
pub struct KeyView {
    /// Login name of its person.
    pub person: String,
    /// The person's name.
    pub name: String,
    /// What the person calls it.
    pub label: String,
    /// Fingerprint, 64 hexadecimal digits.
    pub fingerprint: String,
    /// AAGUID of its model, hexadecimal digits.
    pub model: String,
    /// Whether its maker vouches for it.
    pub attested: bool,
    /// How many characters a PIN has at least, as the key said at enrollment; none: not known.
    pub min_pin_length: Option<u8>,
    /// `active` or `disabled`.
    pub status: &'static str,
    /// When it was enrolled, Unix seconds.
    pub enrolled: u64,
    /// When it last logged someone in, Unix seconds.
    pub last_used: Option<u64>,
    /// Name of the terminal where.
    pub last_terminal: Option<String>,
    /// Whether it may be used and was not for so long.
    pub unused: bool,
    /// Whether it may have been copied.
    pub clone_suspected: bool,
}

/// A person.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "InventoryPerson")]
pub struct PersonView {
    /// Login name.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// `active`, `disabled` or `expired`.
    pub status: &'static str,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Keys that may be used.
    pub keys: u64,
    /// When the person last logged in, by a key that is still there or by a pass, Unix seconds.
    pub last_login: Option<u64>,
    /// Whether the person may log in and has not for so long.
    pub unused: bool,
}

/// A model of keys.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "InventoryModel")]
pub struct ModelView {
    /// Its AAGUID, hexadecimal digits.
    pub model: String,
    /// Keys.
    pub keys: u64,
    /// Those of them whose makers vouch for them.
    pub attested: u64,
}

/// The report.
pub async fn inventory(tx: &mut Tx, asked: &Asked<'_>) -> Result<InventoryView> {
    if let Some(scope) = asked.scope {
        scope::get(tx, scope).await?;
    }
    let since = UnixTime(asked.now.0.saturating_sub(asked.unused));
    let mut view = InventoryView {
        at: asked.now.0,
        scope: asked.scope.map(ToString::to_string),
        unused_seconds: asked.unused,
        total: Totals::default(),
        keys: Vec::new(),
        people: Vec::new(),
        models: Vec::new(),
    };

    let mut request = PageRequest { limit: MAX_ROWS, ..PageRequest::default() };
    loop {
        let page = person::page(tx, asked.scope, &request).await?;
        let rows: Vec<i64> = page.rows.iter().map(|row| row.person.id).collect();
        let added = report::added(tx, &rows).await?;
        let by_pass = report::passes_used(tx, &rows).await?;
        let used_at = page.rows.iter().flat_map(|row| &row.keys);
        let used_at: BTreeSet<TerminalId> = used_at.filter_map(|key| key.last_terminal).collect();
        let terminals = terminal::names_of(tx, &used_at.into_iter().collect::<Vec<_>>()).await?;
        for row in &page.rows {
            let id = row.person.id;
            let passed = by_pass.get(&id).copied();
            let added = added.get(&id).copied().unwrap_or_default();
            take(&mut view, row, (passed, added), since, &terminals);
        }
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    view.models = models(&view.keys);
    Ok(view)
}

/// Takes a person with the keys; when the person last came by a pass, and when it was added.
fn take(
    view: &mut InventoryView,
    row: &Details,
    (passed, added): (Option<UnixTime>, UnixTime),
    since: UnixTime,
    terminals: &BTreeMap<TerminalId, String>,
) {
    let is_over = row.person.not_after.is_some_and(|end| end.0 <= view.at);
    let is_active = row.person.status == PersonStatus::Active && !is_over;
    let kept = || row.keys.iter().filter(|key| key.status != CredentialStatus::Deleted);
    let usable = |key: &Credential| is_active && key.status == CredentialStatus::Active;
    let keys = kept().filter(|key| usable(key)).count() as u64;
    // What was there for a shorter time than that is not unused.
    let last_login = row.keys.iter().filter_map(|key| key.last_used).chain(passed).max();
    let unused = is_active && last_login.unwrap_or(added).max(added) < since;

    let total = &mut view.total;
    match (is_active, keys) {
        (false, _) => total.people_disabled += 1,
        (true, 0) => total.without_key += 1,
        (true, 1) => total.without_spare += 1,
        (true, _) => total.with_spare += 1,
    }
    total.people += u64::from(is_active);
    total.unused_accounts += u64::from(unused);
    for key in kept() {
        let usable = usable(key);
        let attested = key.flags.has(CredentialFlags::ATTESTED);
        let unused = usable && key.last_used.unwrap_or(key.enrolled).max(key.enrolled) < since;
        let suspected = key.clone_suspected.is_some();
        total.keys += u64::from(usable);
        total.keys_disabled += u64::from(!usable);
        total.attested += u64::from(usable && attested);
        total.unused_keys += u64::from(unused);
        total.suspected += u64::from(usable && suspected);
        view.keys.push(KeyView {
            person: row.person.login.to_string(),
            name: row.person.display_name.to_string(),
            label: key.label.to_string(),
            fingerprint: key.fingerprint().to_hex(),
            model: key.aaguid.to_hex(),
            attested,
            min_pin_length: key.min_pin_length,
            status: if usable { "active" } else { "disabled" },
            enrolled: key.enrolled.0,
            last_used: key.last_used.map(|time| time.0),
            last_terminal: key.last_terminal.and_then(|id| terminals.get(&id).cloned()),
            unused,
            clone_suspected: suspected,
        });
    }
    view.people.push(PersonView {
        login: row.person.login.to_string(),
        name: row.person.display_name.to_string(),
        status: if is_over { "expired" } else { row.person.status.as_str() },
        scopes: row.scopes.iter().map(ToString::to_string).collect(),
        keys,
        last_login: last_login.map(|time| time.0),
        unused,
    });
}

fn models(keys: &[KeyView]) -> Vec<ModelView> {
    let mut models: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for key in keys.iter().filter(|key| key.status == "active") {
        let (all, attested) = models.entry(&key.model).or_default();
        *all += 1;
        *attested += u64::from(key.attested);
    }
    let view =
        |(model, (keys, attested)): (&str, _)| ModelView { model: model.into(), keys, attested };
    let mut models: Vec<ModelView> = models.into_iter().map(view).collect();
    models.sort_by_key(|model| std::cmp::Reverse(model.keys));
    models
}
