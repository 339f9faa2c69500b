//! The harness of the end-to-end tests: production binaries, unmodified, at their production places
//! inside a throw-away ward (`tests/ward/enter`): real libpam, sockets, TLS, SQLite and rsyslog,
//! and a security key with a real key's firmware.
//!
//! ```text
//!   Server ── Terminal (module, agent, key process on a Bus) ── SoftKey
//!               └ Login (a PAM application)      Rsyslog ── audit records
//!               └ Relay (a taken-over agent or key process)
//!               └ Logind (a stand-in on a real bus), Helper (locks screens)
//! ```
#![allow(missing_docs)]

pub mod audit;
pub mod keys;
pub mod login;
pub mod paths;
pub mod peer;
pub mod process;
pub mod relay;
pub mod server;
pub mod sessions;
pub mod terminal;
pub mod tool;

pub use audit::Rsyslog;
pub use keys::{Bus, SoftKey};
pub use login::Login;
pub use server::Server;
pub use sessions::{Helper, Logind, SignedIn};
pub use terminal::{PIN, Terminal};
pub use tool::Tool;

/// Everything running, one person (`hanako`) enrolled with the key that is plugged.
pub struct Ward {
    pub rsyslog: Rsyslog,
    pub server: Server,
    pub terminal: Terminal,
    pub key: SoftKey,
}

impl Ward {
    /// Heads live 15 minutes, as by default.
    pub fn ready() -> Self {
        Self::ready_with(900)
    }

    /// Heads live `head_seconds`.
    pub fn ready_with(head_seconds: u64) -> Self {
        let rsyslog = Rsyslog::start();
        let server = Server::start(head_seconds);
        server.add_person("hanako", "Demo Hanako", "en");
        let terminal = Terminal::start();
        terminal.join(&server);
        let key = SoftKey::start("hanako");
        terminal.plug(&key);
        terminal.enroll(&server, "hanako");
        Self { rsyslog, server, terminal, key }
    }
}
