//! Where things are on a machine; a test says otherwise, no option and no variable does.

use std::path::PathBuf;
use std::time::Duration;

/// Files and folders that the commands read and write.
#[derive(Clone, Debug)]
pub struct Places {
    /// In place of `/`, for what the doctor looks at.
    pub root: PathBuf,
    /// What the doctor keeps of its last run.
    pub doctor: PathBuf,
    /// Ways in that an administrator accepted.
    pub accepted: PathBuf,
    /// PAM's services.
    pub pam: PathBuf,
    /// What pam-auth-update remembers.
    pub pam_state: PathBuf,
    /// The profiles that packages bring for it.
    pub pam_profiles: PathBuf,
    /// What is needed to undo an enabling.
    pub undo: PathBuf,
    /// The service of the test login.
    pub test_services: PathBuf,
    /// Configuration of the module.
    pub pam_config: PathBuf,
    /// Configuration of the agent.
    pub agent_config: PathBuf,
    /// How long an enabling waits for its confirmation.
    pub confirm_within: Duration,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            root: "/".into(),
            doctor: "/var/lib/wardkey-doctor/last.json".into(),
            accepted: "/etc/wardkey/accepted.toml".into(),
            pam: "/etc/pam.d".into(),
            pam_state: "/var/lib/pam".into(),
            pam_profiles: "/usr/share/pam-configs".into(),
            undo: "/var/lib/wardkey-enable".into(),
            test_services: "/usr/share/wardkey/pam.d".into(),
            pam_config: wardkey_settings::pam::DEFAULT_PATH.into(),
            agent_config: wardkey_settings::agent::DEFAULT_PATH.into(),
            confirm_within: Duration::from_secs(120),
        }
    }
}
