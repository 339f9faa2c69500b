//! People.

use wardkey_core::codec::List;
use wardkey_core::id::UserHandle;
use wardkey_core::name::{DisplayText, Language};
use wardkey_core::person::{CredentialRecord, PersonRecord, Status};

use crate::key::Key;
use crate::names::{group, login};

/// A nurse with one key; `id` makes the user handle and the credential id.
pub fn person(name: &str, id: u8, key: &Key) -> PersonRecord {
    PersonRecord {
        user_handle: UserHandle::new([id; 32]),
        ..person_with(name, vec![key.record(id)])
    }
}

/// A nurse with these credentials.
pub fn person_with(name: &str, credentials: Vec<CredentialRecord>) -> PersonRecord {
    PersonRecord {
        login: login(name),
        display_name: DisplayText::new("Demo Hanako").unwrap(),
        language: Language::Ja,
        user_handle: UserHandle::new([8; 32]),
        groups: List::new(vec![group("nurses")]).unwrap(),
        not_before: None,
        not_after: None,
        status: Status::Active,
        credentials: List::new(credentials).unwrap(),
        pass: None,
        loan: None,
        break_glass: None,
        latin_name: None,
    }
}
