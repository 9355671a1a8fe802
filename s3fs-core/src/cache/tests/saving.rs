//! Requests and bytes that the cache saves.

use super::MIB;
use super::client::{Client, cache, folder, noise, space};
use crate::cache::Cached;
use crate::cache::format::BLOCK;
use crate::object::{ByteRange, Key};
use crate::store::conformance;
use crate::store::disturbed::Operation;
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;
use crate::store::{Condition, Store, StoreErrorKind};

#[tokio::test]
async fn what_was_read_once_is_only_asked_about() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let sizes = [1, BLOCK, 512 << 10, 5 * MIB + 17];
    for size in sizes {
        bucket.insert(&size.to_string(), noise(size, size));
    }
    let client = Client::new(&bucket, &dir);
    for size in sizes {
        let (_, bytes) = client.read(&size.to_string()).await.unwrap();
        assert!(bytes == noise(size, size));
    }
    assert_eq!(client.traffic().1, sizes.iter().sum::<u64>());
    client.end().await;
    let client = Client::new(&bucket, &dir);
    for size in sizes {
        let (_, bytes) = client.read(&size.to_string()).await.unwrap();
        assert!(bytes == noise(size, size), "{size}");
    }
    assert_eq!(client.traffic(), (sizes.len() as u64, 0));
}

#[tokio::test]
async fn a_new_version_comes_at_once_and_takes_the_place_of_the_old_one() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    for round in 0..4 {
        let size = MIB + round;
        bucket.insert("key", noise(size, round));
        let client = Client::new(&bucket, &dir);
        assert!(client.read("key").await.unwrap().1 == noise(size, round));
        assert!(client.traffic().1 >= size);
        client.end().await;
        let client = Client::new(&bucket, &dir);
        assert!(client.read("key").await.unwrap().1 == noise(size, round));
        assert_eq!(client.traffic(), (1, 0));
        client.end().await;
        super::client::only(&dir, ".data");
    }
    bucket.remove("key");
    let gone = Client::new(&bucket, &dir).read("key").await.unwrap_err();
    assert!(matches!(gone.kind, StoreErrorKind::NoSuchKey));
}

#[tokio::test]
async fn a_read_in_the_middle_brings_whole_blocks_and_the_next_one_nothing() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let content = noise(8 * MIB, 3);
    bucket.insert("key", content.clone());
    let (start, end) = (3 * BLOCK + 1000, 4 * BLOCK + 5);
    let client = Client::new(&bucket, &dir);
    let bytes = client.range("key", start, end).await;
    assert!(bytes == content[start as usize..end as usize]);
    assert_eq!(client.traffic(), (1, 2 * BLOCK));
    client.end().await;
    let client = Client::new(&bucket, &dir);
    let bytes = client.range("key", 3 * BLOCK, 5 * BLOCK).await;
    assert!(bytes == content[3 * BLOCK as usize..5 * BLOCK as usize]);
    assert_eq!(client.traffic(), (1, 0));
}

#[tokio::test]
async fn only_what_is_missing_is_fetched_and_in_few_requests() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let content = noise(8 * MIB, 4);
    bucket.insert("key", content.clone());
    let client = Client::new(&bucket, &dir);
    // Blocks 0, and 8 to 15: what is here first, then a gap, then what is here, then the rest.
    client.range("key", 0, BLOCK).await;
    client.range("key", 8 * BLOCK, 16 * BLOCK).await;
    client.end().await;
    let client = Client::new(&bucket, &dir);
    let bytes = client.range("key", 0, 8 * MIB).await;
    assert!(bytes == content);
    assert_eq!(client.traffic(), (1 + 2, 8 * MIB - 9 * BLOCK));
}

#[tokio::test]
async fn a_body_that_breaks_leaves_only_whole_blocks() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    let content = noise(2 * MIB, 5);
    bucket.insert("key", content.clone());
    for broken_after in [1, BLOCK - 1, BLOCK + 1, 2 * BLOCK - 1] {
        let (store, faults) = Faults::over(bucket.clone());
        faults.next(Operation::Get, Fault::Broken(broken_after as usize));
        let store = std::sync::Arc::into_inner(store).unwrap();
        let client = Client::over(store, cache(&dir, 1 << 30));
        assert!(client.read("key").await.is_err());
        client.end().await;
        let client = Client::new(&bucket, &dir);
        assert!(client.read("key").await.unwrap().1 == content);
        client.end().await;
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

#[tokio::test]
async fn a_version_that_is_gone_is_refused_by_the_answer_and_not_by_the_body() {
    let (_above, dir) = folder();
    let bucket = MemoryStore::default();
    bucket.insert("key", noise(4 * MIB, 6));
    let client = Client::new(&bucket, &dir);
    let first = ByteRange::new(0, BLOCK);
    let key = Key::new("key");
    let old = client.store.get(&key, first, Condition::Any).await.unwrap();
    let etag = old.meta.etag;
    super::client::collect(old.body).await.unwrap();
    client.end().await;
    bucket.insert("key", noise(4 * MIB, 7));
    let client = Client::new(&bucket, &dir);
    let later = ByteRange::new(BLOCK, 2 * BLOCK);
    let refused = client.store.get(&key, later, Condition::Is(&etag)).await;
    let kind = refused.unwrap_err().kind;
    assert!(matches!(kind, StoreErrorKind::PreconditionFailed));
}

#[tokio::test]
async fn it_is_a_store_as_the_one_below_it_is() {
    macro_rules! each {
        ($($rule:ident)*) => {$({
            let (_above, dir) = folder();
            let store = Cached::new(MemoryStore::default(), cache(&dir, 1 << 30), space());
            conformance::$rule(&store).await;
        })*};
    }
    each!(
        objects_have_their_bytes_and_a_tag_for_each_version
        ranges_are_cut_to_the_object
        conditions_are_checked
        listings_fold_and_page
        parts_become_an_object
        uploads_that_break_the_rules_are_refused
        ranges_of_objects_become_parts
        headers_come_back_by_every_way
        objects_have_a_type_of_their_own_or_the_stores
        values_that_are_not_ascii_fail_nothing
        copies_keep_the_headers_or_get_others
        an_object_is_copied_onto_itself_only_with_other_headers
        a_copy_of_what_was_uploaded_in_parts_may_have_another_tag
        only_the_version_that_is_there_is_copied
        ranges_of_another_object_become_parts
        a_version_is_replaced_only_if_it_is_still_there
        properties_come_back_and_tags_are_read
        copies_keep_the_properties_that_the_object_keeps
    );
}
