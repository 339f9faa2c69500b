//! Keys, passes and loans by which logins are verified, as the export lists them.

use std::collections::{HashMap, HashSet};

use wardkey_core::code::Code;
use wardkey_core::codec::List;
use wardkey_core::event::Event;
use wardkey_core::evidence::{self, NoWord, RECORDED_WITHIN, Unproven, Whose};
use wardkey_core::id::{CredentialId, LoanId, PassId, TerminalId};
use wardkey_core::log_keys::{Change, ListedKey, ListedLoan, ListedPass, ListedStatus, LogKeys};
use wardkey_core::name::LoginName;
use wardkey_core::proof::assertion::Assertion;
use wardkey_core::time::UnixTime;

use crate::finding::Finding;
use crate::texts::{Phrase, Text};

/// By what a login is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A key of the person's own.
    Key,
    /// A key that the person had on loan.
    Loan,
    /// The code of a pass.
    Pass,
    /// A code, and a colleague's word for it.
    Vouch,
    /// A sealed code (break-glass).
    BreakGlass,
}

/// What an event proves.
#[derive(Debug)]
pub enum Judged {
    /// There is nothing to verify.
    Nothing,
    /// The evidence holds; with why the key was not to be used by then.
    Proved(Proof, Option<Phrase>),
    /// It does not.
    Unproved(Phrase),
}

/// The keys and passes of a log.
#[derive(Debug, Default)]
pub struct Keys {
    keys: HashMap<CredentialId, ListedKey>,
    passes: HashMap<PassId, ListedPass>,
    loans: HashMap<LoanId, ListedLoan>,
    people: HashMap<LoginName, Vec<Change>>,
}

impl Keys {
    /// Of a list.
    pub fn of(list: LogKeys) -> Self {
        let keys = list.keys.into_vec().into_iter().map(|key| (key.key.id.clone(), key));
        let passes = list.passes.into_vec().into_iter().map(|pass| (pass.id, pass));
        let loans = list.loans.into_iter().flat_map(List::into_vec).map(|loan| (loan.id, loan));
        let people = list.people.into_vec().into_iter();
        Self {
            keys: keys.collect(),
            passes: passes.collect(),
            loans: loans.collect(),
            people: people.map(|person| (person.login, person.changes.into_vec())).collect(),
        }
    }

    /// How many keys and passes there are.
    pub fn count(&self) -> (u64, u64) {
        (self.keys.len() as u64, self.passes.len() as u64)
    }

    /// Verifies the evidence of an event that a terminal sent, by what was known when it arrived.
    pub fn judge(&self, event: &Event, terminal: &TerminalId, received: UnixTime) -> Judged {
        let judged = match (&event.signed_by_code, &event.evidence) {
            (_, Some(evidence)) if evidence::is_by_colleague(event) => {
                self.by_colleague(event, evidence, terminal)
            }
            (_, None) if evidence::is_by_colleague(event) => {
                if !evidence::claims_proof(event) {
                    return Judged::Nothing;
                }
                Err(why(&Unproven::Word(NoWord::Nothing)))
            }
            (Some(signed), _) => match self.passes.get(&signed.pass) {
                Some(pass) => evidence::by_code(event, signed, terminal, pass)
                    .map(|()| (proof_of(pass), None))
                    .map_err(|unproven| why(&unproven)),
                None => Err(Text::PassUnknown.into()),
            },
            (None, Some(evidence)) => self.by_key(event, evidence, terminal, received),
            (None, None) if evidence::claims_success(event) => Err(why(&Unproven::Nothing)),
            (None, None) => return Judged::Nothing,
        };
        match judged {
            Ok((proof, off)) => Judged::Proved(proof, off),
            Err(why) => Judged::Unproved(why),
        }
    }

    fn by_key(
        &self,
        event: &Event,
        evidence: &Assertion,
        terminal: &TerminalId,
        received: UnixTime,
    ) -> Result<(Proof, Option<Phrase>), Phrase> {
        let listed = self.keys.get(&evidence.credential_id).ok_or(Text::KeyUnknown)?;
        let loan = event.loan.and_then(|id| self.loans.get(&id)).cloned().map(|mut loan| {
            loan.back = loan.back.filter(|back| *back <= received);
            loan
        });
        let (proof, whose) = match listed.is_loaner {
            Some(true) => (Proof::Loan, Whose::Loaner(loan.as_ref())),
            Some(false) | None => (Proof::Key, Whose::Own(&listed.person)),
        };
        evidence::by_key(event, evidence, terminal, (whose, &listed.key))
            .map_err(|unproven| why(&unproven))?;
        // The server's clock and the terminal's differ a little.
        if event.time.plus(RECORDED_WITHIN) < listed.key.enrolled {
            return Err(Text::KeyEnrolledLater.into());
        }
        if !evidence::claims_success(event) {
            return Ok((proof, None));
        }
        let person = event.person.as_ref().unwrap_or(&listed.person);
        // Nothing is lent to somebody who is switched off.
        let began = loan.as_ref().map(|loan| loan.from);
        Ok((proof, self.off(listed, event, person, began)))
    }

    /// A colleague's word, and a login by it.
    fn by_colleague(
        &self,
        event: &Event,
        evidence: &Assertion,
        terminal: &TerminalId,
    ) -> Result<(Proof, Option<Phrase>), Phrase> {
        let listed = self.keys.get(&evidence.credential_id).ok_or(Text::KeyUnknown)?;
        let whose = match listed.is_loaner {
            Some(true) => Whose::Loaner(None),
            Some(false) | None => Whose::Own(&listed.person),
        };
        let proved = evidence::by_colleague(event, evidence, terminal, (whose, &listed.key));
        let (vouch, _) = proved.map_err(|unproven| why(&unproven))?;
        if vouch.from.plus(RECORDED_WITHIN) < listed.key.enrolled {
            return Err(Text::KeyEnrolledLater.into());
        }
        let off = self.off(listed, event, &listed.person, None);
        let off = off.filter(|_| evidence::claims_proof(event));
        Ok((Proof::Vouch, off))
    }

    /// Whether somebody was at the server when a record arrived, for all that the list shows: who
    /// has no key, or was deleted once, may or may not have been.
    pub fn was_there(&self, person: &LoginName, received: UnixTime) -> bool {
        let is_deleted = |change: &Change| change.to == ListedStatus::Deleted;
        let was_deleted = self.people.get(person).is_some_and(|all| all.iter().any(is_deleted));
        let had_key = |key: &ListedKey| key.person == *person && key.key.enrolled <= received;
        !was_deleted && self.keys.values().any(had_key)
    }

    /// Why a key was not to be used by the time of an event: it was off, or who had it, since it
    /// was theirs.
    fn off(
        &self,
        listed: &ListedKey,
        event: &Event,
        person: &LoginName,
        began: Option<UnixTime>,
    ) -> Option<Phrase> {
        let people = self.people.get(person).map(Vec::as_slice).unwrap_or_default();
        let enrolled = listed.key.enrolled;
        let off = |changes: &[Change], began: UnixTime, text: Text| {
            let since = off_since(changes, began, event.time)?;
            Some(text.with([("time", since.to_rfc3339().into())]))
        };
        off(&listed.changes, enrolled, Text::KeyOffSince)
            .or_else(|| off(people, began.unwrap_or(enrolled), Text::PersonOff))
    }
}

fn proof_of(pass: &ListedPass) -> Proof {
    if pass.is_sealed == Some(true) { Proof::BreakGlass } else { Proof::Pass }
}

/// Since when something was switched off at a time, by what happened after it began.
fn off_since(changes: &[Change], began: UnixTime, at: UnixTime) -> Option<UnixTime> {
    let until = changes.iter().take_while(|change| change.time.plus(RECORDED_WITHIN) <= at);
    let last = until.filter(|change| change.time >= began).last()?;
    (last.to != ListedStatus::Active).then_some(last.time)
}

/// Why evidence does not hold.
fn why(unproven: &Unproven) -> Phrase {
    match unproven {
        Unproven::Nothing => Text::UnprovenNothing,
        Unproven::PassByKey => Text::UnprovenPassByKey,
        Unproven::OtherPass => Text::UnprovenOtherPass,
        Unproven::ClientData => Text::UnprovenClientData,
        Unproven::Terminal => Text::UnprovenTerminal,
        Unproven::Person => Text::UnprovenPerson,
        Unproven::Account => Text::UnprovenAccount,
        Unproven::Service => Text::UnprovenService,
        Unproven::Time => Text::UnprovenTime,
        Unproven::EventId => Text::UnprovenEventId,
        Unproven::Counter => Text::UnprovenCounter,
        Unproven::PassTime => Text::UnprovenPassTime,
        Unproven::PassTerminal => Text::UnprovenPassTerminal,
        Unproven::NoLoan => Text::UnprovenNoLoan,
        Unproven::OtherLoan => Text::UnprovenOtherLoan,
        Unproven::LoanTime => Text::UnprovenLoanTime,
        Unproven::Returned => Text::UnprovenReturned,
        Unproven::Signature(denial) => {
            return Text::UnprovenSignature.with([("code", denial.code.to_string().into())]);
        }
        Unproven::Word(NoWord::Nothing) => Text::NoWordNothing,
        Unproven::Word(NoWord::Malformed) => Text::UnprovenClientData,
        Unproven::Word(NoWord::Terminal) => Text::NoWordTerminal,
        Unproven::Word(NoWord::Colleague) => Text::NoWordColleague,
        Unproven::Word(NoWord::Loaner) => Text::NoWordLoaner,
        Unproven::Word(NoWord::Person) => Text::NoWordPerson,
        Unproven::Word(NoWord::Themselves) => Text::NoWordThemselves,
        Unproven::Word(NoWord::TooLong) => Text::NoWordTooLong,
        Unproven::Word(NoWord::Time) => Text::NoWordTime,
        Unproven::Word(NoWord::EventId) => Text::UnprovenEventId,
        Unproven::Word(NoWord::NoCode) => Text::NoWordNoCode,
        Unproven::Word(NoWord::OtherProof) => Text::NoWordOtherProof,
        Unproven::Word(NoWord::NotThen) => Text::NoWordNotThen,
    }
    .into()
}

/// What of an older list is not in a newer one as it was.
pub fn compare(older: &LogKeys, newer: &LogKeys) -> Vec<Finding> {
    let now: HashMap<_, _> = newer.keys.iter().map(|key| (&key.key.id, key)).collect();
    let mut findings = Vec::new();
    let mut found = |text: Text, key: &ListedKey| {
        let args = [
            ("key", key.key.fingerprint().short().into()),
            ("person", key.person.to_string().into()),
        ];
        findings.push(Finding::what(Code::KeyListChanged, text.with(args)));
    };
    for key in &*older.keys {
        match now.get(&key.key.id) {
            None => found(Text::KeyGone, key),
            Some(other) if (&other.person, other.is_loaner) != (&key.person, key.is_loaner) => {
                found(Text::KeyOfAnother, key)
            }
            Some(other)
                if other.key.public_key != key.key.public_key
                    || other.key.rp_id != key.key.rp_id
                    || other.key.flags != key.key.flags
                    || other.key.enrolled != key.key.enrolled =>
            {
                found(Text::KeyReplaced, key);
            }
            Some(other) if !other.changes.starts_with(&key.changes) => {
                found(Text::KeyHistory, key);
            }
            Some(_) => {}
        }
    }

    let then: HashMap<_, _> = older.keys.iter().map(|key| (&key.key.id, ())).collect();
    for key in newer.keys.iter().filter(|key| !then.contains_key(&key.key.id)) {
        if key.key.enrolled < older.made {
            found(Text::KeyBackdated, key);
        }
    }
    let passes: HashMap<_, _> = newer.passes.iter().map(|pass| (pass.id, pass)).collect();
    for pass in older.passes.iter().filter(|pass| passes.get(&pass.id) != Some(pass)) {
        let args = [("pass", pass.id.to_hex().into())];
        findings.push(Finding::what(Code::KeyListChanged, Text::PassChanged.with(args)));
    }
    findings.extend(compare_loans(older, newer));
    findings
}

/// The same of loans, and those that are said to have begun before the older list was made.
fn compare_loans(older: &LogKeys, newer: &LogKeys) -> Vec<Finding> {
    let now: HashMap<_, _> = listed_loans(newer).map(|loan| (loan.id, loan)).collect();
    let then: HashSet<_> = listed_loans(older).map(|loan| loan.id).collect();
    let mut findings = Vec::new();
    let mut found = |text: Text, loan: &ListedLoan| {
        let args = [("loan", loan.id.to_hex().into()), ("person", loan.person.to_string().into())];
        findings.push(Finding::what(Code::KeyListChanged, text.with(args)));
    };
    for loan in listed_loans(older) {
        // That a key is back is heard later.
        let goes_on = now.get(&loan.id).is_some_and(|now| {
            let back = loan.back.and(now.back);
            ListedLoan { back, ..ListedLoan::clone(now) } == *loan
        });
        if !goes_on {
            found(Text::LoanChanged, loan);
        }
    }

    for loan in listed_loans(newer).filter(|loan| !then.contains(&loan.id)) {
        if loan.from < older.made {
            found(Text::LoanBackdated, loan);
        }
    }
    findings
}

fn listed_loans(list: &LogKeys) -> impl Iterator<Item = &ListedLoan> {
    list.loans.iter().flat_map(|loans| loans.iter())
}
