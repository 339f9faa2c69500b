//! A terminal that follows root documents.

use std::collections::BTreeMap;

use serde_json::json;
use wardkey_core::document::{Head, RootDocument, SignedRoot, TerminalDocument};
use wardkey_core::id::SigningPublicKey;
use wardkey_core::message::http::{RootReply, ScopeState, WaitReply};
use wardkey_core::sign::{self, Verified};

use super::Running;
use super::client::{Terminal, state};

/// A terminal as an agent keeps it: it takes nothing that does not verify from its root document.
pub struct Follower {
    pub root: Verified<RootDocument>,
    pub document: TerminalDocument,
    pub heads: BTreeMap<String, Head>,
}

impl Follower {
    /// As it was when it joined.
    pub fn new(running: &Running, terminal: &Terminal) -> Self {
        let reply: RootReply = running.anyone().get("/v1/root").json();
        let mut roots = reply.roots.into_iter().map(|root| SignedRoot::try_from(root).unwrap());
        let first = roots.next().unwrap();
        let key = sign::peek::<RootDocument>(first.by_itself.as_slice()).unwrap().root_key;
        let root = first.verify_first(&key).unwrap();
        let root = roots.fold(root, |root, next| next.verify_next(&root).unwrap());
        Self { root, document: terminal.document.clone(), heads: BTreeMap::new() }
    }

    pub fn have(&self) -> Vec<ScopeState> {
        self.heads.values().map(state).collect()
    }

    pub fn ask(&self, terminal: &Terminal, hold: u64) -> WaitReply {
        let body = json!({
            "scopes": self.have(), "root_version": self.root.version,
            "terminal_number": self.document.number,
            "terminal_issued": self.document.issued.0, "hold": hold,
        });
        terminal.client.post("/v1/wait", &body).json()
    }

    pub fn take(&mut self, reply: &WaitReply) {
        for root in &reply.roots {
            let signed = SignedRoot::try_from(root.clone()).unwrap();
            self.root = signed.verify_next(&self.root).unwrap();
        }
        if let Some(signed) = &reply.terminal {
            let document: Verified<TerminalDocument> =
                sign::verify(&signed.0, &self.root.publish_keys).unwrap();
            self.document = document.into_inner();
        }
        for signed in &reply.heads {
            let head: Verified<Head> = sign::verify(&signed.0, &self.root.publish_keys).unwrap();
            self.heads.insert(head.scope.to_string(), head.into_inner());
        }
    }

    pub fn follow(&mut self, terminal: &Terminal) -> WaitReply {
        let reply = self.ask(terminal, 0);
        self.take(&reply);
        reply
    }

    pub fn keys(&self) -> &[SigningPublicKey] {
        &self.root.publish_keys
    }
}

/// Everything in an answer was signed by this key.
pub fn is_all_signed_by(reply: &WaitReply, key: SigningPublicKey) {
    let key = [key];
    assert!(!reply.heads.is_empty());
    if let Some(document) = &reply.terminal {
        sign::verify::<TerminalDocument>(&document.0, &key).unwrap();
    }
    for head in &reply.heads {
        sign::verify::<Head>(&head.0, &key).unwrap();
    }
}
