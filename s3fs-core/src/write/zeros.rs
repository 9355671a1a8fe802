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
    /// Signal that a run was added, that an upload of zeros has begun or ended, or that an operation
    /// waits for a file.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// Runs, the longest first. No two have the same key.
    runs: Vec<ZeroRun>,
    /// True if the server copies no parts.
    is_off: bool,
    /// Uploads under way that send zeros.
    sending: Vec<ZeroUpload>,
    /// Uploads that wait for a permit, in the order in which they came.
    waiting: Vec<ZeroUpload>,
    last: u64,
}

/// Upload of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ZeroUpload {
    id: u64,
    /// Number of zeros that it sends.
    bytes: u64,
}

impl Known {
    /// Returns whether an upload may begin: none sends as many zeros or fewer.
    fn may_send(&self, upload: ZeroUpload) -> bool {
        !self.sending.iter().any(|other| other.bytes <= upload.bytes)
    }

    /// Returns whether an upload that waits is the next one.
    fn is_next(&self, upload: ZeroUpload) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.find(|other| self.may_send(**other)) == Some(&upload)
    }
}

/// Permit to send zeros, until it is dropped. Other files wait for the run that comes of it.
#[derive(Debug)]
pub(super) struct ZeroUploadPermit {
    sources: ZeroSources,
    upload: ZeroUpload,
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

    /// Returns whether the server copies parts, as far as known.
    pub(super) fn are_copied(&self) -> bool {
        !self.lock().is_off
    }

    /// Stops copying zeros: the server copies no parts.
    pub(super) fn turn_off(&self) {
        let mut known = self.lock();
        known.is_off = true;
        known.runs.clear();
        drop(known);
        self.0.changed.notify_waiters();
    }

    /// Returns whether the object of a run is still known to have these zeros.
    pub(super) fn knows(&self, run: &ZeroRun) -> bool {
        let zeros = self.zeros_in(&run.object);
        zeros.is_some_and(|all| all.start <= run.range.start && run.range.end <= all.end)
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
        if !known.is_off
            && let Some(range) = run.filter(|run| run.end - run.start >= min)
        {
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

    /// Waits until a file may send `bytes` zeros, first come first served. Returns `None` once a run
    /// of at least `enough` bytes is known. The file waits for uploads that send no more: to copy from
    /// them afterwards costs less. It does not wait if `is_urgent`.
    pub(super) async fn permit(
        &self,
        bytes: u64,
        enough: u64,
        is_urgent: impl Fn() -> bool,
    ) -> Option<ZeroUploadPermit> {
        let waiting = self.wait(bytes);
        loop {
            let changed = self.0.changed.notified();
            {
                let mut known = self.lock();
                if known.runs.first().is_some_and(|run| run.length() >= enough) {
                    return None;
                }
                if known.is_off || known.is_next(waiting.upload) {
                    return Some(self.grant(&mut known, waiting.upload));
                }
            }
            if is_urgent() {
                return Some(self.grant(&mut self.lock(), waiting.upload));
            }
            changed.await;
        }
    }

    fn grant(&self, known: &mut Known, upload: ZeroUpload) -> ZeroUploadPermit {
        known.sending.push(upload);
        ZeroUploadPermit {
            sources: self.clone(),
            upload,
        }
    }

    fn wait(&self, bytes: u64) -> WaitingUpload<'_> {
        let mut known = self.lock();
        known.last += 1;
        let id = known.last;
        let upload = ZeroUpload { id, bytes };
        known.waiting.push(upload);
        WaitingUpload {
            sources: self,
            upload,
        }
    }

    /// Lets uploads that wait for a permit find out that they are urgent.
    pub fn recheck(&self) {
        self.0.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Upload that waits for a permit, until it is dropped.
struct WaitingUpload<'a> {
    sources: &'a ZeroSources,
    upload: ZeroUpload,
}

impl Drop for WaitingUpload<'_> {
    fn drop(&mut self) {
        let upload = self.upload;
        self.sources.lock().waiting.retain(|other| *other != upload);
        self.sources.0.changed.notify_waiters();
    }
}

impl Drop for ZeroUploadPermit {
    fn drop(&mut self) {
        let upload = self.upload;
        self.sources.lock().sending.retain(|other| *other != upload);
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
