//! What all threads hold of the sessions.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::book::{Book, Sight};
use super::desk::{Act, Look};
use crate::lock::lock;
use crate::wake::Wake;

/// Something that another thread has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// logind says that something about its sessions changed.
    Sessions,
    /// The machine was asleep.
    Resumed,
    /// The device nodes of the keys that are plugged in; `true`: the same as before, and something
    /// came or went all the same.
    Plugged(Vec<String>, bool),
    /// The key process went away, or is back.
    KeyProcess,
    /// What a look showed.
    Sight(Look, Sight),
}

/// What waits for the thread of the sessions.
#[derive(Debug, Default)]
struct Waiting {
    news: VecDeque<News>,
    acts: Vec<Act>,
}

/// News that are kept; a device may come and go without end, and the last of it counts.
const MAX_NEWS: usize = 256;

/// The sessions.
#[derive(Debug, Default)]
pub struct Presence {
    book: Mutex<Book>,
    waiting: Mutex<Waiting>,
    wake: Wake,
}

impl Presence {
    /// The rules and what they know.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// Tells the thread.
    pub fn tell(&self, news: News) {
        let mut waiting = lock(&self.waiting);
        if waiting.news.len() < MAX_NEWS || !matches!(news, News::Sessions | News::Plugged(..)) {
            waiting.news.push_back(news);
        }
        drop(waiting);
        self.wake.wake();
    }

    /// Leaves the thread what takes time.
    pub fn leave(&self, acts: Vec<Act>) {
        if !acts.is_empty() {
            lock(&self.waiting).acts.extend(acts);
            self.wake.wake();
        }
    }

    /// The news that wait.
    pub fn take_news(&self) -> Vec<News> {
        lock(&self.waiting).news.drain(..).collect()
    }

    /// What was left to the thread.
    pub fn take_acts(&self) -> Vec<Act> {
        std::mem::take(&mut lock(&self.waiting).acts)
    }

    /// Waits for something, or until the time is over.
    pub fn wait(&self, at_most: Duration) {
        self.wake.wait(at_most);
    }

    /// Wakes the thread for what has no news.
    pub fn wake(&self) {
        self.wake.wake();
    }
}
