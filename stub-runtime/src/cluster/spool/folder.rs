//! Spool in a folder that the nodes share.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::{self, Builder};

use tempfile::NamedTempFile;

use super::place::{Place, failed};
use crate::cluster::error::ClusterError;
use crate::host::trusted::{self, Untrusted};
use crate::host::unfinished::{UNFINISHED, create_beside};
use crate::sys;

/// Number of files that are written to the disk at once.
const AT_ONCE: usize = 8;

/// Folder of one call. Only the user can enter it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Set once the folder was checked: nobody else can change it.
    checked: OnceLock<()>,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            checked: OnceLock::new(),
        }
    }

    /// Refuses a folder that another user made, or can replace. Returns whether there is one.
    fn check(&self) -> Result<bool, ClusterError> {
        if self.checked.get().is_some() {
            return Ok(true);
        }
        let check = || {
            if let Some(root) = self.path.parent() {
                trusted::check_folder(root)?;
            }
            trusted::check_own_folder(&self.path)
        };
        match check() {
            Ok(()) => {
                self.checked.get_or_init(|| ());
                Ok(true)
            }
            Err(error) if error.is_missing() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a file of plain text, and removes it: only one caller gets it.
    ///
    /// # Errors
    /// The file can't be read.
    pub(crate) fn take(&self, name: &str) -> Result<Option<String>, ClusterError> {
        let path = self.path.join(name);
        if !self.check()? {
            return Ok(None);
        }
        let taken = fs::read_to_string(&path).and_then(|text| {
            fs::remove_file(&path)?;
            Ok(text)
        });
        match taken {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            taken => taken.map(Some).map_err(failed("read", &path)),
        }
    }

    /// Writes files of plain text that only the user can read.
    pub(crate) fn put_private(&self, files: &[(String, String)]) -> Result<(), ClusterError> {
        let files = files.iter().map(|(name, text)| (name, text.as_bytes()));
        self.write_all(&files.collect::<Vec<_>>())
    }

    /// Writes files that appear in their order.
    fn write_all(&self, files: &[(&String, &[u8])]) -> Result<(), ClusterError> {
        self.check()?;
        for some in files.chunks(AT_ONCE) {
            let mut written = Vec::new();
            for (name, bytes) in some {
                let path = self.path.join(name);
                let file = self.unfinished(name, bytes);
                written.push((file.map_err(failed("write", &path))?, path));
            }
            sync(&written)?;
            for (file, path) in written {
                let kept = file.persist(&path).map_err(io::Error::from);
                kept.map_err(failed("write", &path))?;
            }
        }
        Ok(())
    }

    /// Writes a file under a temporary name.
    fn unfinished(&self, name: &str, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let path = self.path.join(name);
        match unfinished(&path, bytes) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_parents(name)?;
                unfinished(&path, bytes)
            }
            written => written,
        }
    }

    /// Creates the parent folders in a name, below the call's own folder. That one is created by
    /// the caller alone, so that nothing reappears after it was removed.
    fn make_parents(&self, name: &str) -> io::Result<()> {
        let mut path = self.path.clone();
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
        Ok(make_own(&self.path)?)
    }

    fn expect(&self, begin: &str) -> Result<(), ClusterError> {
        self.check()?;
        self.make_parents(begin).map_err(failed("make", &self.path))
    }

    fn put(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), ClusterError> {
        let files = objects.iter().map(|(name, bytes)| (name, &bytes[..]));
        self.write_all(&files.collect::<Vec<_>>())
    }

    fn put_in_order(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), ClusterError> {
        self.put(objects)
    }

    fn get(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, ClusterError> {
        if !self.check()? {
            return Ok(vec![None; names.len()]);
        }
        let read = names.iter().map(|name| {
            let path = self.path.join(name);
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed("read", &path)(error)),
            }
        });
        read.collect()
    }

    fn list(&self, begin: &str) -> Result<Vec<String>, ClusterError> {
        if !self.check()? {
            return Ok(Vec::new());
        }
        let path = self.path.join(begin);
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
        self.check()?;
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Creates a folder that only this user can enter, in one that others can't change.
fn make_own(path: &Path) -> Result<(), Untrusted> {
    if let Some(root) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(root);
        made.map_err(|source| Untrusted::Io {
            path: root.to_owned(),
            source,
        })?;
        trusted::check_folder(root)?;
    }
    trusted::make_own_folder(path)
}

/// Writes a file under a temporary name.
fn unfinished(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = create_beside(path, 0o600)?;
    file.as_file_mut().write_all(bytes)?;
    Ok(file)
}

/// Waits until files are on the disk, before they get their names: they stay written even if their
/// node then loses power. All at once, so that they share a commit of the disk's journal.
fn sync(files: &[(NamedTempFile, PathBuf)]) -> Result<(), ClusterError> {
    let sync = |(file, path): &(NamedTempFile, PathBuf)| {
        let synced = file.as_file().sync_data();
        synced.map_err(failed("write", path))
    };
    let Some((first, others)) = files.split_first() else {
        return Ok(());
    };
    thread::scope(|scope| {
        let threads: Vec<_> = others
            .iter()
            .map(|file| (file, Builder::new().spawn_scoped(scope, move || sync(file))))
            .collect();
        let synced = sync(first);
        let others = threads.into_iter().map(|(file, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|_| sync(file)),
            Err(_) => sync(file),
        });
        others.fold(synced, Result::and)
    })
}

/// Name of the file that is locked.
pub(crate) const LOCK: &str = ".lock";

/// Exclusive lock on a folder, as long as this value exists. It holds for other machines, too,
/// where the folder's file system has locks.
#[derive(Debug)]
pub(crate) struct Alone {
    _lock: File,
}

impl Alone {
    /// Waits for the lock. Creates the folder if it is missing; the holder of the lock may remove it.
    pub(crate) fn in_folder(path: &Path) -> Result<Self, ClusterError> {
        let name = path.join(LOCK);
        loop {
            match make_own(path) {
                // It was removed meanwhile.
                Err(error) if error.is_missing() => continue,
                made => made?,
            }
            // On a network's file system, only who may write may lock.
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .custom_flags(sys::NO_FOLLOW)
                .mode(0o600)
                .open(&name);
            let lock = match opened {
                Ok(lock) => lock,
                // It was removed meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failed("open", &name)(error)),
            };
            // A file system without locks: two that start at once may both copy a program, which
            // harms nothing.
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
        assert!(place.list("out/1/").unwrap().is_empty());
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
        assert_eq!(place.take("key/0/1").unwrap().as_deref(), Some("text"));
        assert_eq!(place.take("key/0/1").unwrap(), None);
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call");
        // As somebody makes it who knows the name of the call before its caller does.
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(path.join("key"), "planted").unwrap();
        let place = Folder::new(path.clone());
        let refused = [
            place.begin().err(),
            place.put(vec![("a".to_owned(), Vec::new())]).err(),
            place.get(&["key".to_owned()]).err(),
            place.list("").err(),
            place.take("key").err(),
            place.remove_all().err(),
            Alone::in_folder(&path).err(),
        ];
        for error in refused {
            let text = error.unwrap().to_string();
            assert!(
                text.contains("mode 0777") && text.contains("go-w"),
                "{text}"
            );
        }
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        // Nor one in a folder where others could put another in its place.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = Folder::new(folder.path().join("other"))
            .begin()
            .unwrap_err();
        assert!(error.to_string().contains("mode 0777"), "{error}");
    }

    #[test]
    fn a_link_that_lies_in_the_way_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        let place = Folder::new(folder.path().join("call"));
        place.begin().unwrap();
        std::os::unix::fs::symlink(&precious, folder.path().join("call/a")).unwrap();
        place.put(vec![("a".to_owned(), b"new".to_vec())]).unwrap();
        std::os::unix::fs::symlink(&precious, folder.path().join("call").join(LOCK)).unwrap();
        assert!(Alone::in_folder(&folder.path().join("call")).is_err());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        assert_eq!(fs::read(folder.path().join("call/a")).unwrap(), b"new");
    }
}
