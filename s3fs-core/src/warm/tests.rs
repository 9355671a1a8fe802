//! Warming from servers that answer something else than they were asked for.

#![allow(
    clippy::unwrap_used,
    reason = "what a test expects to succeed is unwrapped"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::stream;
use futures_util::{FutureExt, StreamExt};
use tempfile::TempDir;

use super::folders::warm_folders;
use super::object::{FetchError, Fetched, fetch};
use super::report::Amount;
use super::warming::Warming;
use crate::budget::Budget;
use crate::cache::{Cache, Filler, Space};
use crate::config::CacheConfig;
use crate::object::{BucketName, ByteRange, ETag, Headers, Key, ObjectMeta, Prefix};
use crate::store::memory::MemoryStore;
use crate::store::{Condition, GetBody, GetResponse, Layer, Store, StoreError, StoreErrorKind};

/// Size of the object in bytes: several parts.
const SIZE: u64 = (20 << 20) + 17;

/// Fault of a server.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// None.
    Nothing,
    /// Server that sends the whole object.
    IgnoresRange,
    /// Server that sends bytes from elsewhere, and says so.
    SendsOtherRange,
    /// Server that sends the present version, whichever was asked for.
    IgnoresVersion,
    /// Server that sends the whole object as the range that was asked for.
    SendsMore,
    /// Server that sends the start of a part as the part.
    SendsLess,
}

/// Store of such a server.
#[derive(Debug)]
struct Lying {
    store: MemoryStore,
    lie: Lie,
    /// Number of bytes that were taken from bodies.
    taken: Arc<AtomicU64>,
}

impl Layer for Lying {
    type Below = MemoryStore;

    fn below(&self) -> &MemoryStore {
        &self.store
    }

    async fn forward_get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let moved = |range: ByteRange| ByteRange::at(range.start() / 2, range.length());
        let start = |range: ByteRange| ByteRange::at(range.start(), range.length() / 2);
        let (sent, condition) = match self.lie {
            Lie::IgnoresRange | Lie::SendsMore => (None, condition),
            Lie::SendsOtherRange => (range.and_then(moved), condition),
            Lie::Nothing => (range, condition),
            Lie::IgnoresVersion => (range, Condition::Any),
            Lie::SendsLess => (range.and_then(start), condition),
        };
        let answer = self.store.get(key, sent, condition).await?;
        let claimed = match self.lie {
            Lie::SendsMore | Lie::SendsLess => range,
            _ => answer.range,
        };
        let taken = Arc::clone(&self.taken);
        let pieces = stream::unfold(answer.body, |mut body| async move {
            Some((body.next().await.transpose()?, body))
        });
        let pieces = pieces.inspect(move |piece| {
            let bytes = piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
            taken.fetch_add(bytes, Ordering::Relaxed);
        });
        Ok(GetResponse {
            range: claimed,
            body: GetBody::new(pieces),
            ..answer
        })
    }
}

fn cache(size: u64) -> (TempDir, Arc<Cache>) {
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("cache");
    let cache = Cache::open(&CacheConfig { dir, size }).unwrap().unwrap();
    (above, Arc::new(cache))
}

fn budget() -> Budget {
    Budget::new(16 << 20)
}

fn space() -> Space {
    Space::new(None, &BucketName::new("bucket").unwrap())
}

/// Outcome of a fetch from a server with this fault: its result, the number of bytes that were taken,
/// and whether the cache holds the listed version.
async fn fetched(lie: Lie) -> (Result<Fetched, FetchError>, u64, bool) {
    let (_above, cache) = cache(1 << 30);
    let filler = Filler::new(cache, space());
    let store = MemoryStore::default();
    let key = Key::new("key");
    store.insert("key", vec![1; SIZE as usize]);
    let listed: ObjectMeta = store.head(&key).await.unwrap().meta;
    if matches!(lie, Lie::IgnoresVersion) {
        store.insert("key", vec![2; SIZE as usize]);
    }
    let taken = Arc::<AtomicU64>::default();
    let lying = Lying {
        store,
        lie,
        taken: Arc::clone(&taken),
    };
    let result = fetch(&lying, &filler, &budget(), &key, &listed).await;
    let held = filler.held(vec![(key, listed)]).await;
    (result, taken.load(Ordering::Relaxed), held[0])
}

fn kind(result: Result<Fetched, FetchError>) -> StoreErrorKind {
    match result {
        Err(FetchError::Store(error)) => error.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_range_is_refused_before_its_body() {
    let (result, taken, is_held) = fetched(Lie::IgnoresRange).await;
    assert!(matches!(kind(result), StoreErrorKind::NotS3(_)));
    assert_eq!((taken, is_held), (0, false));
}

#[tokio::test]
async fn bytes_from_elsewhere_are_not_stored() {
    let (result, _, is_held) = fetched(Lie::SendsOtherRange).await;
    assert!(matches!(kind(result), StoreErrorKind::NotS3(_)));
    assert!(!is_held);
}

#[tokio::test]
async fn another_version_is_skipped_though_the_server_sends_it() {
    let (result, taken, is_held) = fetched(Lie::IgnoresVersion).await;
    assert_eq!(result.unwrap(), Fetched::Skipped);
    assert_eq!((taken, is_held), (0, false));
}

#[tokio::test]
async fn a_body_of_another_length_is_an_error_and_is_not_read_to_its_end() {
    let (result, taken, is_held) = fetched(Lie::SendsMore).await;
    assert!(matches!(kind(result), StoreErrorKind::NotS3(_)));
    assert!(taken < SIZE / 2 && !is_held, "{taken}");
    let (result, _, is_held) = fetched(Lie::SendsLess).await;
    assert!(matches!(kind(result), StoreErrorKind::Truncated(_)));
    assert!(!is_held);
}

#[tokio::test]
async fn parts_that_are_there_are_not_fetched_again() {
    let (_above, cache) = cache(1 << 30);
    let filler = Filler::new(cache, space());
    let (store, key) = (MemoryStore::default(), Key::new("key"));
    store.insert("key", vec![1; SIZE as usize]);
    let listed = store.head(&key).await.unwrap().meta;
    let part = 8 << 20;
    let middle = filler.store(
        &key,
        listed.clone(),
        Headers::default(),
        part,
        vec![1; 8 << 20],
    );
    assert!(middle.await.unwrap());
    let taken = Arc::<AtomicU64>::default();
    let counting = Lying {
        store,
        lie: Lie::Nothing,
        taken: Arc::clone(&taken),
    };
    for expected in [SIZE - part, 0] {
        let result = fetch(&counting, &filler, &budget(), &key, &listed).await;
        assert_eq!(result.unwrap(), Fetched::Stored);
        assert_eq!(taken.swap(0, Ordering::Relaxed), expected);
    }
    assert_eq!(filler.held(vec![(key, listed)]).await, [true]);
}

#[tokio::test]
async fn an_object_with_a_weak_tag_is_counted_and_not_fetched() {
    let (_above, cache) = cache(1 << 30);
    let store = MemoryStore::default();
    store.insert("weak", vec![1; 100]);
    store.insert("exact", vec![2; 50]);
    store.set_etag("weak", ETag::new("W/\"1\""));
    let taken = Arc::<AtomicU64>::default();
    let counting = Lying {
        store,
        lie: Lie::Nothing,
        taken: Arc::clone(&taken),
    };
    let warming = Warming::new(Arc::new(counting), cache, space(), Prefix::root(), budget());
    warming.run().await.unwrap();
    let report = warming.progress().now();
    let amount = |bytes| Amount { objects: 1, bytes };
    assert_eq!((report.weak, report.fetched), (amount(100), amount(50)));
    assert!(!report.is_complete());
    assert_eq!(taken.load(Ordering::Relaxed), 50);
}

#[tokio::test]
async fn no_request_is_sent_without_memory_of_the_process() {
    let (_above, cache) = cache(1 << 30);
    let filler = Filler::new(cache, space());
    let (store, key) = (MemoryStore::default(), Key::new("key"));
    store.insert("key", vec![1; 1000]);
    let listed = store.head(&key).await.unwrap().meta;
    let budget = budget();
    let all = budget.take(budget.total()).await;
    let mut fetching = Box::pin(fetch(&store, &filler, &budget, &key, &listed));
    assert!(fetching.as_mut().now_or_never().is_none());
    // The version that was listed is gone by the time of the request.
    store.insert("key", vec![2; 1000]);
    drop(all);
    assert_eq!(fetching.await.unwrap(), Fetched::Skipped);
}

#[tokio::test]
async fn folders_of_a_mount_do_not_evict_each_others_files() {
    let (_above, cache) = cache(16 << 20);
    let store = MemoryStore::default();
    for n in 0..100 {
        store.insert(&format!("m/a/{n}"), vec![1; 100_000]);
        store.insert(&format!("m/b/{n}"), vec![2; 100_000]);
    }
    let base = Prefix::new("m/").unwrap();
    let folders = ["a/".to_owned(), "b/".to_owned(), "a/".to_owned()];
    let warming = |prefix| {
        let store = Arc::new(store.clone());
        Warming::new(store, Arc::clone(&cache), space(), prefix, budget())
    };
    warm_folders(&base, &folders, warming).await;
    let filler = Filler::new(Arc::clone(&cache), space());
    let mut held = Vec::new();
    for folder in ["a", "b"] {
        let mut objects = Vec::new();
        for n in 0..100 {
            let key = Key::new(format!("m/{folder}/{n}"));
            let meta = store.head(&key).await.unwrap().meta;
            objects.push((key, meta));
        }
        let here = filler.held(objects).await.into_iter();
        held.push(here.filter(|is_held| *is_held).count());
    }
    assert_eq!(held[0], 100);
    assert!((1..100).contains(&held[1]), "{held:?}");
}
