//! The addresses that terminals were told since a backup was made, as a newer trail says: they may
//! know no others by now.

use wardkey_core::name::ServerAddress;

use super::trails::Trails;
use crate::error::Result;
use crate::store::Db;
use crate::store::address::{self, Addresses, host_of};
use crate::store::audit::{Entry, TEXT_CHARS};

/// Tells terminals what they were told last, with the number that the list has already. Of a trail
/// that parts from the one that is kept the hosts come into the certificate.
pub async fn follow(db: &mut Db, trails: &Trails) -> Result<Vec<String>> {
    let before = address::get(db).await?;
    let mut now = trails.kept_rows().fold(before.clone(), told);
    for list in trails.parted_rows().filter_map(list_of) {
        list.iter().filter_map(|address| host_of(address)).for_each(|host| now.remember(host));
    }
    if now != before {
        address::put(db, &now).await?;
    }
    Ok(now.list)
}

fn told(before: Addresses, row: &Entry) -> Addresses {
    match (list_of(row), row.action.as_str()) {
        (Some(list), _) => before.told(list, before.number),
        (None, "address.retire") => before.without(&row.object),
        _ => before,
    }
}

/// The list that a row of the trail has.
fn list_of(row: &Entry) -> Option<Vec<String>> {
    if row.action != "address.set" {
        return None;
    }
    let mut list: Vec<&str> = row.object.split(',').collect();
    // What is longer than a row takes ends somewhere.
    if row.object.chars().count() >= TEXT_CHARS {
        list.pop();
    }
    list.retain(|text| ServerAddress::new(*text).is_ok());
    Some(list.into_iter().map(str::to_owned).collect())
}
