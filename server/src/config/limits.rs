//! `[limits]`: how much of everything is taken.

use serde::Deserialize;

use crate::texts::{Phrase, Text};

/// Requests a minute; more are answered with 429.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// From one address, without a terminal's certificate.
    pub address: u32,
    /// From one terminal.
    pub terminal: u32,
    /// Attempts with one join token.
    pub token: u32,
    /// Attempts of one terminal to redeem enrollment codes.
    pub code: u32,
    /// Registrations for one person.
    pub account: u32,
    /// From one API key of the interface for administration.
    pub api_key: u32,
    /// Changes among them.
    pub api_key_changes: u32,
    /// Events (not requests) of one terminal; what is over it waits there.
    pub events: u32,
    /// Megabytes of events a day (UTC) of one terminal; what is over it waits there.
    pub event_megabytes: u32,
    /// Connections of terminals that are open at once.
    pub connections: u32,
    /// Connections of one terminal.
    pub terminal_connections: u32,
    /// Connections without a terminal's certificate, beside those of terminals.
    pub anonymous_connections: u32,
    /// Of these, from one address (IPv6: one network of 64 bits).
    pub address_connections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            address: 60,
            terminal: 600,
            token: 10,
            code: 10,
            account: 10,
            api_key: 600,
            api_key_changes: 120,
            events: 3000,
            event_megabytes: 64,
            connections: 16_384,
            terminal_connections: 16,
            anonymous_connections: 1024,
            address_connections: 64,
        }
    }
}

impl Limits {
    /// Every limit, and whether it lets anything through.
    pub(super) fn checks(&self) -> [(bool, &'static str, Phrase); 13] {
        let each = [
            (self.address, "address"),
            (self.terminal, "terminal"),
            (self.token, "token"),
            (self.code, "code"),
            (self.account, "account"),
            (self.api_key, "api_key"),
            (self.api_key_changes, "api_key_changes"),
            (self.events, "events"),
            (self.event_megabytes, "event_megabytes"),
            (self.connections, "connections"),
            (self.terminal_connections, "terminal_connections"),
            (self.anonymous_connections, "anonymous_connections"),
            (self.address_connections, "address_connections"),
        ];
        each.map(|(limit, key)| (limit > 0, key, Text::AtLeastOne.into()))
    }
}
