//! Metadata that was changed before its file was opened for writing.

use std::sync::Arc;

use crate::fs::tests::kernel::{Kernel, WRITE};
use crate::fs::tests::{bucket, mount_waiting};
use crate::fs::{HandleId, OpenMode, SetAttr};
use crate::object::Key;
use crate::store::Store;
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::tree::Ino;

async fn chmod(kernel: &Kernel, path: &str, mode: u16) {
    let ino = kernel.walk(path).await.unwrap().ino;
    let set = SetAttr {
        mode: Some(mode),
        ..SetAttr::default()
    };
    kernel.fs.setattr(ino, set).await.unwrap();
}

async fn mode_of(memory: &MemoryStore, key: &str) -> String {
    let described = memory.head(&Key::new(key)).await.unwrap();
    described.headers.metadata["mode"].clone()
}

/// Mounts a bucket that is known to take metadata, with a stored file `f`.
async fn mounted(store: Arc<dyn Store>) -> Kernel {
    let kernel = mount_waiting(store, 64 << 20, false).await;
    kernel.save("f", b"old").await.unwrap();
    kernel.settle().await.unwrap();
    // The first change of its kind is waited for.
    chmod(&kernel, "f", 0o600).await;
    kernel.settle().await.unwrap();
    kernel
}

/// Changes the mode of `f`, and opens it for writing before the request begins.
async fn change_and_open(kernel: &Kernel) -> HandleId {
    chmod(kernel, "f", 0o640).await;
    kernel.open("f", WRITE).await.unwrap()
}

#[tokio::test]
async fn metadata_of_a_file_that_is_open_is_stored_when_somebody_waits_for_it() {
    for waiter in [
        "fsync",
        "fsync of a reader",
        "fsync of the folder",
        "account",
    ] {
        let memory = bucket();
        let kernel = mounted(Arc::new(memory.clone())).await;
        let writer = change_and_open(&kernel).await;
        match waiter {
            "fsync" => kernel.fs.fsync(writer).await.unwrap(),
            "fsync of a reader" => {
                let reader = kernel.open("f", OpenMode::Read).await.unwrap();
                kernel.fs.fsync(reader).await.unwrap();
            }
            "fsync of the folder" => kernel.fs.fsync_dir(Ino::ROOT).await.unwrap(),
            _ => assert_eq!(kernel.fs.finish().await, []),
        }
        assert!(mode_of(&memory, "f").await.ends_with("640"), "{waiter}");
        assert_eq!(memory.objects()["f"], "old");
        kernel.write(writer, 0, b"new").await.unwrap();
        kernel.close(writer).await.unwrap();
        assert_eq!(kernel.fs.finish().await, []);
        assert_eq!(memory.objects()["f"], "new");
        assert!(mode_of(&memory, "f").await.ends_with("640"), "{waiter}");
    }
}

#[tokio::test]
async fn metadata_of_a_file_that_is_written_before_its_request_begins_is_stored_by_fsync() {
    let memory = bucket();
    let kernel = Arc::new(mounted(Arc::new(memory.clone())).await);
    let writer = change_and_open(&kernel).await;
    let key = Key::new("f");
    let held = kernel.fs.writeback.queue.hold(&key).await;
    let syncing = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.fs.fsync(writer).await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    kernel.write(writer, 0, b"new").await.unwrap();
    drop(held);
    syncing.await.unwrap().unwrap();
    assert!(mode_of(&memory, "f").await.ends_with("640"));
}

#[tokio::test]
async fn metadata_alone_stores_no_part_of_what_is_being_written() {
    let memory = bucket();
    let kernel = mounted(Arc::new(memory.clone())).await;
    let writer = change_and_open(&kernel).await;
    kernel.write(writer, 0, b"half").await.unwrap();
    kernel.settle().await.unwrap();
    assert_eq!(memory.objects()["f"], "old");
    kernel.write(writer, 4, b" whole").await.unwrap();
    kernel.close(writer).await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(memory.objects()["f"], "half whole");
    assert!(mode_of(&memory, "f").await.ends_with("640"));
}

#[tokio::test]
async fn metadata_that_could_not_be_stored_goes_with_the_bytes_later() {
    let memory = bucket();
    let (store, faults) = Faults::over(memory.clone());
    let kernel = mounted(store).await;
    let writer = change_and_open(&kernel).await;
    faults.next(Operation::Put, Fault::Refused);
    kernel.fs.fsync_dir(Ino::ROOT).await.unwrap_err();
    assert_eq!(kernel.fs.not_stored().len(), 1);
    kernel.close(writer).await.unwrap();
    assert_eq!(kernel.fs.finish().await, []);
    assert!(mode_of(&memory, "f").await.ends_with("640"));
}
