//! Lists of this room take no more statements for more rows.

use jiff::tz::TimeZone;
use wardkey_core::code::Code;
use wardkey_core::event::{Event, EventName, Outcome};
use wardkey_core::id::{EventId, Hash, TerminalId};
use wardkey_core::name::{DisplayText, GroupName, LoginName};

use super::event::Wanted;
use super::testing::{Deployment, NOW, login, scope as named};
use super::{Operation, account, event as events, naming, scope};
use crate::error::Result;
use crate::pki::{Issued, SERIAL_LEN};
use crate::store::event::{self, Verdict};
use crate::store::terminal::{self, Joining, TerminalStatus};
use crate::store::{PageRequest, Tx, statements_run};

/// Rows of each list.
const ROWS: u8 = 12;

fn person(number: u8) -> LoginName {
    login(&format!("p{number}"))
}

/// Scopes with an account each; people, each with a refusal at a terminal of their own.
async fn filled() -> Deployment {
    let deployment = Deployment::new().await;
    let fill = async |op: &mut Operation<'_>| -> Result<()> {
        for number in 0..ROWS {
            let ward = named(&format!("ward{number}"));
            scope::add(op, &ward).await?;
            let groups = [GroupName::new("nurses").unwrap()];
            account::set(op, &login("desk"), std::slice::from_ref(&ward), &groups).await?;
            let joining = Joining {
                id: TerminalId::new([number; 16]),
                name: &DisplayText::new(format!("desk {number}")).unwrap(),
                machine: Hash::new([number; 32]),
                status: TerminalStatus::Active,
                issued: &Issued {
                    certificate: Vec::new(),
                    serial: [number; SERIAL_LEN],
                    begins: NOW,
                    expires: NOW.plus(86_400),
                    key: Hash::new([number; 32]),
                    by: Hash::new([0; 32]),
                },
                scopes: &[ward].into(),
            };
            terminal::put(op.tx, &joining, op.now).await?;
            let id = EventId::new([number; 16]);
            let mut refused = Event::new(id, NOW, EventName::Login, Outcome::Failure);
            refused.reason = Some(Code::KeyAndNameDoNotMatch);
            refused.person = Some(person(number));
            event::add(op.tx, &refused, &joining.id, (None, None), &Verdict::None, NOW).await?;
        }
        Ok(())
    };
    deployment.act(fill).await.unwrap();
    for number in 0..ROWS {
        deployment.add(person(number).as_str()).await;
    }
    deployment
}

/// The rows of a list and the statements that it took.
async fn cost(tx: &mut Tx, list: impl AsyncFnOnce(&mut Tx) -> usize) -> (usize, u64) {
    let before = statements_run();
    let rows = list(tx).await;
    (rows, statements_run() - before)
}

#[tokio::test]
async fn lists_take_as_many_statements_for_many_rows_as_for_one() {
    let deployment = filled().await;
    let mut tx = deployment.store.read().await.unwrap();
    for rows in [1, ROWS.into()] {
        let page = PageRequest { limit: rows, ..PageRequest::default() };
        let rows = rows as usize;
        let scopes = async |tx: &mut Tx| scope::list(tx, &page).await.unwrap().items.len();
        assert_eq!(cost(&mut tx, scopes).await, (rows, 1), "scopes");
        let accounts = async |tx: &mut Tx| account::list(tx, &page).await.unwrap().items.len();
        assert_eq!(cost(&mut tx, accounts).await, (rows, 1), "accounts");
        let listed = async |tx: &mut Tx| {
            let found = events::list(tx, Wanted::default(), &TimeZone::UTC, &page).await.unwrap();
            let is_of_elsewhere = |row: &events::EventView| {
                let said = row.explanation.as_ref().unwrap().to_string();
                said.contains("icu") && said.contains("ward")
            };
            assert!(found.items.iter().all(is_of_elsewhere), "{found:?}");
            found.items.len()
        };
        // The page, its people, its terminals.
        assert_eq!(cost(&mut tx, listed).await, (rows, 3), "events");

        let groups: Vec<GroupName> =
            (0..rows).map(|number| GroupName::new(format!("g{number}")).unwrap()).collect();
        let warned = async |tx: &mut Tx| naming::empty_groups(tx, &groups).await.unwrap().len();
        assert_eq!(cost(&mut tx, warned).await, (rows, 1), "groups");
    }
}
