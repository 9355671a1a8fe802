//! Versions that a reader sees of a file that this mount or another client changes.

use std::sync::Arc;

use crate::config::MountConfig;
use crate::fs::tests::kernel::{TRUNCATE, WRITE, maker, pid};
use crate::fs::tests::{FIRST_PART, bucket, mount, mount_configured};
use crate::fs::{Allocate, Existing, FsError, OpenMode};
use crate::object::BucketName;
use crate::store::disturbed::Operation;
use crate::store::slow::{Delays, Point};
use crate::tree::Ino;

/// Waits until all tasks have got as far as they can.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_open_reader_sees_what_this_mount_writes() {
    for length in [10, 3 * FIRST_PART as usize + 5] {
        let kernel = mount(Arc::new(bucket())).await;
        kernel.save("f", &vec![b'a'; length]).await.unwrap();
        let reader = kernel.open("f", OpenMode::Read).await.unwrap();
        let all = || kernel.read(reader, 0, 1 << 20);
        assert_eq!(all().await.unwrap(), vec![b'a'; length]);
        let writer = kernel.open("f", WRITE).await.unwrap();
        kernel.write(writer, length as u64, b"b").await.unwrap();
        assert!(all().await.unwrap().ends_with(b"ab"));
        kernel.close(writer).await.unwrap();
        assert!(all().await.unwrap().ends_with(b"ab"));
        let writer = kernel.open("f", TRUNCATE).await.unwrap();
        kernel.write(writer, 0, b"new").await.unwrap();
        assert_eq!(all().await.unwrap(), "new");
        kernel.release(writer);
        assert_eq!(all().await.unwrap(), "new");
        kernel.release(reader);
    }
}

#[tokio::test]
async fn a_file_that_is_open_for_writing_can_be_opened_after_others_replaced_it() {
    let store = bucket();
    let kernel = mount(Arc::new(store.clone())).await;
    kernel.save("f", b"ours").await.unwrap();
    let writer = kernel.open("f", WRITE).await.unwrap();
    store.insert("f", "theirs");
    kernel.expire();
    assert_eq!(kernel.load("f").await.unwrap(), "ours");
    kernel.close(writer).await.unwrap();
    kernel.expire();
    assert_eq!(kernel.load("f").await.unwrap(), "theirs");
}

#[tokio::test]
async fn a_large_file_that_others_replace_is_not_read_through_its_writer() {
    let store = bucket();
    let kernel = mount(Arc::new(store.clone())).await;
    kernel
        .save("f", &vec![1; 2 * FIRST_PART as usize])
        .await
        .unwrap();
    let writer = kernel.open("f", WRITE).await.unwrap();
    store.insert("f", vec![2; 2 * FIRST_PART as usize]);
    assert!(kernel.read(writer, 0, 10).await.is_err());
}

#[tokio::test]
async fn the_largest_offsets_are_refused() {
    let kernel = mount(Arc::new(bucket())).await;
    let writer = kernel.create("f", false).await.unwrap();
    for offset in [1 << 43, u64::MAX - 1, u64::MAX] {
        assert!(kernel.write(writer, offset, b"xyz").await.is_err());
        assert_eq!(kernel.read(writer, offset, 10).await.unwrap(), "");
    }
    kernel.write(writer, 0, b"fine").await.unwrap();
    kernel.close(writer).await.unwrap();
    let reader = kernel.open("f", OpenMode::Read).await.unwrap();
    let beyond = kernel.read(reader, u64::MAX, u64::MAX).await;
    assert_eq!(beyond.unwrap(), "");
}

#[tokio::test]
async fn a_file_that_was_truncated_and_deleted_is_not_read_as_it_was_before() {
    let kernel = mount(Arc::new(bucket())).await;
    kernel.save("f", &vec![b'a'; 10_000]).await.unwrap();
    let reader = kernel.open("f", OpenMode::Read).await.unwrap();
    let writer = kernel.open("f", TRUNCATE).await.unwrap();
    kernel.unlink("f").await.unwrap();
    let read = kernel.read(reader, 0, 1).await;
    assert!(read.is_ok_and(|bytes| bytes.is_empty()) || kernel.read(reader, 0, 1).await.is_err());
    kernel.release(writer);
    kernel.release(reader);
}

#[tokio::test]
async fn a_reader_who_came_too_late_has_a_turn_before_the_name_is_replaced_again() {
    let kernel = Arc::new(mount(Arc::new(bucket())).await);
    for name in ["f", "g", "h"] {
        kernel.save(name, name.as_bytes()).await.unwrap();
    }
    let old = kernel.walk("f").await.unwrap().ino;
    kernel.rename("g", "f").await.unwrap();
    assert!(kernel.fs.open(old, OpenMode::Read, pid()).await.is_err());
    let other = Arc::clone(&kernel);
    let renaming = tokio::spawn(async move { other.rename("h", "f").await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let reader = kernel.open("f", OpenMode::Read).await.unwrap();
    assert_eq!(kernel.read(reader, 0, 10).await.unwrap(), "g");
    renaming.await.unwrap().unwrap();
    assert_eq!(kernel.load("f").await.unwrap(), "h");
}

#[tokio::test]
async fn a_file_that_others_made_just_before_is_emptied_only_if_asked_for() {
    let store = bucket();
    let kernel = mount(Arc::new(store.clone())).await;
    for (existing, left) in [(Existing::Keep, "theirs"), (Existing::Truncate, "")] {
        // The kernel has found nothing of that name a moment ago.
        let name = std::ffi::OsStr::new(if left.is_empty() { "emptied" } else { "kept" });
        store.insert(name.to_str().unwrap(), "theirs");
        kernel.expire();
        let created = kernel.fs.create(Ino::ROOT, name, existing, 0o644, maker());
        let (_, opened) = created.await.unwrap();
        let read = kernel.read(opened.handle, 0, 100).await.unwrap();
        assert_eq!(read, left);
    }
}

#[tokio::test]
async fn a_reader_sees_what_changes_after_a_store_that_had_waited_for_a_write() {
    let (store, delays) = Delays::over(bucket(), 0);
    let kernel = Arc::new(mount(store).await);
    let writer = kernel.create("f", false).await.unwrap();
    let parts = delays.hold(Operation::UploadPart, Point::Before);
    let beside = |fsync: bool| {
        let kernel = Arc::clone(&kernel);
        tokio::spawn(async move {
            if fsync {
                kernel.fs.fsync(writer).await.unwrap();
            } else {
                kernel.write(writer, 0, &vec![1; 200 * 4096]).await.unwrap();
            }
        })
    };
    let writing = beside(false);
    settle().await;
    assert!(!writing.is_finished(), "it waits for parts to leave");
    let storing = beside(true);
    settle().await;
    parts.open();
    writing.await.unwrap();
    storing.await.unwrap();
    // A descriptor of the file is closed, and another one of the same handle is not.
    kernel.flush(writer).await.unwrap();
    let reader = kernel.open("f", OpenMode::Read).await.unwrap();
    assert_eq!(kernel.read(reader, 0, 3).await.unwrap(), [1; 3][..]);
    let punched = kernel.fs.allocate(writer, 0, 2, Allocate::Punch).await;
    punched.unwrap();
    assert_eq!(kernel.read(reader, 0, 3).await.unwrap(), [0, 0, 1][..]);
}

#[tokio::test]
async fn a_descriptor_that_outlives_another_ones_close_is_not_forgotten() {
    let unsaved = tempfile::tempdir().unwrap();
    let memory = bucket();
    let config = MountConfig {
        waits_on_close: true,
        rescue: Some(unsaved.path().to_owned()),
        ..MountConfig::new(BucketName::new("memory").unwrap())
    };
    let kernel = mount_configured(Arc::new(memory.clone()), &config, 64 << 20).await;
    // A shell closes one of its two descriptors, and somebody opens the file.
    let writer = kernel.create("f", false).await.unwrap();
    kernel.write(writer, 0, b"ours").await.unwrap();
    kernel.flush(writer).await.unwrap();
    let reader = kernel.open("f", OpenMode::Read).await.unwrap();
    assert_eq!(kernel.read(reader, 0, 9).await.unwrap(), "ours");
    kernel.write(writer, 4, b" too").await.unwrap();
    assert_eq!(kernel.read(reader, 0, 9).await.unwrap(), "ours too");
    kernel.flush(writer).await.unwrap();
    memory.insert("f", "theirs");
    kernel.expire();
    // The first open finds that there is another version, and the second one opens that.
    assert_eq!(kernel.load("f").await.unwrap(), "theirs");
    kernel.write(writer, 0, b"more").await.unwrap();
    kernel.close(writer).await.unwrap_err();
    let lost = kernel.fs.finish().await;
    assert_eq!(lost.len(), 1, "{lost:?}");
    let kept = std::fs::read(lost[0].kept_in.as_ref().unwrap()).unwrap();
    assert_eq!(kept, b"more too");
    assert_eq!(memory.objects()["f"], "theirs");
}

#[tokio::test]
async fn a_descriptor_of_a_forgotten_file_does_not_write_one_that_was_opened_since() {
    let memory = bucket();
    let kernel = mount(Arc::new(memory.clone())).await;
    let old = kernel.create("f", false).await.unwrap();
    kernel.write(old, 0, b"old").await.unwrap();
    kernel.flush(old).await.unwrap();
    let ino = kernel.walk("f").await.unwrap().ino;
    assert!(kernel.fs.core.open_files.end_closed(ino));
    let new = kernel.open("f", TRUNCATE).await.unwrap();
    kernel.write(new, 0, b"new").await.unwrap();
    for _ in 0..2 {
        let refused = kernel.write(old, 0, b"lost").await;
        assert!(matches!(refused, Err(FsError::Stale)), "{refused:?}");
    }
    assert_eq!(kernel.fs.not_stored()[0].object, "s3://memory/f");
    kernel.release(old);
    assert!(kernel.fs.core.open_files.has_one_handle(ino));
    kernel.write(new, 3, b" too").await.unwrap();
    kernel.close(new).await.unwrap();
    let lost = kernel.fs.finish().await;
    assert_eq!(lost.len(), 1, "storing the new version restores nothing");
    assert_eq!(lost[0].object, "s3://memory/f");
    assert_eq!(memory.objects()["f"], "new too");
}

#[tokio::test]
async fn a_write_that_ends_after_its_file_was_opened_anew_is_refused_and_named() {
    let memory = bucket();
    let kernel = Arc::new(mount(Arc::new(memory.clone())).await);
    let old = kernel.create("f", false).await.unwrap();
    kernel.write(old, 0, b"old").await.unwrap();
    kernel.fs.fsync(old).await.unwrap();
    let ino = kernel.walk("f").await.unwrap().ino;
    // A rename makes the write wait, while another thread closes the descriptor.
    let moving = kernel.fs.writeback.move_folder().await;
    let writing = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.fs.write(old, 0, b"late").await }
    });
    settle().await;
    kernel.flush(old).await.unwrap();
    assert!(kernel.fs.core.open_files.end_closed(ino));
    let new = kernel.open("f", WRITE).await.unwrap();
    drop(moving);
    let refused = writing.await.unwrap();
    assert!(matches!(refused, Err(FsError::Stale)), "{refused:?}");
    let refused = kernel.fs.fsync(old).await;
    assert!(matches!(refused, Err(FsError::Stale)), "{refused:?}");
    kernel.release(old);
    kernel.write(new, 3, b" new").await.unwrap();
    kernel.close(new).await.unwrap();
    let lost = kernel.fs.finish().await;
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].object, "s3://memory/f");
    assert_eq!(memory.objects()["f"], "old new");
}

#[tokio::test]
async fn changes_of_a_file_that_was_opened_anew_are_named_when_their_handle_goes() {
    let memory = bucket();
    let kernel = mount(Arc::new(memory.clone())).await;
    let old = kernel.create("f", false).await.unwrap();
    kernel.write(old, 0, b"old").await.unwrap();
    kernel.flush(old).await.unwrap();
    let ino = kernel.walk("f").await.unwrap().ino;
    assert!(kernel.fs.core.open_files.end_closed(ino));
    let new = kernel.open("f", WRITE).await.unwrap();
    let file = Arc::clone(&kernel.fs.handles.write(old).unwrap().file);
    file.writer.write(0, b"late").await.unwrap();
    kernel.release(old);
    kernel.close(new).await.unwrap();
    let lost = kernel.fs.finish().await;
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(memory.objects()["f"], "old");
}

#[tokio::test]
async fn all_descriptors_of_a_forgotten_file_count_when_one_of_them_is_written() {
    let kernel = mount(Arc::new(bucket())).await;
    let one = kernel.create("f", false).await.unwrap();
    let other = kernel.open("f", WRITE).await.unwrap();
    kernel.write(one, 0, b"a").await.unwrap();
    for handle in [one, other] {
        kernel.flush(handle).await.unwrap();
    }
    let ino = kernel.walk("f").await.unwrap().ino;
    assert!(kernel.fs.core.open_files.end_closed(ino));
    kernel.write(one, 1, b"b").await.unwrap();
    kernel.write(other, 2, b"c").await.unwrap();
    kernel.release(one);
    assert!(kernel.fs.core.open_files.has_handles(ino));
    kernel.close(other).await.unwrap();
    assert_eq!(kernel.load("f").await.unwrap(), "abc");
}
