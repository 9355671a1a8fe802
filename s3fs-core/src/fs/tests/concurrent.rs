//! Several tasks on few names, in many interleavings, each given by a seed.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;

use crate::fs::OpenMode;
use crate::fs::tests::kernel::{Kernel, TRUNCATE, WRITE};
use crate::fs::tests::{FIRST_PART, bucket, mount, mount_waiting};
use crate::store::memory::MemoryStore;
use crate::store::slow::Delays;

/// Runs a test in many interleavings.
fn interleave<F: Future<Output = ()>>(test: impl Fn(MemoryStore, Arc<Kernel>) -> F) {
    for seed in 1..300 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let memory = bucket();
            let (store, _) = Delays::over(memory.clone(), seed);
            let kernel = Arc::new(mount(store).await);
            test(memory.clone(), Arc::clone(&kernel)).await;
            assert_eq!(kernel.fs.finish().await, [], "seed {seed}");
            assert_eq!(memory.open_uploads(), 0, "seed {seed}");
        });
    }
}

async fn all(mut tasks: JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

#[test]
fn writers_of_one_file_lose_no_update() {
    interleave(|memory, kernel| async move {
        kernel.save("f", &[0; 24]).await.unwrap();
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            let kernel = Arc::clone(&kernel);
            tasks.spawn(async move {
                for i in 0..6 {
                    let writer = kernel.open("f", WRITE).await.unwrap();
                    kernel.write(writer, task * 6 + i, b"x").await.unwrap();
                    if i % 2 == 0 {
                        kernel.close(writer).await.unwrap();
                    } else {
                        kernel.release(writer);
                    }
                }
            });
        }
        all(tasks).await;
        kernel.settle().await.unwrap();
        assert_eq!(memory.objects()["f"], vec![b'x'; 24]);
    });
}

#[test]
fn what_was_closed_is_read() {
    interleave(|_, kernel| async move {
        kernel.save("f", &0u64.to_be_bytes()).await.unwrap();
        let closed = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        let (writing, done) = (Arc::clone(&kernel), Arc::clone(&closed));
        tasks.spawn(async move {
            for i in 1..8u64 {
                let writer = writing.open("f", WRITE).await.unwrap();
                writing.write(writer, 0, &i.to_be_bytes()).await.unwrap();
                writing.close(writer).await.unwrap();
                done.store(i, Ordering::Release);
            }
        });
        tasks.spawn(async move {
            let kept = kernel.open("f", OpenMode::Read).await.unwrap();
            for _ in 0..8 {
                let least = closed.load(Ordering::Acquire);
                let fresh = kernel.load("f").await.unwrap();
                let again = kernel.read(kept, 0, 8).await.unwrap();
                for bytes in [fresh, again] {
                    let value = u64::from_be_bytes(bytes[..].try_into().unwrap());
                    assert!(value >= least, "{value} after {least}");
                }
            }
        });
        all(tasks).await;
    });
}

#[test]
fn a_file_deleted_at_any_moment_leaves_nothing() {
    interleave(|memory, kernel| async move {
        let mut tasks = JoinSet::new();
        let writing = Arc::clone(&kernel);
        tasks.spawn(async move {
            let writer = writing.create("f", false).await.unwrap();
            for part in 0..3 {
                let bytes = vec![1; FIRST_PART as usize];
                if writing
                    .write(writer, part * FIRST_PART, &bytes)
                    .await
                    .is_err()
                {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let _ = writing.close(writer).await;
        });
        tasks.spawn({
            let kernel = Arc::clone(&kernel);
            async move {
                while kernel.unlink("f").await.is_err() {
                    tokio::task::yield_now().await;
                }
                assert!(kernel.walk("f").await.is_err());
            }
        });
        all(tasks).await;
        kernel.settle().await.unwrap();
        assert!(memory.objects().is_empty());
        assert!(kernel.walk("f").await.is_err());
    });
}

#[test]
fn opening_a_file_while_it_is_deleted_does_not_bring_it_back() {
    interleave(|memory, kernel| async move {
        kernel.save("f", b"content").await.unwrap();
        let mut tasks = JoinSet::new();
        let writing = Arc::clone(&kernel);
        tasks.spawn(async move {
            if let Ok(writer) = writing.open("f", WRITE).await {
                let _ = writing.write(writer, 0, b"x").await;
                tokio::task::yield_now().await;
                let _ = writing.write(writer, 1, b"y").await;
                writing.release(writer);
            }
        });
        let deleting = Arc::clone(&kernel);
        tasks.spawn(async move { deleting.unlink("f").await.unwrap() });
        all(tasks).await;
        kernel.settle().await.unwrap();
        assert!(memory.objects().is_empty());
    });
}

#[test]
fn a_file_that_is_opened_anew_while_it_is_deleted_is_no_failure() {
    interleave(|memory, kernel| async move {
        kernel.save("f", b"content").await.unwrap();
        let mut tasks = JoinSet::new();
        let writing = Arc::clone(&kernel);
        tasks.spawn(async move {
            if let Ok(writer) = writing.open("f", TRUNCATE).await {
                let _ = writing.write(writer, 0, b"x").await;
                writing.release(writer);
            }
        });
        let deleting = Arc::clone(&kernel);
        tasks.spawn(async move { deleting.unlink("f").await.unwrap() });
        all(tasks).await;
        kernel.settle().await.unwrap();
        assert!(memory.objects().is_empty());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_close_of_a_file_and_its_deletion_may_come_at_the_same_time() {
    let memory = bucket();
    let kernel = Arc::new(mount_waiting(Arc::new(memory), 64 << 20, false).await);
    kernel.save("first", b"x").await.unwrap();
    kernel.settle().await.unwrap();
    kernel.unlink("first").await.unwrap();
    for round in 0..20_000 {
        let writer = kernel.create("f", false).await.unwrap();
        let closing = tokio::spawn({
            let kernel = Arc::clone(&kernel);
            async move { kernel.release(writer) }
        });
        kernel.unlink("f").await.unwrap();
        closing.await.unwrap();
        assert_eq!(kernel.fs.not_stored(), [], "round {round}");
    }
    assert_eq!(kernel.fs.finish().await, []);
}

#[test]
fn answers_older_than_our_changes_undo_nothing() {
    interleave(|_, kernel| async move {
        let mut tasks = JoinSet::new();
        let changing = Arc::clone(&kernel);
        tasks.spawn(async move {
            for i in 1..6 {
                changing.save("f", &vec![1; i]).await.unwrap();
                assert_eq!(changing.walk("f").await.unwrap().size, i as u64);
                changing.unlink("f").await.unwrap();
                assert!(changing.walk("f").await.is_err());
            }
        });
        tasks.spawn(async move {
            for _ in 0..12 {
                kernel.expire();
                let _ = kernel.walk("f").await;
                let _ = kernel.list("", 1).await;
            }
        });
        all(tasks).await;
    });
}

#[test]
fn what_a_lookup_returns_exists() {
    interleave(|memory, kernel| async move {
        memory.insert("f", "0");
        kernel.expire();
        let mut tasks = JoinSet::new();
        for _ in 0..3 {
            let (memory, kernel) = (memory.clone(), Arc::clone(&kernel));
            tasks.spawn(async move {
                for i in 0..6 {
                    memory.insert("f", i.to_string());
                    kernel.expire();
                    let attr = kernel.walk("f").await.unwrap();
                    assert!(kernel.fs.getattr(attr.ino).is_ok());
                }
            });
        }
        all(tasks).await;
        kernel.forget();
    });
}

#[tokio::test]
async fn a_deleted_file_stays_deleted_though_others_replaced_it_before() {
    let memory = bucket();
    let kernel = mount_waiting(Arc::new(memory.clone()), 64 << 20, false).await;
    kernel.save("f", b"before").await.unwrap();
    kernel.settle().await.unwrap();
    kernel.save("t", b"closed").await.unwrap();
    kernel.rename("t", "f").await.unwrap();
    let writer = kernel.create("s", false).await.unwrap();
    kernel.write(writer, 0, b"open").await.unwrap();
    kernel.rename("s", "f").await.unwrap();
    kernel.settle().await.unwrap();
    kernel.unlink("f").await.unwrap();
    kernel.release(writer);
    assert_eq!(kernel.fs.finish().await, []);
    assert!(memory.objects().is_empty());
}
