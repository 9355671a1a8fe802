//! Reading of folders that change, and from a position in the middle.

use std::collections::BTreeSet;
use std::fs::{self, File};

use rustix::fs::Dir;

use super::there;
use crate::place::Place;

fn fill(place: &Place, count: usize) -> BTreeSet<String> {
    let names: BTreeSet<String> = (0..count).map(|number| format!("{number:05}")).collect();
    for name in &names {
        fs::write(place.at(name), name).unwrap();
    }
    names
}

/// Returns the names from the folder's current position, with the offset behind each.
fn rest(folder: &mut Dir) -> Vec<(String, i64)> {
    folder
        .map(Result::unwrap)
        .map(|entry| {
            (
                entry.file_name().to_str().unwrap().to_owned(),
                entry.offset(),
            )
        })
        .filter(|(name, _)| name != "." && name != "..")
        .collect()
}

#[test]
fn a_position_in_a_folder_is_returned_to() {
    let place = Place::new();
    fill(&place, 1500);
    let place = place.fresh();
    let mut folder = Dir::read_from(File::open(place.path()).unwrap()).unwrap();
    let all = rest(&mut folder);
    assert_eq!(all.len(), 1500);
    for at in [0, 700, 1, 1498, 99] {
        folder.seek(all[at].1).unwrap();
        assert!(rest(&mut folder) == all[at + 1..], "from {at}");
    }
    folder.rewind();
    assert!(rest(&mut folder) == all);
}

#[test]
fn each_name_is_removed_as_it_is_read() {
    let place = Place::new();
    fill(&place, 700);
    for entry in fs::read_dir(place.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    assert_eq!(place.check_fresh().tree().len(), 0);
}

#[test]
fn what_stays_is_read_once_while_others_come_and_go() {
    let place = Place::new();
    let names = fill(&place, 600);
    let place = place.fresh();
    let mut seen = Vec::new();
    for (number, entry) in fs::read_dir(place.path()).unwrap().enumerate() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // Every other one is removed ahead of the reader, and new ones are made behind it.
        let other = format!("{:05}", 599 - number.min(599));
        if number % 2 == 0 && !seen.contains(&other) && other != name && number < 200 {
            fs::remove_file(place.at(&other)).unwrap();
            fs::write(place.at(&format!("new-{number}")), "x").unwrap();
        }
        seen.push(name);
    }
    let stayed = names.iter().filter(|name| there(&place.at(name)));
    for name in stayed {
        let times = seen.iter().filter(|one| *one == name).count();
        assert_eq!(times, 1, "{name}");
    }
    place.check_fresh();
}

#[test]
fn a_new_name_is_listed_at_once_and_a_removed_one_no_more() {
    let place = Place::new();
    let list = || -> BTreeSet<String> {
        let entries = fs::read_dir(place.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let mut wanted = fill(&place, 30);
    assert_eq!(list(), wanted);
    for number in 0..30 {
        fs::remove_file(place.at(&format!("{number:05}"))).unwrap();
        wanted.remove(&format!("{number:05}"));
        fs::create_dir(place.at(&format!("d{number}"))).unwrap();
        wanted.insert(format!("d{number}"));
        assert_eq!(list(), wanted);
    }
}

#[test]
fn names_are_renamed_as_they_are_read() {
    let place = Place::new();
    fill(&place, 400);
    let names: Vec<_> = fs::read_dir(place.path()).unwrap().collect();
    for entry in names {
        let path = entry.unwrap().path();
        fs::rename(&path, path.with_extension("done")).unwrap();
    }
    let fresh = place.check_fresh();
    let tree = fresh.tree();
    assert_eq!(tree.len(), 400);
    assert!(tree.has("00399.done"));
}

#[test]
fn rewinding_shows_the_present() {
    let place = Place::new();
    let two = fill(&place, 2);
    let names = |folder: &mut Dir| -> BTreeSet<String> {
        rest(folder).into_iter().map(|(name, _)| name).collect()
    };
    let open = || Dir::read_from(File::open(place.path()).unwrap()).unwrap();
    let (mut unread, mut read) = (open(), open());
    // The first entry of a folder is read by opening it in some libraries, and only then.
    assert_eq!(names(&mut read), two);
    let all = fill(&place, 202);
    unread.rewind();
    assert_eq!(names(&mut unread), all);
    read.rewind();
    assert_eq!(names(&mut read), all);
    for name in &two {
        fs::remove_file(place.at(name)).unwrap();
    }
    read.rewind();
    assert_eq!(names(&mut read).len(), 200);
    fs::create_dir(place.at("empty")).unwrap();
    let mut empty = Dir::read_from(File::open(place.at("empty")).unwrap()).unwrap();
    assert!(names(&mut empty).is_empty());
    fs::write(place.at("empty/x"), "x").unwrap();
    empty.rewind();
    assert_eq!(names(&mut empty).len(), 1);
}

#[test]
fn a_listing_shows_the_number_of_each_file_again_and_again() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::new();
    fill(&place, 4000);
    let place = place.fresh();
    let mut folder = Dir::read_from(File::open(place.path()).unwrap()).unwrap();
    let read = |folder: &mut Dir| -> Vec<(String, u64, i64)> {
        let entries = folder.map(Result::unwrap);
        let entries = entries.map(|entry| {
            let name = entry.file_name().to_str().unwrap().to_owned();
            (name, entry.ino(), entry.offset())
        });
        entries.collect()
    };
    let all = read(&mut folder);
    for at in [0, 3000, 17, 2222] {
        folder.seek(all[at].2).unwrap();
        assert!(read(&mut folder) == all[at + 1..], "from {at}");
    }
    for (name, number, _) in all.iter().filter(|(name, ..)| name != "..") {
        let about = fs::symlink_metadata(place.at(name)).unwrap();
        assert_eq!(about.ino(), *number, "{name}");
    }
}
