//! Data cached between functions that run one after the other.

use std::fs;
use std::io;

use s3_local::Operation;
use stub_test_support::Clean;

use crate::bucket::{self, BUCKET, volume};

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn sum() -> io::Result<u64> {
    let bytes = fs::read("/stub-it/data/large")?;
    Ok(bytes.iter().map(|byte| u64::from(*byte)).sum())
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn length() -> io::Result<usize> {
    Ok(fs::read("/stub-it/data/large")?.len())
}

#[test]
fn two_functions_download_the_same_data_once() {
    let _clean = Clean::start();
    let server = bucket::server();
    let bytes: Vec<u8> = (0..12_000_000_u32).map(|n| (n % 251) as u8).collect();
    server.put(BUCKET, "large", bytes.clone());
    let folder = tempfile::tempdir().unwrap();
    for read_only in [true, false] {
        let cache = folder.path().join(format!("cache-{read_only}"));
        let volume = bucket::of(&server, BUCKET).read_only(read_only);
        bucket::choose(volume.cache(&cache, 1 << 30));
        let expected: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
        assert_eq!(sum().unwrap(), expected);
        server.log().clear();
        assert_eq!(length().unwrap(), bytes.len());
        let requests = server.log().requests();
        let gets = requests
            .iter()
            .filter(|r| r.operation == Operation::GetObject);
        let statuses: Vec<_> = gets.map(|request| request.status).collect();
        let asks = |status: &Option<u16>| *status == Some(304);
        assert!(statuses.iter().all(asks), "only whether it has changed");
    }
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn nothing() {}

#[test]
fn a_folder_is_in_the_cache_before_the_body_begins() {
    let _clean = Clean::start();
    let server = bucket::server();
    for key in ["a/one", "a/two", "b/other"] {
        server.put(BUCKET, key, key);
    }
    let folder = tempfile::tempdir().unwrap();
    let volume = bucket::of(&server, BUCKET).read_only(true);
    let volume = volume.cache(folder.path().join("cache"), 1 << 30).warm("a");
    for expected in [&["a/one", "a/two"][..], &[]] {
        bucket::choose(volume.clone());
        server.log().clear();
        nothing().unwrap();
        let requests = server.log().requests().into_iter();
        let gets = requests.filter(|it| it.operation == Operation::GetObject);
        let mut keys: Vec<_> = gets.filter_map(|get| get.key).collect();
        keys.sort();
        assert_eq!(keys, expected);
    }
}
