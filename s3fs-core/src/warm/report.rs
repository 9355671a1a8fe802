//! Account of warming a cache.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use bytesize::ByteSize;

/// Number of objects and of their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Number of objects.
    pub objects: u64,
    /// Number of bytes.
    pub bytes: u64,
}

impl Amount {
    /// Returns a number of bytes as text.
    pub fn shown(bytes: u64) -> String {
        ByteSize::b(bytes).display().iec().to_string()
    }

    /// Adds an object.
    pub(super) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

/// Formats as `3 files (1.5 MiB)`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.objects == 1 { "file" } else { "files" };
        let bytes = Self::shown(self.bytes);
        write!(f, "{} {noun} ({bytes})", self.objects)
    }
}

/// Formats as `fetched 3 files (1.5 MiB); 1 file (1 KiB) was in the cache`.
impl fmt::Display for WarmReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.held.objects == 1 {
            "was"
        } else {
            "were"
        };
        write!(
            f,
            "fetched {}; {} {verb} in the cache",
            self.fetched, self.held
        )
    }
}

/// Account of the objects of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WarmReport {
    /// Objects that were listed so far.
    pub listed: Amount,
    /// Objects that were fetched into the cache.
    pub fetched: Amount,
    /// Objects whose listed version was in the cache before.
    pub held: Amount,
    /// Objects that do not fit into the cache beside the others.
    pub left_out: Amount,
    /// Objects that were replaced or deleted after they had been listed, or that no cache can hold.
    pub skipped: Amount,
    /// Objects with a weak `ETag`, which does not identify their bytes.
    pub weak: Amount,
    /// Number of objects that could not be fetched.
    pub failed: u64,
    /// First failures.
    pub failures: Vec<String>,
}

impl WarmReport {
    /// Maximum number of failures with their texts.
    const SHOWN: usize = 3;

    /// Returns whether all objects are in the cache.
    pub fn is_complete(&self) -> bool {
        self.left_out.objects + self.skipped.objects + self.weak.objects + self.failed == 0
    }

    pub(super) fn fail(&mut self, reason: String) {
        self.failed += 1;
        if self.failures.len() < Self::SHOWN {
            self.failures.push(reason);
        }
    }
}

/// Progress of warming, for an observer on another thread.
#[derive(Debug, Default)]
pub struct WarmProgress(Mutex<WarmReport>);

impl WarmProgress {
    /// Returns what has been done so far.
    pub fn now(&self) -> WarmReport {
        self.update(|report| report.clone())
    }

    pub(super) fn update<T>(&self, update: impl FnOnce(&mut WarmReport) -> T) -> T {
        update(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
