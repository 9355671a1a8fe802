//! Owner and permissions of entries: the mount's defaults, and those of a new entry's creator.

use crate::config::Ownership;
use crate::object::{Attributes, FileKind};

/// Owner and permissions of entries without stored attributes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) file_mode: u16,
    pub(super) dir_mode: u16,
    /// Show the owners that are stored in the bucket. A user namespace of an ordinary user knows
    /// only one.
    pub(super) shows_others: bool,
}

impl Owner {
    pub(super) fn resolve(ownership: &Ownership) -> Self {
        let is_given = ownership.uid.is_some() || ownership.gid.is_some();
        Self {
            uid: ownership
                .uid
                .unwrap_or_else(|| nix::unistd::getuid().as_raw()),
            gid: ownership
                .gid
                .unwrap_or_else(|| nix::unistd::getgid().as_raw()),
            file_mode: ownership.file_mode & 0o7777,
            dir_mode: ownership.dir_mode & 0o7777,
            shows_others: !is_given && nix::unistd::geteuid().is_root(),
        }
    }

    /// Returns the attributes to store for a new entry. `uid` and `gid` are omitted when they equal
    /// the mount's defaults.
    pub(super) fn attributes(&self, kind: FileKind, mode: u16, maker: Maker) -> Attributes {
        Attributes {
            kind: Some(kind),
            mode: Some(mode & 0o7777),
            uid: Some(maker.uid).filter(|uid| *uid != self.uid),
            gid: Some(maker.gid).filter(|gid| *gid != self.gid),
            ..Attributes::default()
        }
    }
}

/// Creator of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// User ID.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
    /// ID of the thread that asks, in the PID namespace of the mount. FUSE calls it a process ID.
    pub thread: u32,
}
