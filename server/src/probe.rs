//! Whether the deployment's server answers at an address, before terminals are told it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime as TlsTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wardkey_core::cause::Cause;
use wardkey_core::code::Code;
use wardkey_core::document::{RootDocument, SignedRoot};
use wardkey_core::message::http::RootReply;
use wardkey_core::name::ServerAddress;
use wardkey_core::texts;

use crate::error::{Error, Result};

/// How long somebody may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes: a chain of root documents has less.
const MOST: usize = 256 * 1024;

/// Asks at an address for the root documents of the deployment.
///
/// # Errors
/// [`Code::AddressSilent`] when nobody answers; [`Code::AddressOther`] when somebody does who is
/// not the server.
pub async fn look(
    address: &ServerAddress,
    roots: &[SignedRoot],
    root: &RootDocument,
) -> Result<()> {
    let config = config(root.tls_ca.as_slice())?;
    let found = match tokio::time::timeout(PATIENCE, fetch(address, config)).await {
        Ok(found) => found,
        Err(late) => Err(Trouble::Silent(late.into())),
    };
    let newest = roots.last().map(|root| root.by_itself.as_slice());
    let trouble = match found {
        Ok(reply) if shows(&reply, newest) => return Ok(()),
        Ok(_) => Trouble::Other,
        Err(trouble) => trouble,
    };
    let at = ("address", address.as_str().into());
    Err(match trouble {
        Trouble::Other => {
            Error::refused(Code::AddressOther, texts::phrase(Code::AddressOther, vec![at]))
        }
        Trouble::Silent(why) => {
            let args = vec![at, ("why", why.to_string().into())];
            Error::refused(Code::AddressSilent, texts::phrase(Code::AddressSilent, args))
        }
    })
}

enum Trouble {
    /// Nobody answers.
    Silent(Cause),
    /// Somebody else does.
    Other,
}

fn silent(why: impl Into<Cause>) -> Trouble {
    Trouble::Silent(why.into())
}

/// Whether an answer has the newest root document of this deployment.
fn shows(reply: &RootReply, newest: Option<&[u8]>) -> bool {
    reply.roots.last().is_some_and(|root| Some(root.by_itself.0.as_slice()) == newest)
}

async fn fetch(
    address: &ServerAddress,
    config: Arc<ClientConfig>,
) -> std::result::Result<RootReply, Trouble> {
    let host = address.host();
    let name = ServerName::try_from(host.to_owned()).map_err(silent)?;
    let tcp = TcpStream::connect((host, address.port())).await.map_err(silent)?;
    let tls = TlsConnector::from(config).connect(name, tcp).await.map_err(of_tls)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(tls)).await.map_err(silent)?;
    tokio::spawn(connection);
    let request = Request::get("/v1/root")
        .header(header::HOST, address.as_str().trim_start_matches("https://"))
        .body(Empty::<Bytes>::new())
        .map_err(silent)?;
    let answer = sender.send_request(request).await.map_err(silent)?;
    if answer.status() != StatusCode::OK {
        return Err(Trouble::Other);
    }
    let body = Limited::new(answer.into_body(), MOST).collect().await.map_err(silent)?;
    serde_json::from_slice(&body.to_bytes()).map_err(|_| Trouble::Other)
}

fn of_tls(error: std::io::Error) -> Trouble {
    let is_certificate = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_)));
    if is_certificate { Trouble::Other } else { silent(error) }
}

fn config(ca: &[u8]) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.to_vec().into())?;
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .map_err(Error::crypto("TLS"))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(WhateverName(inner)))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A server of the deployment, by whatever name: its certificate has the name as soon as terminals
/// are told it, and they look at it.
#[derive(Debug)]
struct WhateverName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for WhateverName {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: TlsTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        // The name comes last: until then all is as for a terminal.
        match self.0.verify_server_cert(end, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use wardkey_core::message::http::{Base64, RootJson};

    use super::*;

    #[test]
    fn only_who_shows_the_newest_root_document_last_is_this_server() {
        let reply = |documents: &[&str]| {
            let root = |document: &&str| RootJson {
                by_itself: Base64(document.as_bytes().to_vec()),
                by_previous: None,
            };
            RootReply { roots: documents.iter().map(root).collect(), time: 0 }
        };
        for (documents, is_it) in [
            (vec!["one", "two"], true),
            (vec!["two"], true),
            (vec!["one"], false),
            (vec!["two", "one"], false),
            (vec!["other"], false),
            (vec![], false),
        ] {
            let newest: &[u8] = b"two";
            assert_eq!(shows(&reply(&documents), Some(newest)), is_it, "{documents:?}");
        }
        assert!(!shows(&reply(&[]), None));
    }
}
