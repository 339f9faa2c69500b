//! Tokens by which machines join.

use std::collections::BTreeSet;

use serde::Serialize;
use wardkey_core::document::MAX_SCOPES;
use wardkey_core::id::{from_hex, to_hex};
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;
use wardkey_core::token::{JoinToken, MAX_SECONDS, TokenError};

use super::operation::{joined, names};
use super::{Listing, Operation};
use crate::error::{Error, Result};
use crate::secret;
use crate::store::token::{self, ListedToken, Purpose};
use crate::store::{PageRequest, Tx, setting, terminal};
use crate::texts::Text;
use crate::when::shown_utc;

const DAY: u64 = 86_400;

/// What a token is made for.
#[derive(Debug)]
pub struct NewToken<'a> {
    /// Scopes of the terminals; none takes those of the terminal that is replaced.
    pub scopes: BTreeSet<ScopeName>,
    /// The terminal (name, or beginning of the id) in whose place the machine comes.
    pub replaces: Option<&'a str>,
    /// Seconds for which it is valid.
    pub seconds: u64,
    /// Machines that may use it; above one, each has to be approved.
    pub uses: u32,
}

/// A token that was made: the only time that it can be seen.
#[derive(Debug, Serialize)]
pub struct TokenMade {
    /// The token.
    pub token: String,
    /// Its id, hexadecimal digits: its name in the trail.
    pub id: String,
    /// Not valid from then on, Unix seconds.
    pub expires: u64,
    /// Machines that may use it.
    pub uses: u32,
    /// Id of the terminal in whose place the machine comes.
    pub replaces: Option<String>,
}

/// A token that was withdrawn.
#[derive(Debug, Serialize)]
pub struct TokenWithdrawn {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// Whether it was valid until now.
    pub changed: bool,
}

/// A token as it stands in a list: without its secret.
#[derive(Debug, Serialize)]
pub struct TokenView {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// `open`, `used`, `withdrawn` or `expired`.
    pub status: &'static str,
    /// Scopes that it gives.
    pub scopes: Vec<String>,
    /// Machines that it is for.
    pub uses: i64,
    /// Machines that have used it.
    pub used: i64,
    /// When it was made, Unix seconds.
    pub created: u64,
    /// Not valid from then on, Unix seconds.
    pub expires: u64,
    /// When it was withdrawn, Unix seconds.
    pub withdrawn: Option<u64>,
    /// Id of the terminal in whose place the machine comes.
    pub replaces: Option<String>,
}

/// A page of tokens, newest first.
pub async fn list(tx: &mut Tx, request: &PageRequest, now: UnixTime) -> Result<Listing<TokenView>> {
    Ok(Listing::new(token::page(tx, request).await?, |token| TokenView::of(&token, now)))
}

/// One token; `text` is the token, or its id.
///
/// # Errors
/// [`Error::Refused`] when it is not known.
pub async fn show(tx: &mut Tx, text: &str, now: UnixTime) -> Result<TokenView> {
    Ok(TokenView::of(&token::get(tx, &id_of(text)?).await?, now))
}

impl TokenView {
    fn of(token: &ListedToken, now: UnixTime) -> Self {
        Self {
            status: match token.revoked {
                Some(_) => "withdrawn",
                None if token.used >= token.uses => "used",
                None if now >= token.expires => "expired",
                None => "open",
            },
            id: to_hex(&token.id),
            scopes: names(&token.scopes),
            uses: token.uses,
            used: token.used,
            created: token.created.0,
            expires: token.expires.0,
            withdrawn: token.revoked.map(|time| time.0),
            replaces: token.replaces.map(|id| id.to_hex()),
        }
    }
}

/// The id in a token, or that is written out.
fn id_of(text: &str) -> Result<[u8; 8]> {
    match JoinToken::from_text(text) {
        Ok(token) => Ok(token.id),
        // It may well be a token.
        Err(error @ TokenError::Memory) => Err(Error::crypto("join token")(error)),
        Err(TokenError::Form | TokenError::Mistyped) => {
            let id = from_hex(text).ok().and_then(|bytes| bytes.try_into().ok());
            id.ok_or_else(|| Error::usage(Text::TokenOrId))
        }
    }
}

/// Makes a token.
///
/// # Errors
/// One of usage when it would be valid for longer than [`MAX_SECONDS`].
pub async fn add(op: &mut Operation<'_>, new: NewToken<'_>) -> Result<TokenMade> {
    let mut scopes = new.scopes;
    if scopes.len() > MAX_SCOPES {
        return Err(Error::usage(terminal::scopes_wrong()));
    }

    if new.seconds > MAX_SECONDS {
        return Err(Error::usage(Text::TokenTooLong.with([("days", (MAX_SECONDS / DAY).into())])));
    }

    // The token is bound to the present root key: a terminal that joins by it never rests on one of
    // before.
    let (_, root) = setting::roots(op.tx).await?;

    let replaced = match new.replaces {
        Some(name) => Some(terminal::by_name(op.tx, name).await?),
        None => None,
    };
    if let Some(replaced) = replaced.as_ref().filter(|_| scopes.is_empty()) {
        scopes.clone_from(&replaced.scopes);
    }
    let replaces = replaced.as_ref().map(|terminal| terminal.id);

    let until = op.now.plus(new.seconds);
    let made = JoinToken::make(secret::random()?, &root.root_key);
    let (token, text) = made.map_err(Error::crypto("join token"))?;
    let purpose = Purpose { scopes: &scopes, uses: new.uses, replaces };
    token::add(op.tx, (&token.id, &token.secret), &purpose, (op.now, until)).await?;

    let id = to_hex(&token.id);
    let place = replaces.map_or_else(String::new, |id| format!(", in the place of terminal {id}"));
    let detail = format!(
        "scopes {}, {} machines, until {}{place}",
        joined(&scopes),
        new.uses,
        shown_utc(until)
    );
    op.record("terminal.token", &id, Some(&detail)).await?;
    Ok(TokenMade {
        token: text,
        id,
        expires: until.0,
        uses: new.uses,
        replaces: replaces.map(|id| id.to_hex()),
    })
}

/// Withdraws a token; `text` is the token, or its id.
pub async fn delete(op: &mut Operation<'_>, text: &str) -> Result<TokenWithdrawn> {
    let id = id_of(text)?;
    let changed = token::revoke(op.tx, &id, op.now).await?;
    let id = to_hex(&id);
    op.record("terminal.token-withdraw", &id, None).await?;
    Ok(TokenWithdrawn { id, changed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::testing::{Deployment, NOW, scope};

    #[tokio::test]
    async fn a_token_is_withdrawn_by_itself_or_by_its_id_and_nothing_else() {
        let deployment = Deployment::new().await;
        let new =
            || NewToken { scopes: [scope("icu")].into(), replaces: None, seconds: 60, uses: 1 };
        let made = deployment.act(async |op| add(op, new()).await).await.unwrap();
        let status = async |after: u64| {
            let mut tx = deployment.store.read().await.unwrap();
            let tokens = list(&mut tx, &PageRequest::default(), NOW.plus(after)).await.unwrap();
            tokens.items[0].status
        };
        assert_eq!((status(0).await, status(60).await), ("open", "expired"));
        for (text, changed) in [(made.token.as_str(), true), (made.id.as_str(), false)] {
            let withdrawn = deployment.act(async |op| delete(op, text).await).await.unwrap();
            assert_eq!((withdrawn.id.as_str(), withdrawn.changed), (made.id.as_str(), changed));
        }
        assert_eq!(status(0).await, "withdrawn");
        let mut tx = deployment.store.read().await.unwrap();
        for text in [made.token.as_str(), made.id.as_str()] {
            let shown = show(&mut tx, text, NOW).await.unwrap();
            assert_eq!((shown.status, shown.scopes), ("withdrawn", vec!["icu".to_owned()]));
        }
        show(&mut tx, "0123456789abcdef", NOW).await.unwrap_err();
        drop(tx);
        deployment.act(async |op| delete(op, "xyz").await).await.unwrap_err();
    }

    #[tokio::test]
    async fn no_token_is_valid_for_longer_than_its_binding_holds() {
        let deployment = Deployment::new().await;
        let new =
            |seconds| NewToken { scopes: [scope("icu")].into(), replaces: None, seconds, uses: 1 };
        let made = deployment.act(async |op| add(op, new(30 * DAY)).await).await.unwrap();
        assert_eq!(made.expires, NOW.plus(30 * DAY).0);
        let longer = deployment.act(async |op| add(op, new(30 * DAY + 1)).await).await;
        assert!(longer.unwrap_err().to_string().contains("30 days"));
    }

    #[tokio::test]
    async fn a_token_for_a_scope_that_is_not_known_is_refused() {
        let deployment = Deployment::new().await;
        let new =
            NewToken { scopes: [scope("nowhere")].into(), replaces: None, seconds: 60, uses: 1 };
        deployment.act(async |op| add(op, new).await).await.unwrap_err();
    }
}
