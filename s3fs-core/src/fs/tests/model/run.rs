//! Run of a sequence of operations, on a mount and on the reference.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::reference::{Below, Open, Reference, parent};
use super::{Op, PATHS, bytes};
use crate::config::{Freshness, MountConfig};
use crate::fs::tests::kernel::{Kernel, TRUNCATE};
use crate::fs::tests::{FIRST_PART, bucket, mount_configured};
use crate::fs::{Allocate, FsError, HandleId, OpenMode, SetAttr};
use crate::object::BucketName;
use crate::store::memory::MemoryStore;

/// Maximum size in bytes of a deleted file that can be read as long as it is open.
const KEPT: usize = FIRST_PART as usize;

pub(super) struct Run {
    store: MemoryStore,
    kernel: Kernel,
    reference: Reference,
    step: usize,
    config: MountConfig,
    budget: u64,
}

impl Run {
    pub(super) async fn new(budget: u64, waits: bool, freshness: Freshness) -> Self {
        let store = bucket();
        let config = MountConfig {
            waits_on_close: waits,
            freshness,
            ..MountConfig::new(BucketName::new("memory").unwrap())
        };
        Self {
            kernel: mount_configured(Arc::new(store.clone()), &config, budget).await,
            store,
            reference: Reference::default(),
            step: 0,
            config,
            budget,
        }
    }

    fn open(&self, handle: usize) -> Option<Open> {
        let handles = &self.reference.handles;
        (!handles.is_empty()).then(|| handles[handle % handles.len()].clone())
    }

    pub(super) async fn step(&mut self, op: Op) {
        self.step += 1;
        match op {
            Op::Lookup(path) => self.lookup(PATHS[path]).await,
            Op::List(path, room) => self.list(PATHS[path], room).await,
            Op::Create(path, exclusive) => self.create(PATHS[path], exclusive).await,
            Op::Open(path, mode) => self.open_file(PATHS[path], mode).await,
            Op::Write(handle, offset, length) => self.write(handle, Some(offset), length).await,
            Op::Append(handle, length) => self.write(handle, None, length).await,
            Op::Punch(handle, offset, length) => self.punch(handle, offset, length).await,
            Op::Copy(from, to, offset, length) => self.copy(from, to, offset, length).await,
            Op::Read(handle, offset, length) => self.read(handle, offset, length).await,
            Op::Flush(handle) => self.flush(handle).await,
            Op::Fsync(handle) => self.fsync(handle).await,
            Op::Release(handle) => self.release(handle),
            Op::Truncate(path, size) => self.truncate(PATHS[path], size).await,
            Op::Chmod(path, mode) => self.chmod(PATHS[path], mode).await,
            Op::Unlink(path) => self.unlink(PATHS[path]).await,
            Op::Mkdir(path) => self.mkdir(PATHS[path]).await,
            Op::Rmdir(path) => self.rmdir(PATHS[path]).await,
            Op::Rename(from, to) => self.rename(PATHS[from], PATHS[to]).await,
            // Other clients change nothing of a bucket that is declared as immutable.
            Op::OtherPuts(..) | Op::OtherDeletes(_)
                if self.config.freshness == Freshness::Immutable => {}
            Op::OtherPuts(path, length) => self.other_puts(PATHS[path], length).await,
            Op::OtherDeletes(path) => self.other_deletes(PATHS[path]).await,
            Op::Settle => self.kernel.settle().await.unwrap(),
            Op::Expire => self.kernel.expire(),
            Op::Forget => self.kernel.forget(),
            Op::Remount => {
                self.end().await;
                let store = Arc::new(self.store.clone());
                self.kernel = mount_configured(store, &self.config, self.budget).await;
            }
        }
    }

    async fn lookup(&self, path: &str) {
        let found = self.kernel.walk(path).await.ok();
        if self.reference.is_dir(path) {
            assert!(found.unwrap().is_dir, "lookup of {path}");
        } else if let Some(file) = self.reference.files.get(path) {
            let (content, attr) = (&self.reference.contents[*file], found.unwrap());
            assert_eq!(
                (attr.is_dir, attr.size),
                (false, content.bytes.len() as u64),
                "lookup of {path}"
            );
            assert_eq!(attr.mode, content.mode.unwrap_or(0o644), "mode of {path}");
        } else {
            assert!(found.is_none(), "lookup of {path}");
        }
    }

    async fn list(&self, path: &str, room: usize) {
        for path in ["", path] {
            if self.reference.is_dir(path) {
                let listed = self.kernel.list(path, room).await.unwrap();
                assert_eq!(listed, self.reference.entries(path), "listing of {path:?}");
            }
        }
    }

    async fn create(&mut self, path: &str, exclusive: bool) {
        if !self.reference.is_dir(parent(path)) {
            return;
        }
        let created = self.kernel.create(path, exclusive).await;
        if self.reference.is_dir(path) || (exclusive && self.reference.files.contains_key(path)) {
            assert!(created.is_err(), "{path} exists");
            return;
        }
        let file = match self.reference.files.get(path) {
            Some(file) => *file,
            None => self.reference.add(path, Vec::new(), Some(0o644)),
        };
        self.reference.contents[file].bytes.clear();
        self.opened(created.unwrap(), file, true);
    }

    fn opened(&mut self, id: HandleId, file: usize, writes: bool) {
        self.reference.handles.push(Open { id, file, writes });
    }

    async fn open_file(&mut self, path: &str, mode: OpenMode) {
        let Some(file) = self.reference.files.get(path).copied() else {
            return;
        };
        let id = self.kernel.open(path, mode).await.unwrap();
        if mode == TRUNCATE {
            self.reference.contents[file].bytes.clear();
        }
        self.opened(id, file, mode != OpenMode::Read);
    }

    /// Returns a handle if it may write its file.
    fn writer(&self, handle: usize) -> Option<Open> {
        self.open(handle).filter(|open| open.writes)
    }

    /// Checks that an operation on a file succeeded, unless its bytes may not all be here. Returns
    /// whether it did.
    fn check(&self, open: &Open, done: &Result<(), FsError>) -> bool {
        let may_fail = self.reference.contents[open.file].may_be_lost;
        assert!(done.is_ok() || may_fail, "{open:?}: {done:?}");
        done.is_ok()
    }

    async fn write(&mut self, handle: usize, offset: Option<u64>, length: usize) {
        let Some(open) = self.writer(handle) else {
            return;
        };
        let size = self.reference.contents[open.file].bytes.len() as u64;
        let offset = offset.unwrap_or(size);
        let data = bytes(self.step, length);
        let written = self.kernel.write(open.id, offset, &data).await;
        if self.check(&open, &written) {
            let content = &mut self.reference.contents[open.file].bytes;
            let end = offset as usize + length;
            content.resize(content.len().max(end), 0);
            content[offset as usize..end].copy_from_slice(&data);
        }
    }

    async fn punch(&mut self, handle: usize, offset: u64, length: u64) {
        let Some(open) = self.writer(handle) else {
            return;
        };
        let fs = &self.kernel.fs;
        let punched = fs.allocate(open.id, offset, length, Allocate::Punch).await;
        if self.check(&open, &punched) {
            let content = &mut self.reference.contents[open.file].bytes;
            let end = content.len().min((offset + length) as usize);
            content[end.min(offset as usize)..end].fill(0);
        }
    }

    async fn copy(&mut self, from: usize, to: usize, offset: u64, length: u64) {
        let (Some(from), Some(to)) = (self.open(from), self.writer(to)) else {
            return;
        };
        if from.file == to.file || self.reference.contents[from.file].may_be_lost {
            return;
        }
        let size = self.reference.contents[to.file].bytes.len() as u64;
        let fs = &self.kernel.fs;
        let copied = fs.copy_range(from.id, offset, to.id, size, length).await;
        let done = copied.as_ref().map(|_| ()).map_err(Clone::clone);
        if self.check(&to, &done) {
            let copied = copied.unwrap() as usize;
            let source = &self.reference.contents[from.file].bytes;
            let start = source.len().min(offset as usize);
            let part = source[start..start + copied].to_vec();
            self.reference.contents[to.file].bytes.extend(part);
        }
    }

    async fn read(&self, handle: usize, offset: u64, length: u64) {
        let Some(open) = self.open(handle) else {
            return;
        };
        let content = &self.reference.contents[open.file];
        let end = (offset + length).min(content.bytes.len() as u64);
        let expected = &content.bytes[offset.min(end) as usize..end as usize];
        match self.kernel.read(open.id, offset, length).await {
            Ok(bytes) => assert!(
                bytes == expected || content.may_be_lost,
                "{open:?} at {offset}"
            ),
            Err(error) => assert!(content.may_be_lost, "{open:?}: {error}"),
        }
    }

    async fn flush(&self, handle: usize) {
        if let Some(open) = self.open(handle) {
            let flushed = self.kernel.flush(open.id).await;
            self.check(&open, &flushed);
        }
    }

    async fn fsync(&self, handle: usize) {
        let Some(open) = self.open(handle) else {
            return;
        };
        let stored = self.kernel.fs.fsync(open.id).await;
        if self.check(&open, &stored)
            && let Some(path) = self.reference.path_of(open.file)
            && open.writes
        {
            let objects = self.store.objects();
            let content = &self.reference.contents[open.file].bytes;
            assert_eq!(objects.get(path).unwrap(), content, "{open:?}");
        }
    }

    fn release(&mut self, handle: usize) {
        let Some(open) = self.open(handle) else {
            return;
        };
        self.kernel.release(open.id);
        self.reference.handles.retain(|other| other.id != open.id);
    }

    async fn set(&self, path: &str, set: SetAttr) {
        let ino = self.kernel.walk(path).await.unwrap().ino;
        self.kernel.fs.setattr(ino, set).await.unwrap();
    }

    async fn truncate(&mut self, path: &str, size: u64) {
        let Some(file) = self.reference.files.get(path).copied() else {
            return;
        };
        let set = SetAttr {
            size: Some(size),
            ..SetAttr::default()
        };
        self.set(path, set).await;
        self.reference.contents[file].bytes.resize(size as usize, 0);
    }

    async fn chmod(&mut self, path: &str, mode: u16) {
        let Some(file) = self.reference.files.get(path).copied() else {
            return;
        };
        let set = SetAttr {
            mode: Some(mode),
            ..SetAttr::default()
        };
        self.set(path, set).await;
        self.reference.contents[file].mode = Some(mode);
    }

    async fn unlink(&mut self, path: &str) {
        if !self.reference.is_dir(parent(path)) {
            return;
        }
        let done = self.kernel.unlink(path).await;
        self.reference.replaced(path, KEPT);
        let removed = self.reference.files.remove(path);
        assert_eq!(done.is_ok(), removed.is_some(), "{path}: {done:?}");
        if done.is_ok() {
            self.reference.keep(path);
        }
    }

    async fn mkdir(&mut self, path: &str) {
        if !self.reference.is_dir(parent(path)) {
            return;
        }
        let done = self.kernel.mkdir(path).await;
        assert_eq!(
            done.is_ok(),
            !self.reference.exists(path),
            "{path}: {done:?}"
        );
        if done.is_ok() {
            self.reference.markers.insert(path.to_owned());
        }
    }

    async fn rmdir(&mut self, path: &str) {
        if !self.reference.is_dir(parent(path)) || self.reference.may_stay(path) {
            return;
        }
        let done = self.kernel.rmdir(path).await;
        let is_empty = self.reference.is_dir(path) && self.reference.entries(path).is_empty();
        assert_eq!(done.is_ok(), is_empty, "{path}: {done:?}");
        if done.is_ok() {
            self.reference.markers.remove(path);
            self.reference.kept.remove(path);
            self.reference.keep(path);
        }
    }

    async fn rename(&mut self, from: &str, to: &str) {
        let may_stay = |path| self.reference.is_dir(path) && self.reference.may_stay(path);
        if !self.reference.is_dir(parent(from)) || may_stay(from) || may_stay(to) {
            return;
        }
        let done = self.kernel.rename(from, to).await;
        let prefix = format!("{to}/");
        let is_below = |key: &String| key.starts_with(&prefix) && *key != prefix;
        let below = if self.store.objects().keys().any(is_below) {
            Below::Keys
        } else {
            Below::Nothing
        };
        let expected = self.reference.rename(from, to, KEPT, below);
        assert_eq!(done.is_ok(), expected, "{from} to {to}: {done:?}");
    }

    /// Stores an object as another client, where that changes no name's kind and no handle writes
    /// the file.
    async fn other_puts(&mut self, path: &str, length: usize) {
        let mut above = path;
        while !above.is_empty() {
            above = parent(above);
            if self.reference.files.contains_key(above) {
                return;
            }
        }
        if self.reference.is_dir(path) || self.reference.is_written(path) {
            return;
        }
        self.kernel.settle().await.unwrap();
        let content = bytes(self.step, length);
        self.store.insert(path, content.clone());
        self.reference.add(path, content, None);
        self.kernel.expire();
    }

    async fn other_deletes(&mut self, path: &str) {
        if self.reference.is_written(path) || !self.reference.files.contains_key(path) {
            return;
        }
        self.kernel.settle().await.unwrap();
        self.reference.replaced(path, usize::MAX);
        self.reference.files.remove(path);
        self.store.remove(path);
        self.kernel.expire();
    }

    /// Closes all handles. Then the bucket must hold the files of the reference, and no state may
    /// remain.
    pub(super) async fn end(&mut self) {
        for open in std::mem::take(&mut self.reference.handles) {
            self.kernel.release(open.id);
        }
        assert_eq!(self.kernel.fs.finish().await, []);
        let mut objects = self.store.objects();
        for folder in &self.reference.kept {
            let marker = format!("{folder}/");
            let is_there = objects.keys().any(|key| key.starts_with(&marker));
            assert!(is_there, "{folder} was to stay");
        }
        // What keeps them may be a marker, or something below.
        objects.retain(|key, _| {
            let folder = key.strip_suffix('/');
            let is_kept = folder.is_some_and(|folder| self.reference.kept.contains(folder));
            !is_kept || folder.is_some_and(|folder| self.reference.markers.contains(folder))
        });
        assert_eq!(objects, self.reference.keys());
        for folder in self.store.objects().into_keys() {
            if let Some(folder) = folder.strip_suffix('/') {
                self.reference.markers.insert(folder.to_owned());
            }
        }
        assert_eq!(self.store.open_uploads(), 0);
        self.kernel.forget();
        self.kernel.expire();
        let kept: BTreeSet<&str> = self
            .reference
            .kept
            .iter()
            .flat_map(|path| {
                std::iter::successors(Some(path.as_str()), |at| {
                    at.rsplit_once('/').map(|(above, _)| above)
                })
            })
            .collect();
        assert!(
            self.kernel.fs.core.tree.count() <= 1 + kept.len(),
            "inodes leak"
        );
        self.reference.kept.clear();
    }
}
