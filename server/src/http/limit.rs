//! Requests a minute, by whatever they are counted by: address, terminal, token, code, person.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Instant;

use wardkey_core::id::TerminalId;

use super::reply::ErrorResponse;
use crate::config::Limits;
use crate::gate::network;
use crate::lock::lock;

/// What is counted at once at most; over it, what is full again is forgotten.
const MAX_COUNTED: usize = 100_000;

/// Refusals of a session that are written into the trail in a minute: the log has all of them.
const REFUSALS: u32 = 10;

/// What requests are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// An address without a certificate; of IPv6 the network of 64 bits, of which one host has all.
    Address(IpAddr),
    /// Signatures of an address that are to sign somebody in: what else it sends uses none up.
    SignIn(IpAddr),
    /// A terminal.
    Terminal(TerminalId),
    /// A join token.
    Token([u8; 8]),
    /// Attempts of a terminal to redeem codes.
    Code(TerminalId),
    /// A person's registrations.
    Account(i64),
    /// Events of a terminal.
    Events(TerminalId),
    /// A key of the interface for administration, by its id.
    ApiKey([u8; 8]),
    /// Its changes.
    ApiKeyChanges([u8; 8]),
    /// Refusals of a session of the pages that are written into the trail.
    Refusals([u8; 8]),
    /// What a session looked for that is not there for it, and is written into the trail.
    Misses([u8; 8]),
    /// That there are more of them.
    MoreRefusals([u8; 8]),
}

impl Counted {
    /// An address.
    pub fn address(address: IpAddr) -> Self {
        Self::Address(network(address))
    }

    /// Who signs in from an address.
    pub fn sign_in(address: IpAddr) -> Self {
        Self::SignIn(network(address))
    }
}

/// Token buckets: each holds a minute's worth and fills evenly.
pub struct Limiter {
    limits: Limits,
    /// Apart from the others: anyone can bring many addresses, and must not crowd terminals out.
    addresses: Mutex<HashMap<Counted, Bucket>>,
    /// Apart too: anyone can make tokens up.
    tokens: Mutex<HashMap<Counted, Bucket>>,
    others: Mutex<HashMap<Counted, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Limiter {
    /// With these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            addresses: Mutex::default(),
            tokens: Mutex::default(),
            others: Mutex::default(),
        }
    }

    /// Takes one request from the allowance.
    ///
    /// # Errors
    /// 429 with the seconds until the next one.
    pub fn take(&self, counted: Counted) -> Result<(), ErrorResponse> {
        self.take_at(counted, Instant::now())
    }

    /// Takes up to `wanted` from the allowance, at least one: how many there were.
    ///
    /// # Errors
    /// 429 with the seconds until the next one, when there was none.
    pub fn take_up_to(&self, counted: Counted, wanted: usize) -> Result<usize, ErrorResponse> {
        self.take_up_to_at(counted, wanted, Instant::now())
    }

    /// Gives every allowance back.
    pub fn forget(&self) {
        for buckets in [&self.addresses, &self.tokens, &self.others] {
            lock(buckets).clear();
        }
    }

    fn take_at(&self, counted: Counted, now: Instant) -> Result<(), ErrorResponse> {
        self.take_up_to_at(counted, 1, now).map(|_| ())
    }

    fn take_up_to_at(
        &self,
        counted: Counted,
        wanted: usize,
        now: Instant,
    ) -> Result<usize, ErrorResponse> {
        let limit = f64::from(match counted {
            Counted::Address(_) | Counted::SignIn(_) => self.limits.address,
            Counted::Terminal(_) => self.limits.terminal,
            Counted::Token(_) => self.limits.token,
            Counted::Code(_) => self.limits.code,
            Counted::Account(_) => self.limits.account,
            Counted::Events(_) => self.limits.events,
            Counted::ApiKey(_) => self.limits.api_key,
            Counted::ApiKeyChanges(_) => self.limits.api_key_changes,
            Counted::Refusals(_) | Counted::Misses(_) => REFUSALS,
            Counted::MoreRefusals(_) => 1,
        });
        let buckets = match counted {
            Counted::Address(_) | Counted::SignIn(_) => &self.addresses,
            Counted::Token(_) => &self.tokens,
            Counted::Terminal(_)
            | Counted::Code(_)
            | Counted::Account(_)
            | Counted::Events(_)
            | Counted::ApiKey(_)
            | Counted::ApiKeyChanges(_)
            | Counted::Refusals(_)
            | Counted::Misses(_)
            | Counted::MoreRefusals(_) => &self.others,
        };
        let mut buckets = lock(buckets);
        if buckets.len() >= MAX_COUNTED && !buckets.contains_key(&counted) {
            // A minute fills any bucket.
            buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at).as_secs() < 60);
            if buckets.len() >= MAX_COUNTED {
                return Err(ErrorResponse::too_many(60));
            }
        }
        let bucket = buckets.entry(counted).or_insert(Bucket { left: limit, at: now });
        let elapsed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + elapsed * limit / 60.0).min(limit);
        bucket.at = now;
        if bucket.left < 1.0 {
            let seconds = ((1.0 - bucket.left) * 60.0 / limit).ceil();
            return Err(ErrorResponse::too_many(seconds as u64));
        }
        let taken = bucket.left.floor().min(wanted as f64);
        bucket.left -= taken;
        Ok(taken as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_minute_s_worth_then_evenly() {
        let limiter = Limiter::new(Limits { address: 3, ..Limits::default() });
        let start = Instant::now();
        let one = Counted::address([192, 0, 2, 1].into());
        for _ in 0..3 {
            limiter.take_at(one, start).unwrap();
        }
        limiter.take_at(one, start).unwrap_err();
        // Another address has its own allowance; a mapped address is the same one.
        limiter.take_at(Counted::address([192, 0, 2, 2].into()), start).unwrap();
        limiter.take_at(Counted::address("::ffff:192.0.2.1".parse().unwrap()), start).unwrap_err();
        limiter.take_at(one, start + Duration::from_secs(19)).unwrap_err();
        limiter.take_at(one, start + Duration::from_secs(21)).unwrap();
        limiter.take_at(one, start + Duration::from_secs(21)).unwrap_err();
    }

    #[test]
    fn what_is_left_is_given_and_then_the_seconds_to_wait() {
        let limiter = Limiter::new(Limits { events: 60, ..Limits::default() });
        let (start, one) = (Instant::now(), Counted::Events(TerminalId::new([1; 16])));
        assert_eq!(limiter.take_up_to_at(one, 50, start).unwrap(), 50);
        assert_eq!(limiter.take_up_to_at(one, 50, start).unwrap(), 10);
        limiter.take_up_to_at(one, 50, start).unwrap_err();
        assert_eq!(limiter.take_up_to_at(one, 50, start + Duration::from_secs(5)).unwrap(), 5);
    }

    #[test]
    fn refusals_fill_the_trail_no_faster_than_ten_a_minute_of_a_session() {
        let limiter = Limiter::new(Limits::default());
        let start = Instant::now();
        let told = |session, at| limiter.take_at(Counted::Refusals([session; 8]), at).is_ok();
        let missed = |at| limiter.take_at(Counted::Misses([1; 8]), at).is_ok();
        assert_eq!((0..1000).filter(|_| missed(start)).count(), 10, "apart from refusals");
        let more = |at| limiter.take_at(Counted::MoreRefusals([1; 8]), at).is_ok();
        assert_eq!((more(start), more(start)), (true, false));
        let of_a_thousand = (0..1000).filter(|_| told(1, start)).count();
        assert_eq!((of_a_thousand, told(2, start)), (10, true));
        let later = start + Duration::from_secs(60);
        assert_eq!((0..1000).filter(|_| told(1, later)).count(), 10);
    }

    #[test]
    fn made_up_tokens_and_addresses_crowd_no_terminal_out() {
        let limiter = Limiter::new(Limits::default());
        let start = Instant::now();
        for number in 0..MAX_COUNTED as u64 {
            limiter.take_at(Counted::Token(number.to_be_bytes()), start).unwrap();
            limiter
                .take_at(Counted::Address(std::net::Ipv4Addr::from(number as u32).into()), start)
                .unwrap();
        }
        limiter.take_at(Counted::Token([0xff; 8]), start).unwrap_err();
        let terminal = TerminalId::new([1; 16]);
        for counted in
            [Counted::Terminal(terminal), Counted::Code(terminal), Counted::Events(terminal)]
        {
            limiter.take_at(counted, start).unwrap();
        }
    }

    #[test]
    fn one_host_with_many_ipv6_addresses_is_one() {
        let limiter = Limiter::new(Limits { address: 1, ..Limits::default() });
        let start = Instant::now();
        limiter.take_at(Counted::address("2001:db8::1".parse().unwrap()), start).unwrap();
        limiter.take_at(Counted::address("2001:db8::2".parse().unwrap()), start).unwrap_err();
        limiter.take_at(Counted::address("2001:db8:0:1::1".parse().unwrap()), start).unwrap();
    }
}
