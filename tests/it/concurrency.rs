//! Calls from many threads, and nested calls.

use std::{fs, io, thread};

use stub::CloudBucketMount;
use stub_test_support::Clean;

use crate::bucket::{self, BUCKET, keys, volume};

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn write_and_read(n: usize) -> io::Result<String> {
    let path = format!("/stub-it/data/{n}");
    fs::write(&path, format!("number {n}"))?;
    fs::read_to_string(path)
}

/// Endpoint and keys for an inner call, since a volume can't be an argument.
type Place = (String, String, String);

#[stub::function(volumes = <"/stub-it/outer" => volume()>)]
fn outer((url, id, secret): Place) -> Result<String, Box<dyn std::error::Error>> {
    let there = CloudBucketMount::new("more")
        .bucket_endpoint_url(url)
        .force_path_style(true);
    bucket::choose(there.secret(keys(&id, &secret)));
    let inner = inner()?;
    let outer = fs::read_to_string("/stub-it/outer/hello.txt")?;
    Ok(format!("{outer}{inner}"))
}

#[stub::function(volumes = <"/stub-it/inner" => volume()>)]
fn inner() -> io::Result<String> {
    // The caller's volume is there as well: this runs inside its sandbox.
    let outer = fs::read_dir("/stub-it/outer")?.count();
    let own = fs::read_to_string("/stub-it/inner/other.txt")?;
    fs::write("/stub-it/inner/new.txt", "from the inner call")?;
    Ok(format!("{own}{outer}"))
}

#[test]
fn many_threads_call_at_once() {
    let _clean = Clean::start();
    let server = bucket::server();
    thread::scope(|scope| {
        let call = |n| {
            let server = &server;
            scope.spawn(move || {
                bucket::choose(bucket::of(server, BUCKET));
                write_and_read(n)
            })
        };
        let calls: Vec<_> = (0..12).map(call).collect();
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.join().unwrap().unwrap(), format!("number {n}"));
        }
    });
    for n in 0..12 {
        let stored = server.get(BUCKET, &n.to_string()).unwrap();
        assert_eq!(stored, format!("number {n}"));
    }
}

#[test]
fn a_function_calls_another_and_both_have_their_volumes() {
    let _clean = Clean::start();
    let server = bucket::server();
    server.create_bucket("more");
    server.put("more", "other.txt", "other\n");
    bucket::choose(bucket::of(&server, BUCKET));
    let place = (
        server.endpoint_url(),
        server.access_key_id().to_owned(),
        server.secret_access_key().to_owned(),
    );
    assert_eq!(outer(place).unwrap(), "hello\nother\n2");
    assert_eq!(
        server.get("more", "new.txt").unwrap(),
        "from the inner call"
    );
}
