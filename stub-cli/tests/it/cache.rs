//! `--cache` of `stub run` and `stub mount`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use s3_local::{Operation, Server};

use crate::mount::Mounted;
use crate::{server, stub};

/// Size in bytes of an object that takes several requests.
const SIZE: usize = 3 << 20;

/// Returns the number of `GetObject` requests since its last call, except those answered with 304.
fn sent(server: &Server) -> usize {
    let requests = server.log().requests();
    server.log().clear();
    let gets = requests.iter();
    let gets = gets.filter(|request| request.operation == Operation::GetObject);
    gets.filter(|get| get.status != Some(304)).count()
}

fn read(server: &Server, cache: &Path, access: &str) -> Output {
    let volume = format!("/stub-in=s3://data/in:{access}");
    stub("run", server)
        .args(["--volume", &volume, "--cache-size", "100MiB", "--cache"])
        .arg(cache)
        .args(["--", "cksum", "/stub-in/large", "/stub-in/hello.txt"])
        .output()
        .unwrap()
}

#[test]
fn what_one_run_has_read_the_next_need_not_fetch() {
    let (server, above) = (server(), tempfile::tempdir().unwrap());
    server.put("data", "in/large", vec![7; SIZE]);
    let cache = above.path().join("cache");
    let first = read(&server, &cache, "ro");
    assert!(first.status.success(), "{first:?}");
    assert!(sent(&server) > 0);
    for access in ["ro", "rw", "ro"] {
        let next = read(&server, &cache, access);
        assert_eq!(
            (next.status, next.stdout),
            (first.status, first.stdout.clone())
        );
        assert_eq!(sent(&server), 0, "{access}");
    }
}

#[test]
fn a_cache_that_is_open_to_others_is_an_error_that_says_what_to_do() {
    let (server, cache) = (server(), tempfile::tempdir().unwrap());
    fs::set_permissions(cache.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let output = read(&server, cache.path(), "ro");
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(125));
    let advice = format!("run `chmod 700 {}`", cache.path().display());
    assert!(words.contains(&advice), "{words}");
}

#[test]
fn a_cache_below_the_folder_that_comes_to_be_mounted_is_used_and_does_not_wait_for_itself() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    server.put("data", "in/large", vec![7; SIZE]);
    let cache = folder.path().join("cache");
    for round in 0..2 {
        let mounted = Mounted::new(
            &server,
            folder.path(),
            &["--cache", cache.to_str().unwrap()],
        );
        assert_eq!(
            fs::read(folder.path().join("in/large")).unwrap(),
            vec![7; SIZE]
        );
        drop(mounted);
        assert_eq!(sent(&server) == 0, round == 1);
    }
}
