//! Requests before an entry is made.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::task::JoinSet;

use crate::fs::tests::kernel::{Kernel, maker};
use crate::fs::tests::{bucket, mount};
use crate::fs::{Existing, FsError};
use crate::object::EntryName;
use crate::store::StoreErrorKind;
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::slow::{Delays, Point};
use crate::tree::{Cached, Ino};

/// Counts HEAD requests that reach the store.
#[derive(Debug, Default)]
struct Heads(AtomicUsize);

impl Heads {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Disturbance for Heads {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        if operation == Operation::Head {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn after(&self, _operation: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }
}

/// Mounts a bucket with the folder `d`, of which only its name is known.
async fn counted() -> (Kernel, Ino, Arc<Heads>, Arc<Delays>) {
    let memory = bucket();
    memory.insert("d/x", "x");
    let disturbance = Arc::<Heads>::default();
    let heads = Arc::clone(&disturbance);
    let counting = Disturbed {
        store: memory,
        disturbance,
    };
    let (store, delays) = Delays::over(counting, 0);
    let kernel = mount(store).await;
    let name = EntryName::from_component("d").unwrap();
    let Cached::Entry(folder) = kernel.fs.core.tree.cached(Ino::ROOT, &name) else {
        panic!("the first page shows the folder");
    };
    (kernel, folder.ino, heads, delays)
}

#[tokio::test]
async fn a_name_that_is_taken_costs_no_look_at_its_folder() {
    let (kernel, folder, heads, _) = counted().await;
    let (fs, name) = (&kernel.fs, OsStr::new("x"));
    let created = fs.create(folder, name, Existing::Refuse, 0o644, maker());
    assert!(matches!(created.await, Err(FsError::Exists)));
    let made = fs.mkdir(folder, name, 0o755, maker()).await;
    assert!(matches!(made, Err(FsError::Exists)));
    let linked = fs.symlink(folder, name, b"y", maker()).await;
    assert!(matches!(linked, Err(FsError::Exists)));
    assert_eq!(heads.count(), 0);
}

#[tokio::test]
async fn files_that_are_made_at_once_share_a_look_at_their_folder() {
    let (kernel, folder, heads, delays) = counted().await;
    let gate = delays.hold(Operation::Head, Point::Before);
    let mut creating = JoinSet::new();
    for name in ["1", "2", "3", "4", "5"] {
        let fs = Arc::clone(&kernel.fs);
        creating.spawn(async move {
            let name = OsStr::new(name);
            let created = fs.create(folder, name, Existing::Refuse, 0o644, maker());
            created.await.map(|(_, opened)| opened.handle)
        });
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(heads.count(), 0, "all wait");
    gate.open();
    for handle in creating.join_all().await {
        kernel.fs.release(handle.unwrap());
    }
    let name = OsStr::new("6");
    let created = kernel
        .fs
        .create(folder, name, Existing::Refuse, 0o644, maker());
    kernel.fs.release(created.await.unwrap().1.handle);
    assert_eq!(heads.count(), 1);
    assert_eq!(kernel.fs.finish().await, []);
}
