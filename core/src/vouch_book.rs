//! The vouches of a terminal, in a file that only root reads and writes: those that may be used
//! still, with the salts of their codes, and when there were any in the last month.

use minicbor::{Decode, Encode};

use crate::codec::{Document, List};
use crate::directory::leaf_key;
use crate::id::{Hash, Salt};
use crate::name::LoginName;
use crate::proof::assertion::Assertion;
use crate::time::UnixTime;
use crate::vouch::{MONTH, Vouch};

/// Vouches that are kept at a time.
pub const MAX_KEPT: usize = 32;
/// Vouches of the last month that are remembered.
pub const MAX_COUNTED: usize = 512;

/// The vouches of a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct VouchBook {
    /// Those that are not over: one for a person at most.
    #[n(0)]
    pub kept: List<KeptVouch, MAX_KEPT>,
    /// All of the last month.
    #[n(1)]
    pub counted: List<CountedVouch, MAX_COUNTED>,
}

/// A vouch, and all that is needed to verify it and its code.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeptVouch {
    /// What the colleague's key signed; its client data are the [`Vouch`].
    #[n(0)]
    pub assertion: Assertion,
    /// What the code is hashed with. Nobody but root has it.
    #[n(1)]
    pub salt: Salt,
}

/// That somebody was vouched for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CountedVouch {
    /// [`leaf_key`] of the person.
    #[n(0)]
    pub person: Hash,
    /// When.
    #[n(1)]
    pub at: UnixTime,
    /// By whom, until the person has been told.
    #[n(2)]
    pub untold: Option<LoginName>,
}

impl Document for VouchBook {
    const DOMAIN: &'static str = "wardkey/vouches/1";
    const MAX_BYTES: usize = 256 * 1024;
    const GROWS: bool = true;
}

impl KeptVouch {
    /// What was signed. None: it cannot be read, and so holds for nobody.
    pub fn vouch(&self) -> Option<Vouch> {
        Vouch::from_bytes(self.assertion.client_data.as_slice()).ok()
    }
}

impl VouchBook {
    /// What is kept for a person.
    pub fn of(&self, person: &LoginName) -> Option<(&KeptVouch, Vouch)> {
        let mut all = self.kept.iter().filter_map(|kept| Some((kept, kept.vouch()?)));
        all.find(|(_, vouch)| vouch.person == *person)
    }

    /// How often somebody vouched for a person in the last month.
    pub fn count(&self, person: &LoginName, now: UnixTime) -> usize {
        let person = leaf_key(person);
        self.counted.iter().filter(|one| one.person == person && one.counts(now)).count()
    }

    /// Keeps a vouch, in place of an earlier one for the same person, and counts it. False: there
    /// is no room, and it must not be used.
    #[must_use]
    pub fn add(&mut self, kept: KeptVouch, now: UnixTime) -> bool {
        let Some(vouch) = kept.vouch() else { return false };
        let mut counted = self.counted.to_vec();
        counted.retain(|one| one.counts(now));
        let untold = Some(vouch.voucher);
        counted.push(CountedVouch { person: leaf_key(&vouch.person), at: now, untold });
        let mut all = self.others(&vouch.person, now);
        all.push(kept);

        let (Ok(all), Ok(counted)) = (List::new(all), List::new(counted)) else { return false };
        *self = Self { kept: all, counted };
        true
    }

    /// Whether one more could be kept, whoever it is for. What it would take the place of makes no
    /// room here, so that nothing shows of whom there is one for.
    pub fn has_room(&self, now: UnixTime) -> bool {
        let is_open = |kept: &&KeptVouch| kept.vouch().is_some_and(|vouch| now < vouch.until);
        let counted = self.counted.iter().filter(|one| one.counts(now)).count();
        self.kept.iter().filter(is_open).count() < MAX_KEPT && counted < MAX_COUNTED
    }

    /// Nothing came of this one: it is kept no longer. It counts still, and the person is told.
    pub fn take_back(&mut self, vouch: &Vouch) {
        let mut kept = self.kept.to_vec();
        kept.retain(|one| one.vouch().as_ref() != Some(vouch));
        self.kept = List::new(kept).unwrap_or_default();
    }

    /// Who vouched for a person that has not been told of it, whether it may be used still or not.
    pub fn untold(&self, person: &LoginName) -> Vec<LoginName> {
        let person = leaf_key(person);
        let all = self.counted.iter().filter(|one| one.person == person);
        let mut vouchers: Vec<LoginName> = all.filter_map(|one| one.untold.clone()).collect();
        vouchers.sort_unstable();
        vouchers.dedup();
        vouchers
    }

    /// Whether [`VouchBook::end`] would change something.
    pub fn has_to_end(&self, person: &LoginName, now: UnixTime) -> bool {
        let is_over = |kept: &KeptVouch| kept.vouch().is_none_or(|vouch| vouch.until <= now);
        self.of(person).is_some() || self.kept.iter().any(is_over)
    }

    /// The person has logged in with the key: what was kept for them is so no longer, nor what is
    /// over. It counts still.
    pub fn end(&mut self, person: &LoginName, now: UnixTime) {
        self.kept = List::new(self.others(person, now)).unwrap_or_default();
    }

    /// The person is told who vouched.
    pub fn tell(&mut self, person: &LoginName) {
        let key = leaf_key(person);
        let mut counted = self.counted.to_vec();
        for one in counted.iter_mut().filter(|one| one.person == key) {
            one.untold = None;
        }
        self.counted = List::new(counted).unwrap_or_default();
    }

    /// What is kept for others and is not over.
    fn others(&self, person: &LoginName, now: UnixTime) -> Vec<KeptVouch> {
        let is_open = |kept: &&KeptVouch| {
            kept.vouch().is_some_and(|vouch| now < vouch.until && vouch.person != *person)
        };
        self.kept.iter().filter(is_open).cloned().collect()
    }
}

impl CountedVouch {
    /// One of a clock that was ahead counts too.
    fn counts(&self, now: UnixTime) -> bool {
        now.since(self.at) < MONTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Bytes;
    use crate::id::{CredentialId, Nonce, SigningPublicKey, TerminalId};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn login(name: &str) -> LoginName {
        LoginName::new(name).unwrap()
    }

    fn kept(person: &str, nonce: u8, until: UnixTime) -> KeptVouch {
        let vouch = Vouch {
            nonce: Nonce::new([nonce; 32]),
            terminal: TerminalId::new([1; 16]),
            voucher: login("taro"),
            credential: Hash::new([2; 32]),
            person: login(person),
            from: NOW,
            until,
            reason: None,
            hash: 1,
            key: SigningPublicKey::new([3; 32]),
        };
        let assertion = Assertion {
            credential_id: CredentialId::new([4; 16]).unwrap(),
            client_data: Bytes::new(vouch.to_bytes()).unwrap(),
            auth_data: Bytes::default(),
            signature: Bytes::default(),
            user_handle: None,
        };
        KeptVouch { assertion, salt: Salt::new([nonce; 16]) }
    }

    #[test]
    fn a_person_has_one_vouch_and_a_later_one_takes_its_place() {
        let mut book = VouchBook::default();
        let until = NOW.plus(3600);
        for (person, nonce) in [("hanako", 1), ("jiro", 2), ("hanako", 3)] {
            assert!(book.add(kept(person, nonce, until), NOW));
        }
        assert_eq!(book.kept.len(), 2);
        let (one, vouch) = book.of(&login("hanako")).unwrap();
        assert_eq!((vouch.nonce, one.salt), (Nonce::new([3; 32]), Salt::new([3; 16])));
        assert_eq!((book.count(&login("hanako"), NOW), book.count(&login("jiro"), NOW)), (2, 1));
        assert!(book.of(&login("taro")).is_none(), "not for who vouched");
    }

    #[test]
    fn what_has_ended_is_gone_for_good_and_counts_for_a_month() {
        let mut book = VouchBook::default();
        assert!(book.add(kept("hanako", 1, NOW.plus(3600)), NOW));
        assert!(book.add(kept("jiro", 2, NOW.plus(3600)), NOW));
        book.end(&login("hanako"), NOW);
        assert!(book.of(&login("hanako")).is_none() && book.of(&login("jiro")).is_some());
        let count = |after| book.count(&login("hanako"), NOW.plus(after));
        assert_eq!((count(0), count(MONTH - 1), count(MONTH)), (1, 1, 0));
        assert_eq!(book.count(&login("hanako"), UnixTime(5)), 1, "the clock was ahead");
    }

    /// Else whoever vouched for somebody without being asked waits until it is over, and nobody
    /// hears of it.
    #[test]
    fn who_vouched_is_told_also_when_it_is_over_or_another_came_after() {
        let mut book = VouchBook::default();
        let hanako = login("hanako");
        assert!(!book.has_to_end(&hanako, NOW));
        assert!(book.add(kept("hanako", 1, NOW.plus(60)), NOW));
        let mut second = kept("hanako", 2, NOW.plus(200));
        let vouch = Vouch { voucher: login("saburo"), ..second.vouch().unwrap() };
        second.assertion.client_data = Bytes::new(vouch.to_bytes()).unwrap();
        assert!(book.add(second, NOW.plus(90)));
        assert!(book.add(kept("jiro", 3, NOW.plus(400)), NOW.plus(300)));
        assert!(book.of(&hanako).is_none(), "over, and gone with its salt");
        assert_eq!(book.untold(&hanako), [login("saburo"), login("taro")]);

        assert!(!book.has_to_end(&hanako, NOW.plus(300)));
        book.end(&hanako, NOW.plus(300));
        assert_eq!(book.untold(&hanako).len(), 2, "ended, and not told yet");
        book.tell(&hanako);
        assert!(book.untold(&hanako).is_empty());
        assert_eq!(book.untold(&login("jiro")), [login("taro")], "of one's own only");
        // What is over for others goes with its salt at the next login by anybody's key.
        assert!(book.has_to_end(&hanako, NOW.plus(400)));
        book.end(&hanako, NOW.plus(400));
        assert!(book.kept.is_empty());
        assert_eq!(book.count(&hanako, NOW), 2);
    }

    #[test]
    fn where_there_is_no_room_nothing_is_kept_and_what_is_over_makes_room() {
        let mut book = VouchBook::default();
        for number in 0..MAX_KEPT {
            assert!(book.add(kept(&format!("person{number}"), 1, NOW.plus(60)), NOW));
        }
        let before = book.clone();
        assert!(!book.add(kept("hanako", 1, NOW.plus(60)), NOW));
        assert_eq!(book, before);
        assert!(!book.has_room(NOW) && book.has_room(NOW.plus(60)), "what is over is no more");
        let bytes = crate::codec::to_bytes(&book);
        assert_eq!(crate::codec::from_bytes::<VouchBook>(&bytes).unwrap(), book);
        assert!(book.add(kept("hanako", 1, NOW.plus(90)), NOW.plus(60)));
        assert_eq!(book.kept.len(), 1);
    }

    #[test]
    fn a_month_that_is_full_has_no_room_either() {
        let one = CountedVouch { person: Hash::new([7; 32]), at: NOW, untold: None };
        let counted = List::new(vec![one; MAX_COUNTED]).unwrap();
        let mut book = VouchBook { kept: List::default(), counted };
        assert!(!book.has_room(NOW) && !book.add(kept("hanako", 1, NOW.plus(60)), NOW));
        assert!(book.has_room(NOW.plus(MONTH)));
    }

    #[test]
    fn what_is_taken_back_is_that_one_alone_and_it_counts_and_is_told() {
        let mut book = VouchBook::default();
        for (person, nonce) in [("hanako", 1), ("jiro", 2)] {
            assert!(book.add(kept(person, nonce, NOW.plus(60)), NOW));
        }
        let hanako = login("hanako");
        // Another came in its place meanwhile.
        book.take_back(&kept("hanako", 9, NOW.plus(60)).vouch().unwrap());
        assert!(book.of(&hanako).is_some());
        book.take_back(&kept("hanako", 1, NOW.plus(60)).vouch().unwrap());
        assert!(book.of(&hanako).is_none() && book.of(&login("jiro")).is_some());
        assert_eq!((book.count(&hanako, NOW), book.untold(&hanako)), (1, vec![login("taro")]));
    }

    #[test]
    fn the_fullest_book_can_be_written_and_read() {
        let mut one = kept(&"p".repeat(64), 1, NOW.plus(60));
        one.assertion.credential_id = CredentialId::new(vec![4; 1023]).unwrap();
        one.assertion.auth_data = Bytes::new(vec![5; 1024]).unwrap();
        one.assertion.signature = Bytes::new(vec![6; 512]).unwrap();
        let untold = Some(login(&"t".repeat(64)));
        let counted = CountedVouch { person: Hash::new([7; 32]), at: NOW, untold };
        let book = VouchBook {
            kept: List::new(vec![one; MAX_KEPT]).unwrap(),
            counted: List::new(vec![counted; MAX_COUNTED]).unwrap(),
        };
        let bytes = crate::codec::to_bytes(&book);
        assert!(bytes.len() <= VouchBook::MAX_BYTES, "{}", bytes.len());
        assert_eq!(crate::codec::from_bytes::<VouchBook>(&bytes).unwrap(), book);
    }
}
