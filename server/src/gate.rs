//! Who may have a connection: terminals have room of their own, which nobody else can take.
//!
//! ```text
//!   accept ─> handshakes (5 s; the oldest gives way) ──certificate──> terminals, so many of each
//!                                                  └── none ──────> others, so many of an address
//! ```
//! A certificate that was replaced, or is of a revoked terminal, counts as none.
//! An address is an IPv4 address or an IPv6 network of 64 bits, of which one host has all.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use wardkey_core::id::TerminalId;

use crate::config::Limits;
use crate::lock::lock;

/// One address has at most this part of all handshakes: a whole site may be behind one address.
const PART: usize = 4;
/// How often it is said that there is no room.
const SAY: Duration = Duration::from_secs(60);

/// Counts connections.
#[derive(Debug)]
pub struct Gate {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    handshakes: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
    others: Counts<IpAddr>,
    terminals: Counts<TerminalId>,
    said: Option<Instant>,
}

#[derive(Debug)]
struct Counts<K> {
    of: HashMap<K, u32>,
    all: u32,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self { of: HashMap::new(), all: 0 }
    }
}

impl<K: Eq + Hash + Copy> Counts<K> {
    fn add(&mut self, key: K, (of_one, of_all): (u32, u32)) -> bool {
        let has = self.of.get(&key).copied().unwrap_or(0);
        if has >= of_one || self.all >= of_all {
            return false;
        }
        self.of.insert(key, has + 1);
        self.all += 1;
        true
    }

    fn remove(&mut self, key: &K) {
        self.all = self.all.saturating_sub(1);
        match self.of.get_mut(key) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                self.of.remove(key);
            }
        }
    }
}

/// The network that an address counts as.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & (u128::MAX << 64)).into()),
        address => address,
    }
}

impl Gate {
    /// With these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    /// A new connection, of which nothing is known but the address. Where there are too many, the
    /// oldest handshake gives way: an honest one is over within milliseconds, a silent one is not.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Handshake {
        let network = network(address);
        let (sender, pushed_out) = oneshot::channel();
        let mut state = self.state();
        let most = self.limits.anonymous_connections as usize;
        let of_this = state.handshakes.values().filter(|(other, _)| *other == network).count();
        let oldest = if of_this >= (most / PART).max(1) {
            state.handshakes.iter().find(|(_, (other, _))| *other == network).map(|(id, _)| *id)
        } else if state.handshakes.len() >= most {
            state.handshakes.keys().next().copied()
        } else {
            None
        };
        if let Some(oldest) = oldest {
            state.handshakes.remove(&oldest);
            state.say(network, "handshakes");
        }
        let id = state.next;
        state.next += 1;
        state.handshakes.insert(id, (network, sender));
        drop(state);
        Handshake { gate: Arc::clone(self), id, network, pushed_out }
    }

    /// Connections that are open now.
    pub fn open(&self) -> Open {
        let state = self.state();
        Open {
            handshakes: state.handshakes.len() as u64,
            terminals: state.terminals.all.into(),
            others: state.others.all.into(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Connections that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
    /// Whose handshake is under way.
    pub handshakes: u64,
    /// Of terminals.
    pub terminals: u64,
    /// Without the certificate of one.
    pub others: u64,
}

impl State {
    fn say(&mut self, network: IpAddr, what: &str) {
        if self.said.is_none_or(|said| said.elapsed() >= SAY) {
            tracing::warn!(address = %network, what, "too many connections: some are closed");
            self.said = Some(Instant::now());
        }
    }
}

/// A connection whose handshake is under way.
#[derive(Debug)]
pub struct Handshake {
    gate: Arc<Gate>,
    id: u64,
    network: IpAddr,
    pushed_out: oneshot::Receiver<()>,
}

impl Handshake {
    /// Waits until it has to give way.
    pub async fn pushed_out(&mut self) {
        // The sender is dropped and never sends.
        let _ = (&mut self.pushed_out).await;
    }

    /// The handshake is done, with a certificate that counts as this terminal's or without: `None`
    /// when there is no room.
    pub fn pass(self, terminal: Option<TerminalId>) -> Option<Inside> {
        let gate = Arc::clone(&self.gate);
        let (network, limits) = (self.network, gate.limits);
        drop(self);
        let mut state = gate.state();
        let has_room = match terminal {
            Some(terminal) => {
                state.terminals.add(terminal, (limits.terminal_connections, limits.connections))
            }
            None => state
                .others
                .add(network, (limits.address_connections, limits.anonymous_connections)),
        };
        if !has_room {
            state.say(
                network,
                if terminal.is_some() { "of terminals" } else { "without a certificate" },
            );
            return None;
        }
        drop(state);
        Some(Inside { gate, network, terminal })
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.gate.state().handshakes.remove(&self.id);
    }
}

/// A connection that counts until it is dropped.
#[derive(Debug)]
pub struct Inside {
    gate: Arc<Gate>,
    network: IpAddr,
    terminal: Option<TerminalId>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        match &self.terminal {
            Some(terminal) => state.terminals.remove(terminal),
            None => state.others.remove(&self.network),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Arc<Gate> {
        let limits = Limits {
            connections: 4,
            terminal_connections: 2,
            anonymous_connections: 8,
            address_connections: 3,
            ..Limits::default()
        };
        Arc::new(Gate::new(limits))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn others_are_bounded_by_address_and_in_all_and_terminals_have_room_of_their_own() {
        let gate = gate();
        let pass = |from: &str, terminal: Option<u8>| {
            gate.enter(address(from)).pass(terminal.map(|id| TerminalId::new([id; 16])))
        };
        let mut open: Vec<_> = (0..3).map(|_| pass("192.0.2.1", None).unwrap()).collect();
        assert!(pass("192.0.2.1", None).is_none());
        assert!(pass("::ffff:192.0.2.1", None).is_none(), "a mapped address is the same one");
        // One host has a whole IPv6 network of 64 bits.
        open.extend((1..=3).map(|host| pass(&format!("2001:db8::{host}"), None).unwrap()));
        assert!(pass("2001:db8::ffff", None).is_none());
        open.push(pass("2001:db8:0:1::1", None).unwrap());
        open.push(pass("192.0.2.2", None).unwrap());
        assert!(pass("192.0.2.3", None).is_none(), "eight in all");
        // Terminals come all the same, also from there; none of them takes the place of the others.
        let of_one: Vec<_> = (0..2).map(|_| pass("192.0.2.1", Some(1)).unwrap()).collect();
        assert!(pass("192.0.2.1", Some(1)).is_none());
        let of_two: Vec<_> = (0..2).map(|_| pass("192.0.2.1", Some(2)).unwrap()).collect();
        assert!(pass("192.0.2.1", Some(3)).is_none(), "four in all");
        assert_eq!(gate.open(), Open { handshakes: 0, terminals: 4, others: 8 });
        drop(of_one);
        assert!(pass("192.0.2.1", Some(3)).is_some());
        drop((of_two, open));
        assert!(pass("192.0.2.1", None).is_some());
        let state = gate.state();
        assert!(
            state.others.of.is_empty()
                && state.terminals.of.is_empty()
                && state.handshakes.is_empty()
        );
    }

    #[tokio::test]
    async fn the_oldest_handshake_gives_way_first_those_of_the_same_address() {
        let gate = gate();
        let is_out = async |handshake: &mut Handshake| {
            tokio::time::timeout(Duration::from_millis(20), handshake.pushed_out()).await.is_ok()
        };
        let mut other = gate.enter(address("198.51.100.1"));
        let mut first = gate.enter(address("192.0.2.1"));
        let mut second = gate.enter(address("192.0.2.1"));
        assert!(!is_out(&mut first).await);
        let third = gate.enter(address("192.0.2.1"));
        assert!(
            is_out(&mut first).await && !is_out(&mut second).await && !is_out(&mut other).await
        );
        // Many addresses: the oldest of all.
        let many: Vec<_> =
            (1..=8).map(|host| gate.enter(address(&format!("203.0.113.{host}")))).collect();
        assert!(is_out(&mut other).await && is_out(&mut second).await);
        drop((third, many, first, second, other));
        assert!(gate.state().handshakes.is_empty());
    }
}
