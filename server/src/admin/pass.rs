//! Passes: who has forgotten the key gets a code for some hours.

use schemars::JsonSchema;
use serde::Serialize;
use wardkey_core::id::{PassId, Salt, TerminalId};
use wardkey_core::name::{DisplayText, LoginName, ScopeName};
use wardkey_core::pass::{HASH, Pass, PassCode};
use wardkey_core::pass_key::PassKey;
use wardkey_core::time::UnixTime;

use super::reach::Reach;
use super::terms::{self, Terms};
use super::{Listing, Operation};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::pass::{self, EndedBy, StoredPass};
use crate::store::person::{self, PersonStatus};
use crate::store::{PageRequest, Tx, scope, state, terminal};
use crate::texts::{Phrase, Text};
use crate::when::shown_utc;

const TERMS: Terms = Terms {
    longest: |policy| policy.pass_seconds,
    none: Text::PassNotAllowed,
    too_long: Text::PassTooLong,
    unit: 60,
};

/// Where a new pass is to be valid.
#[derive(Clone, Debug)]
pub enum Where {
    /// At the terminals of this scope.
    Scope(ScopeName),
    /// At this terminal: its name, or the beginning of its id.
    Terminal(String),
    /// At the terminals of the person's only scope.
    Unsaid,
}

/// The code of a new pass and what is made of it: that takes a while and 64 MiB, so it is done
/// before the transaction, in which everybody else waits.
pub struct Prepared {
    code: PassCode,
    salt: Salt,
    key: PassKey,
}

impl Prepared {
    /// Makes them.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn new() -> Result<Self> {
        Self::of(PassCode::of_random(&secret::random()?))
    }

    pub(super) fn of(code: PassCode) -> Result<Self> {
        let salt = Salt::new(secret::random()?);
        let key = PassKey::derive(&code, &salt, HASH);
        Ok(Self { code, salt, key: key.map_err(Error::crypto("the key of a pass"))? })
    }

    /// What is published of it, valid from now on for so many seconds, and the code as it is handed
    /// out.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub(super) fn issued(
        self,
        op: &Operation<'_>,
        (scope, terminal): (Option<ScopeName>, Option<TerminalId>),
        seconds: u64,
        reason: DisplayText,
    ) -> Result<(Pass, String)> {
        let published = Pass {
            id: PassId::new(secret::random()?),
            salt: self.salt,
            hash: HASH,
            key: self.key.public(),
            from: op.now,
            until: op.now.plus(seconds),
            scope,
            terminal,
            issuer: terms::giver(op)?,
            reason,
        };
        Ok((published, self.code.in_groups().to_string()))
    }
}

/// A pass that was issued: the only time that its code can be seen.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PassIssued {
    /// The code, as the person types it.
    pub code: String,
    /// The pass.
    #[serde(flatten)]
    pub pass: PassView,
    /// What an administrator should look at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub warnings: Vec<Phrase>,
}

/// A pass; what the person types is known to nobody.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PassView {
    /// Its id, as in records.
    pub id: String,
    /// Login name of the person.
    pub login: String,
    /// `open`, `over` or `ended`.
    pub status: &'static str,
    /// Not valid before this, Unix seconds.
    pub from: u64,
    /// Not valid from then on, Unix seconds.
    pub until: u64,
    /// The scope at whose terminals it is valid.
    pub scope: Option<String>,
    /// Id of the one terminal at which it is valid.
    pub terminal: Option<String>,
    /// Who issued it.
    pub issuer: String,
    /// Why.
    pub reason: String,
    /// When it was last used, Unix seconds.
    pub used: Option<u64>,
    /// When it ended before its time, Unix seconds.
    pub ended: Option<u64>,
    /// What ended it: `key`, `administrator`, `another-pass` or `time`.
    pub ended_by: Option<&'static str>,
}

impl PassView {
    fn of(stored: &StoredPass, now: UnixTime) -> Self {
        let StoredPass { pass, login, used, ended, ended_by, .. } = stored;
        Self {
            id: pass.id.to_hex(),
            login: login.to_string(),
            status: match ended {
                Some(_) => "ended",
                None if now >= pass.until => "over",
                None => "open",
            },
            from: pass.from.0,
            until: pass.until.0,
            scope: pass.scope.as_ref().map(ToString::to_string),
            terminal: pass.terminal.map(|terminal| terminal.to_hex()),
            issuer: pass.issuer.to_string(),
            reason: pass.reason.to_string(),
            used: used.map(|time| time.0),
            ended: ended.map(|time| time.0),
            ended_by: ended_by.map(EndedBy::as_str),
        }
    }
}

/// A pass that was ended.
#[derive(Debug, JsonSchema, Serialize)]
pub struct PassEnded {
    /// Login name of the person.
    pub login: String,
    /// Its id.
    pub id: String,
    /// Who has to hear of it.
    #[serde(skip)]
    pub reach: Reach,
}

/// A page of passes, newest first.
pub async fn list(tx: &mut Tx, request: &PageRequest, now: UnixTime) -> Result<Listing<PassView>> {
    Ok(Listing::new(pass::page(tx, request).await?, |stored| PassView::of(&stored, now)))
}

/// The latest pass of a person.
pub async fn show(tx: &mut Tx, login: &LoginName, now: UnixTime) -> Result<PassView> {
    let person = person::get(tx, login).await?;
    let latest = pass::latest_of(tx, person.id).await?;
    let latest =
        latest.ok_or_else(|| Error::not_found(Text::PassUnknown.with([("name", name(login))])))?;
    Ok(PassView::of(&latest, now))
}

/// Issues a pass for so many seconds, and publishes it. The one before ends.
///
/// # Errors
/// [`Error::Refused`] where a scope of the person allows none, or none for so long, and without a
/// reason.
pub async fn add(
    op: &mut Operation<'_>,
    login: &LoginName,
    (place, seconds): (&Where, u64),
    prepared: Prepared,
) -> Result<PassIssued> {
    let reason = terms::reason(op, Text::PassReason)?;
    let person = person::get(op.tx, login).await?;
    if person.status != PersonStatus::Active {
        return Err(Error::invalid(Text::PersonDisabled.with([("name", name(login))])));
    }
    let (place, terminal, shown) = place_of(op, person.id, login, place).await?;
    TERMS.allow(&scope::policies_of(op.tx, person.id).await?, seconds)?;

    let by = if pass::open_of(op.tx, person.id).await?.is_some_and(|open| open.pass.until <= op.now)
    {
        EndedBy::Time
    } else {
        EndedBy::AnotherPass
    };
    let before = pass::end(op.tx, person.id, by, op.now).await?;

    let (made, code) = prepared.issued(op, (place, terminal), seconds, reason)?;
    pass::add(op.tx, person.id, &made).await?;
    state::publish_person(op.tx, person.id).await?;

    let detail = format!("pass {} at {shown} until {}", made.id.to_hex(), shown_utc(made.until));
    op.record("pass.issue", login.as_str(), Some(&detail)).await?;
    let stored = pass::find(op.tx, &made.id).await?;
    let stored = stored.ok_or_else(|| Error::damaged("a pass that was just added is not there"))?;
    let replaced = before.filter(|before| before.pass.until > op.now);
    Ok(PassIssued {
        code,
        pass: PassView::of(&stored, op.now),
        warnings: replaced
            .map(|_| vec![Text::PassReplaced.with([("name", name(login))])])
            .unwrap_or_default(),
    })
}

/// Ends the open pass of a person.
pub async fn disable(op: &mut Operation<'_>, login: &LoginName) -> Result<PassEnded> {
    let person = person::get(op.tx, login).await?;
    let ended = pass::end(op.tx, person.id, EndedBy::Administrator, op.now).await?;
    let ended =
        ended.ok_or_else(|| Error::not_found(Text::PassNoneOpen.with([("name", name(login))])))?;
    state::publish_person(op.tx, person.id).await?;
    let id = ended.pass.id.to_hex();
    op.record("pass.disable", login.as_str(), Some(&format!("pass {id}"))).await?;
    let scopes = person::scopes(op.tx, person.id).await?;
    Ok(PassEnded { login: login.to_string(), id, reach: Reach::TerminalsOf(scopes) })
}

fn name(login: &LoginName) -> Phrase {
    login.as_str().into()
}

/// Where it is valid, and in words.
async fn place_of(
    op: &mut Operation<'_>,
    person: i64,
    login: &LoginName,
    place: &Where,
) -> Result<(Option<ScopeName>, Option<TerminalId>, String)> {
    let scopes = person::scopes(op.tx, person).await?;
    match place {
        Where::Terminal(called) => {
            let found = terminal::by_name(op.tx, called).await?;
            if !found.scopes.iter().any(|scope| scopes.contains(scope)) {
                let terminal = found.name.to_string().into();
                let args = [("name", name(login)), ("terminal", terminal)];
                return Err(Error::invalid(Text::PassNotAt.with(args)));
            }
            Ok((None, Some(found.id), format!("terminal {}", found.name)))
        }
        Where::Scope(_) | Where::Unsaid => {
            let said = if let Where::Scope(scope) = place { Some(scope) } else { None };
            let scope = terms::scope_of(&scopes, login, said, Text::PassWhere)?;
            let shown = format!("scope {scope}");
            Ok((Some(scope), None, shown))
        }
    }
}

#[cfg(test)]
mod tests {
    use wardkey_core::proof::SignedByCode;

    use super::*;
    use crate::admin::person as people;
    use crate::admin::scope::{self, Rules};
    use crate::admin::testing::{Deployment, NOW, joined_terminal, login, scope as named};
    use crate::store::person as stored;

    async fn allow(deployment: &Deployment, seconds: u64) {
        let rules = Rules { passes: Some(seconds), ..Rules::default() };
        deployment.act(async |op| scope::set(op, &named("icu"), rules).await).await.unwrap();
    }

    async fn issue(deployment: &Deployment, place: Where, seconds: u64) -> Result<PassIssued> {
        let prepared = Prepared::new().unwrap();
        let yamada = login("yamada");
        deployment.act(async |op| add(op, &yamada, (&place, seconds), prepared).await).await
    }

    async fn published(deployment: &Deployment) -> Option<Pass> {
        let mut tx = deployment.store.read().await.unwrap();
        let row = stored::get(&mut tx, &login("yamada")).await.unwrap();
        state::record(&mut tx, &row).await.unwrap().pass
    }

    #[tokio::test]
    async fn the_code_is_handed_out_once_and_only_its_public_key_is_published() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        allow(&deployment, 12 * 3600).await;
        let issued = issue(&deployment, Where::Unsaid, 8 * 3600).await.unwrap();
        let pass = published(&deployment).await.unwrap();
        assert_eq!((pass.until, pass.scope.clone()), (NOW.plus(8 * 3600), Some(named("icu"))));
        assert_eq!((pass.issuer.as_str(), pass.reason.as_str()), ("server", "a test"));

        let code = PassCode::read(&issued.code).unwrap();
        let key = PassKey::derive(&code, &pass.salt, pass.hash).unwrap();
        let client_data = wardkey_core::codec::Bytes::new(*b"a login").unwrap();
        let signature = key.sign(client_data.as_slice());
        let signature = wardkey_core::codec::Bytes::new(signature).unwrap();
        let signed = SignedByCode { pass: pass.id, client_data, signature };
        signed.verify(&pass).unwrap();
        let record = wardkey_core::codec::to_message(&pass);
        let plain = code.expose().as_bytes();
        assert!(!record.windows(plain.len()).any(|window| window == plain));
        assert_eq!(deployment.actions().await[0], "pass.issue");
    }

    #[tokio::test]
    async fn nobody_gets_one_that_policy_or_reason_do_not_cover() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        let refused = issue(&deployment, Where::Unsaid, 3600).await.unwrap_err();
        assert!(refused.to_string().contains("allows no passes"), "{refused}");
        allow(&deployment, 2 * 3600).await;
        issue(&deployment, Where::Unsaid, 2 * 3600 + 1).await.unwrap_err();
        issue(&deployment, Where::Scope(named("er")), 60).await.unwrap_err();
        issue(&deployment, Where::Terminal("desk 1".into()), 60).await.unwrap_err();
        joined_terminal(&deployment).await;
        let at_desk = issue(&deployment, Where::Terminal("desk 1".into()), 60).await.unwrap();
        assert!(at_desk.pass.terminal.is_some() && at_desk.pass.scope.is_none());

        let without = async |op: &mut Operation<'_>| {
            op.reason = Some("  ");
            add(op, &login("yamada"), (&Where::Unsaid, 60), Prepared::new()?).await
        };
        assert!(matches!(deployment.act(without).await, Err(Error::Usage(_))));
        let off = async |op: &mut Operation<'_>| {
            people::switch(op, &login("yamada"), PersonStatus::Disabled).await
        };
        deployment.act(off).await.unwrap();
        assert_eq!(published(&deployment).await, None, "switched off: so is the pass");
        issue(&deployment, Where::Unsaid, 60).await.unwrap_err();
        // A policy that no longer allows them takes them from everybody by itself.
        allow(&deployment, 0).await;
        let rules = Rules { passes: Some(73 * 3600), ..Rules::default() };
        let too_long = deployment.act(async |op| scope::set(op, &named("icu"), rules).await).await;
        assert!(too_long.unwrap_err().to_string().contains("72 hours"));
    }

    #[tokio::test]
    async fn a_person_has_one_at_a_time_and_an_administrator_ends_it() {
        let deployment = Deployment::new().await;
        deployment.add("yamada").await;
        allow(&deployment, 12 * 3600).await;
        let first = issue(&deployment, Where::Unsaid, 3600).await.unwrap();
        assert!(first.warnings.is_empty());
        let second = issue(&deployment, Where::Unsaid, 3600).await.unwrap();
        assert_eq!(second.warnings.len(), 1);
        assert_ne!(first.code, second.code);
        assert_eq!(published(&deployment).await.unwrap().id.to_hex(), second.pass.id);

        let mut tx = deployment.store.read().await.unwrap();
        let listed = list(&mut tx, &PageRequest::default(), NOW.plus(3600)).await.unwrap();
        let listed: Vec<_> = listed.items.iter().map(|pass| (pass.status, pass.ended_by)).collect();
        assert_eq!(listed, [("over", None), ("ended", Some("another-pass"))]);
        drop(tx);

        let end = async |op: &mut Operation<'_>| disable(op, &login("yamada")).await;
        assert_eq!(deployment.act(end).await.unwrap().id, second.pass.id);
        assert_eq!(published(&deployment).await, None);
        deployment.act(end).await.unwrap_err();
        let mut tx = deployment.store.read().await.unwrap();
        let shown = show(&mut tx, &login("yamada"), NOW).await.unwrap();
        assert_eq!((shown.status, shown.ended_by), ("ended", Some("administrator")));
        drop(tx);
        assert_eq!(deployment.actions().await[0], "pass.disable");
    }
}
