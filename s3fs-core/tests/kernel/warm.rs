//! Warming: a tree is brought into the cache before programs read it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use s3_local::{Operation, Server};
use s3fs_core::{
    Access, CacheConfig, Freshness, Prefix, Resources, WarmError, WarmReport, Warming,
};
use stub_test_support::noise;

use crate::cache::folder;
use crate::mounted::{BUCKET, Bucket, config, server};

/// Number of small files in the tree.
const FILES: u64 = 2500;

/// Large enough for several parts.
const LARGE: usize = (20 << 20) + 17;

fn tree() -> Arc<Server> {
    let server = server();
    for n in 0..FILES {
        server.put(
            BUCKET,
            &format!("d/{:02}/{n:04}", n % 50),
            noise(1000 + n as usize),
        );
    }
    server.put(BUCKET, "d/large", noise(LARGE));
    server.put(BUCKET, "d/empty", "");
    server.put(BUCKET, "elsewhere", noise(1000));
    Arc::new(server)
}

/// Warms the folder `d`, and returns the account.
fn warm(server: &Server, dir: &Path, size: u64) -> Result<WarmReport, WarmError> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let warming = warming(server, dir, size).await?;
        warming.run().await?;
        Ok(warming.progress().now())
    })
}

async fn warming(server: &Server, dir: &Path, size: u64) -> Result<Warming, WarmError> {
    let mut config = config(server);
    config.prefix = Prefix::new("d/").unwrap();
    let dir = dir.to_owned();
    config.cache = Some(CacheConfig { dir, size });
    Warming::connect(&config, &Resources::default()).await
}

/// Returns the number of bytes of all files of the tree.
fn bytes() -> u64 {
    (0..FILES).map(|n| 1000 + n).sum::<u64>() + LARGE as u64
}

/// Reads the tree through a mount with the cache. Returns the keys of the bodies that were sent.
fn read(server: &Arc<Server>, dir: &Path, freshness: Freshness) -> Vec<String> {
    let bucket = Bucket::mount(Arc::clone(server), |config| {
        let dir = dir.to_owned();
        config.cache = Some(CacheConfig { dir, size: 1 << 30 });
        config.access = Access::ReadOnly;
        config.freshness = freshness;
    });
    server.log().clear();
    for n in (0..FILES).step_by(7) {
        let path = bucket.at(&format!("d/{:02}/{n:04}", n % 50));
        assert!(fs::read(path).unwrap() == noise(1000 + n as usize), "{n}");
    }
    assert!(fs::read(bucket.at("d/large")).unwrap() == noise(LARGE));
    bodies(server)
}

fn bodies(server: &Server) -> Vec<String> {
    let requests = server.log().requests().into_iter();
    let gets = requests.filter(|request| request.operation == Operation::GetObject);
    let bodies = gets.filter(|get| matches!(get.status, Some(200 | 206)));
    bodies.map(|get| get.key.unwrap()).collect()
}

#[test]
fn a_warm_tree_is_read_without_a_body_and_warmed_once() {
    let (_above, dir) = folder();
    let server = tree();
    let report = warm(&server, &dir, 1 << 30).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.fetched.objects, FILES + 1);
    assert_eq!(report.fetched.bytes, bytes());
    assert_eq!(read(&server, &dir, Freshness::Checked), [""; 0]);
    assert_eq!(read(&server, &dir, Freshness::Immutable), [""; 0]);
    server.log().clear();
    let again = warm(&server, &dir, 1 << 30).unwrap();
    assert_eq!((again.fetched.objects, again.held.objects), (0, FILES + 2));
    assert_eq!(bodies(&server), [""; 0]);
    server.put(BUCKET, "d/00/0000", noise(5000));
    let newer = warm(&server, &dir, 1 << 30).unwrap();
    assert_eq!((newer.fetched.objects, newer.fetched.bytes), (1, 5000));
}

#[test]
fn what_does_not_fit_is_left_out_and_nothing_is_evicted_for_another() {
    let (_above, dir) = folder();
    let server = tree();
    for _ in 0..2 {
        let report = warm(&server, &dir, 16 << 20).unwrap();
        assert!(report.left_out.objects > 100, "{report:?}");
        assert!(report.left_out.bytes > LARGE as u64, "{report:?}");
        let here = report.fetched.objects + report.held.objects;
        assert!(here > 500, "{report:?}");
        assert_eq!(here + report.left_out.objects, FILES + 2);
    }
    let last = warm(&server, &dir, 16 << 20).unwrap();
    assert_eq!(last.fetched.objects, 0, "all that fits is there: {last:?}");
}

#[test]
fn a_warming_that_is_cancelled_leaves_right_files() {
    let (_above, dir) = folder();
    let server = tree();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let progress = runtime.block_on(async {
        let warming = warming(&server, &dir, 1 << 30).await.unwrap();
        let progress = warming.progress();
        let enough = async {
            while progress.now().fetched.objects < 100 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            ended = warming.run() => panic!("{ended:?}"),
            () = enough => {}
        }
        progress
    });
    drop(runtime);
    assert!(progress.now().fetched.objects >= 100);
    read(&server, &dir, Freshness::Checked);
    let rest = warm(&server, &dir, 1 << 30).unwrap();
    assert!(rest.held.objects >= 100 && rest.is_complete(), "{rest:?}");
}

#[test]
fn a_volume_without_a_cache_can_not_be_warmed() {
    let server = server();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let connected = runtime.block_on(async {
        let config = config(&server);
        Warming::connect(&config, &Resources::default()).await
    });
    assert!(matches!(connected.map(drop), Err(WarmError::NoCache)));
}
