//! Which keys need not be asked for the PIN tries that they have left.
//!
//! ```text
//!   worker ── "a PIN is tried", "it was the right one" ──> parent: the last few
//!          <── with each connection: those that took the right one ──
//! ```
//! A key that takes its right PIN has all its tries again. After three wrong ones in a row it takes
//! none before it has lost its power (CTAP 2.1, 6.5.2.2 and 6.5.5.7). So one that took its right
//! PIN here, and has been plugged in ever since, has at most three fewer than all, whoever else
//! uses it meanwhile. Of eight that is not few, and nothing that a person must be told before they
//! type. A key that by its make has fewer is asked each time.
//!
//! Everything else makes a key unknown again: any PIN that is tried here, until it was right; being
//! plugged in, as the kernel then makes another node; and the machine's sleep, in which ports may
//! lose their power. What a worker says is believed for no more than this question: a wrong tag
//! costs a hint, never a try.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv, send};
use nix::time::{ClockId, clock_gettime};
use wardkey_core::codec::sha256;

use crate::keys::{Description, Plugging};

/// Tags that are kept: a desk has a few keys plugged in.
const MAX_TAGS: usize = 8;
/// PIN tries of a key that had none wrong (CTAP 2.1, 6.5.2.2: at most 8).
const ALL_TRIES: u8 = 8;
/// Bytes of a tag.
const TAG: usize = 16;
/// Bytes of how long the machine had slept, in milliseconds.
const SLEPT: usize = 8;
/// The most that a worker is told.
pub(crate) const MAX_TOLD: usize = SLEPT + MAX_TAGS * TAG;
/// Instead of a tag: a PIN is tried.
const TRIED: Tag = Tag([0; TAG]);
/// Tags that one worker may have said since it was heard last: an honest one says two for a PIN,
/// and is heard several times a second.
const MAX_SAID: usize = 64;

/// One credential of one key that is plugged in, as the parent knows it: nothing can be read from
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag([u8; TAG]);

impl Tag {
    fn of(Plugging { node, made }: Plugging, credential: &[u8]) -> Self {
        let what = [&node.to_le_bytes()[..], &made.to_le_bytes()[..], credential].concat();
        let mut tag = [0; TAG];
        for (to, from) in tag.iter_mut().zip(sha256(&what).as_bytes()) {
            *to = *from;
        }
        Self(tag)
    }
}

/// What a worker was told, and tells.
#[derive(Debug, Default)]
pub struct Known {
    tags: Vec<Tag>,
    /// Those that have all eight tries after a right PIN.
    of_eight: Vec<Tag>,
    /// How long the machine had slept when `tags` were told or found.
    slept: Duration,
    parent: Option<OwnedFd>,
}

impl Known {
    /// What came with a connection from the process at the other end of `parent`.
    #[must_use]
    pub fn told(told: &[u8], parent: Option<OwnedFd>) -> Self {
        let Some((slept, tags)) = told.split_first_chunk::<SLEPT>() else {
            return Self { parent, ..Self::default() };
        };
        let slept = Duration::from_millis(u64::from_le_bytes(*slept));
        let (tags, _) = tags.as_chunks::<TAG>();
        let tags: Vec<Tag> = tags.iter().copied().map(Tag).collect();
        Self { of_eight: tags.clone(), tags, slept, parent }
    }

    /// Whether a key has enough tries left for certain.
    #[must_use]
    pub fn has_many(&self, key: &Description, credential: &[u8]) -> bool {
        self.has_many_at(key, credential, slept())
    }

    fn has_many_at(&self, key: &Description, credential: &[u8], slept: Duration) -> bool {
        !has_slept(self.slept, slept)
            && key.plugging.is_some_and(|key| self.tags.contains(&Tag::of(key, credential)))
    }

    /// A PIN is to be sent to some key, or was not the right one.
    pub fn is_tried(&mut self) {
        self.tags.clear();
        self.tell(TRIED);
    }

    /// The PIN was the right one; the tries that the key had when it was asked for them last.
    pub fn was_right(&mut self, key: &Description, credential: &[u8], tries: Option<u8>) {
        self.was_right_at(key, credential, tries, slept());
    }

    fn was_right_at(
        &mut self,
        key: &Description,
        credential: &[u8],
        tries: Option<u8>,
        slept: Duration,
    ) {
        if let Some(plugging) = key.plugging {
            let tag = Tag::of(plugging, credential);
            if !self.of_eight.contains(&tag) {
                if tries.is_none_or(|tries| tries < ALL_TRIES) {
                    return;
                }
                self.of_eight.push(tag);
            }
            if has_slept(self.slept, slept) {
                self.tags.clear();
                self.slept = slept;
            }
            self.tags.push(tag);
            self.tell(tag);
        }
    }

    fn tell(&self, Tag(tag): Tag) {
        if let Some(parent) = &self.parent {
            // A parent that is gone tells nobody else, and one that has so much to read believes
            // nothing of it.
            let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
            let _ = send(parent.as_raw_fd(), &tag, flags);
        }
    }
}

/// What the parent keeps.
#[derive(Debug, Default)]
pub(crate) struct Book {
    tags: VecDeque<Tag>,
    /// How long the machine had slept when these were told.
    slept: Duration,
}

impl Book {
    /// Takes what the workers have said since, and tells which of them say more than an honest one.
    pub(crate) fn hear<'w>(&mut self, workers: impl Iterator<Item = &'w UnixStream>) -> Vec<bool> {
        self.hear_at(workers, slept)
    }

    fn hear_at<'w>(
        &mut self,
        workers: impl Iterator<Item = &'w UnixStream>,
        slept: impl FnOnce() -> Duration,
    ) -> Vec<bool> {
        let said: Vec<Said> = workers.map(heard).collect();
        // Only now, when nothing is left that was said before the sleep.
        let slept = slept();
        let woke = has_slept(self.slept, slept);
        if woke {
            self.slept = slept;
        }
        // Of what several said at one time nobody knows the order, nor whether it was before the
        // sleep.
        let is_clear = !woke && said.iter().filter(|said| !said.tags.is_empty()).count() < 2;
        if woke {
            self.tags.clear();
        }
        for tag in said.iter().flat_map(|said| &said.tags) {
            if *tag == TRIED || !is_clear {
                self.tags.clear();
            } else {
                self.tags.truncate(MAX_TAGS - 1);
                self.tags.push_front(*tag);
            }
        }
        said.iter().map(|said| said.is_flood).collect()
    }

    /// What the next worker is told.
    pub(crate) fn told(&self) -> Vec<u8> {
        self.told_at(slept())
    }

    fn told_at(&self, slept: Duration) -> Vec<u8> {
        let tags = if has_slept(self.slept, slept) { None } else { Some(&self.tags) };
        let tags = tags.into_iter().flatten().flat_map(|Tag(tag)| *tag);
        let millis = u64::try_from(self.slept.as_millis()).unwrap_or(u64::MAX);
        millis.to_le_bytes().into_iter().chain(tags).collect()
    }
}

/// What one worker has said.
struct Said {
    tags: Vec<Tag>,
    /// It writes on and on.
    is_flood: bool,
}

/// What one worker has said; never waits for more, and reads once, as one that is taken over may
/// write faster than it is read.
fn heard(worker: &UnixStream) -> Said {
    let mut bytes = [0; (MAX_SAID + 1) * TAG];
    let length = recv(worker.as_raw_fd(), &mut bytes, MsgFlags::MSG_DONTWAIT).unwrap_or(0);
    let (tags, rest) = bytes.get(..length).unwrap_or_default().as_chunks::<TAG>();
    let is_flood = tags.len() > MAX_SAID;
    let tags = if is_flood || !rest.is_empty() {
        // A worker writes whole tags, and few. Anything else is taken for a PIN that is tried.
        vec![TRIED]
    } else {
        tags.iter().copied().map(Tag).collect()
    };
    Said { tags, is_flood }
}

/// Whether the machine slept in between.
fn has_slept(before: Duration, now: Duration) -> bool {
    /// The two clocks are not read at one time.
    const BETWEEN: Duration = Duration::from_millis(500);
    now > before + BETWEEN
}

/// How long the machine has slept since it started.
fn slept() -> Duration {
    let now = |clock| clock_gettime(clock).map(Duration::from).unwrap_or_default();
    now(ClockId::CLOCK_BOOTTIME).saturating_sub(now(ClockId::CLOCK_MONOTONIC))
}

#[cfg(test)]
mod tests;
