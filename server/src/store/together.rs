//! Several pieces of work in one transaction: records of many terminals become durable with one
//! commit.
//!
//! ```text
//!   work ─┐            ┌ savepoint, work, release ┐
//!   work ─┼─> queue ──>│ savepoint, work, undo    │──> commit ──> every answer
//!   work ─┘            └ ...                      ┘
//! ```
//! Each piece stands in a savepoint: one that is refused undoes itself and leaves the others alone.
//! None is answered before the common commit. A group ends early when a change waits, here or in
//! another process.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::query::query;
use super::turns::Urgency;
use super::writer::{Tx, Writer};
use crate::error::{Error, Result};
use crate::lock::lock;

/// Pieces in one transaction.
const MOST: usize = 32;
/// How long a group takes new pieces in.
const LONGEST: Duration = Duration::from_millis(50);

/// What a piece of work does with the transaction.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A piece of work that waits.
trait Piece: Send {
    /// Whether somebody still waits for its answer.
    fn is_wanted(&self) -> bool;
    /// Does it; false when it is to be undone.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
    /// Answers, after the commit or when there is none.
    fn answer(self: Box<Self>, committed: Result<(), Arc<sqlx::Error>>);
}

struct Asked<T, F> {
    work: Option<F>,
    done: Option<Result<T>>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T, F> Piece for Asked<T, F>
where
    T: Send + 'static,
    F: for<'a> FnOnce(&'a mut Tx) -> Doing<'a, T> + Send + 'static,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            self.done.insert(work(tx).await).is_ok()
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), Arc<sqlx::Error>>) {
        let answer = match (self.done, committed) {
            // What was refused is refused, whatever became of the others.
            (Some(Err(error)), _) => Err(error),
            (Some(done), Ok(())) => done,
            (_, Err(error)) => Err(failed(&error)),
            (None, Ok(())) => Err(Error::Store(sqlx::Error::WorkerCrashed)),
        };
        // Who has gone meanwhile asks again, and is told that it is known.
        let _ = self.answer.send(answer);
    }
}

/// One error for several: each gets its text.
fn failed(error: &Arc<sqlx::Error>) -> Error {
    Error::Store(sqlx::Error::Io(std::io::Error::other(Arc::clone(error))))
}

/// Work that waits, and what it is done with.
#[derive(Clone)]
pub(super) struct Together {
    writer: Writer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn Piece>>,
    /// Whether a task takes from the queue.
    is_led: bool,
}

impl std::fmt::Debug for Together {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Together({} waiting)", self.state().waiting.len())
    }
}

impl Together {
    /// Nothing waits yet.
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// How many pieces wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// The next piece that somebody still waits for.
    fn next(&self) -> Option<Box<dyn Piece>> {
        let mut state = self.state();
        std::iter::from_fn(|| state.waiting.pop_front()).find(|piece| piece.is_wanted())
    }

    /// Does this work in a transaction that it may share with other work, and answers when that is
    /// durable.
    pub(super) async fn share<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Tx) -> Doing<'a, T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let leads = {
            let mut state = self.state();
            state.waiting.push_back(Box::new(Asked { work: Some(work), done: None, answer }));
            !std::mem::replace(&mut state.is_led, true)
        };
        if leads {
            tokio::spawn(Leader { together: self.clone(), leads: true }.lead());
        }
        answered.await.unwrap_or(Err(Error::Store(sqlx::Error::WorkerCrashed)))
    }
}

/// Takes pieces from the queue until it is empty.
struct Leader {
    together: Together,
    leads: bool,
}

impl Drop for Leader {
    fn drop(&mut self) {
        // A piece of work panicked: the next one that comes leads.
        if self.leads {
            self.together.state().is_led = false;
        }
    }
}

impl Leader {
    async fn lead(mut self) {
        while self.goes_on() {
            self.group().await;
        }
    }

    /// Whether anything waits; else the next one that comes leads.
    fn goes_on(&mut self) -> bool {
        let mut state = self.together.state();
        state.is_led = !state.waiting.is_empty();
        self.leads = state.is_led;
        self.leads
    }

    /// One transaction with as many pieces as there is time for.
    async fn group(&self) {
        let begun = self.together.writer.begin(Urgency::Record).await;
        let mut done = Vec::new();
        let committed = match begun {
            Ok(mut tx) => match self.fill(&mut tx, &mut done).await {
                Ok(()) => tx.commit().await.map_err(Arc::new),
                Err(error) => Err(Arc::new(error)),
            },
            Err(error) => {
                // Nobody could write for as long as anybody waits: that is the answer to all who
                // wait now.
                done.extend(std::iter::from_fn(|| self.together.next()));
                Err(Arc::new(error))
            }
        };
        for piece in done {
            piece.answer(committed.clone());
        }
    }

    async fn fill(&self, tx: &mut Tx, done: &mut Vec<Box<dyn Piece>>) -> Result<(), sqlx::Error> {
        let begun = Instant::now();
        while done.len() < MOST
            && let Some(piece) = self.together.next()
        {
            done.push(piece);
            let Some(piece) = done.last_mut() else { break };
            tx.run(query("SAVEPOINT piece")).await?;
            // When the database itself has ended the transaction there is no savepoint any more:
            // nothing of the group is kept then.
            if !piece.run(tx).await {
                tx.run(query("ROLLBACK TO SAVEPOINT piece")).await?;
            }
            tx.run(query("RELEASE SAVEPOINT piece")).await?;
            if begun.elapsed() >= LONGEST || self.together.writer.a_change_waits() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::store::testing::{Home, new_store};
    use crate::store::{Db, Store, setting};

    async fn count(db: &mut Db) -> usize {
        let mut found = 0;
        for number in 0..100 {
            found += usize::from(setting::find(db, &format!("n{number}")).await.unwrap().is_some());
        }
        found
    }

    async fn all(store: &Store) -> usize {
        count(&mut store.read().await.unwrap()).await
    }

    #[tokio::test]
    async fn what_is_refused_undoes_itself_alone_and_all_else_is_durable_when_it_is_answered() {
        let (_home, store) = new_store().await;
        let turn = store.write().await.unwrap();
        let mut tasks = Vec::new();
        for number in 0..100 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let work = store.together(move |tx| {
                    Box::pin(async move {
                        setting::put(tx, &format!("n{number}"), "x").await?;
                        if number % 10 == 0 { Err(Error::invalid("no")) } else { Ok(number) }
                    })
                });
                (number, work.await)
            }));
        }
        tokio::task::yield_now().await;
        drop(turn);
        for task in tasks {
            let (number, answer) = task.await.unwrap();
            assert_eq!(answer.is_ok(), number % 10 != 0);
            if let Ok(answer) = answer {
                let found = setting::find(&mut store.read().await.unwrap(), &format!("n{answer}"))
                    .await
                    .unwrap();
                assert!(found.is_some(), "answered before it was durable");
            }
        }
        assert_eq!(all(&store).await, 90);
    }

    async fn forget(store: &Store) {
        let mut tx = store.write().await.unwrap();
        query("DELETE FROM setting").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A piece of work that begins and waits, and 50 that wait behind it; what ends the first one.
    async fn busy(store: &Store) -> (Arc<Notify>, Vec<JoinHandle<Result<()>>>) {
        let (begun, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, end, first) = (Arc::clone(&begun), Arc::clone(&release), store.clone());
        let mut tasks = vec![tokio::spawn(async move {
            let work = first.together(move |_| {
                Box::pin(async move {
                    tell.notify_one();
                    end.notified().await;
                    Ok(())
                })
            });
            work.await
        })];
        begun.notified().await;
        for number in 0..50 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let name = format!("n{number}");
                store
                    .together(move |tx| Box::pin(async move { setting::put(tx, &name, "x").await }))
                    .await
            }));
        }
        (release, tasks)
    }

    /// How many records are there when a change has its turn.
    async fn change(store: Store) -> usize {
        let mut tx = store.write().await.unwrap();
        let found = count(&mut tx).await;
        tx.commit().await.unwrap();
        found
    }

    #[tokio::test]
    async fn a_change_passes_in_front_of_waiting_records() {
        let (home, store) = new_store().await;
        // Also of another process. Who waits for PostgreSQL's lock says nothing, and is next.
        let other = Store::open(home.place()).await.unwrap();
        let others = if home.is_file() { vec![store.clone(), other] } else { vec![store.clone()] };
        for changing in others {
            let before = all(&store).await;
            let (release, tasks) = busy(&store).await;
            let change = tokio::spawn(change(changing));
            while !store.writer.a_change_waits() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            release.notify_one();
            assert_eq!(change.await.unwrap(), before, "no record was taken before it");
            for task in tasks {
                task.await.unwrap().unwrap();
            }
            assert_eq!(all(&store).await, 50);
            forget(&store).await;
        }
    }

    #[tokio::test]
    async fn work_that_panics_is_answered_and_the_next_goes_on() {
        let (_home, store) = new_store().await;
        let answer = store.together::<(), _>(|_| Box::pin(async { panic!("a test") })).await;
        assert!(answer.is_err());
        store
            .together(|tx| Box::pin(async move { setting::put(tx, "n1", "x").await }))
            .await
            .unwrap();
        assert_eq!(all(&store).await, 1);
    }

    #[tokio::test]
    async fn when_the_disk_is_full_nobody_is_told_that_it_is_durable() {
        let home = Home::of_a_file();
        let store = home.store().await;
        let fill = "INSERT INTO setting (name, value) VALUES ('big', printf('%200000d', 0))";
        let before = store.clone();
        let held = store.write().await.unwrap();
        let good = tokio::spawn(async move {
            before.together(|tx| Box::pin(async move { setting::put(tx, "n1", "x").await })).await
        });
        tokio::task::yield_now().await;
        let other = store.clone();
        let full = tokio::spawn(async move {
            other
                .together(move |tx| {
                    Box::pin(async move {
                        query("PRAGMA max_page_count = 1").execute(tx).await?;
                        query(fill).execute(tx).await.map(drop)
                    })
                })
                .await
        });
        tokio::task::yield_now().await;
        drop(held);
        let (good, full) = (good.await.unwrap(), full.await.unwrap());
        assert!(full.is_err());
        assert_eq!(
            all(&store).await,
            usize::from(good.is_ok()),
            "what was answered is what is there"
        );
        store
            .together(|tx| Box::pin(async move { setting::put(tx, "n2", "x").await }))
            .await
            .unwrap();
    }
}
