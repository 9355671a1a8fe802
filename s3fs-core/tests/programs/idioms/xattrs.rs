//! Extended attributes of the user.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rustix::fs::{
    XattrFlags, getxattr, getxattr_query, listxattr, listxattr_query, removexattr, setxattr,
};
use rustix::io::Errno;
use stub_test_support::noise;

use super::{MIB, errno};
use crate::place::Place;

fn set(path: &Path, name: &str, value: &[u8]) {
    setxattr(path, name, value, XattrFlags::empty()).unwrap();
}

fn get(path: &Path, name: &str) -> rustix::io::Result<Vec<u8>> {
    let mut value = vec![0; 4096];
    let length = getxattr(path, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}

/// Returns all user attributes, by name.
fn all(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 4096];
    let length = listxattr(path, &mut names[..]).unwrap();
    let names = String::from_utf8(names[..length].to_vec()).unwrap();
    names
        .split_terminator('\0')
        .filter(|name| name.starts_with("user."))
        .map(|name| (name.to_owned(), get(path, name).unwrap()))
        .collect()
}

#[test]
fn attributes_are_set_read_listed_and_removed() {
    let place = Place::new();
    fs::create_dir(place.at("folder")).unwrap();
    fs::write(place.at("file"), "x").unwrap();
    for name in ["file", "folder"] {
        let path = place.at(name);
        assert!(all(&path).is_empty());
        assert_eq!(errno(get(&path, "user.none")), Errno::NODATA);
        set(&path, "user.text", b"text/plain");
        set(&path, "user.empty", b"");
        set(&path, "user.Binary \u{fc}", &[0, 255, 10, 61, 0]);
        set(&path, "user.gone", b"x");
        set(&path, "user.text", b"text/html");
        removexattr(&path, "user.gone").unwrap();
        assert_eq!(errno(removexattr(&path, "user.gone")), Errno::NODATA);
    }
    let wanted: BTreeMap<String, Vec<u8>> = [
        ("user.text", &b"text/html"[..]),
        ("user.empty", b""),
        ("user.Binary \u{fc}", &[0, 255, 10, 61, 0]),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_vec()))
    .into();
    assert_eq!(all(&place.at("file")), wanted);
    assert_eq!(all(&place.at("folder")), wanted);
    let place = place.check_fresh();
    assert_eq!(all(&place.at("file")), wanted);
    assert_eq!(all(&place.at("folder")), wanted);
    removexattr(place.at("file"), "user.text").unwrap();
    let fresh = place.fresh();
    assert_eq!(all(&fresh.at("file")).len(), 2);
}

#[test]
fn attributes_are_only_made_or_only_replaced() {
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    let path = place.at("file");
    let replaced = setxattr(&path, "user.a", b"1", XattrFlags::REPLACE);
    assert_eq!(errno(replaced), Errno::NODATA);
    setxattr(&path, "user.a", b"1", XattrFlags::CREATE).unwrap();
    let made = setxattr(&path, "user.a", b"2", XattrFlags::CREATE);
    assert_eq!(errno(made), Errno::EXIST);
    setxattr(&path, "user.a", b"3", XattrFlags::REPLACE).unwrap();
    assert_eq!(get(&path, "user.a").unwrap(), b"3");
}

#[test]
fn sizes_are_asked_for_and_small_buffers_refused() {
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    let path = place.at("file");
    set(&path, "user.a", b"0123456789");
    assert_eq!(getxattr_query(&path, "user.a").unwrap(), 10);
    let few = getxattr(&path, "user.a", &mut [0; 5]);
    assert_eq!(errno(few), Errno::RANGE);
    assert!(listxattr_query(&path).unwrap() >= "user.a\0".len());
    assert_eq!(errno(listxattr(&path, &mut [0; 3])), Errno::RANGE);
}

#[test]
fn what_is_too_large_is_refused_and_changes_nothing() {
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    let path = place.at("file");
    set(&path, "user.a", b"small");
    let large = vec![7; 65_537];
    let refused = errno(setxattr(&path, "user.a", &large, XattrFlags::empty()));
    assert!(
        [Errno::TOOBIG, Errno::NOSPC].contains(&refused),
        "{refused}"
    );
    // More than fits, bit by bit.
    let refused = (0..100)
        .find_map(|number| {
            let name = format!("user.{number}");
            setxattr(&path, name.as_str(), &[b'v'; 1000], XattrFlags::empty()).err()
        })
        .map(|error| [Errno::TOOBIG, Errno::NOSPC].contains(&error));
    assert_ne!(refused, Some(false));
    let before = all(&path);
    assert_eq!(before["user.a"], b"small");
    let fresh = place.check_fresh();
    assert_eq!(all(&fresh.at("file")), before);
}

#[test]
fn attributes_stay_with_a_file_that_is_written_renamed_and_copied_over() {
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    set(&place.at("file"), "user.tag", b"kept");
    fs::write(place.at("file"), noise(9 * MIB)).unwrap();
    fs::rename(place.at("file"), place.at("new")).unwrap();
    assert_eq!(get(&place.at("new"), "user.tag").unwrap(), b"kept");
    let place = place.check_fresh();
    assert_eq!(get(&place.at("new"), "user.tag").unwrap(), b"kept");
    fs::write(place.at("new"), "short").unwrap();
    let place = place.check_fresh();
    assert_eq!(get(&place.at("new"), "user.tag").unwrap(), b"kept");
    fs::write(place.at("other"), "y").unwrap();
    fs::rename(place.at("other"), place.at("new")).unwrap();
    let fresh = place.check_fresh();
    assert!(all(&fresh.at("new")).is_empty(), "it is another file");
}

#[test]
fn other_families_are_refused_or_kept_but_never_lied_about() {
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    let path = place.at("file");
    let unknown = setxattr(&path, "nofamily.a", b"1", XattrFlags::empty());
    assert_eq!(errno(unknown), Errno::OPNOTSUPP);
    if setxattr(&path, "trusted.a", b"1", XattrFlags::empty()).is_ok() {
        assert_eq!(get(&path, "trusted.a").unwrap(), b"1");
    }
}
