//! HTTPS by ureq, over a connector of ours that takes our TLS; and a collector to which a body is
//! posted.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, TcpConnector, Transport,
    TransportAdapter,
};
use wardkey_records::Source;

/// For TCP and TLS.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest answer of a collector that is read, in bytes.
const MAX_SAID: u64 = 1024 * 1024;

/// A client of HTTPS by this TLS alone.
pub fn connecting(tls: Arc<ClientConfig>, user_agent: &str) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .https_only(true)
        .http_status_as_error(false)
        .max_redirects(0)
        // Never by the environment: an address is what the administrator said.
        .proxy(None)
        .user_agent(user_agent)
        .timeout_connect(Some(CONNECT))
        .max_idle_connections(4)
        .input_buffer_size(16 * 1024)
        .output_buffer_size(16 * 1024)
        .build();
    let connector = ().chain(TcpConnector::default()).chain(TlsConnector { tls });
    ureq::Agent::with_parts(config, connector, DefaultResolver::default())
}

/// The name that a certificate has to be for.
pub fn host_of(uri: &ureq::http::Uri) -> Option<ServerName<'static>> {
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    ServerName::try_from(host).ok()
}

/// Why a certificate is not believed, when that is what went wrong.
pub fn untrusted(error: &ureq::Error) -> Option<String> {
    let ureq::Error::Io(io) = error else { return None };
    match io.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(why)) => Some(why.to_string()),
        _ => None,
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// It is not the one that it should be.
    NotTrusted(String),
    /// The connection ended while it was used.
    Broken(std::io::Error),
    /// It does not answer.
    Away(String),
}

fn not_sent(error: ureq::Error) -> NotSent {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        ureq::Error::Io(error)
            if matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
            ) =>
        {
            NotSent::Broken(error)
        }
        error => match untrusted(&error) {
            Some(why) => NotSent::NotTrusted(why),
            None => NotSent::Away(error.to_string()),
        },
    }
}

/// A collector over HTTPS.
#[derive(Debug)]
pub(crate) struct Https {
    agent: ureq::Agent,
    base: String,
}

impl Https {
    /// One at `host:port`, by this TLS; who asks says so by program and version.
    pub(crate) fn new(address: &str, tls: Arc<ClientConfig>, who: &Source) -> Self {
        let agent = connecting(tls, &format!("{}/{}", who.program, who.version));
        Self { agent, base: format!("https://{address}") }
    }

    /// `POST` of a body of this type, with a word for `Authorization`: status and answer, whatever
    /// they are.
    pub(crate) fn post_body(
        &self,
        path: &str,
        (content_type, authorization): (&str, &str),
        body: &[u8],
        timeout: Duration,
    ) -> Result<(u16, Vec<u8>), NotSent> {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", content_type)
            .header("authorization", authorization)
            .config()
            .timeout_global(Some(timeout))
            .build();
        let mut response = request.send(body).map_err(not_sent)?;
        let status = response.status().as_u16();
        let said = response.body_mut().with_config().limit(MAX_SAID).read_to_vec();
        Ok((status, said.map_err(not_sent)?))
    }
}

/// Wraps TCP in our TLS.
struct TlsConnector {
    tls: Arc<ClientConfig>,
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = TlsTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<TlsTransport>, ureq::Error> {
        let tcp = chained.ok_or(ureq::Error::ConnectionFailed)?;
        let name = host_of(details.uri).ok_or(ureq::Error::Tls("no name to verify"))?;
        let mut connection =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(std::io::Error::other)?;
        let mut socket = TransportAdapter::new(tcp.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(TlsTransport { buffers, stream: StreamOwned { conn: connection, sock: socket } }))
    }
}

struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        self.stream.flush()?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let input = self.buffers.input_append_buf();
        let amount = self.stream.read(input)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
