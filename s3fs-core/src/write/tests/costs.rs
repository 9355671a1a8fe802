//! Number of requests of each case.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{FIRST_PART, Somewhere, bucket, object, target, try_read};
use crate::object::{Key, ObjectRef};
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::memory::MemoryStore;
use crate::store::{Store, StoreErrorKind};
use crate::write::{FindDestination, Stages, Writer};

/// Counter of requests.
#[derive(Debug, Default)]
struct Counts(Mutex<Vec<Operation>>);

impl Counts {
    /// Returns how often each operation was requested since the last call; panics if any other was.
    fn take<const N: usize>(&self, operations: [Operation; N]) -> [usize; N] {
        let asked = std::mem::take(&mut *self.0.lock().unwrap());
        let counts = operations.map(|of| asked.iter().filter(|asked| **asked == of).count());
        assert_eq!(counts.iter().sum::<usize>(), asked.len(), "{asked:?}");
        counts
    }
}

#[async_trait]
impl Disturbance for Counts {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        self.0.lock().unwrap().push(operation);
        Ok(())
    }

    async fn after(&self, _operation: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }
}

struct Counted {
    memory: MemoryStore,
    counts: Arc<Counts>,
    store: Arc<dyn Store>,
    at: Arc<Somewhere>,
}

impl Counted {
    fn new() -> Self {
        let (memory, counts) = (bucket(), Arc::<Counts>::default());
        let store = Arc::new(Disturbed {
            store: memory.clone(),
            disturbance: Arc::clone(&counts),
        });
        Self {
            memory,
            counts,
            store,
            at: Somewhere::new("f", false),
        }
    }

    fn create(&self, budget: u64) -> Writer {
        let place: Arc<dyn FindDestination> = self.at.clone();
        Writer::create(self.target(budget), place)
    }

    fn target(&self, budget: u64) -> crate::write::Target {
        target(Arc::clone(&self.store), budget, &Stages::default())
    }

    async fn open(&self, size: u64) -> Writer {
        self.memory.insert("f", vec![7; size as usize]);
        let object = object(&self.memory, &Key::new("f")).await;
        let place: Arc<dyn FindDestination> = self.at.clone();
        Writer::open(self.target(1 << 20), place, object)
            .await
            .unwrap()
    }
}

use Operation::{Abort, Complete, Copy, CopyPart, CreateUpload, Get, Put, UploadPart};

#[tokio::test]
async fn a_small_file_is_one_request_however_it_came_about() {
    let counted = Counted::new();
    let writer = counted.create(1 << 20);
    for at in [30, 0, 50] {
        writer.write(at, &[1; 14]).await.unwrap();
    }
    writer.store().await.unwrap();
    writer.store().await.unwrap();
    assert_eq!(counted.counts.take([Put]), [1]);
    let writer = counted.open(FIRST_PART).await;
    writer.punch(3, 5).await.unwrap();
    writer.store().await.unwrap();
    assert_eq!(counted.counts.take([Get, Put]), [1, 1]);
}

#[tokio::test]
async fn rewriting_the_beginning_of_a_file_that_streamed_sends_its_first_part_again() {
    let counted = Counted::new();
    let writer = counted.create(1 << 20);
    writer
        .write(0, &[1; 4 * FIRST_PART as usize])
        .await
        .unwrap();
    assert!(writer.try_write(4, &[2; 8]).unwrap());
    let read = try_read(&counted.memory, &writer, 2, 4).await;
    assert_eq!(read.unwrap(), [1, 1, 2, 2], "without storing it");
    writer.store().await.unwrap();
    let operations = [CreateUpload, UploadPart, Complete];
    assert_eq!(counted.counts.take(operations), [1, 5, 1]);
    assert_eq!(counted.memory.objects()["f"][..5], [1, 1, 1, 1, 2]);
}

#[tokio::test]
async fn without_memory_the_beginning_is_changed_in_what_was_stored() {
    let counted = Counted::new();
    let writer = counted.create(0);
    writer
        .write(0, &[1; 4 * FIRST_PART as usize])
        .await
        .unwrap();
    writer.write(4, &[2; 8]).await.unwrap();
    let operations = [CreateUpload, UploadPart, Complete];
    assert_eq!(counted.counts.take(operations), [1, 4, 1]);
    writer.store().await.unwrap();
    let operations = [CreateUpload, Get, UploadPart, CopyPart, Complete];
    assert_eq!(counted.counts.take(operations), [1, 2, 1, 1, 1]);
}

#[tokio::test]
async fn memory_that_is_needed_otherwise_is_taken_from_beginnings() {
    let counted = Counted::new();
    let target = counted.target(4 * (64 << 10));
    let place: Arc<dyn FindDestination> = counted.at.clone();
    let writer = Writer::create(target.clone(), place);
    writer
        .write(0, &[1; FIRST_PART as usize + 1])
        .await
        .unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let others: Vec<_> = (0..3)
        .filter_map(|_| target.budget.take_reclaiming(64 << 10))
        .collect();
    assert_eq!(others.len(), 3);
    assert!(!writer.try_write(0, b"x").unwrap(), "the beginning is gone");
    writer.write(0, b"x").await.unwrap();
    writer.store().await.unwrap();
    assert_eq!(counted.memory.objects()["f"][..2], *b"x\x01");
}

#[tokio::test]
async fn appending_to_a_large_file_copies_it_and_sends_what_is_new() {
    let counted = Counted::new();
    let writer = counted.open(9000).await;
    writer.write(9000, b"more").await.unwrap();
    assert_eq!(counted.counts.take([Put]), [0], "nothing yet");
    writer.store().await.unwrap();
    let operations = [CreateUpload, CopyPart, UploadPart, Complete];
    assert_eq!(counted.counts.take(operations), [1, 3, 1, 1]);
    writer.write(9004, &[1; 200]).await.unwrap();
    writer.store().await.unwrap();
    assert_eq!(counted.counts.take(operations), [1, 3, 4, 1]);
}

#[tokio::test]
async fn appending_and_then_changing_the_middle_begins_no_upload_in_vain() {
    let counted = Counted::new();
    let writer = counted.open(9000).await;
    writer.write(9000, b"more").await.unwrap();
    writer.write(4000, b"here").await.unwrap();
    writer.store().await.unwrap();
    let operations = [CreateUpload, CopyPart, Get, UploadPart, Complete];
    assert_eq!(counted.counts.take(operations), [1, 3, 1, 2, 1]);
}

#[tokio::test]
async fn truncating_a_large_file_copies_what_is_left_of_it() {
    let counted = Counted::new();
    let writer = counted.open(9000).await;
    writer.resize(5000).await.unwrap();
    writer.store().await.unwrap();
    let operations = [CreateUpload, CopyPart, Complete];
    assert_eq!(counted.counts.take(operations), [1, 2, 1]);
    writer.resize(50).await.unwrap();
    writer.store().await.unwrap();
    assert_eq!(counted.counts.take([Get, Put]), [1, 1]);
    writer.resize(0).await.unwrap();
    writer.store().await.unwrap();
    assert_eq!(counted.counts.take([Put]), [1]);
}

#[tokio::test]
async fn a_file_that_becomes_another_is_a_copy_with_headers_of_its_own() {
    let counted = Counted::new();
    counted.memory.insert("source", vec![1; 9000]);
    let source = object(&counted.memory, &Key::new("source")).await;
    let writer = counted.create(1 << 20);
    let all: Arc<ObjectRef> = Arc::new(source);
    writer.copy_range(0, all, 0, 9000).await.unwrap();
    writer.store().await.unwrap();
    assert_eq!(counted.counts.take([Copy]), [1]);
    let text = || Some("text/plain".to_owned());
    counted.at.change(|to| to.headers.content_type = text());
    assert!(!writer.store().await.unwrap().anew);
    writer.touch().await;
    let stored = writer.store().await.unwrap();
    assert_eq!(counted.counts.take([Copy]), [1]);
    assert_eq!(stored.headers.content_type, text());
    let described = counted.memory.head(&Key::new("f")).await.unwrap();
    assert_eq!(described.headers.content_type, text());
}

#[tokio::test]
async fn a_hole_is_sent_and_takes_no_memory() {
    let counted = Counted::new();
    let writer = counted.create(0);
    writer.resize(10 * FIRST_PART).await.unwrap();
    writer.store().await.unwrap();
    let operations = [CreateUpload, UploadPart, Complete];
    assert_eq!(counted.counts.take(operations), [1, 10, 1]);
    assert_eq!(counted.memory.objects()["f"], vec![0; 640]);
}

#[tokio::test]
async fn holes_are_copied_from_the_longest_zeros_that_are_there() {
    let counted = Counted::new();
    // Other servers get parts of one size.
    counted.memory.capabilities().assume_all();
    let target = counted.target(1 << 20);
    let store = async |key, parts| {
        let place: Arc<dyn FindDestination> = Somewhere::new(key, false);
        let writer = Writer::create(target.clone(), place);
        writer.resize(parts * FIRST_PART).await.unwrap();
        writer.store().await.unwrap();
    };
    store("short", 10).await;
    store("long", 12).await;
    let operations = [CreateUpload, UploadPart, CopyPart, Complete];
    assert_eq!(counted.counts.take(operations), [2, 10, 2, 2]);
    counted
        .memory
        .insert("long", vec![1; 12 * FIRST_PART as usize]);
    store("f", 8).await;
    assert_eq!(counted.counts.take(operations), [1, 0, 2, 1]);
    assert_eq!(counted.memory.objects()["f"], vec![0; 512]);
    for key in ["short", "f"] {
        counted.memory.insert(key, vec![1; 8 * FIRST_PART as usize]);
    }
    store("f", 8).await;
    let [uploads, sent, _, _, aborted] =
        counted
            .counts
            .take([CreateUpload, UploadPart, CopyPart, Complete, Abort]);
    assert_eq!((uploads, aborted), (2, 1));
    assert_eq!(
        sent, 8,
        "no zeros are left to copy, and no part is larger than others"
    );
}
