//! What a file system keeps of a file in its object's user metadata, under the names and in forms
//! that s3fs-fuse and rclone read, too.
//!
//! What can't be read, of names that are ours or not, is kept as it is, and written back until
//! there is something of ours to write in its place.

mod mode;
mod time;
mod xattrs;

use std::collections::BTreeMap;
use std::time::SystemTime;

use self::mode::{Mode, Writer};

const MODE: &str = "mode";
const UID: &str = "uid";
const GID: &str = "gid";
const MODIFIED: &str = "mtime";
const XATTRS: &str = "xattr";
const ACCESSED: &str = "atime";

/// What only s3fs-fuse writes, and always does: when an attribute was changed last.
const CHANGED: &str = "ctime";

/// The most bytes of user metadata that S3 stores with an object, as [`metadata_size`] counts them.
pub const MAX_METADATA: usize = 2048;

/// What a file system keeps of a file; nothing of what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// What kind of file it is.
    pub kind: Option<FileKind>,
    /// Its permissions, with the set-user-ID, set-group-ID and sticky bits: 12 bits.
    pub mode: Option<u16>,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
    /// When its bytes were changed.
    pub modified: Option<SystemTime>,
    /// Extended attributes by their whole names, such as `user.x`; of every name space.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// Everything else that is stored with the object.
    pub others: BTreeMap<String, String>,
}

/// What kind of file an object is. Devices are none: they mean something else on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link; the object's bytes are its target.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl Attributes {
    /// Reads what s3fs-fuse or rclone or [`to_metadata`](Self::to_metadata) wrote; `metadata` has
    /// lowercase names without `x-amz-meta-`.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Self {
        let mut attributes = Self::default();
        let writer = if metadata.contains_key(CHANGED) {
            Writer::S3fs
        } else {
            Writer::Unknown
        };
        for (name, value) in metadata {
            if attributes.read(name, value, writer).is_none() {
                attributes.others.insert(name.clone(), value.clone());
            }
        }
        attributes
    }

    /// As user metadata, which the same tools read. A kind without a mode is written with usual
    /// permissions where nothing else tells the kind: for links, pipes and sockets.
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

    /// Names and values that other tools have stored, and that nothing else shows.
    pub fn foreign(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = self.others.iter().filter(|(name, _)| !is_known(name));
        others.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether nothing is known but what is not ours.
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

    /// Stored time of the last access. Tools that write it do so in several forms; it stays as it was
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

    /// Takes a value if it is one of ours.
    fn read(&mut self, name: &str, value: &str, writer: Writer) -> Option<()> {
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

/// Whether a name is one of ours or of s3fs-fuse, whatever its value.
fn is_known(name: &str) -> bool {
    [MODE, UID, GID, MODIFIED, XATTRS, ACCESSED, CHANGED].contains(&name)
}

/// How much of [`MAX_METADATA`] this is: the bytes of names and values.
pub fn metadata_size(metadata: &BTreeMap<String, String>) -> usize {
    let sizes = metadata.iter();
    sizes.map(|(name, value)| name.len() + value.len()).sum()
}

#[cfg(test)]
mod tests;
