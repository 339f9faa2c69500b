//! `address`

use clap::{Args, Subcommand};
use wardkey_core::addresses::MAX_ADDRESSES;
use wardkey_core::name::ServerAddress;

use crate::cli::value::{server_address, server_name};

/// Where terminals reach the server, when that is another place than when they joined.
#[derive(Debug, Subcommand)]
pub enum AddressCommand {
    /// Show what terminals are told, the names in the server's certificate, and by which addresses
    /// terminals came last.
    #[command(after_help = "Example:\n  wardkey-server address show")]
    Show,
    /// Tell terminals these addresses instead of those before; they try them in this order.
    ///
    /// Each address is tried first: where the server does not answer, nothing is changed. Each
    /// terminal also keeps the address by which it joined and the one by which it heard of these.
    /// The server's certificate has all names, also those of before.
    #[command(after_help = "Examples:\n  \
                            wardkey-server address set https://wardkey-2.hospital.example:8443 \
                                https://10.20.0.5:8443 --reason \"new data centre\"\n  \
                            wardkey-server address set --none")]
    Set(AddressSet),
    /// Take a host that terminals are no longer told out of the server's certificate.
    #[command(after_help = "Example:\n  wardkey-server address retire wardkey.hospital.example")]
    Retire {
        /// Its name or address, as in "address show".
        #[arg(value_parser = server_name)]
        host: String,
        /// Also while terminals may come by it. Those that know no other address do not find the
        /// server any more.
        #[arg(long)]
        anyway: bool,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// What terminals are told.
#[derive(Debug, Args)]
pub struct AddressSet {
    /// https://HOST or https://HOST:PORT.
    #[arg(
        value_name = "ADDRESS", num_args = 1..=MAX_ADDRESSES, value_parser = server_address,
        required_unless_present = "none"
    )]
    pub addresses: Vec<ServerAddress>,
    /// No addresses any more: terminals keep to those that they came by.
    #[arg(long, conflicts_with = "addresses")]
    pub none: bool,
    /// Without trying the addresses first: for those that are not there yet, or that this machine
    /// does not reach.
    #[arg(long)]
    pub anyway: bool,
    /// Why, for the trail.
    #[arg(long)]
    pub reason: Option<String>,
}
