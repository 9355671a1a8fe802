//! The kernel's copies of listings, in volumes that use what they know without asking again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use nix::dir::Dir;
use nix::fcntl::{OFlag, PosixFadviseAdvice, posix_fadvise};
use nix::sys::stat::Mode;
use s3fs_core::{Access, Freshness};

use crate::mounted::{BUCKET, Bucket, server};

const FILES: usize = 3000;

/// Mounts a folder `d` of files and folders, which takes several reads, with a subfolder `d/sub`.
fn mounted(access: Access) -> (Bucket, BTreeSet<String>) {
    let server = server();
    let mut names = BTreeSet::from(["sub".to_owned()]);
    server.put(BUCKET, "d/sub/x", "");
    for n in 0..FILES {
        let (file, folder) = (format!("{n:04}"), format!("{n:04}-folder"));
        server.put(BUCKET, &format!("d/{file}"), "");
        names.insert(file);
        if n % 100 == 0 {
            server.put(BUCKET, &format!("d/{folder}/x"), "");
            names.insert(folder);
        }
    }
    let bucket = Bucket::mount(Arc::new(server), |config| {
        config.access = access;
        config.freshness = Freshness::Immutable;
    });
    (bucket, names)
}

fn open_dir(folder: &Path) -> Dir {
    Dir::open(folder, OFlag::O_RDONLY, Mode::empty()).unwrap()
}

/// Reads a folder, and does something after some entries. Returns all names, in their order.
fn names(folder: &Path, after: usize, act: impl FnOnce()) -> Vec<String> {
    let mut dir = open_dir(folder);
    let (mut names, mut act) = (Vec::new(), Some(act));
    for entry in dir.iter() {
        names.push(entry.unwrap().file_name().to_str().unwrap().to_owned());
        if names.len() == after
            && let Some(act) = act.take()
        {
            act();
        }
    }
    names.retain(|name| !name.starts_with('.'));
    names
}

/// Asserts that a listing has each name once.
fn assert_whole(listed: &[String], expected: &BTreeSet<String>) {
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(&unique, expected);
    assert_eq!(listed.len(), expected.len(), "names come twice");
}

#[test]
fn a_listing_goes_on_where_it_was_when_the_kernel_drops_its_copy() {
    for access in [Access::ReadOnly, Access::default()] {
        let (bucket, expected) = mounted(access);
        let folder = bucket.at("d");
        let drop_pages = || {
            let dir = File::open(&folder).unwrap();
            posix_fadvise(&dir, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
        };
        for after in [usize::MAX, 10, 1500, 10, usize::MAX, 2500, usize::MAX] {
            assert_whole(&names(&folder, after, drop_pages), &expected);
        }
    }
}

#[test]
fn a_listing_beside_a_copy_that_is_not_whole_does_not_make_it_whole() {
    let (bucket, expected) = mounted(Access::default());
    let folder = bucket.at("d");
    let mut early = open_dir(&folder);
    assert_eq!(early.iter().take(500).count(), 500);
    drop(early);
    // While an entry below is new, the folder is listed without the copy.
    let mut new = File::create(bucket.at("d/sub/new")).unwrap();
    new.write_all(b"new").unwrap();
    assert_whole(&names(&folder, 0, || {}), &expected);
    drop(new);
    bucket.finish();
    for _ in 0..3 {
        assert_whole(&names(&folder, 0, || {}), &expected);
    }
}

#[test]
fn a_folder_is_emptied_while_others_list_it() {
    let (bucket, mut expected) = mounted(Access::default());
    let folder = bucket.at("d");
    assert_whole(&names(&folder, 0, || {}), &expected);
    let mut left: BTreeSet<String> = expected.clone();
    let mut dir = open_dir(&folder);
    for (n, entry) in dir.iter().enumerate() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_str().unwrap().to_owned();
        if name.len() == 4 && !name.starts_with('.') {
            fs::remove_file(folder.join(&name)).unwrap();
            left.remove(&name);
        }
        if n % 700 == 0 {
            assert_whole(&names(&folder, 0, || {}), &left);
        }
    }
    expected.retain(|name| name.len() != 4);
    assert_whole(&names(&folder, 0, || {}), &expected);
}
