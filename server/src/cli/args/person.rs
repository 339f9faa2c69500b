//! `person`

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use wardkey_core::name::{DisplayText, GroupName, Language, LatinName, LoginName, ScopeName};

use super::common::{Paging, PersonAct};
use crate::cli::value::when;
use crate::when::When;

/// People.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Add a person.
    #[command(
        after_help = "Example:\n  wardkey-server person add hanako --name \"Hanako Yamada\" \
                            --scope east3 --group nurses"
    )]
    Add {
        /// Login name: also the Unix account.
        login: LoginName,
        /// The person's name.
        #[arg(long)]
        name: DisplayText,
        /// The name in Latin letters: text consoles show it where they cannot show the name.
        #[arg(long, value_name = "NAME")]
        latin_name: Option<LatinName>,
        /// Scopes in which the person may log in.
        #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1..)]
        scopes: Vec<ScopeName>,
        /// Groups.
        #[arg(long = "group", value_name = "GROUP", num_args = 1..)]
        groups: Vec<GroupName>,
        /// Language of the person's messages: ja or en.
        #[arg(long, default_value = "ja")]
        language: Language,
        /// The first day (2026-04-01, in the deployment's time zone), or a time
        /// (2026-04-01T08:30:00+09:00).
        #[arg(long, value_parser = when, value_name = "TIME")]
        valid_from: Option<When>,
        /// The last day (the whole day counts), or the time from which the person is no longer
        /// valid.
        #[arg(long, value_parser = when, value_name = "TIME")]
        valid_until: Option<When>,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Change a person; what is not given stays as it is.
    #[command(
        after_help = "Examples:\n  wardkey-server person set hanako --add-group emergency --reason \
                            \"team leader\"\n  wardkey-server person set hanako --scope east3 west1"
    )]
    Set {
        /// Login name.
        login: LoginName,
        /// The person's name.
        #[arg(long)]
        name: Option<DisplayText>,
        /// The name in Latin letters: text consoles show it where they cannot show the name.
        #[arg(long, value_name = "NAME")]
        latin_name: Option<LatinName>,
        /// No name in Latin letters any longer.
        #[arg(long, conflicts_with = "latin_name")]
        no_latin_name: bool,
        /// Scopes to add.
        #[arg(long = "add-scope", value_name = "SCOPE", num_args = 1..)]
        add_scopes: Vec<ScopeName>,
        /// Scopes to remove.
        #[arg(long = "remove-scope", value_name = "SCOPE", num_args = 1..)]
        remove_scopes: Vec<ScopeName>,
        /// Groups to add.
        #[arg(long = "add-group", value_name = "GROUP", num_args = 1..)]
        add_groups: Vec<GroupName>,
        /// Groups to remove.
        #[arg(long = "remove-group", value_name = "GROUP", num_args = 1..)]
        remove_groups: Vec<GroupName>,
        /// All scopes, in place of those before.
        #[arg(
            long = "scope", value_name = "SCOPE", num_args = 1..,
            conflicts_with_all = ["add_scopes", "remove_scopes"]
        )]
        scopes: Option<Vec<ScopeName>>,
        /// All groups, in place of those before; without a name: none.
        #[arg(
            long = "group", value_name = "GROUP", num_args = 0..,
            conflicts_with_all = ["add_groups", "remove_groups"]
        )]
        groups: Option<Vec<GroupName>>,
        /// Language of the person's messages: ja or en.
        #[arg(long)]
        language: Option<Language>,
        /// The first day, or a time.
        #[arg(long, value_parser = when, value_name = "TIME")]
        valid_from: Option<When>,
        /// The last day (the whole day counts), or the time from which the person is no longer
        /// valid.
        #[arg(long, value_parser = when, value_name = "TIME")]
        valid_until: Option<When>,
        /// Valid without limit.
        #[arg(long, conflicts_with_all = ["valid_from", "valid_until"])]
        always_valid: bool,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Switch a person off. Connected terminals refuse the person within about a second, others by
    /// the offline limits. Open codes end.
    #[command(
        after_help = "Example:\n  wardkey-server person disable hanako --reason \"on leave\""
    )]
    Disable(PersonAct),
    /// Switch a person on again.
    #[command(after_help = "Example:\n  wardkey-server person enable hanako --reason \"back\"")]
    Enable(PersonAct),
    /// Delete a person and all keys of the person. This cannot be undone.
    #[command(after_help = "Example:\n  wardkey-server person delete hanako --reason \"left\"")]
    Delete(PersonAct),
    /// List people, by login name.
    #[command(after_help = "Example:\n  wardkey-server person list --search yamada")]
    List {
        /// Of this scope only.
        #[arg(long)]
        scope: Option<ScopeName>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a person with all keys.
    #[command(after_help = "Example:\n  wardkey-server person show hanako")]
    Show {
        /// Login name.
        login: LoginName,
    },
    /// Add many people at once, in one transaction: all or none.
    ///
    /// CSV, as spreadsheets write it: a header line with login, name and, as wanted, latin_name,
    /// language, scopes, groups, valid_from, valid_until, in English or Japanese; values separated
    /// by commas, semicolons or tabs; scopes and groups by spaces, semicolons or commas. UTF-8,
    /// UTF-16 or Shift_JIS. JSON lines: the same members, scopes and groups as lists, and
    /// credentials as a list of {id, public_key, label, rp_id, aaguid, counter, cred_protect,
    /// backup_eligible, discoverable}; id and public_key (COSE_Key) are unpadded base64url.
    /// Imported keys never count as attested. Everything that is wrong is said at once, with its
    /// line.
    #[command(after_help = "Example:\n  wardkey-server person import people.csv --check")]
    Import {
        /// The file.
        file: PathBuf,
        /// Format; by default by the end of the name.
        #[arg(long)]
        format: Option<ImportFormat>,
        /// Check the file and say what would be done; add nobody.
        #[arg(long)]
        check: bool,
        /// Leave people who are there already as they are, instead of refusing the file.
        #[arg(long)]
        skip_existing: bool,
        /// Why, for the trail.
        #[arg(long)]
        reason: Option<String>,
    },
}

/// Formats of imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object a line; may have credentials.
    Jsonl,
}
