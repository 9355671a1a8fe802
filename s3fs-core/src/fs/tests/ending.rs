//! End of a mount: refused operations, ended waits, and the account.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::config::MountConfig;
use crate::fs::tests::kernel::Kernel;
use crate::fs::tests::{bucket, mount, mount_configured, mount_waiting};
use crate::fs::{FsError, NotStored};
use crate::object::{BucketName, ETag, Headers, Key};
use crate::store::disturbed::{Disturbed, Operation};
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::store::slow::{Delays, Point};
use crate::store::warning::seen::Warnings;
use crate::store::{Body, Layer, Precondition, RetryLimits, Retrying, Store, StoreError};

/// Timeout far above the duration of any test here.
const LIMIT: Duration = Duration::from_mins(1);

fn objects(lost: &[NotStored]) -> Vec<&str> {
    lost.iter().map(|one| one.object.as_str()).collect()
}

/// Waits until an operation has got as far as it can.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn after_the_mount_has_closed_every_change_is_refused() {
    let memory = bucket();
    let kernel = mount(Arc::new(memory.clone())).await;
    kernel.save("f", b"old").await.unwrap();
    let writer = kernel.create("open", false).await.unwrap();
    kernel.write(writer, 0, b"before").await.unwrap();
    kernel.fs.close().await;
    let refused = |result: Result<(), FsError>| {
        assert!(matches!(result, Err(FsError::Ending)), "{result:?}");
    };
    refused(kernel.write(writer, 0, b"after").await);
    refused(kernel.fs.try_write(writer, 0, b"after").map(drop));
    refused(kernel.save("new", b"").await);
    refused(kernel.unlink("f").await);
    refused(kernel.rename("f", "g").await);
    refused(kernel.mkdir("d").await);
    assert_eq!(kernel.load("f").await.unwrap(), "old", "reading goes on");
    assert_eq!(kernel.fs.finish().await, []);
    let objects = memory.objects();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects["open"], "before");
}

#[tokio::test]
async fn what_is_accepted_while_the_mount_closes_is_in_its_account() {
    for seed in 1..30 {
        let memory = bucket();
        let (store, _) = Delays::over(memory.clone(), seed);
        let kernel = Arc::new(mount_waiting(store, 64 << 20, false).await);
        let writer = kernel.create("log", false).await.unwrap();
        let writing = tokio::spawn({
            let kernel = Arc::clone(&kernel);
            async move {
                let mut accepted = 0;
                while kernel.write(writer, accepted, b"x").await.is_ok() {
                    accepted += 1;
                    tokio::task::yield_now().await;
                }
                accepted
            }
        });
        for _ in 0..seed * 7 {
            tokio::task::yield_now().await;
        }
        kernel.fs.finish().await;
        kernel.fs.close().await;
        let lost = kernel.fs.finish().await;
        let accepted = writing.await.unwrap();
        assert_eq!(lost, []);
        let stored = memory.objects()["log"].len() as u64;
        assert_eq!(stored, accepted, "{seed}");
    }
}

#[tokio::test]
async fn programs_that_write_without_a_pause_put_no_account_off() {
    for seed in 1..6 {
        let memory = bucket();
        let (store, _) = Delays::over(memory.clone(), seed);
        let kernel = Arc::new(mount_waiting(store, 64 << 20, false).await);
        kernel.save("before", b"the account").await.unwrap();
        let writing = ["new", "same"].map(|kind| {
            let kernel = Arc::clone(&kernel);
            tokio::spawn(async move {
                let mut accepted = 0_usize;
                let name = |count| match kind {
                    "new" => format!("new{}", count % 50),
                    kind => kind.to_owned(),
                };
                while kernel.save(&name(accepted), b"bytes").await.is_ok() {
                    accepted += 1;
                    tokio::task::yield_now().await;
                }
                name(accepted)
            })
        });
        settle().await;
        let lost = timeout(LIMIT, kernel.fs.finish()).await.unwrap();
        assert_eq!(lost, []);
        assert_eq!(memory.objects()["before"], "the account");
        assert!(writing.iter().all(|writing| !writing.is_finished()));
        kernel.fs.close().await;
        let lost = timeout(LIMIT, kernel.fs.finish()).await.unwrap();
        assert_eq!(lost, []);
        let mut refused = Vec::new();
        for writing in writing {
            refused.push(writing.await.unwrap());
        }
        for (key, bytes) in memory.objects() {
            let is_whole = bytes == "bytes" || bytes == "the account" || refused.contains(&key);
            assert!(is_whole, "{key}: {bytes:?}");
        }
    }
}

#[tokio::test]
async fn a_folder_is_kept_though_a_program_goes_on_removing_in_it() {
    let memory = bucket();
    for key in ["d/0", "d/1", "d/2"] {
        memory.insert(key, "bytes");
    }
    let (store, delays) = Delays::over(memory.clone(), 0);
    let kernel = Arc::new(mount_waiting(store, 64 << 20, false).await);
    kernel.unlink("d/0").await.unwrap();
    let first = delays.hold(Operation::Delete, Point::Before);
    kernel.unlink("d/1").await.unwrap();
    let finishing = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.fs.finish().await }
    });
    settle().await;
    let second = delays.hold(Operation::Delete, Point::Before);
    kernel.unlink("d/2").await.unwrap();
    first.open();
    settle().await;
    second.open();
    assert_eq!(finishing.await.unwrap(), []);
    kernel.fs.close().await;
    assert_eq!(kernel.fs.finish().await, []);
    let keys: Vec<_> = memory.objects().into_keys().collect();
    assert_eq!(keys, ["d/"]);
}

#[tokio::test]
async fn a_silent_store_is_given_up_and_all_that_waits_is_named() {
    let (store, delays) = Delays::over(bucket(), 0);
    let kernel = mount_waiting(store, 64 << 20, false).await;
    kernel.save("first", b"is stored").await.unwrap();
    kernel.settle().await.unwrap();
    let _silent = delays.hold(Operation::Put, Point::Before);
    kernel.save("a", b"1").await.unwrap();
    kernel.save("b", b"2").await.unwrap();
    kernel.fs.close().await;
    kernel.fs.limit_silence();
    let lost = timeout(LIMIT, kernel.fs.finish()).await.unwrap();
    assert_eq!(objects(&lost), ["s3://memory/a", "s3://memory/b"]);
    for one in &lost {
        assert!(one.reason.contains("the mount ended"), "{one}");
    }
}

/// Store that takes 25 bytes of a body, one every 100 ms, before it carries out the request.
#[derive(Debug)]
struct Slow(MemoryStore);

impl Layer for Slow {
    type Below = MemoryStore;

    fn below(&self) -> &MemoryStore {
        &self.0
    }

    async fn forward_put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        for bytes in 1..=25 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            body.sent(bytes);
        }
        self.0.put(key, body, headers, precondition).await
    }
}

#[tokio::test]
async fn a_store_that_takes_the_bytes_of_a_body_is_not_silent_however_slow_it_is() {
    let memory = bucket();
    let kernel = mount_waiting(Arc::new(Slow(memory.clone())), 64 << 20, false).await;
    kernel.save("f", b"bytes").await.unwrap();
    kernel.fs.close().await;
    kernel.fs.limit_silence();
    assert_eq!(timeout(LIMIT, kernel.fs.finish()).await.unwrap(), []);
    assert_eq!(memory.objects()["f"], "bytes");
}

#[tokio::test]
async fn an_upload_whose_creation_was_not_answered_is_named_at_the_end() {
    let memory = bucket();
    let disturbance = Arc::<Faults>::default();
    disturbance.next(Operation::CreateUpload, Fault::AnswerLost);
    let store = Disturbed {
        store: memory.clone(),
        disturbance,
    };
    let store = Retrying::new(store, RetryLimits::new(LIMIT));
    let kernel = mount_waiting(Arc::new(store), 64 << 20, false).await;
    let (warnings, _guard) = Warnings::begin();
    kernel.save("f", &[1; 3 * 4096]).await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(warnings.texts(), [""; 0], "it is not the last account");
    kernel.fs.close().await;
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(memory.open_uploads(), 1, "somebody else's, perhaps");
    let warnings = warnings.texts();
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    let expected = "an unfinished upload of s3://memory/f stays in the bucket: ";
    assert!(warning.starts_with(expected), "{warning}");
}

#[tokio::test]
async fn what_is_given_up_on_is_not_stored_and_its_upload_is_aborted() {
    let memory = bucket();
    let (store, delays) = Delays::over(memory.clone(), 0);
    let kernel = mount_waiting(store, 64 << 20, false).await;
    let writer = kernel.create("f", false).await.unwrap();
    let parts = delays.hold(Operation::UploadPart, Point::Before);
    kernel.write(writer, 0, &[1; 3 * 4096]).await.unwrap();
    settle().await;
    assert_eq!(memory.open_uploads(), 1);
    timeout(LIMIT, kernel.fs.abandon()).await.unwrap();
    parts.open();
    settle().await;
    assert_eq!(memory.open_uploads(), 0);
    assert_eq!(memory.objects().len(), 0);
}

/// Starts a rename of a folder of objects, which has copied some.
async fn renaming(
    copies: Operation,
) -> (Arc<Kernel>, tokio::task::JoinHandle<Result<(), FsError>>) {
    let memory = bucket();
    for number in 0..200 {
        memory.insert(&format!("d/{number:03}"), "bytes");
    }
    let (store, delays) = Delays::over(memory, 0);
    let kernel = Arc::new(mount(store).await);
    let held = delays.hold(copies, Point::After);
    let renaming = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.rename("d", "e").await }
    });
    settle().await;
    kernel.fs.end().end_waits();
    held.open();
    (kernel, renaming)
}

#[tokio::test]
async fn a_folder_whose_rename_nobody_waits_for_stays_where_it_was() {
    let (kernel, renaming) = renaming(Operation::Copy).await;
    let renamed = timeout(LIMIT, renaming).await.unwrap().unwrap();
    assert!(matches!(renamed, Err(FsError::Interrupted)), "{renamed:?}");
    let names = kernel.list("", 1000).await.unwrap();
    assert_eq!(names.into_keys().collect::<Vec<_>>(), ["d"]);
    assert_eq!(kernel.list("d", 1000).await.unwrap().len(), 200);
    assert_eq!(kernel.fs.finish().await, []);
}

#[tokio::test]
async fn an_operation_under_way_at_the_end_is_waited_for_or_ended() {
    let memory = bucket();
    memory.insert("f", "bytes");
    let (store, delays) = Delays::over(memory.clone(), 0);
    let kernel = Arc::new(mount(store).await);
    let _silent = delays.hold(Operation::Copy, Point::Before);
    let renaming = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.rename("f", "g").await }
    });
    settle().await;
    timeout(LIMIT, kernel.fs.close()).await.unwrap();
    let left = timeout(LIMIT, kernel.fs.finish()).await.unwrap();
    let left: Vec<_> = left.iter().map(|left| left.object.as_str()).collect();
    assert_eq!(
        left,
        ["s3://memory/g"],
        "nobody knows whether it was copied"
    );
    timeout(LIMIT, renaming)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(memory.objects()["f"], "bytes");
}

#[tokio::test]
async fn what_could_not_be_stored_is_kept_once_and_not_at_all_when_it_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let (store, faults) = Faults::over(bucket());
    let config = MountConfig {
        waits_on_close: false,
        rescue: Some(dir.path().to_owned()),
        ..MountConfig::new(BucketName::new("memory").unwrap())
    };
    let kernel = mount_configured(store, &config, 64 << 20).await;
    kernel.save("first", b"is stored").await.unwrap();
    kernel.settle().await.unwrap();
    let writer = kernel.create("f", false).await.unwrap();
    kernel.write(writer, 0, b"one").await.unwrap();
    faults.next(Operation::Put, Fault::Refused);
    let first = kernel.fs.finish().await;
    kernel.write(writer, 3, b" two").await.unwrap();
    faults.next(Operation::Put, Fault::Refused);
    kernel.fs.close().await;
    let last = kernel.fs.finish().await;
    let kept = |lost: &[NotStored]| lost[0].kept_in.clone().unwrap();
    assert!(!kept(&first).exists(), "it is replaced");
    assert_eq!(std::fs::read(kept(&last)).unwrap(), b"one two");
    assert!(!last[0].reason.is_empty());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_that_is_being_written_is_no_failure_of_an_account_before_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let (store, delays) = Delays::over(bucket(), 0);
    let config = MountConfig {
        rescue: Some(dir.path().to_owned()),
        ..MountConfig::new(BucketName::new("memory").unwrap())
    };
    let kernel = Arc::new(mount_configured(store, &config, 64 << 20).await);
    let writer = kernel.create("f", false).await.unwrap();
    let held = delays.hold(Operation::Put, Point::After);
    let finishing = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.fs.finish().await }
    });
    settle().await;
    // Accepted while the first account is being taken.
    let writing = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.write(writer, 0, b"x").await }
    });
    settle().await;
    held.open();
    assert_eq!(finishing.await.unwrap(), []);
    writing.await.unwrap().unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn files_open_for_writing_when_the_kernel_is_cut_off_are_named_though_they_are_stored() {
    let memory = bucket();
    let kernel = mount(Arc::new(memory.clone())).await;
    kernel.save("closed", b"1").await.unwrap();
    let writer = kernel.create("open", false).await.unwrap();
    kernel.write(writer, 0, b"2").await.unwrap();
    kernel.fs.connection_lost();
    let lost = kernel.fs.finish().await;
    assert_eq!(objects(&lost), ["s3://memory/open"]);
    assert!(lost[0].reason.contains("aborted"), "{}", lost[0]);
    assert_eq!(memory.objects()["open"], "2");
}
