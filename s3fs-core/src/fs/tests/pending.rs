//! Number of files and bytes that are not stored yet.

use std::sync::Arc;

use crate::fs::Pending;
use crate::fs::tests::kernel::{Kernel, WRITE};
use crate::fs::tests::{FIRST_PART, bucket, mount, mount_waiting};
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::slow::{Delays, Point};

fn pending(kernel: &Kernel) -> (u64, u64) {
    let Pending { files, bytes } = kernel.fs.pending();
    (files, bytes)
}

async fn until(kernel: &Kernel, files: u64, bytes: u64) {
    for _ in 0..1000 {
        if pending(kernel) == (files, bytes) {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(pending(kernel), (files, bytes));
}

#[tokio::test]
async fn a_file_is_pending_from_its_first_byte_until_it_is_stored() {
    let kernel = mount(Arc::new(bucket())).await;
    assert_eq!(pending(&kernel), (0, 0));
    let writer = kernel.create("f", false).await.unwrap();
    kernel.write(writer, 0, b"0123456789").await.unwrap();
    assert_eq!(pending(&kernel), (1, 10));
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(pending(&kernel), (0, 0), "though it is open");
    kernel.write(writer, 3, b"x").await.unwrap();
    assert_eq!(pending(&kernel), (1, 10), "it is sent as a whole");
    kernel.unlink("f").await.unwrap();
    assert_eq!(pending(&kernel), (0, 0), "nobody misses it");
}

#[tokio::test]
async fn what_waits_to_be_stored_is_pending_and_so_is_what_failed() {
    let (store, faults) = Faults::over(bucket());
    let kernel = mount_waiting(store, 64 << 20, false).await;
    kernel.save("first", b"x").await.unwrap();
    kernel.settle().await.unwrap();
    kernel.save("f", b"12345").await.unwrap();
    kernel.save("g", b"123").await.unwrap();
    assert_eq!(pending(&kernel), (2, 8));
    for _ in 0..2 {
        faults.next(Operation::Put, Fault::Refused);
    }
    assert_eq!(kernel.fs.finish().await.len(), 2);
    assert_eq!(pending(&kernel), (2, 8));
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(pending(&kernel), (0, 0));
}

#[tokio::test]
async fn parts_count_until_the_store_has_them() {
    let (store, delays) = Delays::over(bucket(), 0);
    let kernel = Arc::new(mount(store).await);
    let parts = delays.hold(Operation::UploadPart, Point::After);
    let writer = kernel.create("f", false).await.unwrap();
    let bytes = vec![1; 2 * FIRST_PART as usize + 10];
    kernel.write(writer, 0, &bytes).await.unwrap();
    assert_eq!(pending(&kernel), (1, bytes.len() as u64));
    parts.open();
    until(&kernel, 1, 10).await;
    let parts = delays.hold(Operation::UploadPart, Point::After);
    let completing = delays.hold(Operation::Complete, Point::Before);
    let finishing = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.fs.finish().await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pending(&kernel), (1, 10));
    parts.open();
    until(&kernel, 1, 0).await;
    completing.open();
    assert_eq!(finishing.await.unwrap(), []);
    assert_eq!(pending(&kernel), (0, 0));
}

#[tokio::test]
async fn of_a_stored_file_only_what_is_sent_is_pending() {
    let memory = bucket();
    memory.insert("f", vec![0; 64 * FIRST_PART as usize]);
    let (store, delays) = Delays::over(memory, 0);
    let kernel = Arc::new(mount(store).await);
    let parts = delays.hold(Operation::UploadPart, Point::Before);
    let writer = kernel.open("f", WRITE).await.unwrap();
    assert_eq!(pending(&kernel), (0, 0));
    kernel
        .write(writer, 20 * FIRST_PART, &[1; 7])
        .await
        .unwrap();
    assert_eq!(pending(&kernel), (1, 7));
    let finishing = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.fs.finish().await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let (files, bytes) = pending(&kernel);
    assert!(
        files == 1 && (8..8 * FIRST_PART).contains(&bytes),
        "{bytes}"
    );
    parts.open();
    assert_eq!(finishing.await.unwrap(), []);
    assert_eq!(pending(&kernel), (0, 0));
}
