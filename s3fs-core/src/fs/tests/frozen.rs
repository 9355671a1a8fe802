//! Mounts that use the answers of the store longer: listings, failed deletions and replaced versions.

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::config::{Freshness, MountConfig};
use crate::fs::tests::kernel::{Kernel, pid};
use crate::fs::tests::{FIRST_PART, bucket, mount_configured};
use crate::fs::{FsError, HandleId, KernelNotifier, OpenMode};
use crate::object::BucketName;
use crate::store::Store;
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::store::slow::{Delays, Point};
use crate::tree::{Ino, ListingCache, NodeId, Reported};

/// Number of entries before the listed ones.
const DOTS: u64 = 2;

async fn frozen(store: Arc<dyn Store>, freshness: Freshness) -> Kernel {
    let config = MountConfig {
        freshness,
        waits_on_close: false,
        ..MountConfig::new(BucketName::new("memory").unwrap())
    };
    mount_configured(store, &config, 64 << 20).await
}

/// Returns a bucket with pages of ten keys, of files and folders.
fn mixed(files: usize) -> MemoryStore {
    let store = bucket().with_page(10);
    for n in 0..files {
        store.insert(&format!("d/{n:04}"), "x");
        if n % 3 == 0 {
            store.insert(&format!("d/{n:04}-folder/x"), "x");
        }
    }
    store
}

/// Reads a folder from an offset to its end. Returns the offset of each name.
async fn read_from(kernel: &Kernel, handle: HandleId, offset: u64) -> Vec<(u64, String)> {
    let (mut names, mut at) = (Vec::new(), offset);
    loop {
        let before = at;
        let mut room = 7;
        let read = kernel.fs.readdir(handle, before, |entry| {
            if room == 0 {
                return Reported::Full;
            }
            room -= 1;
            if at >= DOTS {
                names.push((at, entry.name.to_str().unwrap().to_owned()));
            }
            at = entry.next_offset;
            Reported::No
        });
        read.await.unwrap();
        if at == before {
            return names;
        }
    }
}

async fn open_dir(kernel: &Kernel, path: &str) -> (Ino, HandleId, ListingCache) {
    let ino = kernel.walk(path).await.unwrap().ino;
    let handle = kernel.fs.opendir(ino).unwrap();
    let cache = kernel.fs.listing_cache(ino, handle).unwrap();
    (ino, handle, cache)
}

/// Lists a folder so that the kernel has a copy of the listing. Returns the offset of each name.
async fn fill(kernel: &Kernel, path: &str) -> Vec<(u64, String)> {
    let (_, handle, cache) = open_dir(kernel, path).await;
    assert_eq!(cache, ListingCache::Fill);
    let names = read_from(kernel, handle, 0).await;
    kernel.fs.release(handle);
    names
}

/// Returns how the next handle of a folder uses the kernel's copy.
async fn next_use(kernel: &Kernel, path: &str) -> ListingCache {
    let (_, handle, cache) = open_dir(kernel, path).await;
    kernel.fs.release(handle);
    cache
}

#[tokio::test]
async fn a_handle_goes_on_in_the_order_of_the_copy_that_the_kernel_has_lost() {
    let kernel = frozen(Arc::new(mixed(40)), Freshness::Immutable).await;
    let names = fill(&kernel, "d").await;
    // An open folder is not forgotten.
    let ino = kernel.walk("d").await.unwrap().ino;
    let _open = kernel.fs.core.tree.held(ino);
    for at in [1, 13, 50] {
        let (_, handle, cache) = open_dir(&kernel, "d").await;
        assert_eq!(cache, ListingCache::Keep);
        kernel.forget();
        assert_eq!(read_from(&kernel, handle, names[at].0).await, names[at..]);
        kernel.fs.release(handle);
    }
}

#[tokio::test]
async fn a_handle_that_goes_on_without_the_copy_passes_over_no_name_for_those_that_went() {
    let kernel = frozen(Arc::new(mixed(40)), Freshness::Immutable).await;
    let names = fill(&kernel, "d").await;
    let (_, handle, cache) = open_dir(&kernel, "d").await;
    assert_eq!(cache, ListingCache::Keep);
    for (_, name) in names[..20].iter().filter(|(_, name)| name.len() == 4) {
        kernel.unlink(&format!("d/{name}")).await.unwrap();
    }
    kernel.save("d/0000-new", b"").await.unwrap();
    let rest: Vec<_> = read_from(&kernel, handle, names[20].0).await;
    assert_eq!(rest[..names.len() - 20], names[20..]);
    assert_eq!(rest.last().unwrap().1, "0000-new");
}

#[tokio::test]
async fn a_handle_goes_far_back_in_the_order_of_the_copy() {
    let kernel = frozen(Arc::new(mixed(5000)), Freshness::Immutable).await;
    let (_, handle, _) = open_dir(&kernel, "d").await;
    let names = read_from(&kernel, handle, 0).await;
    assert_eq!(names.len(), 5000 + 1667);
    assert_eq!(read_from(&kernel, handle, names[7].0).await, names[7..]);
}

#[tokio::test]
async fn a_deletion_that_failed_later_shows_the_file_again() {
    for freshness in [Freshness::Immutable, Freshness::Indefinite] {
        let (store, faults) = Faults::over(mixed(5));
        let kernel = frozen(store, freshness).await;
        let names = fill(&kernel, "d").await;
        // The first deletion is waited for.
        kernel.unlink("d/0000").await.unwrap();
        kernel.settle().await.unwrap();
        fill(&kernel, "d").await;
        faults.next(Operation::Delete, Fault::Refused);
        kernel.unlink("d/0001").await.unwrap();
        let dir = kernel.walk("d").await.unwrap().ino;
        let absent_for = |kernel: &Kernel| kernel.fs.absent_for(dir, OsStr::new("0001"));
        assert_eq!(absent_for(&kernel), None, "the bucket still has it");
        assert_eq!(fill(&kernel, "d").await.len(), names.len() - 2);
        kernel.settle().await.unwrap();
        assert_eq!(kernel.load("d/0001").await.unwrap(), "x");
        assert_eq!(fill(&kernel, "d").await.len(), names.len() - 1);
        assert_eq!(kernel.fs.not_stored().len(), 1);
    }
}

#[tokio::test]
async fn a_deferred_deletion_that_failed_shows_the_file_again() {
    let memory = bucket();
    memory.insert("d/large", vec![1; 3 * FIRST_PART as usize]);
    memory.insert("d/other", "x");
    let (store, faults) = Faults::over(memory);
    let kernel = frozen(store, Freshness::Immutable).await;
    fill(&kernel, "d").await;
    let reader = kernel.open("d/large", OpenMode::Read).await.unwrap();
    kernel.unlink("d/large").await.unwrap();
    let dir = kernel.walk("d").await.unwrap().ino;
    assert_eq!(kernel.fs.absent_for(dir, OsStr::new("large")), None);
    faults.next(Operation::Head, Fault::Refused);
    kernel.release(reader);
    kernel.fs.orphans.settle_below("d/").await;
    kernel.walk("d/large").await.unwrap();
    assert_eq!(fill(&kernel, "d").await.len(), 2);
}

/// Kernel that records the names which it is to forget.
#[derive(Debug, Default)]
struct Forgotten(Mutex<Vec<OsString>>);

impl KernelNotifier for Forgotten {
    fn store(&self, _: NodeId, _: u64, _: &[u8]) -> bool {
        false
    }

    fn forget_name(&self, _: NodeId, name: &OsStr) {
        self.0.lock().unwrap().push(name.to_owned());
    }

    fn forget_pages(&self, _: NodeId, _: Range<u64>) {}
}

#[tokio::test]
async fn an_open_that_finds_no_object_makes_the_kernel_ask_for_the_name_and_the_listing() {
    let memory = mixed(5);
    let kernel = frozen(Arc::new(memory.clone()), Freshness::Indefinite).await;
    let forgotten = Arc::<Forgotten>::default();
    kernel.fs.set_kernel(forgotten.clone());
    for (n, name) in ["0001", "0002"].into_iter().enumerate() {
        fill(&kernel, "d").await;
        let ino = kernel.walk(&format!("d/{name}")).await.unwrap().ino;
        assert_eq!(next_use(&kernel, "d").await, ListingCache::Keep);
        kernel.fs.core.tree.expire_file(ino);
        match n {
            0 => memory.remove("d/0001"),
            _ => memory.insert("d/0002", "other"),
        }
        let opened = kernel.fs.open(ino, OpenMode::Read, pid()).await;
        assert!(opened.unwrap_err().is_outdated());
        assert_eq!(next_use(&kernel, "d").await, ListingCache::Fill);
        while forgotten.0.lock().unwrap().len() <= n {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(forgotten.0.lock().unwrap()[n], name);
    }
}

#[tokio::test]
async fn a_read_that_meets_a_rename_of_this_mount_blames_no_other_client() {
    let memory = bucket();
    memory.insert("f", vec![7; 1000]);
    let (store, delays) = Delays::over(memory, 0);
    let kernel = Arc::new(frozen(store, Freshness::Immutable).await);
    let reader = kernel.open("f", OpenMode::Read).await.unwrap();
    let gate = delays.hold(Operation::Get, Point::Before);
    let reading = tokio::spawn({
        let kernel = Arc::clone(&kernel);
        async move { kernel.read(reader, 0, 1000).await }
    });
    tokio::task::yield_now().await;
    kernel.rename("f", "g").await.unwrap();
    kernel.settle().await.unwrap();
    gate.open();
    assert_eq!(reading.await.unwrap().unwrap(), vec![7; 1000]);
}

#[tokio::test]
async fn only_changes_by_other_clients_are_blamed_on_the_bucket() {
    let memory = bucket();
    memory.insert("ours", vec![7; 1000]);
    memory.insert("theirs", vec![7; 1000]);
    let kernel = frozen(Arc::new(memory.clone()), Freshness::Immutable).await;
    let ours = kernel.walk("ours").await.unwrap().ino;
    let theirs = kernel.walk("theirs").await.unwrap().ino;
    let reader = kernel.open("theirs", OpenMode::Read).await.unwrap();
    memory.remove("theirs");
    let failed = kernel.read(reader, 0, 1000).await.unwrap_err();
    assert!(matches!(failed, FsError::NotImmutable));
    assert!(kernel.fs.core.tree.place(theirs).is_some());
    kernel.unlink("ours").await.unwrap();
    assert!(kernel.fs.outdated(ours, &FsError::Stale).is_none());
}
