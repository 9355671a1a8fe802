//! Identities of files.

use std::fmt;

/// An inode of this mount, never used again within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ino(pub u64);

impl Ino {
    /// The mount's root.
    pub const ROOT: Self = Self(1);

    /// What is no inode.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Ino {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number by which the kernel knows an inode; used again when it has forgotten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(pub u64);

impl NodeId {
    /// The mount's root.
    pub const ROOT: Self = Self(1);
}

/// Number of a file that programs see: `st_ino`, `d_ino`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileNumber(pub u64);

impl FileNumber {
    /// The mount's root, as programs see it.
    pub const ROOT: Self = Self(1);

    /// Whether it means nothing else: programs take 0 for no entry, the kernel 1 for the root.
    pub fn is_usable(self) -> bool {
        self.0 > Self::ROOT.0
    }
}
