//! Heuristic for stored metadata: decides whether to request it for the objects of a folder.
//!
//! A listing shows sizes and times. Modes, owners and symlinks take a request for each object. Most
//! buckets store no such metadata, so the first objects of a folder decide about the others. This
//! module does no I/O.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::fs::prefetch::Prefetch;
use crate::tree::Ino;

/// Number of objects of a folder without stored metadata after which the folder counts as plain.
/// Markers of its folders count too.
pub(in crate::fs) const SAMPLE: u32 = 3;

/// Number of objects of a mount without stored metadata, and none with, after which the mount
/// counts as plain.
const MOUNT_SAMPLE: u32 = 16;

/// Maximum number of tracked folders.
const FOLDERS: usize = 4096;

/// Counts of objects with and without stored metadata.
#[derive(Debug, Default)]
pub(in crate::fs) struct Evidence(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    folders: HashMap<Ino, Folder>,
    plain: u32,
    is_rich: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Folder {
    plain: u32,
    is_rich: bool,
}

/// Verdict about the stored metadata of an object that was not requested yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) enum Verdict {
    /// A listing shows everything.
    Plain,
    /// There may be metadata that a listing does not show.
    Rich,
    /// Not enough is known yet.
    Unknown,
}

impl Evidence {
    /// Records the metadata of an object of the folder that was requested or made here.
    pub(in crate::fs) fn note(&self, dir: Ino, is_rich: bool) {
        self.lock(|seen| {
            if seen.folders.len() >= FOLDERS {
                seen.folders.clear();
            }
            let folder = seen.folders.entry(dir).or_default();
            if is_rich {
                folder.is_rich = true;
                seen.is_rich = true;
            } else {
                folder.plain += 1;
                seen.plain += 1;
            }
        });
    }

    /// Returns the verdict about the folder's objects.
    pub(in crate::fs) fn verdict(&self, dir: Ino) -> Verdict {
        self.lock(|seen| {
            let folder = seen.folders.get(&dir).copied().unwrap_or_default();
            if folder.is_rich {
                Verdict::Rich
            } else if folder.plain >= SAMPLE || !seen.is_rich && seen.plain >= MOUNT_SAMPLE {
                Verdict::Plain
            } else {
                Verdict::Unknown
            }
        })
    }

    fn lock<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Prefetch {
    /// Records whether an object of the folder has stored metadata: it was requested or made here.
    pub(in crate::fs) fn note_metadata(&self, dir: Ino, is_rich: bool) {
        self.evidence.note(dir, is_rich);
    }

    /// Returns the verdict about the stored metadata of the folder's objects.
    pub(in crate::fs) fn verdict(&self, dir: Ino) -> Verdict {
        self.evidence.verdict(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_objects_speak_for_their_folder() {
        let (evidence, dir) = (Evidence::default(), Ino(7));
        assert_eq!(evidence.verdict(dir), Verdict::Unknown);
        for _ in 0..SAMPLE {
            evidence.note(dir, false);
        }
        assert_eq!(evidence.verdict(dir), Verdict::Plain);
        assert_eq!(evidence.verdict(Ino(8)), Verdict::Unknown);
        evidence.note(dir, true);
        assert_eq!(evidence.verdict(dir), Verdict::Rich, "one is enough");
    }

    #[test]
    fn many_speak_for_the_mount_unless_one_has_something_kept() {
        let evidence = Evidence::default();
        for n in 0..MOUNT_SAMPLE {
            evidence.note(Ino(u64::from(n) + 2), false);
        }
        assert_eq!(evidence.verdict(Ino(99)), Verdict::Plain);
        evidence.note(Ino(100), true);
        assert_eq!(evidence.verdict(Ino(99)), Verdict::Unknown);
    }
}
