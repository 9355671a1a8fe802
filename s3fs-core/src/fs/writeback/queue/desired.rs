//! Desired state of a key, and results of requests for it.

use crate::object::EntryName;
use crate::tree::Ino;

/// Desired state of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fs) enum DesiredState {
    /// No object; with the folder and name that it had.
    Absent(Ino, EntryName),
    /// Object with the bytes of a file's writer.
    File(Ino),
    /// Object with the same bytes and the file's attributes in the tree.
    Headers(Ino),
    /// Empty object that marks a folder.
    Marker(Ino),
}

impl DesiredState {
    /// Returns whether the request makes an object.
    pub(super) fn stores(&self) -> bool {
        matches!(self, Self::File(_) | Self::Marker(_))
    }
}

/// Result of a request that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fs) enum Flushed {
    /// The wish is fulfilled: the key has the bytes of the file.
    Stored,
    /// Another wish is fulfilled.
    Done,
    /// The file or folder has lost its name to a change through this mount. Nothing was stored.
    Nameless,
    /// Another wish that was queued since covers this one.
    PassedOn,
    /// The request was interrupted, as the file changes: the wish remains.
    Interrupted,
}
