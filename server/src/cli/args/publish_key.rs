//! `publish-key`

use clap::Subcommand;

use super::root_key::ByRootKey;

/// The key by which the server signs what terminals take.
#[derive(Debug, Subcommand)]
pub enum PublishKey {
    /// Show the publish keys, the root document that names them, and how many terminals have it.
    #[command(after_help = "Examples:\n  wardkey-server publish-key show\n  \
                            wardkey-server terminal list --old-root")]
    Show,
    /// Make a new publish key and sign by it from now on.
    ///
    /// Terminals that are connected follow at once, the others when they are back. What the old key
    /// has signed counts until "publish-key retire".
    #[command(after_help = "Examples:\n  \
                            wardkey-server publish-key rotate --root-key /media/safe/root.key\n  \
                            wardkey-server publish-key rotate --stolen \
                                --root-key /media/safe/root.age --identity /media/two/safe.key \
                                --reason \"server broken into\"")]
    Rotate {
        /// Somebody else may have the old key: it counts no longer, and epochs and numbers rise.
        #[arg(long)]
        stolen: bool,
        /// Also while terminals have not joined again after the root key was lost. They stay with
        /// what they have until they join.
        #[arg(long, conflicts_with = "stolen")]
        anyway: bool,
        #[command(flatten)]
        by: ByRootKey,
    },
    /// End an exchange: what the old key has signed counts no longer.
    #[command(after_help = "Example:\n  \
                            wardkey-server publish-key retire --root-key /media/safe/root.key")]
    Retire {
        /// Also while terminals have not taken the new key. They follow when they are back.
        #[arg(long)]
        anyway: bool,
        #[command(flatten)]
        by: ByRootKey,
    },
}
