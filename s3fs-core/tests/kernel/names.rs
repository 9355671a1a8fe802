//! Keys that are not file names, and names with two meanings.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use crate::mounted::{BUCKET, Bucket, empty, errno, server};

#[test]
fn keys_that_are_no_file_names_are_hidden_and_left_alone() {
    let server = server();
    let hidden = [
        "d//x", "d/./x", "d/../x", "d/.", "d/..", "//", "/lead", "d/nul\0l",
    ];
    for key in hidden {
        server.put(BUCKET, key, key.to_owned());
    }
    server.put(BUCKET, "d/ok", "ok");
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(bucket.names(""), ["d"]);
    assert_eq!(bucket.names("d"), ["ok"]);
    fs::remove_file(bucket.at("d/ok")).unwrap();
    // It looks empty and isn't: removing it must not lose anything.
    assert_eq!(errno(fs::remove_dir(bucket.at("d"))), Errno::ENOTEMPTY);
    let keys = bucket.keys();
    for key in hidden {
        assert!(keys.iter().any(|k| k == key), "{key:?} was lost");
    }
}

#[test]
fn every_other_byte_that_a_key_may_hold_round_trips() {
    let bucket = empty();
    let names = [
        "sp ace",
        "plus+",
        "per%20cent",
        "quo\"te",
        "am&p",
        "<lt>",
        "new\nline",
        "tab\t",
        "\u{1}",
        "\u{7f}",
        "back\\slash",
        "ünï",
        "日本",
        "🦀",
        "e\u{301}",
        "#hash?",
        "*star",
        "~tilde",
        "-dash",
        &"x".repeat(255),
    ];
    for name in names {
        fs::write(bucket.at(name), name).unwrap();
        assert_eq!(bucket.object(name).unwrap(), name.as_bytes(), "{name:?}");
    }
    let mut sorted: Vec<String> = names.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(bucket.names(""), sorted);
    let server = server();
    for name in names {
        server.put(BUCKET, &format!("theirs/{name}"), name.to_owned());
    }
    let again = Bucket::mount(server, |_| {});
    assert_eq!(again.names("theirs"), sorted);
    for name in names {
        assert_eq!(
            fs::read(again.at(&format!("theirs/{name}"))).unwrap(),
            name.as_bytes()
        );
    }
}

#[test]
fn a_folder_hides_the_object_of_the_same_name() {
    let server = server();
    server.put(BUCKET, "a", "object");
    server.put(BUCKET, "a/b", "below");
    for i in 0..1200 {
        server.put(BUCKET, &format!("a-{i}"), "between");
    }
    let bucket = Bucket::mount(server, |_| {});
    assert!(fs::metadata(bucket.at("a")).unwrap().is_dir());
    assert_eq!(bucket.names("a"), ["b"]);
    assert_eq!(
        bucket.names("").iter().filter(|name| *name == "a").count(),
        1
    );
    fs::remove_file(bucket.at("a/b")).unwrap();
    assert_eq!(bucket.object("a").unwrap(), b"object");
}

#[test]
fn markers_make_empty_folders_and_are_not_shown() {
    let server = server();
    server.put(BUCKET, "empty/", "");
    server.put(BUCKET, "full/", "");
    server.put(BUCKET, "full/x", "x");
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(bucket.names(""), ["empty", "full"]);
    assert!(bucket.names("empty").is_empty());
    assert_eq!(bucket.names("full"), ["x"]);
}

#[test]
fn names_that_no_key_can_have_are_refused() {
    let bucket = empty();
    let path = bucket.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe"));
    assert_eq!(errno(fs::write(&path, "x")), Errno::EILSEQ);
    assert_eq!(errno(fs::metadata(&path)), Errno::ENOENT);
    let deep = vec!["x".repeat(200); 5].join("/");
    fs::create_dir_all(bucket.at(&deep)).unwrap();
    let too_long = format!("{deep}/{}", "y".repeat(200));
    assert_eq!(
        errno(fs::write(bucket.at(&too_long), "x")),
        Errno::ENAMETOOLONG
    );
}

#[test]
fn long_names_are_shown_and_used_and_not_made() {
    let server = server();
    let (long, longest) = ("y".repeat(300), "x".repeat(1024));
    server.put(BUCKET, &longest, "longest");
    server.put(BUCKET, &format!("d/{long}/f"), "deep");
    server.put(BUCKET, &format!("d/{long}-file"), "file");
    let bucket = Bucket::mount(server, |_| {});
    assert_eq!(bucket.names(""), ["d", longest.as_str()]);
    assert_eq!(bucket.names("d"), [long.clone(), format!("{long}-file")]);
    assert_eq!(fs::read(bucket.at(&longest)).unwrap(), b"longest");
    let deep = bucket.at(&format!("d/{long}/f"));
    assert_eq!(fs::read(&deep).unwrap(), b"deep");
    fs::write(&deep, "changed").unwrap();
    assert_eq!(bucket.object(&format!("d/{long}/f")).unwrap(), b"changed");
    // What every other file system would refuse is not made here either.
    let new = bucket.at(&"z".repeat(256));
    assert_eq!(errno(fs::write(&new, "x")), Errno::ENAMETOOLONG);
    assert_eq!(errno(fs::create_dir(&new)), Errno::ENAMETOOLONG);
    assert_eq!(errno(fs::metadata(&new)), Errno::ENAMETOOLONG);
    let renamed = fs::rename(bucket.at(&longest), &new);
    assert_eq!(errno(renamed), Errno::ENAMETOOLONG);
    fs::rename(bucket.at(&longest), bucket.at("short")).unwrap();
    fs::remove_file(bucket.at(&format!("d/{long}-file"))).unwrap();
    fs::rename(bucket.at("short"), bucket.at(&format!("d/{long}/f"))).unwrap();
    assert_eq!(bucket.keys(), [format!("d/{long}/f")]);
    fs::remove_dir_all(bucket.at("d")).unwrap();
    assert!(bucket.keys().is_empty());
}
