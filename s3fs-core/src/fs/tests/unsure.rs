//! Requests that are carried out but whose answer is lost. Later operations must allow for both
//! outcomes.

use std::sync::Arc;

use bytes::Bytes;

use crate::fs::tests::kernel::{Kernel, WRITE};
use crate::fs::tests::{FIRST_PART, bucket, mount, mount_waiting};
use crate::fs::{FsError, OpenMode};
use crate::object::{Headers, Key};
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::store::{Body, Precondition, Store};

async fn faulty() -> (MemoryStore, Arc<Faults>, Kernel) {
    let memory = bucket();
    let (store, faults) = Faults::over(memory.clone());
    let kernel = mount(store).await;
    // The first deletion is waited for.
    kernel.save("first", b"x").await.unwrap();
    kernel.unlink("first").await.unwrap();
    kernel.settle().await.unwrap();
    (memory, faults, kernel)
}

fn keys(memory: &MemoryStore) -> Vec<String> {
    memory.objects().into_keys().collect()
}

/// Saves a file that the store takes without an answer.
async fn save_unsure(kernel: &Kernel, faults: &Faults, name: &str, content: &[u8]) {
    let operation = if content.len() as u64 > FIRST_PART {
        Operation::Complete
    } else {
        Operation::Put
    };
    faults.next(operation, Fault::AnswerLost);
    let writer = kernel.create(name, false).await.unwrap();
    kernel.write(writer, 0, content).await.unwrap();
    kernel.fs.fsync(writer).await.unwrap_err();
    kernel.release(writer);
}

#[tokio::test]
async fn what_was_stored_without_an_answer_is_deleted_with_its_name() {
    for length in [3, 3 * FIRST_PART as usize] {
        let (memory, faults, kernel) = faulty().await;
        save_unsure(&kernel, &faults, "f", &vec![1; length]).await;
        assert_eq!(keys(&memory), ["f"], "the test is about this");
        kernel.unlink("f").await.unwrap();
        assert!(kernel.walk("f").await.is_err());
        assert_eq!(kernel.fs.finish().await, []);
        assert!(memory.objects().is_empty());
        assert_eq!(memory.open_uploads(), 0);
    }
}

#[tokio::test]
async fn what_was_stored_without_an_answer_goes_with_a_renaming() {
    let (memory, faults, kernel) = faulty().await;
    save_unsure(&kernel, &faults, "f", b"content").await;
    kernel.rename("f", "g").await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(keys(&memory), ["g"]);
    assert_eq!(memory.objects()["g"], "content");
    save_unsure(&kernel, &faults, "h", b"more").await;
    kernel.rename("h", "g").await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(keys(&memory), ["g"]);
    assert_eq!(memory.objects()["g"], "more");
}

#[tokio::test]
async fn a_file_made_again_after_one_without_an_answer_is_stored() {
    let (memory, faults, kernel) = faulty().await;
    save_unsure(&kernel, &faults, "f", b"content").await;
    kernel.unlink("f").await.unwrap();
    let writer = kernel.create("f", true).await.unwrap();
    kernel.write(writer, 0, b"anew").await.unwrap();
    kernel.close(writer).await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(memory.objects()["f"], "anew");
}

#[tokio::test]
async fn an_exclusive_file_is_not_mistaken_for_somebody_elses() {
    for length in [3, 3 * FIRST_PART as usize] {
        let (memory, faults, kernel) = faulty().await;
        let operation = if length > 3 {
            Operation::Complete
        } else {
            Operation::Put
        };
        let content = vec![1; length];
        faults.next(operation, Fault::AnswerLost);
        let writer = kernel.create("f", true).await.unwrap();
        kernel.write(writer, 0, &content).await.unwrap();
        kernel.fs.fsync(writer).await.unwrap_err();
        // As it is, and after it has changed.
        kernel.fs.fsync(writer).await.unwrap();
        kernel.write(writer, 0, b"2").await.unwrap();
        kernel.close(writer).await.unwrap();
        assert_eq!(kernel.fs.finish().await, []);
        assert_eq!(memory.objects()["f"][..3], [b'2', 1, 1]);
        assert_eq!(memory.objects()["f"].len(), length);
        let writer = kernel.create("g", true).await.unwrap();
        kernel.write(writer, 0, b"ours").await.unwrap();
        faults.next(Operation::Put, Fault::AnswerLost);
        kernel.fs.fsync(writer).await.unwrap_err();
        kernel.write(writer, 0, b"more of ours").await.unwrap();
        kernel.close(writer).await.unwrap();
        assert_eq!(memory.objects()["g"], "more of ours");
        let writer = kernel.create("h", true).await.unwrap();
        kernel.write(writer, 0, b"ours").await.unwrap();
        memory.insert("h", "them");
        let refused = kernel.close(writer).await;
        assert!(matches!(refused, Err(FsError::Exists)), "{refused:?}");
        assert_eq!(memory.objects()["h"], "them");
    }
}

#[tokio::test]
async fn a_folder_that_could_not_be_made_leaves_no_marker() {
    let memory = bucket();
    let (store, faults) = Faults::over(memory.clone());
    let kernel = mount(store).await;
    faults.next(Operation::Put, Fault::AnswerLost);
    kernel.mkdir("d").await.unwrap_err();
    assert!(kernel.walk("d").await.is_err());
    assert_eq!(kernel.fs.finish().await, []);
    assert!(memory.objects().is_empty());
}

#[tokio::test]
async fn a_copy_of_a_failed_renaming_that_can_not_be_deleted_is_named() {
    let (memory, faults, kernel) = faulty().await;
    for name in ["d/1", "d/2", "d/3"] {
        memory.insert(name, name);
    }
    kernel.expire();
    faults.next(Operation::Copy, Fault::Refused);
    faults.next(Operation::Delete, Fault::Refused);
    kernel.rename("d", "e").await.unwrap_err();
    let left = kernel.fs.finish().await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].object.starts_with("s3://memory/e/"), "{left:?}");
    assert_eq!(keys(&memory).len(), 4);
}

#[tokio::test]
async fn a_first_deletion_without_an_answer_loses_no_file_of_a_folder() {
    for is_seen in [true, false] {
        let memory = bucket();
        let (store, faults) = Faults::over(memory.clone());
        let kernel = mount(store).await;
        for name in ["d/1", "d/2"] {
            memory.insert(name, name);
        }
        kernel.expire();
        kernel.walk("d").await.unwrap();
        faults.next(Operation::Delete, Fault::AnswerLost);
        if !is_seen {
            faults.next(Operation::Head, Fault::Refused);
        }
        let renamed = kernel.rename("d", "e").await;
        assert_eq!(renamed.is_ok(), is_seen);
        let left = kernel.fs.finish().await;
        if is_seen {
            assert_eq!(left, []);
            assert_eq!(keys(&memory), ["e/1", "e/2"]);
        } else {
            assert_eq!(left.len(), 1, "{left:?}");
            assert_eq!(keys(&memory), ["d/1", "e/2"]);
        }
    }
}

#[tokio::test]
async fn a_version_without_an_answer_goes_when_its_reader_has_closed_it() {
    let memory = bucket();
    let (store, faults) = Faults::over(memory.clone());
    let kernel = mount_waiting(store, 64 << 20, true).await;
    let large = vec![1; 3 * FIRST_PART as usize];
    memory.insert("f", large);
    kernel.expire();
    let reader = kernel.open("f", OpenMode::Read).await.unwrap();
    let writer = kernel.open("f", WRITE).await.unwrap();
    kernel.write(writer, 5, b"2").await.unwrap();
    faults.next(Operation::Complete, Fault::AnswerLost);
    kernel.fs.fsync(writer).await.unwrap_err();
    kernel.unlink("f").await.unwrap();
    kernel.release(writer);
    kernel.release(reader);
    kernel.fs.finish().await;
    assert!(memory.objects().is_empty());
}

#[tokio::test]
async fn another_clients_object_is_not_deleted_with_a_name_that_it_took() {
    let (memory, faults, kernel) = faulty().await;
    // An attempt without an answer, before another client makes the object.
    faults.next(Operation::Put, Fault::AnswerLost);
    let writer = kernel.create("f", true).await.unwrap();
    kernel.write(writer, 0, b"ours").await.unwrap();
    kernel.fs.fsync(writer).await.unwrap_err();
    let key = Key::new("f");
    let body = Body::memory(Bytes::from_static(b"another client's"));
    let headers = Headers::default();
    let put = memory.put(&key, body, &headers, &Precondition::None);
    put.await.unwrap();
    assert!(matches!(
        kernel.fs.fsync(writer).await,
        Err(FsError::Exists)
    ));
    kernel.release(writer);
    kernel.unlink("f").await.unwrap();
    kernel.fs.finish().await;
    assert_eq!(memory.objects()["f"], "another client's");
}

#[tokio::test]
async fn a_name_that_could_not_be_stored_is_settled_by_a_renaming() {
    let (memory, faults, kernel) = faulty().await;
    faults.next(Operation::Put, Fault::Refused);
    let writer = kernel.create("f", false).await.unwrap();
    kernel.write(writer, 0, b"lost").await.unwrap();
    kernel.fs.fsync(writer).await.unwrap_err();
    kernel.release(writer);
    kernel.save("f.tmp", b"content").await.unwrap();
    kernel.rename("f.tmp", "f").await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(memory.objects()["f"], "content");
}

#[tokio::test]
async fn a_copy_that_may_have_stayed_is_settled_when_its_folder_is_renamed_again() {
    let (memory, faults, kernel) = faulty().await;
    for name in ["d/1", "d/2"] {
        memory.insert(name, name);
    }
    kernel.expire();
    faults.next(Operation::Copy, Fault::NotReached);
    faults.next(Operation::Head, Fault::Refused);
    kernel.rename("d", "e").await.unwrap_err();
    let left = kernel.fs.not_stored();
    assert_eq!(left.len(), 2, "{left:?}");
    kernel.rename("d", "e").await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(keys(&memory), ["e/1", "e/2"]);
}
