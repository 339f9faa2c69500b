//! An authority that takes the place of another one, and is certified by it: who knows only the one
//! before still believes the server.
//!
//! ```text
//!   the server shows     its own certificate, by the third authority
//!                        the third authority, by the second
//!                        the second authority, by the first
//!   a terminal knows     the third, the second or the first
//! ```

use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use wardkey_core::id::to_hex;
use wardkey_core::time::UnixTime;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::links::{MAX_LINKS, certificates_in};
use super::{Authority, KeyAndCertificate, end_of, failed, params_of_authority, read_certificate};
use crate::error::{Error, Result};
use crate::secret;
use crate::texts::Text;

impl Authority {
    /// Makes the key and certificate of an authority that is to take the place of another one, and
    /// has another name.
    ///
    /// # Errors
    /// [`Error::Crypto`], [`Error::Io`] when they cannot be made.
    pub fn create_next(deployment: &str, now: UnixTime) -> Result<KeyAndCertificate> {
        let tag = to_hex(&secret::random::<4>()?);
        Self::create_as(&format!("Wardkey CA {tag} {deployment}"), now)
    }

    /// The files of the one that follows this one, with the certificates that lead to it.
    ///
    /// # Errors
    /// [`Error::Crypto`] when it cannot be certified.
    pub fn followed_by(
        &self,
        next: &KeyAndCertificate,
        now: UnixTime,
    ) -> Result<KeyAndCertificate> {
        let key = KeyPair::from_pem(&next.key).map_err(failed)?;
        let name = name_of(&next.certificate)?;
        // No longer than the one who certifies it.
        let days = end_of(&self.certificate)?.since(now) / 86_400;
        let params = params_of_authority(&name, now, days)?;
        let link = params.signed_by(&key, &self.issuer).map_err(failed)?.pem();

        let own = certificates_in(&next.certificate).next().unwrap_or_default();
        let links = std::iter::once(link.as_str()).chain(certificates_in(&self.links));
        let certificate = std::iter::once(own).chain(links.take(MAX_LINKS.into())).collect();
        Ok(KeyAndCertificate { key: next.key.clone(), certificate })
    }

    /// Its certificate.
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificates (PEM) that lead to it from those before.
    pub fn links(&self) -> &str {
        &self.links
    }

    /// Whether a certificate (PEM) says that it is of this authority. Only for one that somebody
    /// has verified: its signature is not looked at.
    ///
    /// # Errors
    /// [`Error::Crypto`] when it is not a certificate.
    pub fn names_itself_in(&self, certificate: &str) -> Result<bool> {
        let (der, _) = read_certificate(certificate)?;
        let (own, certificate) = (parsed(&self.certificate)?, parsed(&der)?);
        let issuer = certificate.iter_extensions().find_map(|one| match one.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => Some(id.key_identifier.as_ref()?.0),
            _ => None,
        });
        let id = own.iter_extensions().find_map(|one| match one.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
            _ => None,
        });
        Ok(certificate.issuer().as_raw() == own.subject().as_raw() && issuer == id)
    }
}

impl KeyAndCertificate {
    /// The key and its certificate, and apart from them the certificates that lead to it.
    pub fn without_links(&self) -> (Self, String) {
        let mut all = certificates_in(&self.certificate);
        let certificate = all.next().unwrap_or_default().to_owned();
        (Self { key: self.key.clone(), certificate }, all.collect())
    }
}

fn name_of(certificate: &str) -> Result<String> {
    let (der, _) = read_certificate(certificate)?;
    let parsed = parsed(&der)?;
    let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    Ok(name.unwrap_or_default().to_owned())
}

fn parsed<'d>(der: &'d CertificateDer<'_>) -> Result<X509Certificate<'d>> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(Error::crypto(Text::DoingCertificate))?;
    Ok(certificate)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{ServerName, UnixTime as TlsTime};
    use wardkey_core::id::TerminalId;

    use super::super::clients::{Clients, Standing};
    use super::super::{CertificateRequest, certified};
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn first() -> Authority {
        Authority::load(&Authority::create("Test", NOW).unwrap()).unwrap()
    }

    fn after(before: &Authority) -> Authority {
        let next = Authority::create_next("Test", NOW).unwrap();
        Authority::load(&before.followed_by(&next, NOW).unwrap()).unwrap()
    }

    /// Whether a server of the newest of these is believed by who knows one of them alone.
    fn believed(newest: &Authority, known: &Authority) -> bool {
        believed_at(NOW, newest, known)
    }

    fn believed_at(time: UnixTime, newest: &Authority, known: &Authority) -> bool {
        let files = newest.server(&["localhost".to_owned()], time).unwrap();
        let certificate = format!("{}{}", files.certificate, newest.links());
        let shown = certified(&KeyAndCertificate { key: files.key, certificate }).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(known.certificate().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let (own, links) = shown.cert.split_first().unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let now = TlsTime::since_unix_epoch(std::time::Duration::from_secs(time.0));
        verifier.verify_server_cert(own, links, &name, &[], now).is_ok()
    }

    #[test]
    fn who_knows_the_fifth_before_it_believes_the_newest_and_nobody_believes_an_older_one() {
        let mut all = vec![first()];
        for _ in 0..6 {
            all.push(after(all.last().unwrap()));
        }
        let newest = all.last().unwrap();
        let who: Vec<bool> = all.iter().map(|known| believed(newest, known)).collect();
        assert_eq!(who, [false, true, true, true, true, true, true]);
        assert!(!believed(&all[5], newest));
        assert!(!believed(newest, &first()), "of the same name, and another one");
        let files = newest.server(&["localhost".to_owned()], NOW).unwrap();
        let named: Vec<bool> =
            all.iter().map(|one| one.names_itself_in(&files.certificate).unwrap()).collect();
        assert_eq!(named, [false, false, false, false, false, false, true]);
    }

    /// What the guide says of the end of a CA.
    #[test]
    fn a_terminal_believes_the_ca_that_it_knows_beyond_its_end_and_follows_to_none_from_then_on() {
        let old = first();
        let end = end_of(old.certificate()).unwrap();
        let (before, after) = (UnixTime(end.0 - 86_400 * 200), end.plus(86_400));
        assert!(believed_at(after, &old, &old), "the library does not look at the end of a root");
        let next = Authority::create_next("Test", before).unwrap();
        let new = Authority::load(&old.followed_by(&next, before).unwrap()).unwrap();
        assert!(believed_at(before, &new, &old) && believed_at(after, &new, &new));
        assert!(!believed_at(after, &new, &old));
        let late = Authority::load(&old.followed_by(&next, after).unwrap()).unwrap();
        assert!(!believed_at(after.plus(1), &late, &old), "no exchange leads there any more");
    }

    #[test]
    fn a_client_certificate_is_of_the_authority_that_signed_it() {
        let (old, gone) = (first(), first());
        let new = after(&old);
        let certificate = |authority: &Authority| {
            let key = KeyPair::generate().unwrap();
            let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
            let request = CertificateRequest::read(csr.der()).unwrap();
            let issued = authority.terminal(request, &TerminalId::new([1; 16]), NOW, 30).unwrap();
            assert_eq!(issued.by, *authority.id());
            CertificateDer::from(issued.certificate)
        };
        let known = [(&new, Standing::Present), (&old, Standing::Stolen)];
        let known = known.map(|(one, standing)| (&**one.certificate(), standing));
        let clients = Clients::new(known).unwrap();
        let now = TlsTime::since_unix_epoch(std::time::Duration::from_secs(NOW.0));
        for (authority, standing) in
            [(&new, Some(Standing::Present)), (&old, Some(Standing::Stolen)), (&gone, None)]
        {
            let own = certificate(authority);
            assert_eq!(clients.verify(&own, &[], now).is_ok(), standing.is_some());
            let by = clients.whose(&own, now);
            assert_eq!(by.and_then(|by| clients.standing(&by)), standing);
            assert_eq!(by, standing.map(|_| *authority.id()));
        }
    }
}
