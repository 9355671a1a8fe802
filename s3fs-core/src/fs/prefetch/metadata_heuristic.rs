//! Heuristic for stored metadata: decides whether to request it for the objects of a folder.
//!
//! A listing shows sizes and times. Modes, owners and symlinks take a request for each object. Most
//! buckets store no such metadata, so the first objects of a folder decide about the others. This
//! module does no I/O.

/// Number of objects of a folder without stored metadata after which the folder counts as plain.
/// Markers of its folders count too.
pub(super) const SAMPLE: u32 = 3;

/// Number of objects of a mount without stored metadata, and none with, after which the mount
/// counts as plain.
pub(super) const MOUNT_SAMPLE: u32 = 16;

/// Objects with and without stored metadata.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Number of objects without stored metadata.
    plain: u32,
    /// At least one object has stored metadata.
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

impl Counts {
    /// Counts an object.
    pub(super) fn note(&mut self, is_rich: bool) {
        if is_rich {
            self.is_rich = true;
        } else {
            self.plain += 1;
        }
    }
}

/// Returns the verdict about the objects of a folder, by those of the folder and of the mount.
pub(super) fn verdict(folder: Counts, mount: Counts) -> Verdict {
    if folder.is_rich {
        Verdict::Rich
    } else if folder.plain >= SAMPLE || !mount.is_rich && mount.plain >= MOUNT_SAMPLE {
        Verdict::Plain
    } else {
        Verdict::Unknown
    }
}
