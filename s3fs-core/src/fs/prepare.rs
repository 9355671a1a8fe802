//! Preparation of a new entry: its name must be free, and its folder may give it a group.

use crate::fs::attr::SET_GROUP_ID;
use crate::fs::owner::Maker;
use crate::fs::{Fs, FsError};
use crate::object::{Attributes, EntryName, FileKind};
use crate::tree::{Entry, Ino};

/// Entry to make.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewEntry {
    pub(super) kind: FileKind,
    pub(super) mode: u16,
    pub(super) maker: Maker,
}

/// Result of preparing a name for a new entry.
#[derive(Debug)]
pub(super) enum Prepared {
    /// The name has this entry.
    Taken(Entry),
    /// The name is free; a new entry has these attributes.
    Free(Attributes),
}

impl Fs {
    /// Returns the entry of a name, or the attributes for a new entry of it. The stored metadata of
    /// the folder is requested only if the name is free.
    ///
    /// # Errors
    /// The store does not answer about the name or the folder.
    pub(super) async fn find_or_prepare(
        &self,
        dir: Ino,
        name: &EntryName,
        new: NewEntry,
    ) -> Result<Prepared, FsError> {
        if let Some(entry) = self.find(dir, name).await? {
            return Ok(Prepared::Taken(entry));
        }
        let mut folder = self.core.tree.entry(dir).ok_or(FsError::NotFound)?;
        let above = self.core.tree.parent(dir);
        if above.is_some_and(|above| self.prefetch.may_be_rich(above, &folder)) {
            folder = self.prefetch.look_together(dir).await?;
            // The name may have been taken meanwhile.
            if let Some(entry) = self.find(dir, name).await? {
                return Ok(Prepared::Taken(entry));
            }
        }
        Ok(Prepared::Free(self.new_attributes(&folder, new)))
    }

    /// Returns the attributes to store for a new entry of a folder. A folder with the set-group-ID
    /// bit gives its group to the entry, and the bit to a new folder.
    fn new_attributes(&self, folder: &Entry, new: NewEntry) -> Attributes {
        let NewEntry { kind, mode, maker } = new;
        let mut attributes = self.core.owner.attributes(kind, mode, maker);
        if self.attr(folder).mode & SET_GROUP_ID != 0 {
            attributes.gid = folder.attrs.attributes().and_then(|kept| kept.gid);
            if kind == FileKind::Dir {
                attributes.mode = attributes.mode.map(|mode| mode | SET_GROUP_ID);
            }
        }
        attributes
    }
}
