//! Operations that a bucket does not support (hard links, exchanged names): each fails as programs
//! expect, and changes nothing.

use std::fs::{self, File};
use std::io::Write;

use rustix::fs::{Mode, OFlags, RenameFlags, statvfs};
use rustix::io::Errno;

use super::{errno, rename, there};
use crate::place::Place;
use crate::run::sh;

#[test]
fn a_second_name_for_a_file_is_refused_and_programs_copy_instead() {
    let place = Place::new();
    fs::write(place.at("file"), "content").unwrap();
    if !place.is_local() {
        let linked = fs::hard_link(place.at("file"), place.at("link"));
        assert_eq!(errno(linked), Errno::OPNOTSUPP);
        assert!(!there(&place.at("link")));
    }
    sh(
        place.path(),
        "ln file link 2>/dev/null || cp -p file link; cmp file link",
    );
    place.check_fresh();
}

#[test]
fn names_are_not_exchanged() {
    let place = Place::new();
    if place.is_local() {
        return;
    }
    fs::write(place.at("a"), "a").unwrap();
    fs::write(place.at("b"), "b").unwrap();
    let swapped = rename(&place.at("a"), &place.at("b"), RenameFlags::EXCHANGE);
    assert_eq!(errno(swapped), Errno::INVAL);
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("a")).unwrap(), b"a");
}

#[test]
fn a_nameless_file_is_refused_and_a_named_one_takes_its_place() {
    let place = Place::new();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(place.path(), flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => {
            assert!(place.is_local());
            File::from(file).write_all(b"x").unwrap();
        }
        Err(error) => assert!([Errno::OPNOTSUPP, Errno::ISDIR].contains(&error), "{error}"),
    }
    // `tempfile` tries just that first.
    let mut file = tempfile::tempfile_in(place.path()).unwrap();
    file.write_all(b"x").unwrap();
    drop(file);
    let named = tempfile::NamedTempFile::new_in(place.path()).unwrap();
    fs::write(named.path(), "content").unwrap();
    named.persist(place.at("kept")).unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fresh.tree().len(), 1);
}

#[test]
fn there_is_room_for_programs_that_ask() {
    let place = Place::new();
    let room = statvfs(place.path()).unwrap();
    assert!(room.f_bavail * room.f_frsize > 1 << 30);
    assert!(room.f_bavail <= room.f_blocks);
    // Scripts reckon in KiB and doubles.
    assert!(room.f_blocks.checked_mul(room.f_frsize).unwrap() < 1 << 53);
    assert!(room.f_favail > 100_000);
    assert_eq!(room.f_namemax, 255);
    sh(
        place.path(),
        "df -P . | tail -n 1 | grep -q %; df -i . >/dev/null; stat -f . >/dev/null",
    );
}

#[test]
fn a_handle_does_only_what_it_was_opened_for() {
    use std::io::Read;
    let place = Place::new();
    fs::write(place.at("file"), "content").unwrap();
    let mut reader = File::open(place.at("file")).unwrap();
    assert_eq!(errno(reader.write(b"x")), Errno::BADF);
    assert_eq!(errno(reader.set_len(1)), Errno::INVAL);
    let mut writer = fs::OpenOptions::new()
        .write(true)
        .open(place.at("file"))
        .unwrap();
    assert_eq!(errno(writer.read(&mut [0])), Errno::BADF);
    assert_eq!(errno(File::open(place.at("file/x"))), Errno::NOTDIR);
    assert_eq!(place.object("file").unwrap(), b"content");
}

#[test]
fn the_mount_itself_stays_where_it_is() {
    let place = Place::new();
    fs::create_dir(place.at("d")).unwrap();
    assert_eq!(errno(fs::remove_dir(place.at("d/."))), Errno::INVAL);
    let moved = rename(&place.at("d/.."), &place.at("x"), RenameFlags::empty());
    assert_eq!(errno(moved), Errno::BUSY);
    assert!(place.at("d").is_dir());
}

#[test]
fn a_copy_on_write_is_refused_or_made() {
    let place = Place::new();
    fs::write(place.at("file"), "content").unwrap();
    sh(
        place.path(),
        "cp --reflink=auto file copy; cmp file copy
         cp --reflink=always file clone 2>/dev/null || test ! -s clone; rm -f clone",
    );
    place.check_fresh();
}
