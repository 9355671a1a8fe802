//! Reading and writing the files of a bucket.

use std::fs;
use std::io::{self, Write};
use std::os::fd::IntoRawFd;
use std::process::Command;

use s3_local::{Operation, Policy};
use stub::ErrorKind;
use stub_test_support::Clean;

use crate::bucket::{self, BUCKET, volume};

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn entries() -> io::Result<Vec<String>> {
    let names =
        fs::read_dir("/stub-it/data")?.map(|entry| Ok(entry?.file_name().into_string().unwrap()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn read(name: String) -> io::Result<Vec<u8>> {
    fs::read(format!("/stub-it/data/{name}"))
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn write(name: String, bytes: Vec<u8>) -> io::Result<()> {
    fs::write(format!("/stub-it/data/{name}"), bytes)
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn shell(script: String) -> io::Result<(bool, String)> {
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir("/stub-it/data")
        .output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8(text).unwrap()))
}

/// Leaves the file open, so that only the caller gets a failure.
#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn write_and_return(name: String) -> io::Result<usize> {
    let mut file = fs::File::create(format!("/stub-it/data/{name}"))?;
    file.write_all(b"lost")?;
    let _ = file.into_raw_fd();
    Ok(4)
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn write_and_panic(name: String) {
    let mut file = fs::File::create(format!("/stub-it/data/{name}")).unwrap();
    file.write_all(b"lost").unwrap();
    let _ = file.into_raw_fd();
    panic!("and then this");
}

#[test]
fn a_bucket_is_a_folder() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    assert_eq!(entries().unwrap(), ["hello.txt", "in"]);
    assert_eq!(read("in/deep.txt".to_owned()).unwrap(), b"deep\n");
}

#[test]
fn what_is_written_is_an_object_when_the_call_returns() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    // More than one part of an upload, and not a multiple of anything.
    let bytes: Vec<u8> = (0..20_000_003_u32).map(|n| (n % 251) as u8).collect();
    write("out.bin".to_owned(), bytes.clone()).unwrap();
    assert!(
        server.get(BUCKET, "out.bin").unwrap() == bytes,
        "other bytes"
    );
    assert!(read("out.bin".to_owned()).unwrap() == bytes, "other bytes");
    assert_eq!(server.incomplete_uploads(BUCKET), Vec::<String>::new());
}

#[test]
fn any_program_can_change_the_bucket() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET));
    let script =
        "set -e; mkdir new; cp hello.txt new/copy.txt; rm in/deep.txt; echo x > hello.txt; ls new";
    assert_eq!(
        shell(script.to_owned()).unwrap(),
        (true, "copy.txt\n".to_owned())
    );
    assert_eq!(server.get(BUCKET, "new/copy.txt").unwrap(), "hello\n");
    assert_eq!(server.get(BUCKET, "hello.txt").unwrap(), "x\n");
    assert!(server.get(BUCKET, "in/deep.txt").is_none());
}

#[test]
fn a_prefix_is_all_there_is() {
    let _clean = Clean::start();
    let server = bucket::server();
    bucket::choose(bucket::of(&server, BUCKET).key_prefix("in/"));
    assert_eq!(entries().unwrap(), ["deep.txt"]);
    write("new.txt".to_owned(), b"new".to_vec()).unwrap();
    assert_eq!(server.get(BUCKET, "in/new.txt").unwrap(), "new");
}

#[test]
fn a_read_only_volume_sends_nothing_that_writes() {
    let _clean = Clean::start();
    let server = bucket::server_with(Policy::read_only(BUCKET));
    bucket::choose(bucket::limited(&server).read_only(true));
    assert_eq!(read("hello.txt".to_owned()).unwrap(), b"hello\n");
    let error = write("new.txt".to_owned(), Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "Read-only file system (os error 30)");
    assert!(
        !shell("rm hello.txt || mkdir x || touch hello.txt".to_owned())
            .unwrap()
            .0
    );
    assert_eq!(server.log().writes(), 0);
}

#[test]
fn five_permissions_are_enough() {
    let _clean = Clean::start();
    let server = bucket::server_with(Policy::read_write(BUCKET));
    bucket::choose(bucket::limited(&server));
    let script = "set -e; mkdir a; echo x > a/b; echo y > a/b; echo z >> a/b; rm hello.txt; \
                  head -c 20000000 /dev/zero > big; cat a/b; rm -r a; rmdir empty 2>/dev/null || mkdir empty";
    assert_eq!(
        shell(script.to_owned()).unwrap(),
        (true, "y\nz\n".to_owned())
    );
    assert_eq!(server.keys(BUCKET), ["big", "empty/", "in/deep.txt"]);
    let denied = server
        .log()
        .requests()
        .into_iter()
        .filter(|one| one.status == Some(403));
    assert_eq!(denied.count(), 0);
}

#[test]
fn what_may_not_be_read_is_the_functions_error() {
    let _clean = Clean::start();
    let server = bucket::server_with(Policy::new().allow("s3:ListBucket", BUCKET));
    bucket::choose(bucket::limited(&server).read_only(true));
    assert_eq!(entries().unwrap(), ["hello.txt", "in"]);
    let error = read("hello.txt".to_owned()).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Failed { .. }), "{error:?}");
    assert_eq!(error.to_string(), "Permission denied (os error 13)");
    assert!(server.log().count(Operation::GetObject) > 0);
}

#[test]
fn what_could_not_be_stored_is_named_with_its_reason() {
    let _clean = Clean::start();
    let server = bucket::server_with(Policy::read_only(BUCKET));
    bucket::choose(bucket::limited(&server));
    let error = write_and_return("lost.txt".to_owned()).unwrap_err();
    let text = error.to_string();
    let ErrorKind::NotStored {
        objects,
        cause: None,
        ..
    } = error.kind
    else {
        panic!("{error:?}")
    };
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].object, "s3://data/lost.txt");
    assert!(
        text.starts_with("`it::files::write_and_return` failed to store s3://data/lost.txt (")
            && text.contains("access denied"),
        "{text}"
    );
    assert!(!text.contains("limited-secret"), "{text}");
    assert!(server.get(BUCKET, "lost.txt").is_none());
}

#[test]
fn a_panic_does_not_hide_what_could_not_be_stored() {
    let _clean = Clean::start();
    let server = bucket::server_with(Policy::read_only(BUCKET));
    bucket::choose(bucket::limited(&server));
    let error = write_and_panic("lost.txt".to_owned()).unwrap_err();
    let ErrorKind::NotStored { objects, cause, .. } = error.kind else {
        panic!("{error:?}")
    };
    assert_eq!(objects[0].object, "s3://data/lost.txt");
    let cause = cause.unwrap().to_string();
    assert!(
        cause.contains("panicked") && cause.ends_with("and then this"),
        "{cause}"
    );
}
