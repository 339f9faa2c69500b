//! TLS as this deployment trusts it: one CA, from the verified root document, and validity judged
//! by the clock that cannot be set back.
//!
//! A machine's clock may be wrong in either direction; that must not keep it from the server for
//! ever, as only the server's signed time can correct it. So a certificate is accepted when it is
//! valid now, or at the least time that it can be now (a clock that runs ahead), or when it begins
//! after what the clock says (a clock that lags). A certificate that ended before the least
//! possible time is refused whatever the clock says. All of that is for the server alone: the
//! certificate of a collector has to be valid by the clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime as TlsTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use wardkey_core::cause::Cause;

use crate::clock::Clock;
use crate::error::ServerError;
use crate::identity::Identity;
use crate::lock::lock;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn not_trusted(error: impl Into<Cause>) -> ServerError {
    ServerError::NotTrusted(error.into())
}

/// Client side of TLS that trusts `ca` only; with the terminal's certificate when there is one.
///
/// # Errors
/// [`ServerError::NotTrusted`] when CA or identity cannot be used.
pub fn trusting(
    ca: &[u8],
    identity: Option<&Identity>,
    clock: Arc<Clock>,
) -> Result<Arc<ClientConfig>, ServerError> {
    trusting_any(vec![CertificateDer::from(ca.to_vec())], identity, clock, Judged::ByFloor)
}

/// The same for a collector of records, with the CAs that are configured for it. Its certificate
/// has to be valid now: a collector corrects no clock, and records can wait until it is right.
///
/// # Errors
/// [`ServerError::NotTrusted`] when a CA or the identity cannot be used.
pub fn trusting_now(
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<&Identity>,
    clock: Arc<Clock>,
) -> Result<Arc<ClientConfig>, ServerError> {
    trusting_any(authorities, identity, clock, Judged::ByNow)
}

fn trusting_any(
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<&Identity>,
    clock: Arc<Clock>,
    judged: Judged,
) -> Result<Arc<ClientConfig>, ServerError> {
    let verifier = Arc::new(FloorVerifier { inner: webpki(authorities)?, clock, judged });
    let builder = builder()?.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = identity.private_key().map_err(not_trusted)?;
            builder
                .with_client_auth_cert(vec![identity.certificate.clone()], key)
                .map_err(not_trusted)?
        }
    };
    config.resumption = Resumption::in_memory_sessions(4);
    Ok(Arc::new(config))
}

/// Client side of TLS for the first contact of a join: believes no certificate but keeps the chain,
/// which is verified as soon as the root document is.
///
/// # Errors
/// [`ServerError::NotTrusted`] when TLS cannot be set up.
pub fn capturing() -> Result<(Arc<ClientConfig>, Arc<Capture>), ServerError> {
    let capture = Arc::new(Capture { provider: provider(), chain: Mutex::default() });
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Capture>::clone(&capture);
    let config =
        builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok((Arc::new(config), capture))
}

/// Whether a captured chain is one of the deployment's server.
///
/// # Errors
/// [`ServerError::NotTrusted`].
pub fn verify_chain(
    chain: &[CertificateDer<'_>],
    ca: &[u8],
    name: &ServerName<'_>,
    clock: &Arc<Clock>,
) -> Result<(), ServerError> {
    let verifier = FloorVerifier {
        inner: webpki(vec![CertificateDer::from(ca.to_vec())])?,
        clock: Arc::clone(clock),
        judged: Judged::ByFloor,
    };
    let (end, intermediates) = chain.split_first().ok_or_else(|| not_trusted("no certificate"))?;
    verifier
        .verify_server_cert(end, intermediates, name, &[], TlsTime::now())
        .map(|_| ())
        .map_err(not_trusted)
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, ServerError> {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(not_trusted)
}

fn webpki(
    authorities: Vec<CertificateDer<'static>>,
) -> Result<Arc<WebPkiServerVerifier>, ServerError> {
    let mut roots = RootCertStore::empty();
    authorities.into_iter().try_for_each(|one| roots.add(one)).map_err(not_trusted)?;
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(not_trusted)
}

/// By which time a certificate is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// By every time that it can be.
    ByFloor,
    /// By the clock.
    ByNow,
}

#[derive(Debug)]
struct FloorVerifier {
    inner: Arc<WebPkiServerVerifier>,
    clock: Arc<Clock>,
    judged: Judged,
}

impl ServerCertVerifier for FloorVerifier {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        _: TlsTime,
    ) -> Result<ServerCertVerified, Error> {
        let at =
            |time: TlsTime| self.inner.verify_server_cert(end, intermediates, name, ocsp, time);
        let seconds = |seconds| TlsTime::since_unix_epoch(Duration::from_secs(seconds));
        let least = self.clock.least().0;
        let mut result = at(seconds(self.clock.now().0));
        if self.judged == Judged::ByNow {
            return result;
        }
        if is_expired(&result) {
            result = at(seconds(least));
        }
        // It begins later than we think that it is: then it is later.
        if let Err(Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before,
            ..
        })) = &result
            && not_before.as_secs() >= least
        {
            result = at(*not_before);
        }
        result
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn is_expired(result: &Result<ServerCertVerified, Error>) -> bool {
    matches!(
        result,
        Err(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. }
        ))
    )
}

/// Keeps the chain of a peer that is not believed yet.
#[derive(Debug)]
pub struct Capture {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl Capture {
    /// The chain that the peer showed, its own certificate first.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        lock(&self.chain).clone()
    }
}

impl ServerCertVerifier for Capture {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: TlsTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain =
            std::iter::once(end).chain(intermediates).map(|one| one.clone().into_owned()).collect();
        *lock(&self.chain) = chain;
        Ok(ServerCertVerified::assertion())
    }

    // The peer must hold the key of the certificate that it shows, or the chain would prove
    // nothing.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
