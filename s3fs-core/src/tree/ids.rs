//! Identities of files.

use std::fmt;

/// Inode of this mount, never used again within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ino(pub u64);

impl Ino {
    /// Inode of the mount's root.
    pub const ROOT: Self = Self(1);

    /// Value that is no inode.
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
    /// Number of the mount's root.
    pub const ROOT: Self = Self(1);
}

/// Number of a file that programs see: `st_ino`, `d_ino`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileNumber(pub u64);

impl FileNumber {
    /// Number of the mount's root, as programs see it.
    pub const ROOT: Self = Self(1);

    /// Returns whether it has no other meaning: programs take 0 for no entry, the kernel 1 for the
    /// root.
    pub fn is_usable(self) -> bool {
        self.0 > Self::ROOT.0
    }
}
