//! What `stat` shows, and what of it can be changed.

use std::time::{Duration, Instant, SystemTime};

use crate::config::Ownership;
use crate::fs::{Fs, FsError, TTL};
use crate::tree::{Entry, Ino, Kind};

/// Who owns everything in a mount, and with what permissions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    file_mode: u16,
    dir_mode: u16,
}

impl Owner {
    pub(super) fn resolve(ownership: &Ownership) -> Self {
        Self {
            uid: ownership
                .uid
                .unwrap_or_else(|| nix::unistd::getuid().as_raw()),
            gid: ownership
                .gid
                .unwrap_or_else(|| nix::unistd::getgid().as_raw()),
            file_mode: ownership.file_mode & 0o7777,
            dir_mode: ownership.dir_mode & 0o7777,
        }
    }
}

/// What `stat` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr {
    /// The inode.
    pub ino: Ino,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Size in bytes; 0 for a folder.
    pub size: u64,
    /// Last change of the bytes.
    pub modified: SystemTime,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// For how long its name stands for it without asking again. Not the full [`TTL`] where the
    /// store said so a while ago, or two beliefs would add up.
    pub valid: Duration,
}

/// What is to be changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetAttr {
    /// Size in bytes.
    pub size: Option<u64>,
    /// Last change of the bytes.
    pub modified: Option<SystemTime>,
    /// Permission bits.
    pub mode: Option<u16>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

impl Fs {
    /// What `stat` shows of an inode.
    ///
    /// # Errors
    /// The kernel has forgotten the inode.
    pub fn getattr(&self, ino: Ino) -> Result<Attr, FsError> {
        self.tree
            .entry(ino)
            .map(|entry| self.attr(&entry))
            .ok_or(FsError::NotFound)
    }

    /// Changes attributes. Sizes are S3's to keep; times live as long as the mount; permissions
    /// and owners are the mount's, for all entries alike.
    ///
    /// # Errors
    /// Another owner or mode was asked for, or the size can't be changed.
    pub async fn setattr(&self, ino: Ino, set: SetAttr) -> Result<Attr, FsError> {
        let now = self.getattr(ino)?;
        if set.mode.is_some_and(|mode| mode & 0o7777 != now.mode)
            || set.uid.is_some_and(|uid| uid != now.uid)
            || set.gid.is_some_and(|gid| gid != now.gid)
        {
            return Err(FsError::NotPermitted(
                "owner and mode are the same for the whole mount",
            ));
        }
        if let Some(size) = set.size {
            self.truncate(ino, size).await?;
        }
        if let Some(modified) = set.modified {
            self.check_writable()?;
            self.tree.update_file(ino, |file| file.modified = modified);
        }
        self.getattr(ino)
    }

    pub(super) fn attr(&self, entry: &Entry) -> Attr {
        let (is_dir, size, modified, mode) = match &entry.kind {
            Kind::Dir => (true, 0, self.born, self.owner.dir_mode),
            Kind::File(file) => (false, file.size, file.modified, self.owner.file_mode),
        };
        let (uid, gid) = (self.owner.uid, self.owner.gid);
        let now = Instant::now();
        let left = |until: Instant| until.saturating_duration_since(now).min(TTL);
        Attr {
            ino: entry.ino,
            is_dir,
            size,
            modified,
            mode,
            uid,
            gid,
            valid: entry.valid_until.map_or(TTL, left),
        }
    }
}
