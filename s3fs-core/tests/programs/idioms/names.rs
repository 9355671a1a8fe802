//! Valid file names.

use std::fs;

use rustix::io::Errno;

use super::{errno, rename, there};
use crate::place::Place;

/// Returns a name for each kind of byte that a name may contain.
fn odd() -> Vec<String> {
    let mut names: Vec<String> = (1..128_u8)
        .filter(|&byte| byte != b'/')
        .map(|byte| format!("x{}y", char::from(byte)))
        .collect();
    let more = [
        " ",
        " x",
        "x ",
        "...",
        ".x",
        "-rf",
        "*",
        "~",
        "ünï",
        "日本",
        "🦀",
        "\u{202e}x",
        "%2F",
        "a+b c%20d",
        "&amp;",
        "<key>",
        "\"'`$(x)",
        "\\",
        "CON",
        "x.",
        "#?",
        "\u{feff}",
        "\u{fffd}",
        "\u{10ffff}",
    ];
    names.extend(more.map(str::to_owned));
    names
}

#[test]
fn files_folders_and_links_have_odd_names() {
    let place = Place::new();
    for name in odd() {
        let folder = place.at(&format!("d{name}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(&name), &name).unwrap();
        std::os::unix::fs::symlink(&name, folder.join(format!("{name}-link"))).unwrap();
    }
    let fresh = place.check_fresh();
    assert_eq!(fresh.tree().len(), 3 * odd().len());
    for name in odd() {
        let path = fresh.at(&format!("d{name}/{name}-link"));
        assert_eq!(fs::read_to_string(path).unwrap(), name);
    }
}

#[test]
fn odd_names_are_renamed_and_removed() {
    let place = Place::new();
    // A key that is nothing but spaces can't be asked for by Amazon's library.
    fs::create_dir(place.at("d")).unwrap();
    let once = |place: &Place, name: &str| place.at(&format!("d/{name}"));
    let twice = |place: &Place, name: &str| place.at(&format!("d/{name}{name}"));
    for name in odd() {
        fs::write(once(&place, &name), &name).unwrap();
        fs::rename(once(&place, &name), twice(&place, &name)).unwrap();
    }
    let place = place.check_fresh();
    assert_eq!(place.tree().len(), odd().len() + 1);
    for name in odd() {
        fs::remove_file(twice(&place, &name)).unwrap();
    }
    assert_eq!(place.check_fresh().tree().len(), 1);
}

#[test]
fn letters_are_large_or_small() {
    let place = Place::new();
    fs::write(place.at("readme"), "small").unwrap();
    fs::write(place.at("README"), "large").unwrap();
    assert_eq!(fs::read(place.at("readme")).unwrap(), b"small");
    fs::remove_file(place.at("README")).unwrap();
    fs::rename(place.at("readme"), place.at("Readme")).unwrap();
    assert!(!there(&place.at("readme")));
    fs::create_dir(place.at("dir")).unwrap();
    fs::write(place.at("dir/x"), "x").unwrap();
    fs::rename(place.at("dir"), place.at("DIR")).unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at("Readme")).unwrap(), b"small");
    assert!(fresh.at("DIR/x").is_file());
}

#[test]
fn composed_and_decomposed_letters_are_two() {
    let place = Place::new();
    let (composed, decomposed) = ("\u{e9}", "e\u{301}");
    fs::write(place.at(composed), "composed").unwrap();
    assert!(!there(&place.at(decomposed)));
    fs::write(place.at(decomposed), "decomposed").unwrap();
    let place = place.check_fresh();
    assert_eq!(fs::read(place.at(composed)).unwrap(), b"composed");
    fs::rename(place.at(composed), place.at(decomposed)).unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at(decomposed)).unwrap(), b"composed");
}

#[test]
fn a_name_has_255_bytes() {
    let place = Place::new();
    let (most, more) = ("x".repeat(255), "x".repeat(256));
    fs::write(place.at("file"), "content").unwrap();
    fs::rename(place.at("file"), place.at(&most)).unwrap();
    let refused = rename(
        &place.at(&most),
        &place.at(&more),
        rustix::fs::RenameFlags::empty(),
    );
    assert_eq!(errno(refused), Errno::NAMETOOLONG);
    assert_eq!(errno(fs::write(place.at(&more), "x")), Errno::NAMETOOLONG);
    assert_eq!(errno(fs::create_dir(place.at(&more))), Errno::NAMETOOLONG);
    fs::create_dir(place.at("d")).unwrap();
    fs::create_dir(place.at(&format!("d/{most}"))).unwrap();
    fs::write(place.at(&format!("d/{most}/{most}")), "deep").unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fs::read(fresh.at(&most)).unwrap(), b"content");
    let deep = fresh.at(&format!("d/{most}/{most}"));
    assert_eq!(fs::read(deep).unwrap(), b"deep");
}

#[test]
fn a_name_becomes_a_file_a_folder_and_a_link_in_turn() {
    let place = Place::new();
    let name = place.at("name");
    for _ in 0..3 {
        fs::write(&name, "file").unwrap();
        fs::remove_file(&name).unwrap();
        fs::create_dir(&name).unwrap();
        fs::write(name.join("in"), "x").unwrap();
        fs::remove_dir_all(&name).unwrap();
        std::os::unix::fs::symlink("target", &name).unwrap();
        fs::remove_file(&name).unwrap();
    }
    fs::create_dir(&name).unwrap();
    fs::write(name.join("in"), "x").unwrap();
    let fresh = place.check_fresh();
    assert!(fresh.at("name/in").is_file());
}

#[test]
fn names_beside_a_folder_that_sort_around_its_slash() {
    let place = Place::new();
    fs::create_dir(place.at("a")).unwrap();
    for name in ["a/x", "a-", "a.", "a!", "a0", "a\u{1}"] {
        fs::write(place.at(name), name).unwrap();
    }
    let place = place.check_fresh();
    fs::rename(place.at("a"), place.at("b")).unwrap();
    let fresh = place.check_fresh();
    assert_eq!(fresh.tree().len(), 7);
    assert_eq!(fs::read(fresh.at("a-")).unwrap(), b"a-");
}
