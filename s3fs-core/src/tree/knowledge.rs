//! States of a name: according to the store, cached, and reported to the kernel.

use crate::object::ObjectMeta;
use crate::tree::Entry;

/// State of a name according to the store.
#[derive(Clone, Debug)]
pub enum ListingEntry {
    /// Folder: there are keys below the name.
    Dir,
    /// File: there is an object.
    File(ObjectMeta),
    /// Neither a folder nor a file.
    Absent,
}

/// Cached state of a name.
#[derive(Clone, Debug)]
pub enum Cached {
    /// Name with an entry.
    Entry(Entry),
    /// Name without an entry.
    Absent,
    /// Name about which the store must be asked.
    Unknown,
}

/// Result of offering an entry to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Accepted with its attributes.
    Yes,
    /// Accepted as a name only, or not at all.
    No,
    /// Accepted as a name only. The kernel will return a reference of the node of its number.
    Owed,
    /// Rejected for lack of room.
    Full,
}
