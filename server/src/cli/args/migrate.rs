//! Moving the deployment.

use std::path::PathBuf;

use clap::Args;

use crate::cli::value::database;

/// From SQLite to PostgreSQL.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
                        wardkey-server migrate --to postgresql:///wardkey \
                            --reason \"failover\"")]
pub struct Migrate {
    /// Where to, as "database" in server.toml says it. It has to be an empty database.
    #[arg(long, value_name = "ADDRESS", value_parser = database)]
    pub to: String,
    /// The file with the password, as "database_password_file" in server.toml says it.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
