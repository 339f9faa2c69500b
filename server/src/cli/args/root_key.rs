//! `root-key`, and the root key of other commands.

use std::path::PathBuf;

use age::x25519::Recipient;
use clap::{ArgGroup, Args, Subcommand};

use crate::backup::keys::recipient;

/// The root key: it signs which other keys count.
#[derive(Debug, Subcommand)]
pub enum RootKey {
    /// Show the root key, since which root document it counts, and how many terminals follow.
    #[command(after_help = "Examples:\n  wardkey-server root-key show\n  \
                            wardkey-server terminal list --old-root")]
    Show,
    /// Make a new root key and have the old one sign that it follows.
    ///
    /// Terminals that are connected follow at once, the others when they are back. From then on
    /// nothing counts for them that the old key signs. Join tokens that are open are withdrawn.
    Rotate(RootKeyRotate),
    /// Write the root key into a file that only recipients of age can open.
    Export(RootKeyExport),
}

/// Where the root key goes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
                        wardkey-server root-key export /media/safe/root.age \
                            --recipients-file /etc/wardkey/safe.recipients --remove")]
pub struct RootKeyExport {
    /// The file to make. Nothing may be there.
    #[arg(value_name = "FILE")]
    pub to: PathBuf,
    /// Who can open it: a recipient of age (age-keygen). May be given several times.
    #[arg(
        long = "recipient", value_name = "AGE1...", value_parser = recipient,
        required_unless_present = "recipients_file"
    )]
    pub recipients: Vec<Recipient>,
    /// A file with such recipients, one a line.
    #[arg(long, value_name = "FILE")]
    pub recipients_file: Option<PathBuf>,
    /// Remove the root key from this server when the file is written. Make sure before that the
    /// recipients can open such files.
    #[arg(long)]
    pub remove: bool,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}

/// By what the root key is exchanged, and where the new one goes.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").multiple(true), after_help = "Examples:\n  \
                        wardkey-server root-key rotate --root-key /media/safe/root.age \
                            --identity /media/two/safe.key --to /media/safe/root-2.age \
                            --recipients-file /etc/wardkey/safe.recipients --reason \"yearly\"\n  \
                        wardkey-server root-key rotate")]
pub struct RootKeyRotate {
    /// The file to make for the new key, which is nowhere else then. Without it the new key lies on
    /// this server. Nothing may be there.
    #[arg(long, value_name = "FILE", requires = "whose")]
    pub to: Option<PathBuf>,
    /// Who can open it: a recipient of age (age-keygen). May be given several times.
    #[arg(
        long = "recipient", value_name = "AGE1...", value_parser = recipient,
        requires = "to", group = "whose"
    )]
    pub recipients: Vec<Recipient>,
    /// A file with such recipients, one a line.
    #[arg(long, value_name = "FILE", requires = "to", group = "whose")]
    pub recipients_file: Option<PathBuf>,
    /// The root key is lost: nobody can sign that the new one follows, and every terminal has to
    /// join again.
    #[arg(long, conflicts_with = "root_key")]
    pub lost: bool,
    #[command(flatten)]
    pub by: ByRootKey,
}

/// What is signed by the root key.
#[derive(Debug, Args)]
pub struct ByRootKey {
    /// The root key, where it is not kept on this server.
    #[arg(long, value_name = "FILE")]
    pub root_key: Option<PathBuf>,
    /// The file with the identity of age that opens the file of the root key.
    #[arg(long, value_name = "FILE", requires = "root_key")]
    pub identity: Option<PathBuf>,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
