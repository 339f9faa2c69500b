//! The way to the agent and to the key process. Who listens is the kernel's word (SO_PEERCRED).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wardkey_core::code::Code;
use wardkey_core::message::{MAX_FRAME, MAX_KEY_FRAME};
use wardkey_ipc::{Channel, Deadline, Interrupt, IpcError};

use crate::account;
use crate::refusal::Refusal;
use wardkey_settings::pam::Settings;

/// How long a part that is being restarted is tried again. Some lockers give up for good when a
/// module answers "unavailable".
const RESTART_PATIENCE: Duration = Duration::from_secs(1);
const RETRY_EVERY: Duration = Duration::from_millis(25);

/// Connections that a login makes.
pub trait Sockets {
    /// A new connection to the agent.
    ///
    /// # Errors
    /// [`IpcError`] when it is not there or not the agent's.
    fn agent(&mut self) -> Result<Channel, IpcError>;

    /// A new connection to the key process: a new process. Patient: tries again while it is not
    /// there.
    ///
    /// # Errors
    /// [`IpcError`] when it is not there or not the key process's.
    fn key(&mut self, patient: bool) -> Result<Channel, IpcError>;
}

/// The sockets that the configuration names.
pub struct SystemSockets {
    agent: (PathBuf, u32),
    key: (PathBuf, u32),
    /// What ends every wait: Ctrl-C, for one, at a login that waits for a key.
    interrupt: Option<Arc<Interrupt>>,
}

impl SystemSockets {
    /// Finds out whose the sockets must be.
    ///
    /// # Errors
    /// [`Code::Configuration`] when a user does not exist, or the agent's user would be believed to
    /// be the key process, which gets the PIN.
    pub fn new(settings: &Settings) -> Result<Self, Refusal> {
        let uid = |key: &str, name: &str| {
            account::uid_of(name).ok_or_else(|| {
                let fix = format!(
                    "{key} = \"{name}\": there is no such user; install the packages \
                    or name another"
                );
                Refusal::new(Code::Configuration, fix)
            })
        };
        let agent = uid("agent_user", &settings.agent_user)?;
        let key = uid("key_user", &settings.key_user)?;
        if key != 0 && key == agent {
            return Err(Refusal::new(
                Code::Configuration,
                "key_user is agent_user; the agent must never get a PIN",
            ));
        }
        Ok(Self {
            agent: (settings.agent_socket.clone(), agent),
            key: (settings.key_socket.clone(), key),
            // Without it waits end at their deadlines only.
            interrupt: Interrupt::new().ok().map(Arc::new),
        })
    }
}

impl Sockets for SystemSockets {
    fn agent(&mut self) -> Result<Channel, IpcError> {
        self.connect(&self.agent, MAX_FRAME, true)
    }

    fn key(&mut self, patient: bool) -> Result<Channel, IpcError> {
        self.connect(&self.key, MAX_KEY_FRAME, patient)
    }
}

impl SystemSockets {
    fn connect(
        &self,
        (path, owner): &(PathBuf, u32),
        max: usize,
        patient: bool,
    ) -> Result<Channel, IpcError> {
        let mut channel = connect(path, *owner, max, patient)?;
        channel.interrupted_by(self.interrupt.clone());
        Ok(channel)
    }
}

fn connect(path: &Path, owner: u32, max: usize, patient: bool) -> Result<Channel, IpcError> {
    let deadline = Deadline::after(RESTART_PATIENCE);
    loop {
        match Channel::connect(path, Some(owner), max, deadline) {
            Err(IpcError::Io(error))
                if patient
                    && matches!(
                        error.kind(),
                        ErrorKind::NotFound | ErrorKind::ConnectionRefused
                    )
                    && !deadline.has_passed() =>
            {
                std::thread::sleep(RETRY_EVERY);
            }
            result => return result,
        }
    }
}
