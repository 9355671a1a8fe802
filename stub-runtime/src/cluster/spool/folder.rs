//! A spool in a folder that the nodes share.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{ClusterError, Place, failed};

/// What the name of a file ends with that is being written.
const UNFINISHED: &str = ".unfinished";

/// The folder of one call. Nobody but the user can enter it.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Reads a file of plain text, and removes it: whoever removes it has it.
    ///
    /// # Errors
    /// It is not there any more, or can't be read.
    pub(crate) fn take(&self, name: &str) -> io::Result<String> {
        let path = self.0.join(name);
        let text = fs::read_to_string(&path)?;
        fs::remove_file(&path)?;
        Ok(text)
    }

    /// Writes files of plain text that only the user can read.
    pub(crate) fn put_private(&self, files: &[(String, String)]) -> Result<(), ClusterError> {
        for (name, text) in files {
            self.write(name, text.as_bytes())?;
        }
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ClusterError> {
        let path = self.0.join(name);
        let written = match write(&path, bytes) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_parents(name).and_then(|()| write(&path, bytes))
            }
            written => written,
        };
        written.map_err(failed("write", &path))
    }

    /// Makes the folders that a name has, below the call's own: that is made by its caller alone, so that nothing
    /// comes again after it was removed.
    fn make_parents(&self, name: &str) -> io::Result<()> {
        let mut path = self.0.clone();
        let mut parts: Vec<&str> = name.split('/').collect();
        parts.pop();
        for part in parts {
            path.push(part);
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Place for Folder {
    fn begin(&self) -> Result<(), ClusterError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(failed("make", &self.0))
    }

    fn expect(&self, begin: &str) -> Result<(), ClusterError> {
        self.make_parents(begin).map_err(failed("make", &self.0))
    }

    fn put(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), ClusterError> {
        for (name, bytes) in objects {
            self.write(&name, &bytes)?;
        }
        Ok(())
    }

    fn get(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, ClusterError> {
        let read = names.iter().map(|name| {
            let path = self.0.join(name);
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed("read", &path)(error)),
            }
        });
        read.collect()
    }

    fn list(&self, begin: &str) -> Result<Vec<String>, ClusterError> {
        let path = self.0.join(begin);
        let names = match fs::read_dir(&path) {
            Ok(entries) => entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>(),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let names = names.map_err(failed("list", &path))?;
        let names = names
            .iter()
            .filter_map(|name| name.to_str())
            .filter(|name| !name.ends_with(UNFINISHED));
        Ok(names.map(|name| format!("{begin}{name}")).collect())
    }

    fn remove_all(&self) -> Result<(), ClusterError> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("remove", &self.0)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Under another name first. It is on the disk when it has its own: what was written by a node that then loses its
/// power was written.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    // Nobody writes the same twice at once but a task that was started twice.
    name.push(format!(".{}{UNFINISHED}", std::process::id()));
    let unfinished = path.with_file_name(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_data())
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// The name of the file that is locked.
pub(crate) const LOCK: &str = ".lock";

/// Alone in a folder, as long as this exists, of all who ask. On other machines, too, where the folder's file system
/// has locks.
#[derive(Debug)]
pub(crate) struct Alone {
    _lock: File,
}

impl Alone {
    /// Waits until it is so. The folder is made if it is missing; whoever is alone in it may remove it.
    pub(crate) fn in_folder(path: &Path) -> Result<Self, ClusterError> {
        let name = path.join(LOCK);
        loop {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(failed("make", path))?;
            // On a network's file system, only who may write may lock.
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&name);
            let lock = match opened {
                Ok(lock) => lock,
                // It was removed meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed("open", &name)(error)),
            };
            // A file system without locks: two that start at once may both copy a program, which harms nothing.
            let _ = lock.lock();
            let inode = |metadata: fs::Metadata| metadata.ino();
            let is_there = fs::metadata(&name).map(inode).ok();
            if is_there == lock.metadata().map(inode).ok() {
                return Ok(Self { _lock: lock });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn objects_come_back_and_only_the_user_can_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let place = Folder::new(folder.path().join("call"));
        let early = place.put(vec![("call".to_owned(), b"a".to_vec())]);
        assert!(early.is_err(), "only its caller makes the folder");
        place.begin().unwrap();
        place
            .put(vec![
                ("out/1/2.000000".to_owned(), b"a".to_vec()),
                ("out/1/3.000000".to_owned(), b"b".to_vec()),
            ])
            .unwrap();
        let mut names = place.list("out/1/").unwrap();
        names.sort();
        assert_eq!(names, ["out/1/2.000000", "out/1/3.000000"]);
        names.push("out/1/4.000000".to_owned());
        let found = place.get(&names).unwrap();
        assert_eq!(found, [Some(b"a".to_vec()), Some(b"b".to_vec()), None]);
        assert!(place.list("out/2/").unwrap().is_empty());
        for path in ["call", "call/out", "call/out/1/2.000000"] {
            let mode = fs::metadata(folder.path().join(path))
                .unwrap()
                .permissions();
            assert_eq!(mode.mode() & 0o077, 0, "{path}");
        }
        place.remove_all().unwrap();
        place.remove_all().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_taken_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let place = Folder::new(folder.path().to_owned());
        let key = ("key/0/1".to_owned(), "text".to_owned());
        place.put_private(&[key]).unwrap();
        assert_eq!(place.take("key/0/1").unwrap(), "text");
        assert!(place.take("key/0/1").is_err());
    }
}
