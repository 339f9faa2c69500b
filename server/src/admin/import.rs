//! Many people at once, in one transaction: all or none.

use jiff::tz::TimeZone;
use wardkey_core::time::UnixTime;

use super::{Operation, naming};
use crate::error::Result;
use crate::people_file::{People, Problem};
use crate::store::import::{self, Imported, Plan, Rules};
use crate::store::{Tx, lookup};
use crate::texts::{Phrase, Text};

/// How a file is taken.
#[derive(Clone, Copy, Debug)]
pub struct Taking {
    /// Keys that one person may have.
    pub keys_per_person: u32,
    /// Whether people who are there already are passed over; else they refuse the file.
    pub skip_existing: bool,
}

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// Everyone was added, or would be.
    Done(Imported),
    /// Nobody was added: everything that is wrong, in the order of the lines.
    Refused(Vec<Problem>),
}

/// Checks a file and adds nobody.
pub async fn check(
    tx: &mut Tx,
    people: People,
    taking: Taking,
    at: (UnixTime, &TimeZone),
) -> Result<Outcome> {
    let plan = plan(tx, people, taking, at).await?;
    Ok(if plan.problems.is_empty() {
        Outcome::Done(plan.done)
    } else {
        Outcome::Refused(plan.problems)
    })
}

/// Adds everyone in a file; `name` is its name, for the trail. After [`Outcome::Refused`] the
/// transaction has changed nothing.
pub async fn run(
    op: &mut Operation<'_>,
    people: People,
    taking: Taking,
    name: &str,
) -> Result<Outcome> {
    let plan = plan(op.tx, people, taking, (op.now, op.zone)).await?;
    if !plan.problems.is_empty() {
        return Ok(Outcome::Refused(plan.problems));
    }

    let done = plan.carry_out(op.tx).await?;
    op.record("person.import", name, Some(&in_words(&done).to_string())).await?;
    Ok(Outcome::Done(done))
}

/// How many were added, in words.
pub fn in_words(done: &Imported) -> Phrase {
    Text::ImportCounts.with([
        ("people", done.people.into()),
        ("keys", done.keys.into()),
        ("skipped", done.skipped.into()),
    ])
}

async fn plan(
    tx: &mut Tx,
    people: People,
    taking: Taking,
    (now, zone): (UnixTime, &TimeZone),
) -> Result<Plan> {
    let rules = Rules {
        keys_per_person: taking.keys_per_person,
        skip_existing: taking.skip_existing,
        zone: zone.clone(),
        now,
    };
    let there = lookup::logins(tx).await?;
    let people = naming::check_file(people, &there);
    import::plan(tx, people, &there, &rules).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::loaner;
    use crate::admin::testing::{Deployment, login};
    use crate::people_file::Wrong;

    #[tokio::test]
    async fn a_file_with_a_problem_adds_nobody_and_leaves_no_row() {
        let deployment = Deployment::new().await;
        let taking = Taking { keys_per_person: 4, skip_existing: false };
        let read = |text: &str| People::from_csv(text.as_bytes());
        let wrong = "login,name,scopes\na,A,icu\nb,B,nowhere\n";
        let outcome =
            deployment.act(async |op| run(op, read(wrong), taking, "people.csv").await).await;
        assert!(matches!(outcome, Ok(Outcome::Refused(problems)) if problems.len() == 1));
        assert_eq!(deployment.actions().await, ["init"]);

        let right = "login,name,scopes\na,A,icu\nb,B,er\n";
        let outcome =
            deployment.act(async |op| run(op, read(right), taking, "people.csv").await).await;
        assert!(matches!(outcome, Ok(Outcome::Done(done)) if done.people == 2));
        assert_eq!(deployment.actions().await[0], "person.import");
    }

    #[tokio::test]
    async fn nobody_is_passed_over_because_a_loaner_key_has_the_name() {
        let deployment = Deployment::new().await;
        deployment.add("taro").await;
        let holder =
            async |op: &mut Operation<'_>| loaner::add(op, &login("desk"), 3600, &[7; 32]).await;
        deployment.act(holder).await.unwrap();
        let text = "login,name,scopes\ntaro,T,icu\ndesk,D,icu\njiro,J,icu\n";
        let taken = async |skip_existing: bool| {
            let people = People::from_csv(text.as_bytes());
            let taking = Taking { keys_per_person: 4, skip_existing };
            match deployment.act(async |op| run(op, people, taking, "people.csv").await).await {
                Ok(Outcome::Refused(problems)) => problems,
                other => panic!("{other:?}"),
            }
        };

        let problems = taken(true).await;
        assert_eq!(problems, [Problem::at(3, Wrong::Loaner("desk".into()))]);
        let said = problems[0].message().to_string();
        assert!(said.contains("name of a loaner key") && !said.contains("--skip"), "{said}");
        let problems = taken(false).await;
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2, 3]);
    }
}
