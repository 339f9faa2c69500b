//! Backups.

use std::path::PathBuf;

use age::x25519::Recipient;
use clap::Args;
use wardkey_core::id::SigningPublicKey;

use crate::backup::keys::recipient;
use crate::restore::root_key;

/// A backup.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                        wardkey-server backup /srv/backup/2026-04-01 --recipient age1...\n  \
                        wardkey-server backup /srv/backup/2026-04-01 \
                            --recipients-file /etc/wardkey/backup.recipients")]
pub struct Backup {
    /// The folder to make. Nothing may be there.
    #[arg(value_name = "FOLDER")]
    pub to: PathBuf,
    /// Who can open the keys: a recipient of age (age-keygen). May be given several times.
    #[arg(long = "recipient", value_name = "AGE1...", value_parser = recipient)]
    pub recipients: Vec<Recipient>,
    /// A file with such recipients, one a line.
    #[arg(long, value_name = "FILE")]
    pub recipients_file: Option<PathBuf>,
    /// Leave the keys out: without a copy of them elsewhere nothing can be restored.
    #[arg(long, conflicts_with_all = ["recipients", "recipients_file"])]
    pub without_keys: bool,
}

/// Restoring.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                        wardkey-server restore /srv/backup/2026-04-01 \
                            --check --identity /media/safe/backup.key\n  \
                        wardkey-server restore /srv/backup/2026-04-01 \
                            --replace --reason \"disk failure\"\n  \
                        wardkey-server restore /srv/backup/2026-04-01 \
                            --identity /media/safe/backup.key --root 5b6f...")]
pub struct Restore {
    /// The backup's folder.
    #[arg(value_name = "FOLDER")]
    pub from: PathBuf,
    /// Rehearse: check everything, say what would happen, change nothing.
    #[arg(long)]
    pub check: bool,
    /// Put a database that is there aside. What was disabled in it since is disabled again.
    #[arg(long)]
    pub replace: bool,
    /// The file with the identity of age that opens the keys; needed where the machine has none.
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// A newer trail: a newer backup, its trail.jsonl, or a database. What was disabled since is
    /// disabled again.
    #[arg(long, value_name = "PATH")]
    pub trail: Option<PathBuf>,
    /// The root key in your papers; needed where no database that can be read says whose backup it
    /// is. Compared whenever it is given.
    #[arg(long, value_name = "KEY", value_parser = root_key)]
    pub root: Option<SigningPublicKey>,
    /// Do not ask for confirmation. Needed when standard input is not a terminal.
    #[arg(long)]
    pub yes: bool,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
