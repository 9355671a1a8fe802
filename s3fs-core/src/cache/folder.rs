//! Folder of the cache: private, and the place of all entries.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::CacheError;
use super::entry::Entry;
use super::format::{self, MARK};
use super::header::Header;
use super::name::{ObjectId, UNFINISHED};

/// Name of the subfolder. It changes with the file layout, so older programs ignore the new one.
const LAYOUT: &str = "v2";

/// Names of layouts that are no longer written.
const OLD_LAYOUTS: [&str; 1] = ["v1"];

/// Folder of the entries. It is held open and addressed by its descriptor. A mount that covers it,
/// perhaps the very one that it serves, is therefore not in the way.
#[derive(Debug)]
pub(super) struct Folder {
    held: File,
}

/// Error of opening the folder.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// Folder that must not be used.
    #[error(transparent)]
    Refused(#[from] CacheError),
    /// Folder that can't be used.
    #[error(transparent)]
    Unusable(#[from] io::Error),
}

impl Folder {
    /// Opens the folder, or creates it. An existing one must be private to this user.
    pub(super) fn open(dir: &Path) -> Result<Self, FolderError> {
        match fs::metadata(dir) {
            Ok(meta) => check(dir, &meta)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(dir)?;
                check(dir, &fs::metadata(dir)?)?;
            }
            Err(error) => return Err(error.into()),
        }
        let root = dir.join(LAYOUT);
        make(&root)?;
        let held = File::open(root)?;
        Ok(Self { held })
    }

    /// Removes the folders of older layouts, which no size index covers.
    pub(super) fn remove_old_layouts(&self) {
        for old in OLD_LAYOUTS {
            // Mostly there is none, and what can't be removed is not in the way.
            let _ = fs::remove_dir_all(self.at("..").join(old));
        }
    }

    /// Returns the path of a file in the folder.
    pub(super) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let root = PathBuf::from(format!("/proc/self/fd/{}", self.held.as_raw_fd()));
        root.join(path)
    }

    /// Opens the entry of an object, of any version.
    pub(super) fn find(&self, object: ObjectId) -> Option<Entry> {
        let index = existing(&self.at(object.index())).ok()?;
        let header = read_header(&index, object)?;
        let data = existing(&self.at(object.data(&header.meta.etag))).ok()?;
        Some(Entry {
            index,
            data,
            header,
        })
    }

    /// Creates an entry without blocks, replacing any entry of the object. If another process does
    /// the same at once, either result is valid.
    pub(super) fn create(&self, header: Header) -> io::Result<Entry> {
        let object = header.object;
        let too_long = || {
            io::Error::new(
                ErrorKind::InvalidInput,
                "more headers than an index has room for",
            )
        };
        let encoded = header.encode().ok_or_else(too_long)?;
        // Not those above it: if the folder is gone, it is not made again behind its owner's back.
        DirBuilder::new()
            .mode(0o700)
            .create(self.at(object.shard()))
            .or_else(|error| match error.kind() {
                ErrorKind::AlreadyExists => Ok(()),
                _ => Err(error),
            })?;
        let (index_path, data_path) = (
            self.at(object.index()),
            self.at(object.data(&header.meta.etag)),
        );
        let old = existing(&index_path)
            .ok()
            .and_then(|index| read_header(&index, object));
        // The data first: an index without it is no entry.
        let data = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(data_path)?;
        data.set_len(header.meta.size)?;
        let mut index = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(self.at(object.shard()))?;
        index.write_all(&encoded)?;
        let length = format::index_length(header.meta.size);
        index.as_file().set_len(length)?;
        let index = index.persist(&index_path).map_err(|error| error.error)?;
        if let Some(old) = old.filter(|old| old.meta.etag != header.meta.etag) {
            remove(&self.at(object.data(&old.meta.etag)))?;
        }
        Ok(Entry {
            index,
            data,
            header,
        })
    }

    /// Fills an entry. If it was replaced or evicted meanwhile, fills the one that is in its place: a
    /// mount and a filler may create the entry of an object at the same time.
    pub(super) fn fill(
        &self,
        entry: Entry,
        header: &Header,
        fill: impl Fn(&Entry) -> io::Result<()>,
    ) -> io::Result<Entry> {
        fill(&entry)?;
        if entry.is_in_place() {
            return Ok(entry);
        }
        let found = self.find(header.object);
        let found = found.filter(|entry| entry.header.is_of_same_bytes(header));
        let entry = found.map_or_else(|| self.create(header.clone()), Ok)?;
        fill(&entry)?;
        Ok(entry)
    }
}

/// Reads the header of an index.
pub(super) fn read_header(index: &File, object: ObjectId) -> Option<Header> {
    let mut bytes = [0; MARK];
    index.read_exact_at(&mut bytes, 0).ok()?;
    Header::decode(&bytes, object)
}

/// Removes a file, if it still exists.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn existing(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Creates a folder that only this user may enter, and its parents.
fn make(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn check(dir: &Path, meta: &fs::Metadata) -> Result<(), CacheError> {
    let dir = dir.to_owned();
    let user = nix::unistd::geteuid().as_raw();
    if !meta.is_dir() {
        return Err(CacheError::NotAFolder { dir });
    }
    if meta.uid() != user {
        let owner = meta.uid();
        return Err(CacheError::Owner { dir, owner, user });
    }
    match meta.mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(CacheError::Mode { dir, mode }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::cache::Space;
    use crate::object::{BucketName, ETag, Headers, Key, ObjectMeta};

    #[test]
    fn bytes_go_to_the_entry_that_has_replaced_another_one_meanwhile() {
        let above = tempfile::tempdir().unwrap();
        let folder = Folder::open(&above.path().join("cache")).unwrap();
        let space = Space::new(None, &BucketName::new("bucket").unwrap());
        let meta = ObjectMeta {
            size: 4,
            modified: SystemTime::UNIX_EPOCH,
            etag: ETag::new("1"),
        };
        let object = space.object(&Key::new("key"));
        let header = Header::new(object, meta, Headers::default());
        let ours = folder.create(header.clone()).unwrap();
        let theirs = folder.create(header.clone()).unwrap();
        assert!(!ours.is_in_place() && theirs.is_in_place());
        let fill = |entry: &Entry| entry.write(0, b"1234", format::checksum(b"1234"));
        assert!(folder.fill(ours, &header, fill).unwrap().is_in_place());
        let found = folder.find(object).unwrap();
        assert_eq!(found.read(0).unwrap().as_ref(), b"1234");
    }
}
