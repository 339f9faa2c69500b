//! Keys and people.

use jiff::tz::TimeZone;
use wardkey_core::time::UnixTime;

use super::plot::{Plot, Shape};
use super::sheet::{Cell, Sheet, Table, of_scope};
use crate::admin::report::inventory::{InventoryView, KeyView, ModelView, PersonView, Totals};
use crate::texts::{Phrase, Text};
use crate::when::shown;

/// Digits of a fingerprint that are shown, as in records.
const SHOWN_DIGITS: usize = 16;

/// The sheet; times are those of the zone.
pub fn sheet(view: &InventoryView, zone: &TimeZone) -> Sheet {
    let total = &view.total;
    let at = shown(UnixTime(view.at), zone).into();
    let days = (view.unused_seconds / 86_400).into();
    let lines = vec![
        Text::ReportAsOf.with([("time", at)]),
        of_scope(view.scope.as_deref()),
        Text::ReportPeopleTotal.with([
            ("people", total.people.into()),
            ("spare", total.with_spare.into()),
            ("one", total.without_spare.into()),
            ("none", total.without_key.into()),
        ]),
        Text::ReportKeysTotal.with([
            ("keys", total.keys.into()),
            ("attested", total.attested.into()),
            ("suspected", total.suspected.into()),
        ]),
        Text::ReportUnusedTotal.with([
            ("accounts", total.unused_accounts.into()),
            ("keys", total.unused_keys.into()),
            ("days", days),
        ]),
        Text::ReportInventoryLeftOut
            .with([("people", total.people_disabled.into()), ("keys", total.keys_disabled.into())]),
    ];
    let of_model = |model: &ModelView| {
        (model.model.as_str().into(), vec![model.attested, model.keys - model.attested])
    };
    Sheet {
        title: Text::ReportInventory,
        lines,
        plots: vec![
            Plot {
                title: Text::ReportPeopleByKeys,
                shape: Shape::Bars,
                series: vec![Text::HeadPeople],
                points: people(total),
            },
            Plot {
                title: Text::ReportModels,
                shape: Shape::Bars,
                series: vec![Text::SeriesAttested, Text::SeriesNotAttested],
                points: view.models.iter().map(of_model).collect(),
            },
        ],
        tables: tables(view, zone),
    }
}

fn people(total: &Totals) -> Vec<(Phrase, Vec<u64>)> {
    [
        (Text::KeysSeveral, total.with_spare),
        (Text::KeysOne, total.without_spare),
        (Text::KeysNone, total.without_key),
    ]
    .map(|(name, people)| (name.into(), vec![people]))
    .into()
}

fn tables(view: &InventoryView, zone: &TimeZone) -> Vec<Table> {
    let is_noted = |row: &&PersonView| !notes_of_person(row).is_empty();
    let noted = view.people.iter().filter(is_noted);
    let of_model = |row: &ModelView| {
        vec![row.model.as_str().into(), Cell::Count(row.keys), Cell::Count(row.attested)]
    };
    vec![
        Table {
            name: "keys",
            title: Text::ReportKeys,
            head: vec![
                Text::HeadPerson,
                Text::HeadName,
                Text::HeadLabel,
                Text::HeadKey,
                Text::HeadModel,
                Text::HeadAttested,
                Text::HeadPinLength,
                Text::HeadStatus,
                Text::HeadEnrolled,
                Text::HeadLastUsed,
                Text::HeadWhere,
                Text::HeadNote,
            ],
            rows: view.keys.iter().map(|key| of_key(key, zone)).collect(),
            is_long: true,
        },
        Table {
            name: "people",
            title: Text::ReportPeopleNoted,
            head: vec![
                Text::HeadPerson,
                Text::HeadName,
                Text::HeadScopes,
                Text::HeadKeys,
                Text::HeadLastLogin,
                Text::HeadNote,
            ],
            rows: noted.map(|row| of_person(row, zone)).collect(),
            is_long: false,
        },
        Table {
            name: "models",
            title: Text::ReportModels,
            head: vec![Text::HeadModel, Text::HeadKeys, Text::HeadAttested],
            rows: view.models.iter().map(of_model).collect(),
            is_long: false,
        },
    ]
}

fn of_key(key: &KeyView, zone: &TimeZone) -> Vec<Cell> {
    let status = if key.status == "active" { Text::StateActive } else { Text::StateDisabled };
    let attested = if key.attested { Cell::from(Text::Attested) } else { Cell::Nothing };
    let mut notes: Vec<Phrase> = Vec::new();
    notes.extend(key.unused.then(|| Text::NoteUnused.into()));
    notes.extend(key.clone_suspected.then(|| Text::NoteSuspected.into()));
    vec![
        key.person.as_str().into(),
        key.name.as_str().into(),
        key.label.as_str().into(),
        key.fingerprint.get(..SHOWN_DIGITS).unwrap_or(&key.fingerprint).into(),
        key.model.as_str().into(),
        attested,
        key.min_pin_length.map_or(Cell::Nothing, |least| Cell::Count(least.into())),
        status.into(),
        Cell::time(key.enrolled, zone),
        Cell::time_or_nothing(key.last_used, zone),
        Cell::name(key.last_terminal.as_deref()),
        joined(notes),
    ]
}

fn of_person(row: &PersonView, zone: &TimeZone) -> Vec<Cell> {
    vec![
        row.login.as_str().into(),
        row.name.as_str().into(),
        Cell::names(&row.scopes),
        row.keys.into(),
        Cell::time_or_nothing(row.last_login, zone),
        joined(notes_of_person(row)),
    ]
}

/// What should be looked at.
fn notes_of_person(row: &PersonView) -> Vec<Phrase> {
    if row.status != "active" {
        return Vec::new();
    }
    let mut notes: Vec<Phrase> = Vec::new();
    match row.keys {
        0 => notes.push(Text::NoteNoKey.into()),
        1 => notes.push(Text::NoteNoSpare.into()),
        _ => {}
    }
    notes.extend(row.unused.then(|| Text::NoteUnused.into()));
    notes
}

fn joined(notes: Vec<Phrase>) -> Cell {
    if notes.is_empty() { Cell::Nothing } else { Cell::Said(Phrase::joined(notes, ", ")) }
}
