//! What a scope says about sessions that have begun: they lock when the key is pulled out, after a
//! time without input, and after the longest time that one login may count.

use minicbor::{Decode, Encode};

/// What happens to a session when its key is pulled out. Each one is stricter than those before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum OnRemoval {
    /// Nothing.
    #[n(0)]
    #[default]
    Nothing,
    /// Its screen is locked.
    #[n(1)]
    Lock,
    /// Its screen is locked, and the seat shows the greeter, where the next person logs in.
    #[n(2)]
    Greeter,
    /// It is ended.
    #[n(3)]
    End,
}

impl OnRemoval {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nothing, Self::Lock, Self::Greeter, Self::End];

    /// The word of the command line and of JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Lock => "lock",
            Self::Greeter => "greeter",
            Self::End => "end",
        }
    }
}

/// What a scope says about sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SessionRules {
    /// What happens when the session's key is pulled out.
    #[n(0)]
    pub on_removal: OnRemoval,
    /// Seconds without input after which it locks.
    #[n(1)]
    pub idle: Option<u64>,
    /// Seconds after the last login or unlocking with a key after which it locks.
    #[n(2)]
    pub longest: Option<u64>,
}

impl SessionRules {
    /// What holds where several scopes have their say: the strictest of each. A scope that says
    /// nothing asks for nothing.
    pub fn strictest(rules: impl Iterator<Item = Self>) -> Self {
        let earlier = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        rules.fold(Self::default(), |all, one| Self {
            on_removal: all.on_removal.max(one.on_removal),
            idle: earlier(all.idle, one.idle),
            longest: earlier(all.longest, one.longest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_of_each_holds() {
        let rules = |on_removal, idle, longest| SessionRules { on_removal, idle, longest };
        let all = [
            rules(OnRemoval::Lock, Some(900), None),
            rules(OnRemoval::Greeter, None, Some(43_200)),
            rules(OnRemoval::Nothing, Some(600), Some(50_000)),
        ];
        let strictest = SessionRules::strictest(all.into_iter());
        assert_eq!(strictest, rules(OnRemoval::Greeter, Some(600), Some(43_200)));
        assert_eq!(SessionRules::strictest(std::iter::empty()), SessionRules::default());
        assert!(OnRemoval::ALL.is_sorted(), "from the mildest to the strictest");
    }
}
