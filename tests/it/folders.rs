//! Mount points of volumes.

use std::path::Path;
use std::{fs, io};

use s3_local::Server;
use stub::{CloudBucketMount, ErrorKind};
use stub_test_support::Clean;

use crate::bucket::{self, BUCKET, volume};

/// Returns the bucket `more`, on the server of the current test.
fn more() -> CloudBucketMount {
    MORE.with_borrow(Clone::clone).unwrap()
}

thread_local! {
    static MORE: std::cell::RefCell<Option<CloudBucketMount>> = const { std::cell::RefCell::new(None) };
}

fn read_both(outer: &str, inner: &str) -> io::Result<(String, String)> {
    let read = |folder: &str, name: &str| fs::read_to_string(Path::new(folder).join(name));
    Ok((read(outer, "hello.txt")?, read(inner, "other.txt")?))
}

#[stub::function(volumes = <"/stub-it/outer" => volume(), "/stub-it/outer/in" => more()>)]
fn one_under_the_other() -> io::Result<(String, String)> {
    fs::write("/stub-it/outer/in/new.txt", "inner")?;
    fs::write("/stub-it/outer/new.txt", "outer")?;
    read_both("/stub-it/outer", "/stub-it/outer/in")
}

#[stub::function(volumes = <"/stub-it/outer/no/such" => more(), "/stub-it/outer" => volume().read_only(true)>)]
fn one_under_the_other_where_no_folder_is() -> io::Result<(String, String)> {
    read_both("/stub-it/outer", "/stub-it/outer/no/such")
}

#[stub::function(volumes = <"/stub-it/a/b/c" => volume(), "/usr/stub-it/d" => more()>)]
fn missing_folders() -> io::Result<(String, String)> {
    // What is beside them is still there.
    assert!(fs::exists("/usr/bin/env")?);
    read_both("/stub-it/a/b/c", "/usr/stub-it/d")
}

#[stub::function(volumes = <"/var" => volume()>)]
fn a_folder_that_is_not_empty() -> io::Result<Vec<String>> {
    fs::write("/var/new.txt", "is in the bucket")?;
    let entries = fs::read_dir("/var")?.map(|entry| Ok(entry?.file_name().into_string().unwrap()));
    let mut names = entries.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[stub::function(volumes = <"/etc/passwd" => volume()>)]
fn a_file() {}

#[stub::function(volumes = <"/etc/passwd/below" => volume()>)]
fn below_a_file() {}

fn two_buckets() -> Server {
    let server = bucket::server();
    server.create_bucket("more");
    server.put("more", "other.txt", "other\n");
    bucket::choose(bucket::of(&server, BUCKET));
    MORE.set(Some(bucket::of(&server, "more")));
    server
}

fn both() -> (String, String) {
    ("hello\n".to_owned(), "other\n".to_owned())
}

#[test]
fn a_volume_lies_under_another() {
    let _clean = Clean::start();
    let server = two_buckets();
    assert_eq!(one_under_the_other().unwrap(), both());
    assert_eq!(server.get("more", "new.txt").unwrap(), "inner");
    assert_eq!(server.get(BUCKET, "new.txt").unwrap(), "outer");
    assert_eq!(server.keys(BUCKET), ["hello.txt", "in/deep.txt", "new.txt"]);
}

#[test]
fn a_volume_lies_where_the_other_has_no_folder() {
    let _clean = Clean::start();
    let server = two_buckets();
    assert_eq!(one_under_the_other_where_no_folder_is().unwrap(), both());
    assert_eq!(server.log().writes(), 0);
}

#[test]
fn missing_folders_are_made_for_the_call_alone() {
    let _clean = Clean::start();
    let _server = two_buckets();
    assert_eq!(missing_folders().unwrap(), both());
    assert!(!fs::exists("/stub-it").unwrap() && !fs::exists("/usr/stub-it").unwrap());
}

#[test]
fn a_folders_own_files_are_hidden_and_kept() {
    let _clean = Clean::start();
    let server = two_buckets();
    let before = fs::read_dir("/var").unwrap().count();
    assert!(before > 0);
    assert_eq!(
        a_folder_that_is_not_empty().unwrap(),
        ["hello.txt", "in", "new.txt"]
    );
    assert_eq!(fs::read_dir("/var").unwrap().count(), before);
    assert_eq!(server.get(BUCKET, "new.txt").unwrap(), "is in the bucket");
}

#[test]
fn a_file_is_no_folder() {
    let _clean = Clean::start();
    let server = two_buckets();
    for (result, function, path) in [
        (a_file(), "a_file", "/etc/passwd"),
        (below_a_file(), "below_a_file", "/etc/passwd/below"),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Volume { .. }), "{error:?}");
        let text = error.to_string();
        let start = format!("`it::folders::{function}` failed to mount volume `{path}`: ");
        assert!(
            text.starts_with(&start) && text.contains("`/etc/passwd` is a file"),
            "{text}"
        );
    }
    assert_eq!(
        server.log().total(),
        0,
        "noticed before any bucket is asked"
    );
}
