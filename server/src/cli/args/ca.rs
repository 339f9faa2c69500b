//! `ca`

use clap::Subcommand;

use super::root_key::ByRootKey;

/// The CA, which issues the TLS certificates of the server and of terminals.
#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Show the CA, those before it, and how many terminals use one of its certificates.
    #[command(after_help = "Examples:\n  wardkey-server ca show\n  \
                            wardkey-server terminal list --old-certificate")]
    Show,
    /// Make the CA that the next "ca rotate" takes, and say where its certificate is.
    ///
    /// Give it to whoever verifies the server or terminals beside Wardkey, in addition to the
    /// present one: collectors of records, browsers and programs of administrators.
    #[command(after_help = "Example:\n  wardkey-server ca prepare --reason \"yearly\"")]
    Prepare {
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Put a new CA in the place of the present one.
    ///
    /// The old CA certifies the new one, so terminals believe the server whichever of them they
    /// know. They ask for another certificate when they hear of it. Those of the old CA count until
    /// "ca retire".
    #[command(after_help = "Examples:\n  \
                            wardkey-server ca rotate --root-key /media/safe/root.key\n  \
                            wardkey-server ca rotate --stolen \
                                --root-key /media/safe/root.age --identity /media/two/safe.key \
                                --reason \"server broken into\"")]
    Rotate {
        /// Somebody else may have the old key: of its certificates only those count that are of the
        /// key on record of a terminal. What "ca prepare" made is not taken.
        #[arg(long)]
        stolen: bool,
        #[command(flatten)]
        by: ByRootKey,
    },
    /// End an exchange: certificates of the old CA count no longer.
    #[command(after_help = "Example:\n  wardkey-server ca retire")]
    Retire {
        /// Also while terminals use such a certificate. They have to join again.
        #[arg(long)]
        anyway: bool,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}
