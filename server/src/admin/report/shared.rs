//! Who used the accounts that several people share.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::event::{Class, EventName};
use wardkey_core::id::TerminalId;
use wardkey_core::name::{GroupName, LoginName, ScopeName};
use wardkey_core::time::UnixTime;

use super::place::Places;
use super::{Asked, Counts, PeriodView};
use crate::error::Result;
use crate::store::report::{self, Happened, Use};
use crate::store::{Tx, scope};

/// Who used the accounts that several people share.
#[derive(Debug, JsonSchema, Serialize)]
pub struct SharedView {
    /// The period.
    pub period: PeriodView,
    /// The one scope, when one was asked for.
    pub scope: Option<String>,
    /// The accounts that are shared now, by name.
    pub accounts: Vec<AccountView>,
    /// Who used them, by account and person.
    pub uses: Vec<UseView>,
}

/// A shared account.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "SharedAccount")]
pub struct AccountView {
    /// The account.
    pub account: String,
    /// The scopes in which it is shared.
    pub scopes: Vec<String>,
    /// Groups whose people may use it.
    pub groups: Vec<String>,
    /// People who have logged in there in the period.
    pub people: u64,
    /// Logins and refusals.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A person at a shared account.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "SharedAccountUse")]
pub struct UseView {
    /// The account.
    pub account: String,
    /// Login name; none where nothing proved who it was.
    pub person: Option<String>,
    /// The person's name; none of people who are deleted.
    pub name: Option<String>,
    /// Logins and refusals.
    #[serde(flatten)]
    pub counts: Counts,
    /// At how many terminals.
    pub terminals: u64,
    /// When for the first time in the period, Unix seconds.
    pub first: u64,
    /// When for the last time, Unix seconds.
    pub last: u64,
}

#[derive(Default)]
struct Sharing {
    scopes: BTreeSet<ScopeName>,
    groups: BTreeSet<GroupName>,
}

#[derive(Default)]
struct Used {
    counts: Counts,
    terminals: BTreeSet<TerminalId>,
    first: Option<UnixTime>,
    last: Option<UnixTime>,
}

impl Used {
    fn take(&mut self, row: &Use) {
        self.counts.take(&row.of);
        self.terminals.insert(row.of.terminal);
        self.first = Some(self.first.map_or(row.first, |first| first.min(row.first)));
        self.last = self.last.max(Some(row.last));
    }
}

/// The report.
///
/// # Errors
/// [`Code::ReportPeriod`](wardkey_core::code::Code::ReportPeriod).
pub async fn shared(tx: &mut Tx, asked: &Asked<'_>) -> Result<SharedView> {
    let period = asked.period(tx, &[Class::Logins]).await?;
    let sharing = sharing(tx, asked.scope).await?;
    let accounts: Vec<LoginName> = sharing.keys().cloned().collect();
    let found = report::at_accounts(tx, &accounts, period.stretch()).await?;
    let terminals = found.iter().map(|row| row.of.terminal).collect();
    let places = Places::read(tx, terminals, asked.scope).await?;

    let mut used: BTreeMap<(LoginName, Option<LoginName>), Used> = BTreeMap::new();
    for row in found.iter().filter(|row| is_login(&row.of) && places.counts(&row.of.terminal)) {
        used.entry((row.account.clone(), row.person.clone())).or_default().take(row);
    }
    let people: BTreeSet<LoginName> = used.keys().filter_map(|(_, who)| who.clone()).collect();
    let people: Vec<LoginName> = people.into_iter().collect();
    let names = report::names(tx, &people, asked.people_of()).await?;

    let accounts = sharing
        .into_iter()
        .map(|(account, sharing)| {
            let of_it = used.iter().filter(|((of, _), _)| *of == account);
            let mut counts = Counts::default();
            let mut people = 0;
            for ((_, person), used) in of_it {
                counts.add(&used.counts);
                people += u64::from(person.is_some() && used.counts.logins() > 0);
            }
            AccountView {
                account: account.to_string(),
                scopes: sharing.scopes.iter().map(ToString::to_string).collect(),
                groups: sharing.groups.iter().map(ToString::to_string).collect(),
                people,
                counts,
            }
        })
        .collect();
    let uses = used
        .into_iter()
        .map(|((account, person), used)| UseView {
            account: account.to_string(),
            name: person.as_ref().and_then(|login| names.get(login)).map(ToString::to_string),
            person: person.map(|login| login.to_string()),
            counts: used.counts,
            terminals: used.terminals.len() as u64,
            first: used.first.unwrap_or_default().0,
            last: used.last.unwrap_or_default().0,
        })
        .collect();
    Ok(SharedView { period, scope: asked.scope.map(ToString::to_string), accounts, uses })
}

/// Whether it is a login or a refusal: a session's end is none.
fn is_login(of: &Happened) -> bool {
    let names = [
        EventName::Login,
        EventName::PassLogin,
        EventName::PassWrong,
        EventName::PassVoid,
        EventName::BreakGlassLogin,
        EventName::BreakGlassWrong,
        EventName::BreakGlassVoid,
    ];
    names.iter().any(|name| of.is(*name))
}

/// Accounts that are shared, in one scope or in any.
async fn sharing(tx: &mut Tx, only: Option<&ScopeName>) -> Result<BTreeMap<LoginName, Sharing>> {
    let mut all: BTreeMap<LoginName, Sharing> = BTreeMap::new();
    for (scope, policy) in scope::with_policies(tx).await? {
        if only.is_some_and(|only| *only != scope.name) {
            continue;
        }
        for shared in policy.shared_accounts.iter() {
            let sharing = all.entry(shared.account.clone()).or_default();
            sharing.scopes.insert(scope.name.clone());
            sharing.groups.extend(shared.groups.iter().cloned());
        }
    }
    Ok(all)
}
