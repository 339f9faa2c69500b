//! `root-key`, and the root key of other commands.

use std::path::PathBuf;

use age::x25519::Recipient;
use clap::{Args, Subcommand};

use crate::backup::keys::recipient;

/// The root key: it signs which other keys count.
#[derive(Debug, Subcommand)]
pub enum RootKey {
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
