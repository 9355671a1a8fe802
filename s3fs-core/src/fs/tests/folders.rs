//! Interrupted, resumed and outdated listings.

use std::sync::Arc;

use crate::fs::OpenMode;
use crate::fs::tests::kernel::Kernel;
use crate::fs::tests::{FIRST_PART, bucket, mount, mount_waiting};
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::store::slow::{Delays, Point};
use crate::tree::Reported;

/// Creates a bucket with more keys in `d` than a page has.
fn two_pages() -> MemoryStore {
    let store = bucket();
    for i in 0..1500 {
        store.insert(&format!("d/{i:04}"), "x");
    }
    store
}

async fn read_some(kernel: &Kernel, handle: crate::fs::HandleId, count: u64) {
    let full_at = count + 2;
    let offer = |entry: crate::fs::dirs::DirEntry<'_>| {
        if entry.next_offset > full_at {
            Reported::Full
        } else {
            Reported::No
        }
    };
    kernel.fs.readdir(handle, 0, offer).await.unwrap();
}

#[tokio::test]
async fn the_folders_above_a_removed_file_stay() {
    let store = bucket();
    store.insert("d/e/a", "x");
    let kernel = mount(Arc::new(store)).await;
    kernel.unlink("d/e/a").await.unwrap();
    kernel.expire();
    kernel.forget();
    assert!(kernel.walk("d/e").await.unwrap().is_dir);
    assert_eq!(kernel.list("", 10).await.unwrap().len(), 1);
    kernel.rmdir("d/e").await.unwrap();
    kernel.rmdir("d").await.unwrap();
    assert!(kernel.walk("d").await.is_err());
}

#[tokio::test]
async fn folders_that_a_server_keeps_go_when_they_are_removed_or_moved() {
    let store = bucket().on_files();
    for key in ["d/e/a", "f/g/h/a", "f/g/b", "f/c"] {
        store.insert(key, "x");
    }
    let kernel = mount(Arc::new(store.clone())).await;
    kernel.unlink("d/e/a").await.unwrap();
    kernel.rmdir("d/e").await.unwrap();
    kernel.rmdir("d").await.unwrap();
    kernel.rename("f", "moved").await.unwrap();
    kernel.fs.finish().await;
    assert_eq!(store.folders(), Vec::<String>::new());
    let keys: Vec<_> = store.objects().into_keys().collect();
    assert_eq!(keys, ["moved/c", "moved/g/b", "moved/g/h/a"]);
}

#[tokio::test]
async fn a_listing_read_from_the_middle_hides_nothing() {
    let store = bucket();
    for name in ["d/a", "d/b", "d/c"] {
        store.insert(name, "x");
    }
    let kernel = mount(Arc::new(store)).await;
    let folder = kernel.walk("d").await.unwrap().ino;
    let handle = kernel.fs.opendir(folder).unwrap();
    assert_eq!(kernel.list_from(handle, 4, 9).await.unwrap().len(), 1);
    assert!(kernel.walk("d/a").await.is_ok());
}

#[tokio::test]
async fn what_is_forgotten_during_a_listing_is_not_absent_after_it() {
    let kernel = mount(Arc::new(two_pages())).await;
    let folder = kernel.walk("d").await.unwrap().ino;
    let handle = kernel.fs.opendir(folder).unwrap();
    read_some(&kernel, handle, 10).await;
    kernel.walk("d/0003").await.unwrap();
    kernel
        .fs
        .forget(kernel.walk("d/0003").await.unwrap().node, 2);
    kernel.list_from(handle, 12, 1000).await.unwrap();
    assert!(kernel.walk("d/0003").await.is_ok());
}

#[tokio::test]
async fn entries_before_a_failure_are_told_and_the_failure_comes_next() {
    let (store, faults) = Faults::over(two_pages());
    let kernel = mount(store).await;
    let folder = kernel.walk("d").await.unwrap().ino;
    let handle = kernel.fs.opendir(folder).unwrap();
    read_some(&kernel, handle, 10).await;
    faults.next(Operation::List, Fault::Refused);
    let mut last = 12;
    let all = |entry: crate::fs::dirs::DirEntry<'_>| {
        last = entry.next_offset;
        Reported::Yes
    };
    // The kernel throws the entries of a failed reply away, and would never forget them.
    kernel.fs.readdir(handle, 12, all).await.unwrap();
    assert!(last > 900);
    faults.next(Operation::List, Fault::Refused);
    assert!(kernel.list_from(handle, last, 10).await.is_err());
    let rest = kernel.list_from(handle, last, 1000).await.unwrap();
    assert_eq!(rest.len() as u64 + last - 2, 1500);
}

#[tokio::test]
async fn a_file_deleted_while_the_listing_holds_it_back_is_not_listed() {
    let store = bucket();
    store.insert("d/a", "x");
    for i in 0..1500 {
        store.insert(&format!("d/a-{i:04}"), "x");
    }
    let kernel = mount(Arc::new(store)).await;
    let folder = kernel.walk("d").await.unwrap().ino;
    let handle = kernel.fs.opendir(folder).unwrap();
    read_some(&kernel, handle, 10).await;
    kernel.unlink("d/a").await.unwrap();
    let listed = kernel.list_from(handle, 12, 1000).await.unwrap();
    assert!(!listed.contains_key("a"));
    assert!(kernel.walk("d/a").await.is_err());
}

#[tokio::test]
async fn a_file_stored_and_forgotten_during_a_listing_does_not_become_a_folder() {
    let kernel = mount(Arc::new(two_pages())).await;
    let file = kernel.create("d/!new", false).await.unwrap();
    let folder = kernel.walk("d").await.unwrap().ino;
    let handle = kernel.fs.opendir(folder).unwrap();
    read_some(&kernel, handle, 10).await;
    kernel.close(file).await.unwrap();
    kernel.forget();
    kernel.walk("d").await.unwrap();
    let listed = kernel.list_from(handle, 12, 1000).await.unwrap();
    assert_ne!(listed.get("!new"), Some(&true));
    assert!(!kernel.walk("d/!new").await.unwrap().is_dir);
}

#[tokio::test]
async fn a_file_that_went_stays_gone_when_a_folder_had_its_name_since() {
    let store = bucket();
    for name in ["d/moved", "d/deleted", "d/open"] {
        store.insert(name, "x");
    }
    let kernel = mount(Arc::new(store)).await;
    let open = kernel.open("d/open", OpenMode::Read).await.unwrap();
    kernel.rename("d/moved", "d/new").await.unwrap();
    for name in ["d/deleted", "d/open"] {
        kernel.unlink(name).await.unwrap();
    }
    for name in ["d/moved", "d/deleted", "d/open"] {
        kernel.mkdir(name).await.unwrap();
        kernel.rmdir(name).await.unwrap();
        assert!(kernel.walk(name).await.is_err(), "{name}");
    }
    assert_eq!(kernel.list("d", 10).await.unwrap().len(), 1);
    kernel.release(open);
    kernel.settle().await.unwrap();
    assert_eq!(kernel.list("d", 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_folder_can_be_removed_as_soon_as_its_last_deleted_file_is_closed() {
    let store = bucket();
    // Too large to be fetched before it goes.
    store.insert("d/f", vec![7; 2 * FIRST_PART as usize]);
    store.insert("d/g", vec![7; 2 * FIRST_PART as usize]);
    let kernel = Arc::new(mount(Arc::new(store.clone())).await);
    for name in ["d/f", "d/g"] {
        let open = kernel.open(name, OpenMode::Read).await.unwrap();
        kernel.unlink(name).await.unwrap();
        // The kernel tells of the last close later than the program closes.
        let late = Arc::clone(&kernel);
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            late.release(open);
        });
    }
    kernel.rmdir("d").await.unwrap();
    kernel.settle().await.unwrap();
    assert!(store.objects().is_empty());
}

#[tokio::test]
async fn a_folder_made_in_the_place_of_a_file_is_found_when_it_was_forgotten() {
    let store = bucket();
    store.insert("f", "x");
    let (store, delays) = Delays::over(store, 0);
    let kernel = mount_waiting(store, 64 << 20, false).await;
    // The first of each is waited for.
    kernel.save("first", b"x").await.unwrap();
    kernel.settle().await.unwrap();
    kernel.unlink("first").await.unwrap();
    let _deletions = delays.hold(Operation::Delete, Point::Before);
    kernel.unlink("f").await.unwrap();
    kernel.mkdir("f").await.unwrap();
    kernel
        .fs
        .fsync_dir(kernel.walk("f").await.unwrap().ino)
        .await
        .unwrap();
    kernel.forget();
    kernel.expire();
    assert!(kernel.walk("f").await.unwrap().is_dir);
}

#[tokio::test]
async fn numbers_outlive_what_the_kernel_remembers() {
    let store = bucket();
    for key in ["a", "d/x", "d/sub/y"] {
        store.insert(key, "x");
    }
    let kernel = mount(Arc::new(store)).await;
    let forget = || {
        kernel.forget();
        kernel.expire();
        assert_eq!(kernel.fs.core.tree.count(), 1);
    };
    let number = async |path: &str| kernel.walk(path).await.unwrap().number;
    let (a, x, y) = (
        number("a").await,
        number("d/x").await,
        number("d/sub/y").await,
    );
    forget();
    let again = (
        number("d/sub/y").await,
        number("d/x").await,
        number("a").await,
    );
    assert_eq!(again, (y, x, a));
    kernel.rename("a", "b").await.unwrap();
    kernel.rename("d", "e").await.unwrap();
    kernel.save("a", b"another").await.unwrap();
    kernel.settle().await.unwrap();
    let another = number("a").await;
    assert_ne!(another, a);
    forget();
    assert_eq!(number("e/sub/y").await, y);
    assert_eq!(number("a").await, another);
    assert_eq!(number("b").await, a);
    assert_eq!(number("e/x").await, x);
    kernel.unlink("b").await.unwrap();
    kernel.save("b", b"a new one").await.unwrap();
    assert_ne!(number("b").await, a);
}

#[tokio::test]
async fn a_folder_shares_its_number_with_none_that_is_open() {
    let kernel = mount(Arc::new(bucket())).await;
    kernel.mkdir("d").await.unwrap();
    let first = kernel.walk("d").await.unwrap();
    let open = kernel.fs.opendir(first.ino).unwrap();
    kernel.rmdir("d").await.unwrap();
    kernel.mkdir("d").await.unwrap();
    let second = kernel.walk("d").await.unwrap();
    assert_ne!(second.number, first.number);
    kernel.fs.release(open);
    kernel.rmdir("d").await.unwrap();
    kernel.mkdir("d").await.unwrap();
    assert_eq!(kernel.walk("d").await.unwrap().number, first.number);
}
