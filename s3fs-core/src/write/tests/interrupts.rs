//! Flushes that a change or a removal of the file interrupts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::{FIRST_PART, Somewhere, bucket, target};
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::memory::MemoryStore;
use crate::store::{Store, StoreErrorKind};
use crate::write::{FindDestination, FindNeed, FlushNeed, Stages, WriteError, Writer};

/// Store that takes parts only as it is allowed to.
#[derive(Debug)]
struct Parts {
    allowed: Semaphore,
    began: Semaphore,
}

#[async_trait]
impl Disturbance for Parts {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        if operation == Operation::UploadPart {
            self.began.add_permits(1);
            self.allowed.acquire().await.unwrap().forget();
        }
        Ok(())
    }

    async fn after(&self, _operation: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }
}

struct Slow {
    memory: MemoryStore,
    parts: Arc<Parts>,
    writer: Arc<Writer>,
}

/// Number of parts of the file in these tests: more than are in flight at a time.
const PARTS: u64 = 30;

impl Slow {
    /// Creates a file with holes, and a store that takes no part yet.
    async fn new() -> Self {
        let memory = bucket();
        let parts = Arc::new(Parts {
            allowed: Semaphore::new(0),
            began: Semaphore::new(0),
        });
        let store: Arc<dyn Store> = Arc::new(Disturbed {
            store: memory.clone(),
            disturbance: Arc::clone(&parts),
        });
        let place: Arc<dyn FindDestination> = Somewhere::new("f", false);
        let target = target(store, 1 << 20, &Stages::default());
        let writer = Arc::new(Writer::create(target, place));
        writer.resize(PARTS * FIRST_PART).await.unwrap();
        Self {
            memory,
            parts,
            writer,
        }
    }

    /// Begins to store the file, and waits until parts are in flight.
    async fn begin(
        &self,
        decide: FindNeed,
    ) -> tokio::task::JoinHandle<Result<crate::write::Stored, WriteError>> {
        let writer = Arc::clone(&self.writer);
        let storing = tokio::spawn(async move { writer.store_unless(decide).await });
        self.parts.began.acquire_many(10).await.unwrap().forget();
        storing
    }
}

/// Returns a decision, and whether it was asked for.
fn decision(may: bool) -> (FindNeed, Arc<AtomicBool>) {
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let decide: FindNeed = Arc::new(move || {
        seen.store(true, Ordering::Release);
        if may {
            FlushNeed::Background
        } else {
            FlushNeed::Due
        }
    });
    (decide, asked)
}

#[tokio::test]
async fn a_change_interrupts_a_flush_and_is_stored_with_the_rest() {
    let slow = Slow::new().await;
    let (decide, asked) = decision(true);
    let storing = slow.begin(decide).await;
    let writer = Arc::clone(&slow.writer);
    let writing = tokio::spawn(async move { writer.write(5, b"new").await });
    while !asked.load(Ordering::Acquire) {
        tokio::task::yield_now().await;
    }
    slow.parts.allowed.add_permits(10);
    writing.await.unwrap().unwrap();
    let stored = storing.await.unwrap();
    assert!(matches!(stored, Err(WriteError::Interrupted)), "{stored:?}");
    assert!(!slow.writer.is_stored());
    assert!(slow.memory.objects().is_empty());
    assert_eq!(slow.parts.began.available_permits(), 0, "no further part");
    slow.parts.allowed.add_permits(1000);
    slow.writer.store_unless(decision(true).0).await.unwrap();
    let mut expected = vec![0; (PARTS * FIRST_PART) as usize];
    expected[5..8].copy_from_slice(b"new");
    assert!(slow.memory.objects()["f"] == expected);
}

#[tokio::test]
async fn a_change_waits_for_the_last_parts_of_an_upload() {
    let slow = Slow::new().await;
    let (decide, asked) = decision(true);
    let storing = slow.begin(decide).await;
    slow.parts.allowed.add_permits(PARTS as usize - 5);
    let others = u32::try_from(PARTS - 10).unwrap();
    slow.parts
        .began
        .acquire_many(others)
        .await
        .unwrap()
        .forget();
    let writer = Arc::clone(&slow.writer);
    let writing = tokio::spawn(async move { writer.write(5, b"new").await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!asked.load(Ordering::Acquire), "25 of 30 parts are stored");
    slow.parts.allowed.add_permits(5);
    assert_eq!(storing.await.unwrap().unwrap().size, PARTS * FIRST_PART);
    writing.await.unwrap().unwrap();
    assert!(!slow.writer.is_stored());
}

#[tokio::test]
async fn a_removal_waits_for_no_part() {
    let slow = Slow::new().await;
    let storing = slow.begin(decision(true).0).await;
    let asked = slow.writer.interrupt();
    assert!(matches!(
        storing.await.unwrap(),
        Err(WriteError::Interrupted)
    ));
    drop(asked);
    slow.writer.orphan().await;
    assert!(slow.memory.objects().is_empty());
    assert_eq!(slow.memory.open_uploads(), 0);
}

#[tokio::test]
async fn a_flush_that_somebody_waits_for_goes_on() {
    let slow = Slow::new().await;
    let (decide, asked) = decision(false);
    let storing = slow.begin(decide).await;
    let writer = Arc::clone(&slow.writer);
    let writing = tokio::spawn(async move { writer.write(5, b"new").await });
    while !asked.load(Ordering::Acquire) {
        tokio::task::yield_now().await;
    }
    slow.parts.allowed.add_permits(1000);
    assert_eq!(storing.await.unwrap().unwrap().size, PARTS * FIRST_PART);
    writing.await.unwrap().unwrap();
    let zeros = vec![0; (PARTS * FIRST_PART) as usize];
    assert!(
        slow.memory.objects()["f"] == zeros,
        "as of before the change"
    );
    slow.writer.store().await.unwrap();
    assert_eq!(slow.memory.objects()["f"][5..8], *b"new");
}

#[tokio::test]
async fn a_streamed_file_goes_on_growing_after_an_interruption() {
    let slow = Slow::new().await;
    slow.writer.resize(0).await.unwrap();
    let bytes: Vec<u8> = (0..12 * FIRST_PART).map(|n| n as u8).collect();
    slow.parts.allowed.add_permits(2);
    for (n, piece) in bytes.chunks(FIRST_PART as usize).take(3).enumerate() {
        let at = n as u64 * FIRST_PART;
        slow.writer.write(at, piece).await.unwrap();
    }
    let storing = tokio::spawn({
        let writer = Arc::clone(&slow.writer);
        async move { writer.store_unless(decision(true).0).await }
    });
    slow.parts.began.acquire_many(3).await.unwrap().forget();
    let asked = slow.writer.interrupt();
    assert!(matches!(
        storing.await.unwrap(),
        Err(WriteError::Interrupted)
    ));
    drop(asked);
    slow.parts.allowed.add_permits(1000);
    for (n, piece) in bytes.chunks(FIRST_PART as usize).enumerate().skip(3) {
        let at = n as u64 * FIRST_PART;
        slow.writer.write(at, piece).await.unwrap();
    }
    slow.writer.store().await.unwrap();
    assert!(slow.memory.objects()["f"] == bytes);
}
