//! What is said and known of names.

use crate::object::ObjectMeta;
use crate::tree::Entry;

/// What the store says of a name.
#[derive(Clone, Debug)]
pub enum Seen {
    /// There are keys below it.
    Dir,
    /// There is an object.
    File(ObjectMeta),
    /// Neither.
    Absent,
}

/// What is known of a name without asking.
#[derive(Clone, Debug)]
pub enum Known {
    /// It stands for this.
    Entry(Entry),
    /// It stands for nothing.
    Absent,
    /// The store must be asked.
    Unknown,
}

/// What became of an entry that was offered to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The kernel has it, with its attributes.
    Yes,
    /// The kernel has just its name, or nothing.
    No,
    /// The kernel has just its name, and will give back a reference of the node of its number.
    Owed,
    /// There was no more room.
    Full,
}
