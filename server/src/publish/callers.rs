//! Whose certificates count, by what is published.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime as TlsTime};

use super::publisher::Publisher;
use super::terminals::Shown as ShownTerminal;
use crate::caller;
use crate::error::Error;
use crate::pki::TerminalCertificate;
use crate::pki::clients::Standing;
use crate::store::terminal::TerminalStatus;

impl Publisher {
    /// Reads a client certificate that TLS has verified; none where it is not a terminal's.
    pub fn read_certificate(
        &self,
        certificate: &CertificateDer<'_>,
    ) -> Option<TerminalCertificate> {
        let now = TlsTime::since_unix_epoch(Duration::from_secs(self.time().0));
        let by = self.keys().clients().whose(certificate, now)?;
        TerminalCertificate::read(certificate, by)
    }

    /// Whether a verified certificate has the room of its terminal: the newest, or the one before
    /// until that is used, of a terminal that is not revoked. Any other is one more address.
    pub fn counts(&self, certificate: &TerminalCertificate) -> bool {
        self.terminal(&certificate.terminal).is_some_and(|terminal| {
            self.refusal(&terminal, certificate).is_none()
                && terminal.status != TerminalStatus::Revoked
        })
    }

    /// Why a verified certificate is not, or no longer, a terminal's: it is not on record, or of an
    /// authority whose certificates count no longer.
    pub fn refusal(
        &self,
        terminal: &ShownTerminal,
        certificate: &TerminalCertificate,
    ) -> Option<Error> {
        if !self.is_of_authority(terminal, certificate) {
            return Some(caller::of_former_authority());
        }
        (!terminal.takes(certificate)).then(caller::replaced)
    }

    /// Whether the certificates of its authority still count, for this terminal.
    pub fn is_of_authority(
        &self,
        terminal: &ShownTerminal,
        certificate: &TerminalCertificate,
    ) -> bool {
        caller::is_of_authority(self.standing(certificate), terminal, certificate)
    }

    fn standing(&self, certificate: &TerminalCertificate) -> Option<Standing> {
        self.keys().clients().standing(&certificate.by)
    }

    /// Whether a terminal has renewed its certificate since the state that this server was restored
    /// from. The key on record says so, whoever has signed the certificate: also an authority that
    /// is exchanged, as long as its certificates count.
    pub fn is_behind(&self, terminal: &ShownTerminal, certificate: &TerminalCertificate) -> bool {
        let is_of_exchange = self.keys().clients().is_of_exchange(&certificate.by);
        let counts = match self.standing(certificate) {
            Some(Standing::Present | Standing::Former | Standing::Stolen) => true,
            Some(Standing::Retired) | None => false,
        };
        counts && terminal.is_behind(certificate, is_of_exchange)
    }

    /// Whether a verified certificate was its terminal's and is no longer: another machine took the
    /// place, or a newer certificate is in use.
    pub fn is_replaced(&self, certificate: &TerminalCertificate) -> bool {
        self.terminal(&certificate.terminal)
            .is_some_and(|terminal| self.refusal(&terminal, certificate).is_some())
    }
}
