//! Reports. Whoever is for certain scopes has those of one of them at a time.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use wardkey_core::name::ScopeName;
use wardkey_core::time::UnixTime;

use super::call::Call;
use super::endpoint::{Asked, Endpoint, Nothing, Touches, parsed, route};
use crate::admin::report;
use crate::admin::report::coverage::{self, CoverageView};
use crate::admin::report::exceptions::{self, ExceptionsView};
use crate::admin::report::inventory::{self, InventoryView};
use crate::admin::report::logins::{self, LoginsView};
use crate::admin::report::shared::{self, SharedView};
use crate::error::{Error, Result};
use crate::texts::Text;
use crate::when::{Step, When};

/// Days without a login after which accounts and keys are unused, when nothing is said.
const UNUSED: u64 = 90;
/// The most of them.
const MAX_UNUSED: u64 = 36_500;
/// The most days of a report that is asked for from afar.
const LONGEST: u64 = 400;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// Which period, and which part of the deployment.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first day, or the moment at which it begins; without it the last thirty days.
    pub from: Option<String>,
    /// The last day, which counts whole, or the moment before which it ends; without it until now.
    pub to: Option<String>,
    /// Of this scope only; needed by whoever is for certain scopes.
    pub scope: Option<String>,
}

/// The same, cut into hours or days.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The first day, or the moment at which it begins; without it the last thirty days.
    pub from: Option<String>,
    /// The last day, which counts whole, or the moment before which it ends; without it until now.
    pub to: Option<String>,
    /// Of this scope only; needed by whoever is for certain scopes.
    pub scope: Option<String>,
    /// `hour` or `day`; without it what fits the period.
    pub by: Option<String>,
}

/// What there is now.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Now {
    /// Of this scope only; needed by whoever is for certain scopes.
    pub scope: Option<String>,
    /// Days without a login after which accounts and keys are unused: 1 to 36500; 90 without.
    pub unused: Option<u64>,
}

/// A period, read.
struct Read {
    from: Option<When>,
    to: Option<When>,
    scope: Option<ScopeName>,
}

impl Read {
    fn of(from: Option<&str>, to: Option<&str>, scope: Option<&str>) -> Result<Self> {
        let moment = |text: Option<&str>| match text {
            None => Ok(None),
            Some(text) => {
                When::parse(text).map(Some).ok_or_else(|| Error::invalid(Text::WriteTime))
            }
        };
        Ok(Self { from: moment(from)?, to: moment(to)?, scope: scope_of(scope)? })
    }

    /// What is asked, by whoever sees all scopes or this one alone.
    fn asked<'a>(
        &'a self,
        (now, zone): (UnixTime, &'a TimeZone),
        sees_all: bool,
    ) -> Result<report::Asked<'a>> {
        let Self { from, to, scope } = self;
        if let Some(begins) = from.and_then(|from| from.begins(zone)) {
            let ends = to.and_then(|to| to.ends(zone)).unwrap_or(now);
            if ends.since(begins) > LONGEST * DAY {
                return Err(Error::invalid(Text::ReportSpan.with([("days", LONGEST.into())])));
            }
        }
        let (from, to, scope) = (*from, *to, scope.as_ref());
        Ok(report::Asked { from, to, scope, is_alone: !sees_all, now, zone })
    }
}

impl Steps {
    fn read(&self) -> Result<Read> {
        Read::of(self.from.as_deref(), self.to.as_deref(), self.scope.as_deref())
    }

    fn step(&self) -> Result<Option<Step>> {
        match self.by.as_deref() {
            None => Ok(None),
            Some("hour") => Ok(Some(Step::Hour)),
            Some("day") => Ok(Some(Step::Day)),
            Some(_) => Err(Error::invalid("by: hour or day")),
        }
    }
}

impl Period {
    fn read(&self) -> Result<Read> {
        Read::of(self.from.as_deref(), self.to.as_deref(), self.scope.as_deref())
    }
}

fn scope_of(scope: Option<&str>) -> Result<Option<ScopeName>> {
    scope.map(|scope| parsed("scope", scope)).transpose()
}

/// One scope, or all there are.
fn touched(scope: Option<&str>) -> Result<Touches> {
    let scope = scope_of(scope)?;
    Ok(scope.map_or(Touches::Everything, |scope| Touches::Scopes([scope].into())))
}

route! {
    "Logins and refusals, by scope and hour or day; how many had two factors."
    Logins = Get "/v1/reports/logins" as "reports.logins" for ReadReports
        (Nothing, Steps, Nothing) -> LoginsView
}

impl Endpoint for Logins {
    const IS_LONG: bool = true;

    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        touched(asked.query.scope.as_deref())
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<LoginsView> {
        let read = asked.query.read()?;
        let step = asked.query.step()?;
        let (now, zone) = (call.now, call.zone.clone());
        let sees_all = call.grant().is_everywhere();
        logins::logins(&mut call.tx, &read.asked((now, &zone), sees_all)?, step).await
    }
}

route! {
    "What is out of the ordinary; of all scopes with what administrators overrode."
    Exceptions = Get "/v1/reports/exceptions" as "reports.exceptions" for ReadReports
        (Nothing, Period, Nothing) -> ExceptionsView
}

impl Endpoint for Exceptions {
    const IS_LONG: bool = true;

    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        touched(asked.query.scope.as_deref())
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<ExceptionsView> {
        let read = asked.query.read()?;
        let (now, zone) = (call.now, call.zone.clone());
        let sees_all = call.grant().is_everywhere();
        exceptions::exceptions(&mut call.tx, &read.asked((now, &zone), sees_all)?).await
    }
}

route! {
    "Keys and people now: models, people without a key or a spare one, what is not used."
    Inventory = Get "/v1/reports/inventory" as "reports.inventory" for ReadReports
        (Nothing, Now, Nothing) -> InventoryView
}

impl Endpoint for Inventory {
    const IS_LONG: bool = true;

    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        touched(asked.query.scope.as_deref())
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<InventoryView> {
        let scope = scope_of(asked.query.scope.as_deref())?;
        let days = asked.query.unused.unwrap_or(UNUSED);
        if !(1..=MAX_UNUSED).contains(&days) {
            return Err(Error::invalid(format!("unused: 1 to {MAX_UNUSED} days")));
        }
        let asked = inventory::Asked { scope: scope.as_ref(), unused: days * DAY, now: call.now };
        let mut view = inventory::inventory(&mut call.tx, &asked).await?;
        if !call.grant().is_everywhere() {
            let grant = call.grant();
            view.people.iter_mut().for_each(|row| row.scopes.retain(|own| grant.covers(own)));
            // It may be one of elsewhere.
            view.keys.iter_mut().for_each(|key| key.last_terminal = None);
        }
        Ok(view)
    }
}

route! {
    "Terminals: state, version and stage now; logins and ways in without a key."
    Coverage = Get "/v1/reports/coverage" as "reports.coverage" for ReadReports
        (Nothing, Period, Nothing) -> CoverageView
}

impl Endpoint for Coverage {
    const IS_LONG: bool = true;

    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        touched(asked.query.scope.as_deref())
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<CoverageView> {
        let read = asked.query.read()?;
        let (now, zone) = (call.now, call.zone.clone());
        let sees_all = call.grant().is_everywhere();
        let head_seconds = call.api.app.config.head_seconds;
        let asked = read.asked((now, &zone), sees_all)?;
        let mut view = coverage::coverage(&mut call.tx, &asked, head_seconds).await?;
        let grant = call.grant();
        let rows = view.terminals.iter_mut().map(|row| &mut row.terminal.scopes);
        rows.for_each(|scopes| scopes.retain(|own| grant.covers(own)));
        Ok(view)
    }
}

route! {
    "Who used the accounts that several people share."
    SharedAccounts = Get "/v1/reports/shared-accounts" as "reports.shared-accounts" for ReadReports
        (Nothing, Period, Nothing) -> SharedView
}

impl Endpoint for SharedAccounts {
    const IS_LONG: bool = true;

    async fn touches(_: &mut Call<'_>, asked: &Asked<Self>) -> Result<Touches> {
        touched(asked.query.scope.as_deref())
    }

    async fn run(call: &mut Call<'_>, asked: Asked<Self>) -> Result<SharedView> {
        let read = asked.query.read()?;
        let (now, zone) = (call.now, call.zone.clone());
        let sees_all = call.grant().is_everywhere();
        shared::shared(&mut call.tx, &read.asked((now, &zone), sees_all)?).await
    }
}
