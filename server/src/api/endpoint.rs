//! What a route is.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

use axum::routing::MethodFilter;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wardkey_core::id::{Hash, TerminalId};
use wardkey_core::name::{GroupName, ScopeName};

use super::call::Call;
use crate::admin::role::Act;
use crate::error::{Error, Result};

/// The method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Shows.
    Get,
    /// Does.
    Post,
    /// Changes what is there.
    Patch,
    /// Takes away.
    Delete,
}

impl Method {
    /// In small letters, as OpenAPI has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// For the router.
    pub const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// Whether a request of it has a body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Patch)
    }
}

/// A route, as the router, the authorisation and the document see it.
pub trait Route: Sized + Send + Sync + 'static {
    /// The method.
    const METHOD: Method;
    /// The path; what is in braces is the target.
    const PATH: &'static str;
    /// The name of the operation.
    const NAME: &'static str;
    /// What it does, in a sentence.
    const SUMMARY: &'static str;
    /// The act that a role must have.
    const ACT: Act;
    /// What stands in the path.
    type Target: FromStr<Err: Display> + Send + Sync;
    /// What stands behind the question mark.
    type Query: DeserializeOwned + JsonSchema + Send + Sync;
    /// What stands in the body.
    type Body: DeserializeOwned + JsonSchema + Send + Sync;
    /// What it shows.
    type View: Serialize + JsonSchema + Send;
}

/// What a route does.
pub trait Endpoint: Route {
    /// What the request touches: looked at before anything is shown or done.
    fn touches(
        call: &mut Call<'_>,
        asked: &Asked<Self>,
    ) -> impl Future<Output = Result<Touches>> + Send;

    /// What takes long and needs no transaction: done before there is one.
    fn prepare(_: &mut Asked<Self>) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }

    /// Whether it counts long: then one is made at a time, and nobody waits for it.
    const IS_LONG: bool = false;

    /// Whether `If-Match` can be held against what it changes.
    const IS_MATCHED: bool = false;

    /// What it would change, as whoever asks sees it: its bytes make the [`tag`](super::tag). Asked
    /// only where [`Self::IS_MATCHED`].
    fn before(_: &mut Call<'_>, _: &Asked<Self>) -> impl Future<Output = Result<Vec<u8>>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// Does it.
    fn run(
        call: &mut Call<'_>,
        asked: Asked<Self>,
    ) -> impl Future<Output = Result<Self::View>> + Send;
}

/// A request, parsed.
pub struct Asked<R: Route> {
    /// What stands in the path.
    pub target: R::Target,
    /// What stands behind the question mark.
    pub query: R::Query,
    /// What stands in the body.
    pub body: R::Body,
}

/// What a request touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touches {
    /// Nothing of any scope.
    Nothing,
    /// The whole deployment.
    Everything,
    /// Rows of a list: those that are not to be seen are left out by the store ([`Call::page`]).
    Rows,
    /// Something that lies in these scopes.
    Scopes(BTreeSet<ScopeName>),
    /// Somebody, or what is theirs.
    Person(Whom),
    /// Somebody who would come into these scopes or leave them.
    Moves(Whom, BTreeSet<ScopeName>),
}

/// Whom a request touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// The scopes in which they are.
    pub scopes: BTreeSet<ScopeName>,
    /// The groups in which they are, would come, or would leave.
    pub groups: BTreeSet<GroupName>,
    /// Whether they administrate: whoever lets somebody in as them has what they have.
    pub administrates: bool,
}

/// Declares a route: its sentence, name, method and path, act, what it takes (target, query, body)
/// and what it shows.
macro_rules! route {
    (
        $summary:literal
        $route:ident = $method:ident $path:literal as $name:literal for $act:ident
            ($target:ty, $query:ty, $body:ty) -> $view:ty
    ) => {
        #[doc = $summary]
        pub struct $route;

        impl $crate::api::endpoint::Route for $route {
            const METHOD: $crate::api::endpoint::Method = $crate::api::endpoint::Method::$method;
            const PATH: &'static str = $path;
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = $summary;
            const ACT: $crate::admin::role::Act = $crate::admin::role::Act::$act;
            type Target = $target;
            type Query = $query;
            type Body = $body;
            type View = $view;
        }
    };
}
pub(super) use route;

/// Whether what a route shows has a tag: it is one thing that the path names, and no list.
pub fn has_tag<R: Route>() -> bool {
    R::METHOD == Method::Get && R::PATH.contains('{')
}

/// Neither target, query nor body.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl FromStr for Nothing {
    type Err = Infallible;
    fn from_str(_: &str) -> Result<Self, Infallible> {
        Ok(Self {})
    }
}

/// A whole fingerprint: the beginning of one could be that of a key that is not to be seen.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint(pub Hash);

impl FromStr for Fingerprint {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        Hash::from_hex(text).map(Self).map_err(|_| "64 hexadecimal digits")
    }
}

/// The whole id of a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Terminal(pub TerminalId);

impl FromStr for Terminal {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        TerminalId::from_hex(text).map(Self).map_err(|_| "32 hexadecimal digits")
    }
}

/// Why, for the trail.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Why, for the trail.
    pub reason: Option<String>,
}

/// Declares what stands behind the question mark of a list: what is given, and which part of it.
/// (Written out for each: what comes out of a query is text, and flattened text is no number.)
macro_rules! query {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$doc])* pub $field: Option<$type>,)*
            /// Only rows that contain this text, in upper or lower case.
            pub search: Option<String>,
            /// At most this many rows: 1 to 1000; 100 without.
            pub limit: Option<u32>,
            /// Go on after this: what the page before called `next`.
            pub after: Option<String>,
        }

        impl $name {
            /// Which part of the list.
            pub fn paging(&self) -> $crate::api::call::Paging {
                $crate::api::call::Paging {
                    search: self.search.clone(),
                    limit: self.limit,
                    after: self.after.clone(),
                }
            }
        }
    };
}
pub(super) use query;

query! {
    /// A list of which nothing else is asked.
    Part {}
}

/// A value of a field.
///
/// # Errors
/// One of an invalid request that names the field.
pub fn parsed<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T> {
    text.parse::<T>().map_err(|error| Error::invalid(format!("{field}: {error}")))
}

/// Values of a field.
pub fn all_parsed<T: FromStr<Err: Display>>(field: &str, texts: &[String]) -> Result<Vec<T>> {
    texts.iter().map(|text| parsed(field, text)).collect()
}
