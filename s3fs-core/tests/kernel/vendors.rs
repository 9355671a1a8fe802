//! A mount on servers that differ from S3 as other vendors' do.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use s3_local::{Quirk, Server};

use crate::mounted::{BUCKET, Bucket, server};

/// A server with some quirks.
fn odd(quirks: &[Quirk]) -> Server {
    let server = server();
    for quirk in quirks {
        server.knobs().set_quirk(*quirk, true);
    }
    server
}

/// All files below a folder, as `find -type f` prints them, with the folders in no order.
fn find(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            find(&entry.path(), found);
        } else {
            found.push(entry.path().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn nothing_vanishes_where_keys_are_listed_as_a_walk_meets_them() {
    let server = odd(&[Quirk::TreeOrder]);
    let mut keys = BTreeSet::new();
    for n in 1000..2300 {
        keys.insert(format!("tree/sub-{n}"));
    }
    for n in 0..30 {
        keys.extend([
            format!("tree/sub/{n:02}"),
            format!("tree/sub/{n:02}-1/x"),
            format!("tree/z{n:02}/x/y"),
            format!("tree/z{n:02}/x-1"),
        ]);
    }
    for key in &keys {
        server.put(BUCKET, key, "x");
    }
    let bucket = Bucket::mount(server, |_| {});
    // Names that are not there in a row make the folder's names be asked for by the page.
    for name in ["none", "none-1", "none-2"] {
        fs::metadata(bucket.at(&format!("tree/{name}"))).unwrap_err();
    }
    fs::metadata(bucket.at("tree/sub-2299")).unwrap();
    for key in keys.iter().rev() {
        fs::metadata(bucket.at(key)).unwrap_or_else(|error| panic!("{key}: {error}"));
    }
    let expected: BTreeSet<_> = keys.iter().map(|key| bucket.at(key)).collect();
    for _ in 0..2 {
        let mut found = Vec::new();
        find(&bucket.at("tree"), &mut found);
        let names: BTreeSet<_> = found.iter().map(Into::into).collect();
        assert_eq!(names, expected);
        assert_eq!(found.len(), expected.len(), "each comes once");
    }
}
