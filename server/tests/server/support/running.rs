//! A server that runs within the test.

use std::net::SocketAddr;

use wardkey_server::clock::Clock;
use wardkey_server::serve::Server;

/// A server that runs in this process, at a time that stands still; stopped when dropped.
pub struct Running {
    pub(super) server: Option<Server>,
    pub(super) runtime: tokio::runtime::Runtime,
    pub clock: Clock,
    pub address: SocketAddr,
}

impl Running {
    /// Waits until the server has taken what the command line changed.
    pub fn settle(&self) {
        let server = self.server.as_ref().unwrap();
        self.runtime.block_on(server.app().publisher.refresh()).unwrap();
    }

    /// Lets time pass, and waits until the server has signed anew what this made due: by itself it
    /// does so at its next tick, and until then heads may have expired.
    pub fn pass(&self, seconds: u64) {
        self.clock.advance(seconds);
        self.settle();
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
