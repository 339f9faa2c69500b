//! The authority while it is exchanged. As with the other keys, the commit of the root document is
//! the one moment of the exchange. The next one lies whole in one file, its key and certificate and
//! those that lead to it: until the commit it is nobody's, from then on it is the authority, and
//! whoever looks next takes the file apart.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use wardkey_core::code::Code;
use wardkey_core::document::RootDocument;
use wardkey_core::texts;
use zeroize::Zeroizing;

use super::key_files::{CA_LINKS, CA_NEXT, CA_NEXT_SHOWN, CA_PREPARED, authority_in, is_authority};
use super::{Holder, Keyring};
use crate::error::{Error, Result};
use crate::pki::KeyAndCertificate;
use crate::texts::Text;

/// How often, and after which pause, somebody tries to get the files that another one has.
const HOLD_TRIES: usize = 40;
const HOLD_PAUSE: Duration = Duration::from_millis(25);

impl Keyring {
    /// The authority that a root document names, with the certificates that lead to it.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it is not here, or a file cannot be read.
    pub fn authority(&self, root: &RootDocument) -> Result<KeyAndCertificate> {
        let own = self.own_authority(root);
        if own.is_ok() {
            return own;
        }
        match self.next_authority()?.filter(|next| is_authority(root, next)) {
            Some(next) => Ok(next),
            // Somebody else has tidied between the two.
            None => self.own_authority(root),
        }
    }

    fn own_authority(&self, root: &RootDocument) -> Result<KeyAndCertificate> {
        let mut own = self.certificate(Holder::Authority)?;
        if !is_authority(root, &own) {
            return Err(self.wrong("ca.crt", Text::OtherAuthority));
        }
        if self.holds(CA_LINKS) {
            own.certificate.push_str(&self.read(CA_LINKS)?);
        }
        Ok(own)
    }

    /// The authority that lies beside the present one, whether a root document names it or not.
    ///
    /// # Errors
    /// [`Error::Configuration`] when its file cannot be read.
    pub fn next_authority(&self) -> Result<Option<KeyAndCertificate>> {
        self.authority_at(CA_NEXT)
    }

    /// The authority that was prepared for the next exchange.
    ///
    /// # Errors
    /// [`Code::CaPreparedUnfit`] when its file cannot be read: nobody needs it, so it may go.
    pub fn prepared_authority(&self) -> Result<Option<KeyAndCertificate>> {
        self.authority_at(CA_PREPARED).map_err(|error| {
            tracing::debug!(%error, "the authority that was prepared");
            let code = Code::CaPreparedUnfit;
            let path = self.prepared_path().display().to_string().into();
            Error::refused(code, texts::phrase(code, vec![("path", path)]))
        })
    }

    /// Where that lies.
    pub fn prepared_path(&self) -> PathBuf {
        self.folder().join(CA_PREPARED)
    }

    fn authority_at(&self, name: &str) -> Result<Option<KeyAndCertificate>> {
        if !self.holds(name) {
            return Ok(None);
        }
        match self.read(name) {
            Ok(text) => {
                let next = authority_in(&text);
                next.map(Some).ok_or_else(|| self.wrong(name, Text::NextAuthorityUnfit))
            }
            // Somebody else has tidied meanwhile.
            Err(_) if !self.holds(name) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts the next authority beside the present one. Nothing is issued by it before a root
    /// document names it. Only for who has the store for writing, and has tidied.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_next_authority(&self, files: &KeyAndCertificate) -> Result<()> {
        let _one_at_a_time = self.hold()?;
        self.replace(CA_NEXT, whole(files).as_bytes())?;
        self.sync()
    }

    /// Keeps an authority for the next exchange, and its certificate in a file of its own, for
    /// others; says where that is. They stay until an exchange is done, also beside one that fails.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn prepare_authority(&self, files: &KeyAndCertificate) -> Result<PathBuf> {
        let _one_at_a_time = self.hold()?;
        self.remove(CA_NEXT_SHOWN)?;
        self.replace(CA_PREPARED, whole(files).as_bytes())?;
        self.replace(CA_NEXT_SHOWN, files.without_links().0.certificate.as_bytes())?;
        self.sync()?;
        Ok(self.folder().join(CA_NEXT_SHOWN))
    }

    /// Puts the next authority in the place of the one before, once a root document names it. Does
    /// nothing otherwise.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Configuration`]; the authority is usable nevertheless.
    pub fn settle_authority(&self, root: &RootDocument) -> Result<()> {
        if self.next_authority()?.is_none() {
            return Ok(());
        }
        // The command and the running server do so at the same moment; who comes second finds
        // nothing to do.
        let _one_at_a_time = self.hold()?;
        let Some(next) = self.next_authority()?.filter(|next| is_authority(root, next)) else {
            return Ok(());
        };
        let (own, links) = next.without_links();
        self.replace(CA_LINKS, links.as_bytes())?;
        self.put_certificate(Holder::Authority, &own)?;
        self.remove(CA_PREPARED)?;
        self.remove(CA_NEXT_SHOWN)?;
        self.remove(CA_NEXT)?;
        self.sync()
    }

    /// Keeps everybody else from changing the files of the authority until it is dropped. Whoever
    /// holds them is done in milliseconds; one that hangs keeps nobody for longer than a second.
    fn hold(&self) -> Result<Flock<File>> {
        let failed = Error::at_file(Text::Writing, self.folder());
        let mut folder = match File::open(self.folder()) {
            Ok(folder) => folder,
            Err(error) => return Err(failed(error)),
        };
        for _ in 1..HOLD_TRIES {
            match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
                Ok(held) => return Ok(held),
                Err((back, Errno::EWOULDBLOCK)) => folder = back,
                Err((_, errno)) => return Err(failed(errno.into())),
            }
            std::thread::sleep(HOLD_PAUSE);
        }
        Flock::lock(folder, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, errno)| failed(errno.into()))
    }
}

/// An authority as one file has it.
fn whole(files: &KeyAndCertificate) -> Zeroizing<String> {
    Zeroizing::new(format!("{}{}", *files.key, files.certificate))
}
