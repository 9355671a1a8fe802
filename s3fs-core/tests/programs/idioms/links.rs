//! Symbolic links.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::io::Errno;

use super::{errno, there};
use crate::place::Place;

#[test]
fn links_say_where_they_lead_and_lead_there() {
    let place = Place::new();
    fs::create_dir_all(place.at("a/b")).unwrap();
    fs::write(place.at("a/file"), "content").unwrap();
    let long = format!("{}file", "./".repeat(2000));
    let links = [
        ("beside", "a/file"),
        ("a/b/up", "../file"),
        ("long", &long[..]),
        ("dangling", "nothing/here"),
        ("odd", "sp ace\tünï\n\u{1}"),
    ];
    for (name, target) in links {
        symlink(target, place.at(name)).unwrap();
    }
    let check = |place: &Place| {
        for (name, target) in links {
            assert_eq!(fs::read_link(place.at(name)).unwrap(), Path::new(target));
            let about = fs::symlink_metadata(place.at(name)).unwrap();
            assert!(about.is_symlink());
            assert_eq!(about.len(), target.len() as u64, "{name}");
        }
        assert_eq!(fs::read(place.at("beside")).unwrap(), b"content");
        assert_eq!(fs::read(place.at("a/b/up")).unwrap(), b"content");
        assert_eq!(errno(fs::read(place.at("dangling"))), Errno::NOENT);
        assert!(there(&place.at("dangling")));
    };
    check(&place);
    check(&place.check_fresh());
}

#[test]
fn a_link_leads_out_of_the_mount() {
    let place = Place::new();
    symlink("/proc/self/status", place.at("out")).unwrap();
    let check = |place: &Place| {
        let text = fs::read_to_string(place.at("out")).unwrap();
        assert!(text.starts_with("Name:"), "{text}");
    };
    check(&place);
    check(&place.fresh());
}

#[test]
fn folders_are_reached_through_links() {
    let place = Place::new();
    fs::create_dir_all(place.at("real/sub")).unwrap();
    fs::write(place.at("real/sub/file"), "content").unwrap();
    symlink("real", place.at("way")).unwrap();
    symlink("way/sub", place.at("further")).unwrap();
    let place = place.check_fresh();
    assert_eq!(fs::read(place.at("way/sub/file")).unwrap(), b"content");
    assert_eq!(fs::read(place.at("further/file")).unwrap(), b"content");
    fs::write(place.at("further/new"), "new").unwrap();
    assert_eq!(place.object("real/sub/new").unwrap(), b"new");
    assert_eq!(errno(fs::remove_dir(place.at("way"))), Errno::NOTDIR);
    fs::remove_file(place.at("way")).unwrap();
    assert!(place.at("real/sub/file").exists());
    place.check_fresh();
}

#[test]
fn listings_tell_links_from_what_they_lead_to() {
    let place = Place::new();
    fs::create_dir(place.at("folder")).unwrap();
    fs::write(place.at("file"), "x").unwrap();
    symlink("folder", place.at("to-folder")).unwrap();
    symlink("file", place.at("to-file")).unwrap();
    let check = |place: &Place| {
        let mut kinds: Vec<(String, bool)> = fs::read_dir(place.path())
            .unwrap()
            .map(Result::unwrap)
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, entry.file_type().unwrap().is_symlink())
            })
            .collect();
        kinds.sort();
        let names = ["file", "folder", "to-file", "to-folder"];
        let wanted = names.map(|name| (name.to_owned(), name.starts_with("to-")));
        assert_eq!(kinds, wanted);
    };
    check(&place);
    let fresh = place.fresh();
    // A listing knows nothing of an entry but its name, size and time, until it is looked at.
    for name in ["to-file", "to-folder"] {
        let seen = fs::symlink_metadata(fresh.at(name)).unwrap();
        assert!(seen.is_symlink(), "{name}");
    }
    check(&fresh);
}

#[test]
fn a_link_is_replaced_by_another_at_once() {
    let place = Place::new();
    fs::write(place.at("v1"), "one").unwrap();
    fs::write(place.at("v2"), "two").unwrap();
    symlink("v1", place.at("current")).unwrap();
    assert_eq!(fs::read(place.at("current")).unwrap(), b"one");
    symlink("v2", place.at("next")).unwrap();
    fs::rename(place.at("next"), place.at("current")).unwrap();
    assert_eq!(fs::read(place.at("current")).unwrap(), b"two");
    assert_eq!(errno(symlink("v1", place.at("current"))), Errno::EXIST);
    let place = place.check_fresh();
    assert_eq!(fs::read(place.at("current")).unwrap(), b"two");
    // A link where a file was, and a file where a link was.
    fs::remove_file(place.at("v1")).unwrap();
    symlink("v2", place.at("v1")).unwrap();
    fs::remove_file(place.at("current")).unwrap();
    fs::write(place.at("current"), "plain").unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("v1")).unwrap(), b"two");
    assert_eq!(fs::read(fresh.at("current")).unwrap(), b"plain");
}

#[test]
fn a_circle_of_links_is_noticed() {
    let place = Place::new();
    symlink("b", place.at("a")).unwrap();
    symlink("a", place.at("b")).unwrap();
    assert_eq!(errno(fs::read(place.at("a"))), Errno::LOOP);
    let file = rustix::fs::open(
        place.at("a"),
        rustix::fs::OFlags::NOFOLLOW,
        rustix::fs::Mode::empty(),
    );
    assert_eq!(errno(file), Errno::LOOP);
    place.check_fresh();
}

#[test]
fn a_file_is_made_through_a_link_to_nothing() {
    let place = Place::new();
    symlink("made", place.at("link")).unwrap();
    fs::write(place.at("link"), "content").unwrap();
    assert_eq!(place.object("made").unwrap(), b"content");
    let fresh = place.check_fresh();
    let target = fs::read_link(fresh.at("link")).unwrap();
    assert_eq!(target.as_os_str(), OsStr::new("made"));
}
