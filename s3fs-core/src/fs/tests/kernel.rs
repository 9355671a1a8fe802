//! Stand-in for the kernel: walks paths, counts references to inodes, and forgets them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::fs::{Attr, Existing, Fs, FsError, HandleId, Maker, OpenMode};
use crate::object::ByteRange;
use crate::tree::{Ino, Reported};

/// Returns the process ID of every open and close. `/proc` shows that this process has no file of
/// the mount open.
pub(super) fn pid() -> u32 {
    std::process::id()
}

/// Returns the creator of all entries.
pub(super) fn maker() -> Maker {
    Maker {
        uid: 0,
        gid: 0,
        thread: pid(),
    }
}

/// Mode for writing that keeps the content.
pub(super) const WRITE: OpenMode = OpenMode::Write { truncate: false };

/// Mode for writing that discards the content.
pub(super) const TRUNCATE: OpenMode = OpenMode::Write { truncate: true };

/// Kernel of one mount.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) fs: Arc<Fs>,
    told: Mutex<HashMap<Ino, u64>>,
    open: Mutex<HashMap<HandleId, Ino>>,
}

impl Kernel {
    pub(super) fn new(fs: Arc<Fs>) -> Self {
        Self {
            fs,
            told: Mutex::default(),
            open: Mutex::default(),
        }
    }

    fn tell(&self, ino: Ino) {
        *self.told.lock().unwrap().entry(ino).or_default() += 1;
    }

    /// Returns the folder and the name of a path.
    pub(super) async fn parent<'p>(&self, path: &'p str) -> Result<(Ino, &'p OsStr), FsError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.walk(folder).await?.ino, OsStr::new(name)))
    }

    /// Looks up every component, as if nothing were cached.
    pub(super) async fn walk(&self, path: &str) -> Result<Attr, FsError> {
        let mut at = self.fs.getattr(Ino::ROOT)?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if !at.is_dir {
                return Err(FsError::NotDirectory);
            }
            let name = OsStr::new(name);
            at = match self.fs.try_lookup(at.ino, name) {
                Some(known) => known?,
                None => self.fs.lookup(at.ino, name).await?,
            };
            self.tell(at.ino);
        }
        Ok(at)
    }

    pub(super) async fn create(&self, path: &str, exclusive: bool) -> Result<HandleId, FsError> {
        let (dir, name) = self.parent(path).await?;
        let existing = if exclusive {
            Existing::Refuse
        } else {
            Existing::Truncate
        };
        let (attr, opened) = self.fs.create(dir, name, existing, 0o644, maker()).await?;
        self.tell(attr.ino);
        self.open.lock().unwrap().insert(opened.handle, attr.ino);
        Ok(opened.handle)
    }

    /// Opens a file. Looks the path up once more after `ESTALE`, as Linux does.
    pub(super) async fn open(&self, path: &str, mode: OpenMode) -> Result<HandleId, FsError> {
        let mut ino = self.walk(path).await?.ino;
        let opened = match self.fs.open(ino, mode, pid()).await {
            Err(error) if error.errno() == nix::errno::Errno::ESTALE => {
                ino = self.walk(path).await?.ino;
                self.fs.open(ino, mode, pid()).await?
            }
            opened => opened?,
        };
        self.open.lock().unwrap().insert(opened.handle, ino);
        Ok(opened.handle)
    }

    pub(super) async fn write(
        &self,
        handle: HandleId,
        offset: u64,
        data: &[u8],
    ) -> Result<(), FsError> {
        if self.fs.try_write(handle, offset, data)? {
            return Ok(());
        }
        self.fs.write(handle, offset, data).await
    }

    pub(super) async fn read(
        &self,
        handle: HandleId,
        offset: u64,
        length: u64,
    ) -> Result<Bytes, FsError> {
        let Some(range) = ByteRange::at(offset, length) else {
            return Ok(Bytes::new());
        };
        match self.fs.try_read(handle, range) {
            Some(bytes) => bytes,
            None => self.fs.read(handle, range).await,
        }
    }

    pub(super) async fn flush(&self, handle: HandleId) -> Result<(), FsError> {
        self.fs.flush(handle, pid()).await
    }

    /// Closes the last descriptor: flush and release.
    pub(super) async fn close(&self, handle: HandleId) -> Result<(), FsError> {
        let flushed = self.flush(handle).await;
        self.release(handle);
        flushed
    }

    pub(super) fn release(&self, handle: HandleId) {
        self.fs.release(handle);
        self.open.lock().unwrap().remove(&handle);
    }

    /// Writes a whole file.
    pub(super) async fn save(&self, path: &str, content: &[u8]) -> Result<(), FsError> {
        let handle = match self.open(path, TRUNCATE).await {
            Err(FsError::NotFound) => self.create(path, false).await?,
            opened => opened?,
        };
        let written = self.write(handle, 0, content).await;
        let closed = self.close(handle).await;
        written.and(closed)
    }

    /// Reads a whole file.
    pub(super) async fn load(&self, path: &str) -> Result<Bytes, FsError> {
        let handle = self.open(path, OpenMode::Read).await?;
        let bytes = self.read(handle, 0, 1 << 40).await;
        self.release(handle);
        bytes
    }

    pub(super) async fn unlink(&self, path: &str) -> Result<(), FsError> {
        let (dir, name) = self.parent(path).await?;
        self.fs.unlink(dir, name).await
    }

    pub(super) async fn mkdir(&self, path: &str) -> Result<(), FsError> {
        let (dir, name) = self.parent(path).await?;
        let attr = self.fs.mkdir(dir, name, 0o755, maker()).await?;
        self.tell(attr.ino);
        Ok(())
    }

    pub(super) async fn rmdir(&self, path: &str) -> Result<(), FsError> {
        let (dir, name) = self.parent(path).await?;
        self.fs.rmdir(dir, name).await
    }

    pub(super) async fn rename(&self, path: &str, to: &str) -> Result<(), FsError> {
        let (dir, name) = self.parent(path).await?;
        let (to_dir, to_name) = self.parent(to).await?;
        self.fs.rename(dir, name, to_dir, to_name, true).await
    }

    /// Waits until all queued requests are done.
    pub(super) async fn settle(&self) -> Result<(), FsError> {
        self.fs.writeback.queue.settle_below("").await
    }

    /// Returns the entries of a folder, and whether each is a folder. Each reply has at most `room`
    /// entries.
    pub(super) async fn list(
        &self,
        path: &str,
        room: usize,
    ) -> Result<BTreeMap<String, bool>, FsError> {
        let ino = self.walk(path).await?.ino;
        let handle = self.fs.opendir(ino)?;
        let listed = self.list_from(handle, 0, room).await;
        self.fs.release(handle);
        listed
    }

    pub(super) async fn list_from(
        &self,
        handle: HandleId,
        offset: u64,
        room: usize,
    ) -> Result<BTreeMap<String, bool>, FsError> {
        let mut entries = BTreeMap::new();
        let mut offset = offset;
        loop {
            let mut count = 0;
            self.fs
                .readdir(handle, offset, |entry| {
                    if count == room {
                        return Reported::Full;
                    }
                    count += 1;
                    offset = entry.next_offset;
                    let name = entry.name.to_str().unwrap().to_owned();
                    if name == "." || name == ".." {
                        return Reported::No;
                    }
                    self.tell(entry.attr.ino);
                    let twice = entries.insert(name, entry.attr.is_dir);
                    assert!(twice.is_none(), "each name comes once");
                    Reported::Yes
                })
                .await?;
            if count == 0 {
                return Ok(entries);
            }
        }
    }

    /// Forgets all inodes that no open handle needs.
    pub(super) fn forget(&self) {
        let mut needed = HashSet::new();
        for ino in self.open.lock().unwrap().values() {
            let mut at = *ino;
            while needed.insert(at) {
                at = self.fs.core.tree.parent(at).unwrap_or(Ino::ROOT);
            }
        }
        let mut told = self.told.lock().unwrap();
        let mut unneeded: Vec<_> = told.keys().copied().collect();
        unneeded.retain(|ino| !needed.contains(ino));
        unneeded.sort();
        // Children before their folders.
        for ino in unneeded.into_iter().rev() {
            self.fs.core.tree.forget(ino, told.remove(&ino).unwrap());
        }
    }

    /// Lets all answers of the store expire.
    pub(super) fn expire(&self) {
        self.fs.prefetch.take_root_page();
        self.fs.core.tree.expire();
    }
}
