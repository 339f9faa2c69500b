//! Signing in and out, and the language.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64ct::{Base64UrlUnpadded, Encoding};
use maud::html;
use serde::{Deserialize, Serialize};
use wardkey_core::code::Code;
use wardkey_core::codec::Bytes;
use wardkey_core::id::CredentialId;
use wardkey_core::name::Language;
use wardkey_core::proof::assertion::Assertion;

use crate::admin::session::{self, Entered, SignIn, refused};
use crate::error::{Error, Result};
use crate::http::body::Body;
use crate::http::limit::Counted;
use crate::http::peer::Peer;
use crate::web::ceremony::SECONDS;
use crate::web::cookies::{SESSION, cookie, set_cookie, take_cookie};
use crate::web::filter::Filter;
use crate::web::form::{Form, asked_for, path_of_ours};
use crate::web::frame::Frame;
use crate::web::refusal::Refusal;
use crate::web::say::{LANGUAGE, Say};
use crate::web::site::Site;
use crate::web::texts::Text;

/// Longest body in bytes.
const MAX_BODY: usize = 8192;

/// What the page of signing in is asked.
#[derive(Deserialize)]
pub struct Wanted {
    next: Option<String>,
    again: Option<String>,
    reported: Option<String>,
}

/// The page.
pub async fn show(
    State(site): State<Arc<Site>>,
    say: Say,
    Filter(wanted): Filter<Wanted>,
    request: Request,
) -> Response {
    let path = asked_for(&request);
    let next = path_of_ours(wanted.next.as_deref());
    let body = html! {
        section.narrow {
            @match wanted.again.as_deref() {
                Some("own") => p { (say.text(Text::SignInAgainOwn)) },
                Some(_) => p { (say.code(&Code::SignInAgain.to_string())) },
                None => {},
            }
            @if wanted.reported.is_some() {
                div role="status" {
                    p { b { (say.text(Text::LostDone)) } }
                    p { (say.text(Text::LostNext)) }
                }
            }
            p { (say.text(Text::SignInHow)) }
            p {
                button id="sign-in" hidden data-next=(next) data-touch=(say.text(Text::SignInTouch))
                    data-gave=(say.text(Text::SignInGave))
                    data-without=(say.text(Text::SignInWithout))
                    { (say.text(Text::SignIn)) }
            }
            p id="said" role="status" { }
            noscript { p { (say.text(Text::SignInScript)) } }
        }
        script src="/assets/sign-in.js" {}
    };
    let frame = Frame { site: &site, say: &say, who: None, path: &path };
    frame.page(&say.text(Text::SignIn), body)
}

/// What a key is to sign.
#[derive(Serialize)]
pub struct Options {
    challenge: String,
    rp_id: String,
    seconds: u64,
}

/// Gives a challenge.
pub async fn begin(State(site): State<Arc<Site>>) -> Result<Json<Options>, Refusal> {
    let challenge = site.ceremony.challenge(site.app().now())?;
    Ok(Json(Options {
        challenge: Base64UrlUnpadded::encode_string(&challenge),
        rp_id: site.rp_id.to_string(),
        seconds: SECONDS,
    }))
}

/// What a key signed, each in base64url.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    id: String,
    client_data: String,
    auth_data: String,
    signature: String,
    user_handle: Option<String>,
    next: Option<String>,
}

/// Where to go on.
#[derive(Serialize)]
struct Done {
    next: String,
}

/// Signs somebody in.
pub async fn finish(State(site): State<Arc<Site>>, request: Request) -> Result<Response, Refusal> {
    let address = bounded(&site, &request)?;
    let before = cookie(request.headers(), SESSION).map(str::to_owned);
    let Body(signed) = Body::<Signed, MAX_BODY>::from_request(request, &()).await?;
    let (app, now) = (site.app(), site.app().now());

    let asked = read(&site, &signed, address).ok_or_else(|| refused(Code::SignInRefused))?;
    // Anybody can send something: who writes waits for what holds only.
    session::verified(&mut app.store.read().await?, &site.rp_id, &asked).await?;
    let mut tx = app.store.write().await?;
    let entered = session::sign_in(&mut tx, (&site.rp_id, site.audience()), &asked, now).await?;
    if let (Entered::Yes(_), Some(before)) = (&entered, &before) {
        session::end(&mut tx, before, now).await?;
    }
    tx.commit().await.map_err(Error::from)?;
    let secret = match entered {
        Entered::Yes(secret) => secret,
        Entered::No(error) => return Err(error.into()),
    };

    let next = path_of_ours(signed.next.as_deref()).to_owned();
    let mut response = Json(Done { next }).into_response();
    if let Some(cookie) = set_cookie(SESSION, &secret) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Signs out.
pub async fn end(State(site): State<Arc<Site>>, form: Form) -> Result<Response, Refusal> {
    let (app, now) = (site.app(), site.app().now());
    if let Some(secret) = cookie(&form.headers, SESSION) {
        let mut tx = app.store.write().await?;
        session::end(&mut tx, secret, now).await?;
        tx.commit().await.map_err(Error::from)?;
    }
    Ok(to("/sign-in", take_cookie(SESSION)))
}

/// Chooses the language.
pub async fn language(form: Form) -> Response {
    let chosen: Language =
        form.field("language").and_then(|word| word.parse().ok()).unwrap_or_default();
    to(path_of_ours(form.field("back")), set_cookie(LANGUAGE, &chosen.to_string()))
}

fn to(path: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = Redirect::to(path).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Counts an attempt by its address.
fn bounded(site: &Site, request: &Request) -> Result<IpAddr, Refusal> {
    let peer = request.extensions().get::<Peer>();
    let address = peer.map(|peer| peer.address.ip()).ok_or_else(|| refused(Code::Internal))?;
    site.app().limiter.take(Counted::sign_in(address))?;
    Ok(address)
}

fn read(site: &Site, signed: &Signed, address: IpAddr) -> Option<SignIn> {
    let bytes = |text: &str| Base64UrlUnpadded::decode_vec(text).ok();
    let client_data = bytes(&signed.client_data)?;
    let answered = site.ceremony.answered(&client_data, site.app().now())?;
    let handle = match &signed.user_handle {
        None => None,
        Some(handle) => Some(Bytes::new(bytes(handle)?).ok()?),
    };
    Some(SignIn {
        assertion: Assertion {
            credential_id: CredentialId::new(bytes(&signed.id)?).ok()?,
            client_data: Bytes::new(client_data).ok()?,
            auth_data: Bytes::new(bytes(&signed.auth_data)?).ok()?,
            signature: Bytes::new(bytes(&signed.signature)?).ok()?,
            user_handle: handle,
        },
        challenge: answered.challenge,
        until: answered.until,
        address,
    })
}
