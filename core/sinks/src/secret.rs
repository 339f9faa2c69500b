//! Records over TLS. Both sides are heard all the time: one that writes before it reads on keeps
//! nobody waiting, and whoever ends before it can have read everything is noticed.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::failure::CollectorError;

/// Which end of the collector's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Its close_notify, in answer to ours.
    CloseNotify,
    /// Its FIN too, after our close_notify.
    Fin,
}

/// What the collector has done with its half until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Open,
    /// It said in TLS that it ends.
    CloseNotify,
    /// Its half of TCP ended, and nobody knows by whom.
    Fin,
}

/// A connection whose peer has shown that it is the one that it should be.
#[derive(Debug)]
pub struct Secret {
    connection: Connection,
    session: ClientConnection,
}

impl Secret {
    /// Agrees on TLS. Nothing was sent yet.
    ///
    /// # Errors
    /// [`CollectorError`]: it is not the one that it should be, or does not answer in time.
    pub fn agree(
        mut connection: Connection,
        tls: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, CollectorError> {
        let mut session = ClientConnection::new(tls, name).map_err(CollectorError::Tls)?;
        while session.is_handshaking() || session.wants_write() {
            goes_on(&mut session, &mut connection).map_err(|error| match error {
                CollectorError::Slow => CollectorError::Unreachable(ErrorKind::TimedOut.into()),
                error => error,
            })?;
        }
        Ok(Self { connection, session })
    }

    /// Sends frames until a moment, and ends the connection: they have arrived.
    ///
    /// # Errors
    /// [`CollectorError`]: nobody knows which have arrived.
    pub fn send(
        self,
        until: Deadline,
        counts: Counts,
        frames: &[u8],
    ) -> Result<(), CollectorError> {
        let (mut connection, mut session) = (self.connection.until(until), self.session);
        let mut rest = frames;
        while !rest.is_empty() || session.wants_write() {
            if !rest.is_empty() {
                let taken = session.writer().write(rest)?;
                rest = rest.get(taken..).unwrap_or_default();
            }
            goes_on(&mut session, &mut connection)?;
        }
        // What it has said until now was said before it can know that we end.
        if hear(&mut session, &mut connection)? != Half::Open {
            return Err(CollectorError::Early);
        }
        session.send_close_notify();
        while session.wants_write() {
            goes_on(&mut session, &mut connection)?;
        }

        // Anybody on the way can end a connection. Only the collector itself can say so in TLS, and
        // it has to when it has read that we did (RFC 5425, 4.4). An alert says why it did not want
        // us.
        loop {
            match (hear(&mut session, &mut connection)?, counts) {
                (Half::CloseNotify, _) | (Half::Fin, Counts::Fin) => return Ok(connection.end()?),
                (Half::Fin, Counts::CloseNotify) => return Err(CollectorError::NoCloseNotify),
                (Half::Open, _) => connection.wait(false)?,
            }
        }
    }
}

/// Hears what is there, then writes what is taken, or waits for either. The collector is not to end
/// yet.
fn goes_on(session: &mut ClientConnection, to: &mut Connection) -> Result<(), CollectorError> {
    if hear(session, to)? != Half::Open {
        return Err(CollectorError::Early);
    }
    if session.wants_write() {
        match session.write_tls(to) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => to.wait(true)?,
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
    } else if session.is_handshaking() {
        to.wait(false)?;
    }
    Ok(())
}

/// Hears what has come until now, and waits for nothing. What the collector says besides is passed
/// over.
fn hear(session: &mut ClientConnection, from: &mut Connection) -> Result<Half, CollectorError> {
    loop {
        let half = match session.read_tls(from) {
            Ok(0) => Half::Fin,
            Ok(_) => Half::Open,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Half::Open),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let state = session.process_new_packets().map_err(|error| {
            // It may learn why.
            let _ = session.write_tls(from);
            CollectorError::Tls(error)
        })?;
        let mut said = [0; 4096];
        while matches!(session.reader().read(&mut said), Ok(1..)) {}
        if state.peer_has_closed() {
            return Ok(Half::CloseNotify);
        }
        if half == Half::Fin {
            return Ok(Half::Fin);
        }
    }
}
