//! File attributes in an object's user metadata, with names and formats that s3fs-fuse and rclone
//! also read.
//!
//! Values that can't be parsed, under our names or others, are retained and written back until one
//! of ours replaces them.

mod kind;
mod mode;
mod time;
mod xattrs;

use std::collections::BTreeMap;
use std::time::SystemTime;

pub use self::kind::FileKind;
use self::mode::{Mode, ModeWriter};

const MODE: &str = "mode";
const UID: &str = "uid";
const GID: &str = "gid";
const MODIFIED: &str = "mtime";
const XATTRS: &str = "xattr";
const ACCESSED: &str = "atime";

/// Name that only s3fs-fuse writes, and always: the time of the last change of an attribute.
const CHANGED: &str = "ctime";

/// Maximum size of user metadata that S3 stores with an object, in bytes, by [`metadata_size`].
pub const MAX_METADATA: usize = 2048;

/// Attributes of a file; each is absent if it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Kind of the file.
    pub kind: Option<FileKind>,
    /// Permissions, with the set-user-ID, set-group-ID and sticky bits: 12 bits.
    pub mode: Option<u16>,
    /// User ID of the owner.
    pub uid: Option<u32>,
    /// Group ID of the owner.
    pub gid: Option<u32>,
    /// Time of the last change of its bytes.
    pub modified: Option<SystemTime>,
    /// Extended attributes by their full names, such as `user.x`; of every name space.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// All other user metadata of the object.
    pub others: BTreeMap<String, String>,
}

impl Attributes {
    /// Parses metadata written by s3fs-fuse, rclone or [`to_metadata`](Self::to_metadata).
    /// `metadata` has lowercase names without `x-amz-meta-`.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Self {
        let mut attributes = Self::default();
        let writer = if metadata.contains_key(CHANGED) {
            ModeWriter::S3fs
        } else {
            ModeWriter::Unknown
        };
        for (name, value) in metadata {
            if attributes.read(name, value, writer).is_none() {
                attributes.others.insert(name.clone(), value.clone());
            }
        }
        attributes
    }

    /// Formats the attributes as user metadata, which the same tools read. A kind without a mode
    /// gets usual permissions if nothing else tells the kind: for links, pipes and sockets.
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let written = [
            (MODE, mode::write(self.kind, self.mode)),
            (UID, self.uid.map(|uid| uid.to_string())),
            (GID, self.gid.map(|gid| gid.to_string())),
            (MODIFIED, self.modified.map(time::write)),
            (XATTRS, xattrs::write(&self.xattrs)),
        ];
        let mut metadata = self.others.clone();
        for (name, value) in written {
            if let Some(value) = value {
                metadata.insert(name.to_owned(), value);
            }
        }
        metadata
    }

    /// Returns metadata that other tools have stored, and that no attribute shows.
    pub fn foreign(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = self.others.iter().filter(|(name, _)| !is_known(name));
        others.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns whether no attribute is known, apart from other tools' metadata.
    pub fn is_empty(&self) -> bool {
        let Self {
            kind,
            mode,
            uid,
            gid,
            modified,
            xattrs,
            others: _,
        } = self;
        kind.is_none()
            && mode.is_none()
            && uid.is_none()
            && gid.is_none()
            && modified.is_none()
            && xattrs.is_empty()
            && self.accessed().is_none()
    }

    /// Returns the stored time of the last access. Tools write it in several formats; it stays as
    /// written until [`set_accessed`](Self::set_accessed).
    pub fn accessed(&self) -> Option<SystemTime> {
        time::read(self.others.get(ACCESSED)?)
    }

    /// Replaces the stored time of the last access, if there is one.
    pub fn set_accessed(&mut self, at: SystemTime) {
        if self.accessed().is_some() {
            self.others.insert(ACCESSED.to_owned(), time::write(at));
        }
    }

    /// Removes the stored time of the last access.
    pub fn forget_accessed(&mut self) {
        self.others.remove(ACCESSED);
    }

    /// Parses a value, if it is one of ours.
    fn read(&mut self, name: &str, value: &str, writer: ModeWriter) -> Option<()> {
        match name {
            MODE => {
                let Mode { kind, permissions } = Mode::read(value, writer)?;
                (self.kind, self.mode) = (kind, Some(permissions));
            }
            UID => self.uid = Some(value.parse().ok()?),
            GID => self.gid = Some(value.parse().ok()?),
            MODIFIED => self.modified = Some(time::read(value)?),
            XATTRS => self.xattrs = xattrs::read(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// Returns whether a name is one of ours or of s3fs-fuse, whatever its value.
fn is_known(name: &str) -> bool {
    [MODE, UID, GID, MODIFIED, XATTRS, ACCESSED, CHANGED].contains(&name)
}

/// Returns the size that counts towards [`MAX_METADATA`]: the bytes of names and values.
pub fn metadata_size(metadata: &BTreeMap<String, String>) -> usize {
    let sizes = metadata.iter();
    sizes.map(|(name, value)| name.len() + value.len()).sum()
}

#[cfg(test)]
mod tests;
