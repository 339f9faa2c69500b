//! Terminals that are looked up.

use wardkey_core::codec::sha256;
use wardkey_core::id::TerminalId;
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use super::view::{PositionView, Related, TerminalDetails, TerminalView, view};
use crate::admin::Listing;
use crate::error::Result;
use crate::fleet::{Reckoned, Stages};
use crate::store::page::MAX_ROWS;
use crate::store::terminal::{self, Filter, Tag, Terminal, TerminalStatus};
use crate::store::{Page, PageRequest, Tx, authority, scope, setting};

/// Which terminals are listed: those that fit everything that is given.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// Of this scope.
    pub scope: Option<&'a ScopeName>,
    /// With this tag.
    pub tag: Option<&'a Tag>,
    /// Whose programs are of this version.
    pub version: Option<&'a str>,
    /// Not revoked, and not heard of for so many seconds.
    pub silent: Option<u64>,
    /// Active, and at least so many positions behind.
    pub behind: Option<u64>,
    /// Not revoked, and without the newest root document.
    pub old_root: bool,
    /// Not revoked, and without a certificate of the present authority in use.
    pub old_certificate: bool,
    /// That came last by this address of the server.
    pub came_by: Option<&'a str>,
    /// Active, and in this stage as their last word lets expect.
    pub stage: Option<Reckoned>,
}

/// By what stages are reckoned.
#[derive(Clone, Copy, Debug)]
pub struct Reckoning {
    /// Now.
    pub now: UnixTime,
    /// Seconds for which what is published is valid.
    pub head_seconds: u64,
}

/// A page of terminals by name.
pub async fn list(
    tx: &mut Tx,
    wanted: &Wanted<'_>,
    by: Reckoning,
    request: &PageRequest,
) -> Result<Listing<TerminalView>> {
    if let Some(scope) = wanted.scope {
        scope::get(tx, scope).await?;
    }
    let newest = setting::root_version(tx).await?;
    let present = match wanted.old_certificate {
        true => Some(sha256(setting::roots(tx).await?.1.tls_ca.as_slice())),
        false => None,
    };
    let of_unknown = match &present {
        Some(present) => authority::of_unknown(tx, present).await?,
        None => None,
    };
    let filter = Filter {
        scope: wanted.scope,
        tag: wanted.tag,
        version: wanted.version,
        silent_since: wanted.silent.map(|seconds| UnixTime(by.now.0.saturating_sub(seconds))),
        behind: wanted.behind,
        root_below: wanted.old_root.then_some(newest),
        certified_besides: present.as_ref(),
        of_unknown: of_unknown.as_ref(),
        came_by: wanted.came_by,
    };
    let stages = Stages::read(tx, by.head_seconds).await?;
    let stage = |terminal: &Terminal| stage_of(terminal, &stages, by.now).map(|(stage, _)| stage);
    let page = match wanted.stage {
        None => terminal::page(tx, &filter, request).await?,
        Some(wanted) => {
            let fits = |terminal: &Terminal| stage(terminal) == Some(wanted);
            those_that_fit(tx, &filter, request, fits).await?
        }
    };

    let ids: Vec<TerminalId> = page.rows.iter().map(|terminal| terminal.id).collect();
    let tags = terminal::tags_of(tx, &ids).await?;
    let positions = terminal::positions_of(tx, &ids).await?;
    Ok(Listing::new(page, |terminal| {
        let related = Related {
            stage: stage_of(&terminal, &stages, by.now),
            tags: tags.get(&terminal.id),
            positions: positions.get(&terminal.id).map_or(&[], Vec::as_slice),
        };
        view(terminal, related)
    }))
}

/// One terminal, by its name or the beginning of its id.
pub async fn show(tx: &mut Tx, name: &str, by: Reckoning) -> Result<TerminalDetails> {
    let terminal = terminal::by_name(tx, name).await?;
    let stages = Stages::read(tx, by.head_seconds).await?;
    let id = terminal.id;
    let tags = terminal::tags_of(tx, &[id]).await?;
    let positions = terminal::positions_of(tx, &[id]).await?.remove(&id).unwrap_or_default();
    let stage = stage_of(&terminal, &stages, by.now);
    let related = Related { stage, tags: tags.get(&id), positions: &positions };
    Ok(TerminalDetails {
        terminal: view(terminal, related),
        positions: positions.iter().map(PositionView::from).collect(),
    })
}

/// The stage, and when the next one begins.
fn stage_of(
    terminal: &Terminal,
    stages: &Stages,
    now: UnixTime,
) -> Option<(Reckoned, Option<UnixTime>)> {
    let seen = terminal.seen.unwrap_or(terminal.joined);
    let is_active = terminal.status == TerminalStatus::Active;
    is_active.then(|| {
        let scopes = &terminal.scopes;
        (stages.of(seen, scopes, now), stages.next(seen, scopes, now))
    })
}

/// A page of those that fit: pages of the store, until there are enough.
async fn those_that_fit(
    tx: &mut Tx,
    filter: &Filter<'_>,
    request: &PageRequest,
    fits: impl Fn(&Terminal) -> bool,
) -> Result<Page<Terminal>> {
    let most = request.limit.clamp(1, MAX_ROWS) as usize;
    let mut asked = PageRequest { limit: MAX_ROWS, ..request.clone() };
    let mut rows = Vec::new();
    loop {
        let page = terminal::page(tx, filter, &asked).await?;
        rows.extend(page.rows.into_iter().filter(|terminal| fits(terminal)));
        asked.after = page.next;
        if rows.len() > most || asked.after.is_none() {
            break;
        }
    }
    let more = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| more).map(|terminal| terminal.id.to_hex());
    Ok(Page { rows, next })
}
