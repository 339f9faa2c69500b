//! What a terminal's programs can, as the terminal tells the server: whoever is about to use
//! something new sees which terminals would not understand it.

/// Passes over fields that it does not know, in documents that grow (docs/FORMATS.md).
pub const GROWING_DOCUMENTS: &str = "growing-documents";
/// Asks for the server's time where its own clock cannot be right.
pub const SERVER_TIME: &str = "server-time";
/// Finds somebody among any number of people at a shared account.
pub const CANDIDATE_PAGES: &str = "candidate-pages";
/// Knows passes, and the ways in that a policy allows.
pub const PROOF_KINDS: &str = "proof-kinds";
/// Knows colleagues' vouches.
pub const VOUCHES: &str = "vouches";
/// Takes a small change out of the answer that tells of it, without a second request.
pub const CHANGES_IN_WAIT: &str = "changes-in-wait";

/// Knows sealed codes (break-glass).
pub const BREAK_GLASS: &str = "break-glass";

/// Asks for another certificate when the authority that issues them is another one.
pub const CA_EXCHANGE: &str = "ca-exchange";

/// Follows the server to the addresses that it signs.
pub const SERVER_ADDRESSES: &str = "server-addresses";

/// All that this version can.
pub const ALL: [&str; 9] = [
    BREAK_GLASS,
    CA_EXCHANGE,
    CANDIDATE_PAGES,
    CHANGES_IN_WAIT,
    GROWING_DOCUMENTS,
    PROOF_KINDS,
    SERVER_ADDRESSES,
    SERVER_TIME,
    VOUCHES,
];
