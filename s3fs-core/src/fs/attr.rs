//! File attributes: reading and changing what `stat` shows.

use std::time::{Duration, Instant, SystemTime};

use crate::fs::owner::Owner;
use crate::fs::writeback::{ChangeKind, DesiredState};
use crate::fs::{Fs, FsError, HandleId, TTL};
use crate::object::{Attributes, FileKind};
use crate::tree::{Entry, FileNumber, Ino, Kind, NodeId};

/// Bit that lets a program run with its owner's rights.
const SET_USER_ID: u16 = 0o4000;

/// Bit that lets a program run with its group's rights. On a folder, new entries get the folder's
/// group.
pub(super) const SET_GROUP_ID: u16 = 0o2000;

/// Execute permission of the group. Without it, [`SET_GROUP_ID`] of a file stands for mandatory
/// locks.
const GROUP_EXECUTES: u16 = 0o010;

/// Returns the permission bits without set-user-ID and set-group-ID, as after a change of a file's
/// bytes or owner.
fn without_set_id(mode: u16) -> u16 {
    let dropped = if mode & GROUP_EXECUTES == 0 {
        SET_USER_ID
    } else {
        SET_USER_ID | SET_GROUP_ID
    };
    mode & !dropped
}

/// Privilege of a process to change a file's bytes and keep its set-user-ID and set-group-ID bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privilege {
    /// The bits stay (`CAP_FSETID`).
    #[default]
    Keeps,
    /// The bits are cleared.
    Drops,
}

impl Privilege {
    /// Returns the privilege of a user's processes, where the kernel says nothing more exact.
    pub fn of(uid: u32) -> Self {
        if uid == 0 { Self::Keeps } else { Self::Drops }
    }
}

/// Attributes of an inode, as `stat` shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr {
    /// The inode.
    pub ino: Ino,
    /// Node number that the kernel uses.
    pub node: NodeId,
    /// Inode number that programs see.
    pub number: FileNumber,
    /// The inode is a folder.
    pub is_dir: bool,
    /// Type of the inode.
    pub kind: FileKind,
    /// Size in bytes; 0 for a folder.
    pub size: u64,
    /// Link count.
    pub links: u32,
    /// Last access, as far as a program has set it.
    pub accessed: SystemTime,
    /// Last change of the bytes.
    pub modified: SystemTime,
    /// Last change of anything.
    pub changed: SystemTime,
    /// Permission bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time for which the kernel may use the name without asking again. Less than the validity of the
    /// store's answers if that one is not fresh: otherwise both periods would add up.
    pub valid: Duration,
    /// Time for which the kernel may use the attributes without asking again.
    pub attributes_valid: Duration,
}

/// Attributes to change.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetAttr {
    /// Size in bytes.
    pub size: Option<u64>,
    /// Last access.
    pub accessed: Option<SystemTime>,
    /// Last change of the bytes.
    pub modified: Option<SystemTime>,
    /// Permission bits.
    pub mode: Option<u16>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Handle that the program changes the file through (`ftruncate`) and has yet to close.
    pub through: Option<HandleId>,
    /// Privilege of the process that makes the change.
    pub privilege: Privilege,
}

impl SetAttr {
    /// Returns whether it changes attributes that are stored with the object.
    fn is_kept(&self) -> bool {
        self.modified.is_some() || self.mode.is_some() || self.uid.is_some() || self.gid.is_some()
    }
}

/// Clears the set-ID bits of a file. Returns whether its visible mode changed.
fn drop_set_id(kept: &mut Attributes, owner: &Owner) -> bool {
    let mode = kept.mode.unwrap_or(owner.file_mode);
    let dropped = without_set_id(mode);
    if dropped != mode {
        kept.mode = Some(dropped);
    }
    dropped != mode
}

impl Fs {
    /// Returns the attributes of an inode as far as they are cached.
    ///
    /// # Errors
    /// The kernel has forgotten the inode.
    pub fn getattr(&self, ino: Ino) -> Result<Attr, FsError> {
        self.core
            .tree
            .entry(ino)
            .map(|entry| self.attr(&entry))
            .ok_or(FsError::NotFound)
    }

    /// Changes attributes.
    ///
    /// # Errors
    /// The mount or the bucket doesn't allow it, or the size can't be changed.
    pub async fn setattr(&self, ino: Ino, set: SetAttr) -> Result<Attr, FsError> {
        self.core.check_writable()?;
        let _change = self.core.begin_change()?;
        if let Some(size) = set.size {
            let SetAttr {
                through, privilege, ..
            } = set;
            self.truncate(ino, size, through, privilege).await?;
        }
        if set.is_kept() {
            let is_dir = self.core.check_dir(ino).is_ok();
            self.change_kept(ino, |kept, owner| {
                if (set.uid.is_some() || set.gid.is_some()) && !is_dir {
                    drop_set_id(kept, owner);
                }
                if let Some(mode) = set.mode {
                    kept.mode = Some(mode & 0o7777);
                }
                if let Some(uid) = set.uid {
                    kept.uid = Some(uid).filter(|uid| *uid != owner.uid);
                }
                if let Some(gid) = set.gid {
                    kept.gid = Some(gid).filter(|gid| *gid != owner.gid);
                }
                Ok(())
            })
            .await?;
        }
        if let Some(modified) = set.modified {
            self.set_modified(ino, modified);
        }
        if let Some(accessed) = set.accessed {
            self.core.tree.update_attrs(ino, |attrs| {
                attrs.accessed = Some(accessed);
                attrs.changed = Some(SystemTime::now());
            });
        }
        if set.is_kept() {
            self.keep_changed(ino).await?;
        }
        self.getattr(ino)
    }

    fn set_modified(&self, ino: Ino, modified: SystemTime) {
        self.core.tree.update_file(ino, |file| {
            file.modified = modified;
            file.modified_is_set = true;
        });
        self.core
            .tree
            .update_attrs(ino, |attrs| attrs.modified = Some(modified));
    }

    /// Changes the stored attributes of an entry in the tree. [`keep_changed`](Self::keep_changed)
    /// queues the change for the bucket.
    pub(super) async fn change_kept(
        &self,
        ino: Ino,
        change: impl FnOnce(&mut Attributes, &Owner) -> Result<(), FsError>,
    ) -> Result<(), FsError> {
        let entry = self.prefetch.look(ino).await?;
        let is_stored = match &entry.kind {
            Kind::File(file) => file.etag.is_some(),
            // Its marker.
            Kind::Dir => {
                let wanted = self.writeback.queue.wanted(&self.core.marker_of(ino)?);
                !matches!(wanted, Some(DesiredState::Marker(_)))
            }
        };
        if is_stored {
            self.core.check_may_overwrite()?;
        }
        let mut changed = Ok(());
        self.core.tree.update_attrs(ino, |attrs| {
            let kept = attrs.stored.get_or_insert_default();
            changed = change(&mut kept.attributes, &self.core.owner);
            attrs.changed = Some(SystemTime::now());
        });
        changed
    }

    /// Queues the attributes of an entry to be stored soon. Waits for the bucket unless it has
    /// taken such a change before.
    pub(super) async fn keep_changed(&self, ino: Ino) -> Result<(), FsError> {
        let Some(entry) = self.core.tree.entry(ino).filter(|entry| entry.named) else {
            return Ok(());
        };
        let (key, changes) = match entry.kind {
            Kind::Dir if ino == Ino::ROOT => return Ok(()),
            Kind::Dir => {
                let key = self.core.marker_of(ino)?;
                self.core.tree.pin(ino);
                self.writeback.queue.want(&key, DesiredState::Marker(ino));
                (key, ChangeKind::Marker)
            }
            Kind::File(_) => {
                let key = self.core.key_of(ino)?;
                if let Some(file) = self.core.open_files.get(ino) {
                    file.writer.touch().await;
                    if self.core.open_files.has_handles(ino) {
                        // Closing it stores it.
                        return Ok(());
                    }
                    self.writeback.queue.want(&key, DesiredState::File(ino));
                    (key, ChangeKind::of(&file.place))
                } else {
                    self.core.tree.pin(ino);
                    self.writeback.queue.want(&key, DesiredState::Headers(ino));
                    (key, ChangeKind::Headers)
                }
            }
        };
        self.writeback.confirm(&key, changes).await
    }

    /// Clears the set-user-ID and set-group-ID bits of a file after a write by a process without
    /// the privilege to keep them.
    pub(super) fn drop_set_id(&self, ino: Ino) {
        let Some(entry) = self.core.tree.entry(ino) else {
            return;
        };
        let mut kept = entry.attrs.attributes().cloned().unwrap_or_default();
        if drop_set_id(&mut kept, &self.core.owner) {
            self.core.tree.update_attrs(ino, |attrs| {
                let kept = attrs.stored.get_or_insert_default();
                drop_set_id(&mut kept.attributes, &self.core.owner);
                attrs.changed = Some(SystemTime::now());
            });
        }
    }

    pub(super) fn attr(&self, entry: &Entry) -> Attr {
        let attrs = &entry.attrs;
        let kept = attrs.attributes();
        let (is_dir, size, modified, mode) = match &entry.kind {
            Kind::Dir => {
                let modified = attrs.modified.unwrap_or(self.core.born);
                (true, 0, modified, self.core.owner.dir_mode)
            }
            Kind::File(file) => (false, file.size, file.modified, self.core.owner.file_mode),
        };
        let kind = match kept.and_then(|kept| kept.kind) {
            _ if is_dir => FileKind::Dir,
            None | Some(FileKind::Dir) => FileKind::File,
            Some(kind) => kind,
        };
        let shown =
            |kept: Option<u32>, own| kept.filter(|_| self.core.owner.shows_others).unwrap_or(own);
        let now = Instant::now();
        let ttl = self.core.freshness.ttl();
        let left = |until: Instant| until.saturating_duration_since(now).min(ttl);
        let valid = entry.valid_until.map_or(TTL, left);
        Attr {
            ino: entry.ino,
            node: entry.node,
            number: entry.number,
            is_dir,
            kind,
            size,
            links: match (entry.named, is_dir) {
                (false, _) => 0,
                (true, true) => 2,
                (true, false) => 1,
            },
            accessed: attrs
                .accessed
                .or_else(|| kept.and_then(Attributes::accessed))
                .unwrap_or(modified),
            modified,
            changed: attrs.changed.unwrap_or(modified),
            mode: kept.and_then(|kept| kept.mode).unwrap_or(mode),
            uid: shown(kept.and_then(|kept| kept.uid), self.core.owner.uid),
            gid: shown(kept.and_then(|kept| kept.gid), self.core.owner.gid),
            valid,
            attributes_valid: self.core.attributes_ttl(valid),
        }
    }
}
