//! Any sequence of operations, by this mount and by others, compared with a simple tree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use crate::fs::tests::kernel::{Kernel, TRUNCATE, WRITE};
use crate::fs::tests::{FIRST_PART, bucket, mount_with};
use crate::fs::{HandleId, OpenMode, SetAttr};
use crate::store::memory::MemoryStore;

const PATHS: [&str; 10] = [
    "a", "b", "d", "e", "a/x", "d/a", "d/e", "d/e/a", "d/e/b", "e/f/g",
];

#[derive(Clone, Debug)]
enum Op {
    Lookup(usize),
    List(usize, usize),
    Create(usize, bool),
    Open(usize, OpenMode),
    Write(usize, u64, usize),
    Append(usize, usize),
    Read(usize, u64, u64),
    Flush(usize),
    Fsync(usize),
    Release(usize),
    Truncate(usize, u64),
    Unlink(usize),
    Mkdir(usize),
    Rmdir(usize),
    OtherPuts(usize, usize),
    OtherDeletes(usize),
    Expire,
    Forget,
    Remount,
}

fn op() -> impl Strategy<Value = Op> {
    let path = 0..PATHS.len();
    let handle = 0..8usize;
    let mode = prop_oneof![Just(OpenMode::Read), Just(WRITE), Just(TRUNCATE)];
    let offset = prop_oneof![0..40u64, 0..3 * FIRST_PART];
    let length = prop_oneof![1..40usize, 1..2 * FIRST_PART as usize];
    prop_oneof![
        4 => path.clone().prop_map(Op::Lookup),
        3 => (path.clone(), 1..4usize).prop_map(|(p, room)| Op::List(p, room)),
        6 => (path.clone(), any::<bool>()).prop_map(|(p, excl)| Op::Create(p, excl)),
        6 => (path.clone(), mode).prop_map(|(p, mode)| Op::Open(p, mode)),
        5 => (handle.clone(), offset.clone(), length.clone())
            .prop_map(|(h, at, n)| Op::Write(h, at, n)),
        5 => (handle.clone(), length.clone()).prop_map(|(h, n)| Op::Append(h, n)),
        6 => (handle.clone(), offset.clone(), 0..3 * FIRST_PART)
            .prop_map(|(h, at, n)| Op::Read(h, at, n)),
        2 => handle.clone().prop_map(Op::Flush),
        2 => handle.clone().prop_map(Op::Fsync),
        5 => handle.prop_map(Op::Release),
        2 => (path.clone(), offset).prop_map(|(p, size)| Op::Truncate(p, size)),
        3 => path.clone().prop_map(Op::Unlink),
        3 => path.clone().prop_map(Op::Mkdir),
        3 => path.clone().prop_map(Op::Rmdir),
        2 => (path.clone(), length).prop_map(|(p, n)| Op::OtherPuts(p, n)),
        2 => path.prop_map(Op::OtherDeletes),
        1 => Just(Op::Expire),
        1 => Just(Op::Forget),
        1 => Just(Op::Remount),
    ]
}

/// What a bucket and a mount should look like.
#[derive(Debug, Default)]
struct Reference {
    /// The visible files; the number is a version that other clients replace as a whole.
    files: BTreeMap<String, usize>,
    contents: Vec<Vec<u8>>,
    markers: BTreeSet<String>,
    /// Folders that stay because something in them was removed here.
    kept: BTreeSet<String>,
    handles: Vec<Open>,
}

#[derive(Clone, Debug)]
struct Open {
    id: HandleId,
    path: String,
    file: usize,
    writes: bool,
}

impl Reference {
    fn is_dir(&self, path: &str) -> bool {
        let below = format!("{path}/");
        let has = |name: &String| name == path || name.starts_with(&below);
        path.is_empty()
            || self.markers.iter().any(has)
            || self.kept.iter().any(has)
            || self.files.keys().any(|name| name.starts_with(&below))
    }

    fn entries(&self, path: &str) -> BTreeMap<String, bool> {
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let dirs = self.markers.iter().chain(&self.kept).map(|d| (d, true));
        let files = self.files.keys().map(|f| (f, false));
        let mut entries = BTreeMap::new();
        for (name, is_dir) in dirs.chain(files) {
            if let Some(rest) = name.strip_prefix(&prefix).filter(|rest| !rest.is_empty()) {
                match rest.split_once('/') {
                    Some((first, _)) => entries.insert(first.to_owned(), true),
                    None => entries.insert(rest.to_owned(), is_dir),
                };
            }
        }
        entries
    }

    fn add(&mut self, path: &str, content: Vec<u8>) -> usize {
        self.contents.push(content);
        let file = self.contents.len() - 1;
        self.files.insert(path.to_owned(), file);
        file
    }

    fn is_current(&self, open: &Open) -> bool {
        self.files.get(&open.path) == Some(&open.file)
    }

    fn is_written(&self, path: &str) -> bool {
        let mut writers = self.handles.iter().filter(|h| h.writes);
        writers.any(|h| h.path == path && self.is_current(h))
    }

    fn keep(&mut self, path: &str) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.kept.insert(folder.to_owned());
        }
    }

    fn keys(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.files.iter();
        let files = files.map(|(name, file)| (name.clone(), self.contents[*file].clone()));
        let markers = self.markers.iter();
        files
            .chain(markers.map(|dir| (format!("{dir}/"), Vec::new())))
            .collect()
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Bytes that say where they are from.
fn bytes(version: usize, length: usize) -> Vec<u8> {
    (0..length).map(|i| (version * 31 + i) as u8).collect()
}

struct Run {
    store: MemoryStore,
    kernel: Kernel,
    reference: Reference,
    step: usize,
    budget: u64,
}

impl Run {
    async fn mounted(store: &MemoryStore, budget: u64) -> Kernel {
        mount_with(Arc::new(store.clone()), crate::Access::default(), budget).await
    }

    async fn new(budget: u64) -> Self {
        let store = bucket();
        let kernel = Self::mounted(&store, budget).await;
        Self {
            store,
            kernel,
            reference: Reference::default(),
            step: 0,
            budget,
        }
    }

    fn open(&self, handle: usize) -> Option<Open> {
        let handles = &self.reference.handles;
        (!handles.is_empty()).then(|| handles[handle % handles.len()].clone())
    }

    async fn step(&mut self, op: Op) {
        self.step += 1;
        match op {
            Op::Lookup(path) => self.lookup(PATHS[path]).await,
            Op::List(path, room) => self.list(PATHS[path], room).await,
            Op::Create(path, exclusive) => self.create(PATHS[path], exclusive).await,
            Op::Open(path, mode) => self.open_file(PATHS[path], mode).await,
            Op::Write(handle, offset, length) => self.write(handle, Some(offset), length).await,
            Op::Append(handle, length) => self.write(handle, None, length).await,
            Op::Read(handle, offset, length) => self.read(handle, offset, length).await,
            Op::Flush(handle) => self.store(handle, false).await,
            Op::Fsync(handle) => self.store(handle, true).await,
            Op::Release(handle) => self.release(handle).await,
            Op::Truncate(path, size) => self.truncate(PATHS[path], size).await,
            Op::Unlink(path) => self.unlink(PATHS[path]).await,
            Op::Mkdir(path) => self.mkdir(PATHS[path]).await,
            Op::Rmdir(path) => self.rmdir(PATHS[path]).await,
            Op::OtherPuts(path, length) => self.other_puts(PATHS[path], length),
            Op::OtherDeletes(path) => self.other_deletes(PATHS[path]),
            Op::Expire => self.kernel.expire(),
            Op::Forget => self.kernel.forget(),
            Op::Remount => {
                self.settle().await;
                self.kernel = Self::mounted(&self.store, self.budget).await;
            }
        }
    }

    async fn lookup(&self, path: &str) {
        let found = self.kernel.walk(path).await;
        let found = found.ok().map(|attr| (attr.is_dir, attr.size));
        let expected = if self.reference.is_dir(path) {
            Some((true, 0))
        } else {
            let file = self.reference.files.get(path);
            file.map(|file| (false, self.reference.contents[*file].len() as u64))
        };
        assert_eq!(found, expected, "lookup of {path}");
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
            None => self.reference.add(path, Vec::new()),
        };
        self.reference.contents[file].clear();
        self.opened(created.unwrap(), path, file, true);
    }

    fn opened(&mut self, id: HandleId, path: &str, file: usize, writes: bool) {
        let path = path.to_owned();
        self.reference.handles.push(Open {
            id,
            path,
            file,
            writes,
        });
    }

    async fn open_file(&mut self, path: &str, mode: OpenMode) {
        let Some(file) = self.reference.files.get(path).copied() else {
            return;
        };
        let id = self.kernel.open(path, mode).await.unwrap();
        if mode == TRUNCATE {
            self.reference.contents[file].clear();
        }
        self.opened(id, path, file, mode != OpenMode::Read);
    }

    async fn write(&mut self, handle: usize, offset: Option<u64>, length: usize) {
        let Some(open) = self.open(handle).filter(|open| open.writes) else {
            return;
        };
        let size = self.reference.contents[open.file].len() as u64;
        let offset = offset.unwrap_or(size);
        let data = bytes(self.step, length);
        let written = self.kernel.write(open.id, offset, &data).await;
        let end = offset as usize + length;
        written.unwrap();
        let content = &mut self.reference.contents[open.file];
        content.resize(content.len().max(end), 0);
        content[offset as usize..end].copy_from_slice(&data);
    }

    async fn read(&self, handle: usize, offset: u64, length: u64) {
        let Some(open) = self.open(handle) else {
            return;
        };
        let content = &self.reference.contents[open.file];
        let end = (offset + length).min(content.len() as u64);
        let expected = &content[offset.min(end) as usize..end as usize];
        match self.kernel.read(open.id, offset, length).await {
            Ok(bytes) => {
                let as_before = open.writes && !self.reference.is_current(&open);
                assert!(
                    bytes == expected || (as_before && bytes.is_empty()),
                    "{open:?} at {offset}"
                );
            }
            Err(error) => assert!(!self.reference.is_current(&open), "{open:?}: {error}"),
        }
    }

    async fn store(&self, handle: usize, fsync: bool) {
        let Some(open) = self.open(handle) else {
            return;
        };
        let stored = if fsync {
            self.kernel.fs.fsync(open.id).await
        } else {
            self.kernel.flush(open.id).await
        };
        if self.reference.is_current(&open) {
            stored.unwrap();
            if open.writes {
                let objects = self.store.objects();
                let content = &self.reference.contents[open.file];
                assert_eq!(objects.get(&open.path).unwrap(), content, "{open:?}");
            }
        }
    }

    async fn release(&mut self, handle: usize) {
        let Some(open) = self.open(handle) else {
            return;
        };
        self.kernel.release(open.id).await;
        self.reference.handles.retain(|other| other.id != open.id);
    }

    async fn truncate(&mut self, path: &str, size: u64) {
        let Some(file) = self.reference.files.get(path).copied() else {
            return;
        };
        let ino = self.kernel.walk(path).await.unwrap().ino;
        let set = SetAttr {
            size: Some(size),
            ..SetAttr::default()
        };
        let done = self.kernel.fs.setattr(ino, set).await.map(drop);
        let content = &mut self.reference.contents[file];
        done.unwrap();
        content.resize(size as usize, 0);
    }

    async fn unlink(&mut self, path: &str) {
        if !self.reference.is_dir(parent(path)) {
            return;
        }
        let done = self.kernel.unlink(path).await;
        assert_eq!(
            done.is_ok(),
            self.reference.files.remove(path).is_some(),
            "{path}"
        );
        if done.is_ok() {
            self.reference.keep(path);
        }
    }

    async fn mkdir(&mut self, path: &str) {
        if !self.reference.is_dir(parent(path)) {
            return;
        }
        let done = self.kernel.mkdir(path).await;
        let exists = self.reference.is_dir(path) || self.reference.files.contains_key(path);
        assert_eq!(done.is_ok(), !exists, "{path}: {done:?}");
        if done.is_ok() {
            self.reference.markers.insert(path.to_owned());
        }
    }

    async fn rmdir(&mut self, path: &str) {
        if !self.reference.is_dir(parent(path)) {
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

    /// Another client stores an object, where that changes no name's kind and nobody writes.
    fn other_puts(&mut self, path: &str, length: usize) {
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
        let content = bytes(self.step, length);
        self.store.insert(path, content.clone());
        self.reference.add(path, content);
        self.kernel.expire();
    }

    fn other_deletes(&mut self, path: &str) {
        if self.reference.is_written(path) || self.reference.files.remove(path).is_none() {
            return;
        }
        self.store.remove(path);
        self.kernel.expire();
    }

    /// Closes everything; then the bucket must hold what the reference does, and nobody remembers.
    async fn settle(&mut self) {
        for open in std::mem::take(&mut self.reference.handles) {
            self.kernel.release(open.id).await;
        }
        assert_eq!(self.kernel.fs.finish().await, []);
        let objects = self.store.objects();
        assert_eq!(objects, as_bytes(self.reference.keys()));
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
        assert_eq!(self.kernel.fs.tree.count(), 1 + kept.len(), "inodes leak");
        self.reference.kept.clear();
    }
}

fn as_bytes(keys: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, bytes::Bytes> {
    let keys = keys.into_iter();
    keys.map(|(key, content)| (key, content.into())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_mount_behaves_like_a_simple_tree(
        ops in proptest::collection::vec(op(), 1..60),
        budget in prop_oneof![Just(64u64 << 20), Just(4 << 20), Just(0)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new(budget).await;
            for op in ops {
                run.step(op).await;
            }
            run.settle().await;
        });
    }
}
