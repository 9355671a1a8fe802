//! Runs of zeros in stored objects, from which the server copies the holes of other files.
//!
//! A part is copied from a stored object alone, never from another part. So the first hole of a
//! mount is sent, and later ones are copied.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::object::{Key, ObjectRef};
use crate::write::extents::{ExtentSource, Extents};

/// Maximum number of known runs. Each costs a refused copy when its object has vanished.
const MOST: usize = 16;

/// Run of zeros in a stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ZeroRun {
    /// Object that has the zeros.
    pub(super) object: Arc<ObjectRef>,
    /// Range of the zeros in the object; never empty.
    pub(super) range: Range<u64>,
}

impl ZeroRun {
    /// Returns the length in bytes.
    pub(super) fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Returns the first `length` bytes of the run.
    pub(super) fn first(&self, length: u64) -> Self {
        Self {
            object: Arc::clone(&self.object),
            range: self.range.start..self.range.start + length,
        }
    }
}

/// Known runs of zeros in the objects of a mount. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ZeroSources(Arc<ZeroIndex>);

#[derive(Debug, Default)]
struct ZeroIndex {
    known: Mutex<Known>,
    /// Signal that a run was added, or that an upload of zeros has ended.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// Runs, the longest first. No two have the same key.
    runs: Vec<ZeroRun>,
    /// Number of zeros that each upload under way sends.
    sent: Vec<u64>,
}

/// Answer to a file that would send zeros.
#[derive(Debug)]
pub(super) enum Turn {
    /// It sends them.
    Send(SendingZeros),
    /// A run is known by now.
    Copy,
}

/// Upload under way that sends zeros, until it is dropped.
#[derive(Debug)]
pub(super) struct SendingZeros {
    sources: ZeroSources,
    bytes: u64,
}

impl ZeroSources {
    /// Returns the longest run, if it has `min` bytes.
    pub(super) fn longest(&self, min: u64) -> Option<ZeroRun> {
        let known = self.lock();
        known
            .runs
            .first()
            .filter(|run| run.length() >= min)
            .cloned()
    }

    /// Returns the known zeros of an object.
    fn zeros_in(&self, object: &ObjectRef) -> Option<Range<u64>> {
        let known = self.lock();
        let run = known.runs.iter().find(|run| run.object.is(object));
        run.map(|run| run.range.clone())
    }

    /// Returns the longest run of zeros that a file with these extents has.
    pub(super) fn longest_in(&self, extents: &Extents) -> Option<Range<u64>> {
        longest_run(extents, |object| self.zeros_in(object))
    }

    /// Records an object that was stored, with its longest run of at least `min` bytes.
    pub(super) fn stored(&self, object: &ObjectRef, run: Option<Range<u64>>, min: u64) {
        let mut known = self.lock();
        known.runs.retain(|run| run.object.key != object.key);
        if let Some(range) = run.filter(|run| run.end - run.start >= min) {
            let object = Arc::new(object.clone());
            known.runs.push(ZeroRun { object, range });
            known
                .runs
                .sort_by_key(|run| std::cmp::Reverse(run.length()));
            known.runs.truncate(MOST);
        }
        drop(known);
        self.0.changed.notify_waiters();
    }

    /// Records that an object has another key or another version, with the same bytes.
    pub fn moved(&self, from: &ObjectRef, to: &ObjectRef) {
        for run in &mut self.lock().runs {
            if run.object.is(from) {
                run.object = Arc::new(to.clone());
            }
        }
    }

    /// Forgets the object of a key, which was deleted.
    pub fn deleted(&self, key: &Key) {
        self.lock().runs.retain(|run| run.object.key != *key);
    }

    /// Forgets an object from which nothing can be copied.
    pub(super) fn forget(&self, object: &ObjectRef) {
        self.lock().runs.retain(|run| !run.object.is(object));
    }

    /// Waits until a file may send `bytes` zeros, or until a run of at least `min` bytes is known.
    /// It waits for uploads that send no more: to copy from them afterwards costs less.
    pub(super) async fn turn(&self, bytes: u64, min: u64) -> Turn {
        loop {
            let changed = self.0.changed.notified();
            {
                let mut known = self.lock();
                if known.runs.first().is_some_and(|run| run.length() >= min) {
                    return Turn::Copy;
                }
                if !known.sent.iter().any(|other| *other <= bytes) {
                    known.sent.push(bytes);
                    let sources = self.clone();
                    return Turn::Send(SendingZeros { sources, bytes });
                }
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SendingZeros {
    fn drop(&mut self) {
        let mut known = self.sources.lock();
        let place = known.sent.iter().position(|bytes| *bytes == self.bytes);
        if let Some(place) = place {
            known.sent.swap_remove(place);
        }
        drop(known);
        self.sources.0.changed.notify_waiters();
    }
}

/// Returns the longest run of zeros of a file: holes, and zeros that stored objects are known to
/// have.
fn longest_run(
    extents: &Extents,
    zeros_in: impl Fn(&ObjectRef) -> Option<Range<u64>>,
) -> Option<Range<u64>> {
    let mut longest = 0..0;
    let mut run = 0..0;
    for extent in extents.all() {
        let zeros = match &extent.source {
            ExtentSource::Hole => extent.range.clone(),
            ExtentSource::Object { object, offset } => {
                let known = zeros_in(object).unwrap_or(0..0);
                let (start, length) = (extent.range.start, extent.length());
                let in_file = |at: u64| start + at.saturating_sub(*offset).min(length);
                in_file(known.start)..in_file(known.end)
            }
            ExtentSource::Stage | ExtentSource::Sent => continue,
        };
        if zeros.is_empty() {
            continue;
        }
        run = if run.end == zeros.start {
            run.start..zeros.end
        } else {
            zeros
        };
        if run.end - run.start > longest.end - longest.start {
            longest = run.clone();
        }
    }
    Some(longest).filter(|run| !run.is_empty())
}

#[cfg(test)]
#[path = "zeros_tests.rs"]
mod tests;
