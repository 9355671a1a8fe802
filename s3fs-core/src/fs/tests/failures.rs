//! Failed requests, and the state after them.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Access;
use crate::fs::tests::kernel::{Kernel, WRITE};
use crate::fs::tests::{FIRST_PART, bucket, mount, mount_waiting, mount_with};
use crate::fs::{FsError, SetAttr};
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::store::slow::{Delays, Point};
use crate::store::{RetryLimits, Retrying};

async fn faulty() -> (MemoryStore, Arc<Faults>, Kernel) {
    let memory = bucket();
    let (store, faults) = Faults::over(memory.clone());
    (memory, faults, mount(store).await)
}

async fn truncate(kernel: &Kernel, path: &str, size: u64) -> Result<(), FsError> {
    let ino = kernel.walk(path).await.unwrap().ino;
    let set = SetAttr {
        size: Some(size),
        ..SetAttr::default()
    };
    kernel.fs.setattr(ino, set).await.map(drop)
}

#[tokio::test]
async fn a_deletion_that_fails_leaves_what_is_being_written() {
    let (memory, faults, kernel) = faulty().await;
    kernel.save("f", b"old").await.unwrap();
    let writer = kernel.open("f", WRITE).await.unwrap();
    kernel.write(writer, 0, b"new").await.unwrap();
    faults.next(Operation::Delete, Fault::Refused);
    kernel.unlink("f").await.unwrap_err();
    kernel.close(writer).await.unwrap();
    assert_eq!(memory.objects()["f"], "new");
    assert_eq!(kernel.fs.finish().await, []);
}

#[tokio::test]
async fn truncating_by_path_says_when_the_file_could_not_be_stored() {
    let (memory, faults, kernel) = faulty().await;
    kernel.save("f", b"content").await.unwrap();
    faults.next(Operation::Put, Fault::Refused);
    truncate(&kernel, "f", 3).await.unwrap_err();
    assert_eq!(memory.objects()["f"], "content");
    assert_eq!(kernel.fs.not_stored().len(), 1);
    truncate(&kernel, "f", 3).await.unwrap();
    assert_eq!(memory.objects()["f"], "con");
    assert_eq!(kernel.fs.not_stored(), []);
}

#[tokio::test]
async fn after_a_failed_overwrite_what_was_written_is_there_and_can_be_deleted() {
    let (_, faults, kernel) = faulty().await;
    kernel.save("f", b"old one").await.unwrap();
    kernel.list("", 10).await.unwrap();
    faults.next(Operation::Put, Fault::Refused);
    faults.next(Operation::Put, Fault::Refused);
    kernel.save("f", b"new").await.unwrap_err();
    assert_eq!(kernel.load("f").await.unwrap(), "new");
    assert_eq!(kernel.fs.not_stored().len(), 1);
    kernel.unlink("f").await.unwrap();
    assert_eq!(kernel.fs.not_stored(), [], "nobody misses it");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_fetched_again_when_a_file_is_opened_to_be_changed() {
    let memory = bucket();
    let (store, faults) = Faults::over(memory.clone());
    let limits = RetryLimits::new(Duration::ZERO);
    let store = Retrying::new(Arc::into_inner(store).unwrap(), limits);
    let kernel = mount(Arc::new(store)).await;
    memory.insert("f", "0123456789");
    kernel.expire();
    faults.next(Operation::Get, Fault::Broken(4));
    let writer = kernel.open("f", WRITE).await.unwrap();
    kernel.write(writer, 10, b"!").await.unwrap();
    kernel.close(writer).await.unwrap();
    assert_eq!(memory.objects()["f"], "0123456789!");
}

#[tokio::test]
async fn a_file_deleted_while_its_upload_begins_leaves_no_upload() {
    let memory = bucket();
    let (store, delays) = Delays::over(memory.clone(), 0);
    let kernel = Arc::new(mount(store).await);
    let gate = delays.hold(Operation::CreateUpload, Point::After);
    let writer = kernel.create("f", false).await.unwrap();
    let parts = vec![1; 2 * FIRST_PART as usize];
    kernel.write(writer, 0, &parts).await.unwrap();
    while memory.open_uploads() == 0 {
        tokio::task::yield_now().await;
    }
    let deleting = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.unlink("f").await }
    });
    tokio::task::yield_now().await;
    gate.open();
    deleting.await.unwrap().unwrap();
    kernel.close(writer).await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(memory.open_uploads(), 0);
    assert!(memory.objects().is_empty());
}

#[tokio::test]
async fn a_file_with_an_upload_is_closed_without_trying_another() {
    let (memory, faults, kernel) = faulty().await;
    let writer = kernel.create("f", false).await.unwrap();
    let parts = vec![1; 2 * FIRST_PART as usize];
    kernel.write(writer, 0, &parts).await.unwrap();
    while memory.open_uploads() == 0 {
        tokio::task::yield_now().await;
    }
    faults.next(Operation::CreateUpload, Fault::Refused);
    kernel.close(writer).await.unwrap();
    kernel.save("small", b"of another key").await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(memory.objects().len(), 2);
}

#[tokio::test]
async fn the_end_waits_until_the_upload_of_a_deleted_file_is_given_up() {
    let memory = bucket();
    let (store, delays) = Delays::over(memory.clone(), 0);
    let kernel = Arc::new(mount_waiting(store, 64 << 20, false).await);
    // The first of each is waited for.
    kernel.save("first", b"x").await.unwrap();
    kernel.settle().await.unwrap();
    kernel.unlink("first").await.unwrap();
    let _parts = delays.hold(Operation::UploadPart, Point::Before);
    let gate = delays.hold(Operation::Abort, Point::Before);
    let writer = kernel.create("f", false).await.unwrap();
    let parts = vec![1; 2 * FIRST_PART as usize];
    kernel.write(writer, 0, &parts).await.unwrap();
    while memory.open_uploads() == 0 {
        tokio::task::yield_now().await;
    }
    kernel.close(writer).await.unwrap();
    kernel.unlink("f").await.unwrap();
    let ending = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.fs.finish().await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!ending.is_finished());
    gate.open();
    assert_eq!(ending.await.unwrap(), []);
    assert_eq!(memory.open_uploads(), 0);
}

#[tokio::test]
async fn a_part_that_fails_is_an_error_and_sent_again_in_the_end() {
    let (memory, faults, kernel) = faulty().await;
    let writer = kernel.create("f", false).await.unwrap();
    faults.next(Operation::UploadPart, Fault::AnswerLost);
    let parts = vec![1; 3 * FIRST_PART as usize];
    let written = kernel.write(writer, 0, &parts).await;
    let closed = kernel.close(writer).await;
    assert!(written.and(closed).is_err());
    assert_eq!(kernel.fs.not_stored().len(), 1);
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(memory.open_uploads(), 0);
    assert_eq!(memory.objects()["f"], parts);
    kernel.save("f", b"again").await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
}

#[tokio::test]
async fn a_new_file_can_be_cut_where_overwriting_is_forbidden() {
    let memory = bucket();
    let access = Access::ReadWrite {
        delete: false,
        overwrite: false,
    };
    let kernel = mount_with(Arc::new(memory.clone()), access, 1 << 20).await;
    let writer = kernel.create("f", false).await.unwrap();
    kernel.write(writer, 0, b"too long").await.unwrap();
    truncate(&kernel, "f", 3).await.unwrap();
    kernel.close(writer).await.unwrap();
    assert_eq!(memory.objects()["f"], "too");
    truncate(&kernel, "f", 1).await.unwrap_err();
}

#[tokio::test]
async fn after_abandoning_nothing_is_stored() {
    let (memory, _, kernel) = faulty().await;
    let writer = kernel.create("f", false).await.unwrap();
    kernel.fs.abandon().await;
    kernel.close(writer).await.unwrap_err();
    kernel.save("g", b"late").await.unwrap_err();
    kernel.mkdir("d").await.unwrap_err();
    assert!(memory.objects().is_empty());
}
