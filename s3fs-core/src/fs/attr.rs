//! What `stat` shows, and what of it can be changed.

use std::time::{Duration, Instant, SystemTime};

use crate::config::Ownership;
use crate::fs::outbox::{Changes, Want};
use crate::fs::{Fs, FsError, HandleId, TTL};
use crate::object::{Attributes, FileKind};
use crate::tree::{Entry, FileNumber, Ino, Kind, NodeId};

/// Bit that lets a program run with its owner's rights.
const SET_USER_ID: u16 = 0o4000;

/// Bit that lets a program run with its group's rights; of a folder, the bit that gives its group to
/// what is made in it.
pub(super) const SET_GROUP_ID: u16 = 0o2000;

/// Permission of the group to execute. Without it, [`SET_GROUP_ID`] of a file stands for mandatory locks.
const GROUP_EXECUTES: u16 = 0o010;

/// Who owns what says nothing about it, and with what permissions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) file_mode: u16,
    pub(super) dir_mode: u16,
    /// Owners that the bucket keeps are shown. An ordinary user's namespace knows but one.
    shows_others: bool,
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

    /// What is kept of a new entry. Of its owner nothing, if it is as where nothing is kept.
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

/// Permission bits without those that give a program the rights of its owner or group, as after a
/// change of a file's bytes or owner.
fn without_set_id(mode: u16) -> u16 {
    let dropped = if mode & GROUP_EXECUTES == 0 {
        SET_USER_ID
    } else {
        SET_USER_ID | SET_GROUP_ID
    };
    mode & !dropped
}

/// Returns whether a process may change a file's bytes and leave its set-user-ID and set-group-ID bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privilege {
    /// The bits stay (`CAP_FSETID`).
    #[default]
    Keeps,
    /// The bits go.
    Drops,
}

impl Privilege {
    /// Privilege of a user's processes, where the kernel says nothing more exact.
    pub fn of(uid: u32) -> Self {
        if uid == 0 { Self::Keeps } else { Self::Drops }
    }
}

/// Who makes an entry.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its process.
    pub pid: u32,
}

/// What `stat` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr {
    /// The inode.
    pub ino: Ino,
    /// Number by which the kernel knows it.
    pub node: NodeId,
    /// Number by which programs know it.
    pub number: FileNumber,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// What it is.
    pub kind: FileKind,
    /// Size in bytes; 0 for a folder.
    pub size: u64,
    /// How many names it has.
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
    /// For how long its name stands for it without asking again. Not the full [`TTL`] where the
    /// store said so a while ago, or two beliefs would add up.
    pub valid: Duration,
}

/// What is to be changed.
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
    /// Handle that the program does it through (`ftruncate`), which it has yet to close.
    pub through: Option<HandleId>,
    /// Privilege of the process that changes it.
    pub privilege: Privilege,
}

impl SetAttr {
    /// Whether it changes what the bucket keeps beside the bytes.
    fn is_kept(&self) -> bool {
        self.modified.is_some() || self.mode.is_some() || self.uid.is_some() || self.gid.is_some()
    }
}

/// Returns whether the mode of a file, as it is shown, changed by losing those bits.
fn drop_set_id(kept: &mut Attributes, owner: &Owner) -> bool {
    let mode = kept.mode.unwrap_or(owner.file_mode);
    let dropped = without_set_id(mode);
    if dropped != mode {
        kept.mode = Some(dropped);
    }
    dropped != mode
}

impl Fs {
    /// What `stat` shows of an inode, as far as it is known.
    ///
    /// # Errors
    /// The kernel has forgotten the inode.
    pub fn getattr(&self, ino: Ino) -> Result<Attr, FsError> {
        self.tree
            .entry(ino)
            .map(|entry| self.attr(&entry))
            .ok_or(FsError::NotFound)
    }

    /// Changes attributes.
    ///
    /// # Errors
    /// The mount or the bucket doesn't allow it, or the size can't be changed.
    pub async fn setattr(&self, ino: Ino, set: SetAttr) -> Result<Attr, FsError> {
        self.check_writable()?;
        let _change = self.gate.enter()?;
        if let Some(size) = set.size {
            let SetAttr {
                through, privilege, ..
            } = set;
            self.truncate(ino, size, through, privilege).await?;
        }
        if set.is_kept() {
            let is_dir = self.check_dir(ino).is_ok();
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
            self.tree.update_looks(ino, |looks| {
                looks.accessed = Some(accessed);
                looks.changed = Some(SystemTime::now());
            });
        }
        if set.is_kept() {
            self.keep_changed(ino).await?;
        }
        self.getattr(ino)
    }

    fn set_modified(&self, ino: Ino, modified: SystemTime) {
        self.tree.update_file(ino, |file| {
            file.modified = modified;
            file.modified_is_set = true;
        });
        self.tree
            .update_looks(ino, |looks| looks.modified = Some(modified));
    }

    /// Changes what is kept of an entry, here; [`keep_changed`](Self::keep_changed) lets the bucket
    /// know.
    pub(super) async fn change_kept(
        &self,
        ino: Ino,
        change: impl FnOnce(&mut Attributes, &Owner) -> Result<(), FsError>,
    ) -> Result<(), FsError> {
        let entry = self.look(ino).await?;
        let is_stored = match &entry.kind {
            Kind::File(file) => file.etag.is_some(),
            // Its marker.
            Kind::Dir => {
                let wanted = self.outbox.wanted(&self.marker_of(ino)?);
                !matches!(wanted, Some(Want::Marker(_)))
            }
        };
        if is_stored {
            self.check_may_overwrite()?;
        }
        let mut changed = Ok(());
        self.tree.update_looks(ino, |looks| {
            let kept = looks.kept.get_or_insert_default();
            changed = change(&mut kept.attributes, &self.owner);
            looks.changed = Some(SystemTime::now());
        });
        changed
    }

    /// Lets the bucket know, soon, of what is kept of an entry.
    pub(super) async fn keep_changed(&self, ino: Ino) -> Result<(), FsError> {
        let Some(entry) = self.tree.entry(ino).filter(|entry| entry.named) else {
            return Ok(());
        };
        let (key, changes) = match entry.kind {
            Kind::Dir if ino == Ino::ROOT => return Ok(()),
            Kind::Dir => {
                let key = self.marker_of(ino)?;
                self.tree.pin(ino);
                self.outbox.want(&key, Want::Marker(ino));
                (key, Changes::Marker)
            }
            Kind::File(_) => {
                let key = self.key_of(ino)?;
                if let Some(file) = self.open_files.get(ino) {
                    file.writer.touch().await;
                    if self.open_files.has_handles(ino) {
                        // Closing it stores it.
                        return Ok(());
                    }
                    self.outbox.want(&key, Want::File(ino));
                    (key, file.place.changes())
                } else {
                    self.tree.pin(ino);
                    self.outbox.want(&key, Want::Headers(ino));
                    (key, Changes::Headers)
                }
            }
        };
        if self.outbox.trust.has(changes) {
            Ok(())
        } else {
            self.outbox.settle(&key).await
        }
    }

    /// Drops the set-user-ID and set-group-ID bits of a file whose bytes are changed by a process without
    /// the privilege to keep them.
    pub(super) fn drop_set_id(&self, ino: Ino) {
        let Some(entry) = self.tree.entry(ino) else {
            return;
        };
        let mut kept = entry.looks.attributes().cloned().unwrap_or_default();
        if drop_set_id(&mut kept, &self.owner) {
            self.tree.update_looks(ino, |looks| {
                let kept = looks.kept.get_or_insert_default();
                drop_set_id(&mut kept.attributes, &self.owner);
                looks.changed = Some(SystemTime::now());
            });
        }
    }

    pub(super) fn attr(&self, entry: &Entry) -> Attr {
        let looks = &entry.looks;
        let kept = looks.attributes();
        let (is_dir, size, modified, mode) = match &entry.kind {
            Kind::Dir => {
                let modified = looks.modified.unwrap_or(self.born);
                (true, 0, modified, self.owner.dir_mode)
            }
            Kind::File(file) => (false, file.size, file.modified, self.owner.file_mode),
        };
        let kind = match kept.and_then(|kept| kept.kind) {
            _ if is_dir => FileKind::Dir,
            None | Some(FileKind::Dir) => FileKind::File,
            Some(kind) => kind,
        };
        let shown =
            |kept: Option<u32>, own| kept.filter(|_| self.owner.shows_others).unwrap_or(own);
        let now = Instant::now();
        let left = |until: Instant| until.saturating_duration_since(now).min(TTL);
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
            accessed: looks
                .accessed
                .or_else(|| kept.and_then(Attributes::accessed))
                .unwrap_or(modified),
            modified,
            changed: looks.changed.unwrap_or(modified),
            mode: kept.and_then(|kept| kept.mode).unwrap_or(mode),
            uid: shown(kept.and_then(|kept| kept.uid), self.owner.uid),
            gid: shown(kept.and_then(|kept| kept.gid), self.owner.gid),
            valid: entry.valid_until.map_or(TTL, left),
        }
    }
}
