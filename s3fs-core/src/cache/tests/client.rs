//! Client of a bucket with a cache, and the number of its requests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;
use tempfile::TempDir;

use crate::cache::{Cache, Cached, Space};
use crate::config::CacheConfig;
use crate::object::{BucketName, ByteRange, ETag, Key};
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::memory::MemoryStore;
use crate::store::{Condition, GetBody, Store, StoreError, StoreErrorKind};

/// Length of a reader's first request, in bytes.
const FIRST: u64 = 512 << 10;

/// Length of a reader's larger parts, in bytes; smaller here than usual.
const PART: u64 = 2 << 20;

/// Traffic from the bucket.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    gets: AtomicU64,
    bytes: AtomicU64,
}

#[async_trait]
impl Disturbance for Traffic {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        if matches!(operation, Operation::Get | Operation::Head) {
            self.gets.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn after(&self, _operation: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }

    fn body(&self, body: GetBody) -> GetBody {
        let mut bytes = Vec::new();
        // In memory, a body is here at once.
        let mut pieces = stream::unfold(body, |mut body| async move {
            Some((body.next().await.transpose()?, body))
        })
        .boxed();
        while let Some(piece) = futures_util::FutureExt::now_or_never(pieces.next()).flatten() {
            let piece = piece.unwrap();
            self.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
            bytes.push(Ok(piece));
        }
        GetBody::new(stream::iter(bytes))
    }
}

/// Client with its cache.
pub(super) struct Client<S: Store = Disturbed<MemoryStore, Traffic>> {
    pub(super) store: Cached<S>,
    traffic: Arc<Traffic>,
}

/// Returns a path for a cache, which does not exist yet, in a folder that is removed after the
/// test.
pub(super) fn folder() -> (TempDir, PathBuf) {
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("cache");
    (above, dir)
}

pub(super) fn cache(dir: &Path, size: u64) -> Arc<Cache> {
    let dir = dir.to_owned();
    let cache = Cache::open(&CacheConfig { dir, size }).unwrap();
    Arc::new(cache.unwrap())
}

pub(super) fn space() -> Space {
    Space::new(None, &BucketName::new("bucket").unwrap())
}

impl Client {
    /// Creates a client with a cache of up to 1 GiB.
    pub(super) fn new(bucket: &MemoryStore, dir: &Path) -> Self {
        Self::with_cache(bucket, cache(dir, 1 << 30))
    }

    pub(super) fn with_cache(bucket: &MemoryStore, cache: Arc<Cache>) -> Self {
        let traffic = Arc::<Traffic>::default();
        let store = Disturbed {
            store: bucket.clone(),
            disturbance: Arc::clone(&traffic),
        };
        Self {
            store: Cached::new(store, cache, space()),
            traffic,
        }
    }

    /// Returns the number of requests for objects since the last call, and the bytes they brought.
    pub(super) fn traffic(&self) -> (u64, u64) {
        let taken = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        (taken(&self.traffic.gets), taken(&self.traffic.bytes))
    }
}

impl<S: Store> Client<S> {
    pub(super) fn over(store: S, cache: Arc<Cache>) -> Self {
        Self {
            store: Cached::new(store, cache, space()),
            traffic: Arc::default(),
        }
    }

    /// Reads an object as a reader does: its start, in any version, and the rest of that version in
    /// parts.
    pub(super) async fn read(&self, key: &str) -> Result<(ETag, Vec<u8>), StoreError> {
        let key = Key::new(key);
        let first = ByteRange::new(0, FIRST);
        let answer = self.store.get(&key, first, Condition::Any).await?;
        let meta = answer.meta;
        let mut bytes = collect(answer.body).await?;
        while (bytes.len() as u64) < meta.size {
            let start = bytes.len() as u64;
            let part = ByteRange::new(start, (start + PART).min(meta.size));
            let this = Condition::Is(&meta.etag);
            let answer = self.store.get(&key, part, this).await?;
            assert_eq!((answer.range, &answer.meta.etag), (part, &meta.etag));
            bytes.extend(collect(answer.body).await?);
        }
        Ok((meta.etag, bytes))
    }

    /// Reads a range of the present version.
    pub(super) async fn range(&self, key: &str, start: u64, end: u64) -> Vec<u8> {
        let range = ByteRange::new(start, end);
        let answer = self.store.get(&Key::new(key), range, Condition::Any).await;
        let answer = answer.unwrap();
        assert_eq!(answer.range, range);
        collect(answer.body).await.unwrap()
    }

    /// Waits until all blocks that will be stored are on the disk.
    pub(super) async fn end(self) {
        // What still arrives behind a reader is a task.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(self);
    }
}

pub(super) async fn collect(mut body: GetBody) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Returns `length` bytes in which every range is different.
pub(super) fn noise(length: u64, seed: u64) -> Vec<u8> {
    stub_test_support::seeded_noise(length as usize, seed)
}

/// Returns all files below a folder.
pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Returns the only file below a folder whose name has this ending.
pub(super) fn only(dir: &Path, ending: &str) -> PathBuf {
    let mut files = files(dir);
    files.retain(|file| file.to_str().unwrap().ends_with(ending));
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}
