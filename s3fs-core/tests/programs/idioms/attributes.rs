//! Modes, owners and times.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown};
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, Timespec, Timestamps, futimens, utimensat};
use stub_test_support::{NOBODY, is_root, noise};

use super::{MIB, create, may};
use crate::place::Place;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn change_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Returns the access and the modification time.
fn times(path: &Path) -> [(i64, i64); 2] {
    let about = fs::symlink_metadata(path).unwrap();
    [
        (about.atime(), about.atime_nsec()),
        (about.mtime(), about.mtime_nsec()),
    ]
}

fn stamps(access: (i64, i64), change: (i64, i64)) -> Timestamps {
    let spec = |(tv_sec, tv_nsec)| Timespec { tv_sec, tv_nsec };
    Timestamps {
        last_access: spec(access),
        last_modification: spec(change),
    }
}

#[test]
fn modes_are_kept() {
    let place = Place::new();
    fs::create_dir(place.at("folder")).unwrap();
    let modes = [0o755, 0o600, 0o444, 0o4755, 0o000];
    for (number, mode) in modes.into_iter().enumerate() {
        let path = place.at(&format!("folder/{number}"));
        fs::write(&path, "x").unwrap();
        if number % 2 == 0 {
            place.settle();
        }
        change_mode(&path, mode);
    }
    change_mode(&place.at("folder"), 0o1770);
    let check = |place: &Place| {
        for (number, wanted) in modes.into_iter().enumerate() {
            assert_eq!(mode(&place.at(&format!("folder/{number}"))), wanted);
        }
        assert_eq!(mode(&place.at("folder")), 0o1770);
    };
    check(&place);
    check(&if is_root() {
        place.check_fresh()
    } else {
        place.fresh()
    });
}

#[test]
fn a_program_is_made_executable_and_stays_so() {
    let place = Place::new();
    fs::write(place.at("run"), "#!/bin/sh\necho ran\n").unwrap();
    assert!(!may(&place.at("run"), Access::EXEC_OK));
    change_mode(&place.at("run"), 0o755);
    assert_eq!(crate::run::sh(place.path(), "./run"), "ran");
    let fresh = place.check_fresh();
    assert_eq!(crate::run::sh(fresh.path(), "./run"), "ran");
}

#[test]
fn modes_are_given_when_things_are_made() {
    use rustix::fs::{Mode, OFlags, mkdirat, openat};
    let place = Place::new();
    let folder = File::open(place.path()).unwrap();
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    openat(&folder, "private", flags, Mode::from_raw_mode(0o600)).unwrap();
    openat(&folder, "program", flags, Mode::from_raw_mode(0o755)).unwrap();
    // A file that nobody may read is written by the one who makes it.
    let unreadable = openat(&folder, "unreadable", flags, Mode::empty()).unwrap();
    File::from(unreadable).write_all(b"x").unwrap();
    mkdirat(&folder, "drawer", Mode::from_raw_mode(0o700)).unwrap();
    drop(folder);
    let check = |place: &Place| {
        let modes =
            ["private", "program", "unreadable", "drawer"].map(|name| mode(&place.at(name)));
        assert_eq!(modes, [0o600, 0o755, 0o000, 0o700]);
    };
    check(&place);
    check(&if is_root() {
        place.check_fresh()
    } else {
        place.fresh()
    });
}

#[test]
fn modes_change_before_during_and_after_writing() {
    let place = Place::new();
    for length in [10, 20 * MIB] {
        let content = noise(length);
        let (before, during, after) = (place.at("before"), place.at("during"), place.at("after"));
        fs::write(&before, &content[..1]).unwrap();
        change_mode(&before, 0o640);
        place.settle();
        fs::write(&before, &content).unwrap();
        let mut file = create(&during);
        file.write_all(&content[..length / 2]).unwrap();
        change_mode(&during, 0o604);
        file.write_all(&content[length / 2..]).unwrap();
        drop(file);
        fs::write(&after, &content).unwrap();
        change_mode(&after, 0o660);
        for name in ["before", "during", "after"] {
            assert!(place.object(name).unwrap() == content, "{name} {length}");
        }
    }
    let fresh = place.check_fresh();
    let modes = ["before", "during", "after"].map(|name| mode(&fresh.at(name)));
    assert_eq!(modes, [0o640, 0o604, 0o660]);
}

#[test]
fn times_are_kept_to_the_nanosecond() {
    let place = Place::new();
    fs::create_dir(place.at("folder")).unwrap();
    fs::write(place.at("closed"), "x").unwrap();
    let mut open = create(&place.at("open"));
    open.write_all(b"x").unwrap();
    let old = stamps((1_000_000_000, 123_456_789), (987_654_321, 999_999_999));
    for name in ["folder", "closed"] {
        utimensat(CWD, place.at(name), &old, AtFlags::empty()).unwrap();
    }
    futimens(&open, &old).unwrap();
    drop(open);
    let check = |place: &Place| {
        for name in ["folder", "closed", "open"] {
            let [_, change] = times(&place.at(name));
            assert_eq!(change, (987_654_321, 999_999_999), "{name}");
        }
    };
    check(&place);
    assert_eq!(times(&place.at("closed"))[0], (1_000_000_000, 123_456_789));
    check(&place.check_fresh());
}

#[test]
fn times_before_the_epoch_and_far_away_are_kept() {
    let place = Place::new();
    for (name, second) in [
        ("1901", -2_147_000_000),
        ("1969", -1),
        ("0", 0),
        ("2100", 4_102_444_800),
    ] {
        fs::write(place.at(name), name).unwrap();
        let stamps = stamps((second, 0), (second, 500));
        utimensat(CWD, place.at(name), &stamps, AtFlags::empty()).unwrap();
        assert_eq!(times(&place.at(name))[1], (second, 500), "{name}");
    }
    place.check_fresh();
}

#[test]
fn one_of_two_times_can_be_left_alone() {
    use rustix::fs::{UTIME_NOW, UTIME_OMIT};
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    let set = |access, change| {
        let stamps = stamps(access, change);
        utimensat(CWD, place.at("file"), &stamps, AtFlags::empty()).unwrap();
    };
    set((1000, 1), (2000, 2));
    set((0, UTIME_OMIT), (3000, 3));
    assert_eq!(times(&place.at("file")), [(1000, 1), (3000, 3)]);
    set((4000, 4), (0, UTIME_OMIT));
    assert_eq!(times(&place.at("file")), [(4000, 4), (3000, 3)]);
    set((0, UTIME_OMIT), (0, UTIME_NOW));
    assert!(times(&place.at("file"))[1].0 > 1_700_000_000);
    place.check_fresh();
}

#[test]
fn writing_sets_the_time_after_it_was_set() {
    let place = Place::new();
    let mut file = create(&place.at("file"));
    futimens(&file, &stamps((1000, 0), (1000, 0))).unwrap();
    file.write_all(b"x").unwrap();
    assert!(times(&place.at("file"))[1].0 > 1_700_000_000);
    let about = File::metadata(&file).unwrap();
    assert!(about.ctime() > 1_700_000_000);
    drop(file);
    place.check_fresh();
}

#[test]
fn a_folder_is_newer_after_a_name_in_it_changed() {
    let place = Place::new();
    fs::create_dir(place.at("folder")).unwrap();
    let old = stamps((1000, 0), (1000, 0));
    let make_old = || utimensat(CWD, place.at("folder"), &old, AtFlags::empty()).unwrap();
    let is_new = || times(&place.at("folder"))[1].0 > 1_700_000_000;
    make_old();
    fs::write(place.at("folder/a"), "x").unwrap();
    assert!(is_new(), "a file was made");
    make_old();
    fs::rename(place.at("folder/a"), place.at("folder/b")).unwrap();
    assert!(is_new(), "a file was renamed");
    make_old();
    fs::remove_file(place.at("folder/b")).unwrap();
    assert!(is_new(), "a file was removed");
}

#[test]
fn owners_are_kept() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    fs::create_dir(place.at("folder")).unwrap();
    fs::write(place.at("file"), "x").unwrap();
    let mut open = create(&place.at("open"));
    open.write_all(b"x").unwrap();
    std::os::unix::fs::symlink("file", place.at("link")).unwrap();
    for name in ["folder", "file", "open"] {
        chown(place.at(name), Some(1234), Some(4321)).unwrap();
    }
    lchown(place.at("link"), Some(77), None).unwrap();
    chown(place.at("file"), None, Some(5)).unwrap();
    drop(open);
    let check = |place: &Place| {
        let owners = ["folder", "file", "open", "link"].map(|name| {
            let about = fs::symlink_metadata(place.at(name)).unwrap();
            (about.uid(), about.gid())
        });
        let group = nix::unistd::getegid().as_raw();
        assert_eq!(owners, [(1234, 4321), (1234, 5), (1234, 4321), (77, group)]);
    };
    check(&place);
    check(&place.check_fresh());
}

#[test]
fn attributes_follow_a_name_that_moves() {
    let place = Place::new();
    fs::create_dir(place.at("folder")).unwrap();
    fs::write(place.at("folder/file"), "x").unwrap();
    change_mode(&place.at("folder/file"), 0o741);
    change_mode(&place.at("folder"), 0o710);
    let old = stamps((1000, 1), (2000, 2));
    utimensat(CWD, place.at("folder/file"), &old, AtFlags::empty()).unwrap();
    fs::rename(place.at("folder"), place.at("moved")).unwrap();
    fs::rename(place.at("moved/file"), place.at("moved/renamed")).unwrap();
    let check = |place: &Place| {
        assert_eq!(mode(&place.at("moved")), 0o710);
        assert_eq!(mode(&place.at("moved/renamed")), 0o741);
        assert_eq!(times(&place.at("moved/renamed"))[1], (2000, 2));
    };
    check(&place);
    check(&place.check_fresh());
}

#[test]
fn a_time_of_access_alone_changes_when_the_attributes_changed() {
    use rustix::fs::UTIME_OMIT;
    let place = Place::new();
    fs::write(place.at("file"), "x").unwrap();
    fs::create_dir(place.at("folder")).unwrap();
    for name in ["file", "folder"] {
        let path = place.at(name);
        let changed = || {
            let about = fs::symlink_metadata(&path).unwrap();
            (about.ctime(), about.ctime_nsec())
        };
        let before = changed();
        // File systems count by the ticks of the clock.
        let start = std::time::Instant::now();
        while start.elapsed().as_millis() < 50 {
            std::thread::yield_now();
        }
        let stamps = stamps((1000, 1), (0, UTIME_OMIT));
        utimensat(CWD, &path, &stamps, AtFlags::empty()).unwrap();
        assert!(changed() > before, "{name}");
        assert_eq!(times(&path)[0], (1000, 1));
    }
    place.check_fresh();
}

fn group(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().gid()
}

#[test]
fn a_folder_gives_its_group_to_what_is_made_in_it() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    fs::create_dir(place.at("team")).unwrap();
    chown(place.at("team"), None, Some(4321)).unwrap();
    change_mode(&place.at("team"), 0o2775);
    fs::write(place.at("other"), "x").unwrap();
    let make = |place: &Place, folder: &str| {
        let at = |name: &str| place.at(&format!("{folder}/{name}"));
        fs::write(at("file"), "x").unwrap();
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        let fifo = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(CWD, at("pipe"), fifo).unwrap();
    };
    let check = |place: &Place, folder: &str| {
        for name in ["file", "folder", "link", "pipe"] {
            let path = place.at(&format!("{folder}/{name}"));
            assert_eq!(group(&path), 4321, "{folder}/{name}");
        }
        let (file, below) = (format!("{folder}/file"), format!("{folder}/folder"));
        assert_eq!(mode(&place.at(&file)) & 0o2000, 0);
        assert_eq!(mode(&place.at(&below)), 0o2755);
    };
    make(&place, "team");
    check(&place, "team");
    // What is moved there stays whose it was.
    fs::rename(place.at("other"), place.at("team/other")).unwrap();
    let own = nix::unistd::getegid().as_raw();
    assert_eq!(group(&place.at("team/other")), own);
    let place = place.check_fresh();
    check(&place, "team");
    assert_eq!(group(&place.at("team/other")), own);
    make(&place, "team/folder");
    check(&place, "team/folder");
    let place = place.check_fresh();
    check(&place, "team/folder");
}

/// Runs a script in a folder as a user without privileges there.
fn as_another(place: &Place, script: &str) {
    use std::os::unix::process::CommandExt;
    let mut command = crate::run::program("bash", place.path());
    command.args(["-euc", script]).uid(NOBODY).gid(NOBODY);
    crate::run::finish(&mut command);
}

#[test]
fn changing_a_program_takes_the_rights_of_its_owner_from_it() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    change_mode(place.path(), 0o755);
    let changes = [
        ("write", "echo x >> write"),
        ("overwrite", "echo y > overwrite"),
        ("empty", ": > empty"),
        ("truncate", "truncate -s 1 truncate"),
        ("extend", "truncate -s 100 extend"),
        ("allocate", "fallocate -l 100 allocate"),
        ("punch", "fallocate -p -o 0 -l 1 punch"),
        (
            "copy",
            "python3 -c 'import os; f = os.open(\"copy\", os.O_RDWR); \
             os.copy_file_range(os.open(\"from\", os.O_RDONLY), f, 2)'",
        ),
    ];
    fs::write(place.at("from"), "from").unwrap();
    for (name, _) in changes {
        fs::write(place.at(name), "program").unwrap();
        change_mode(&place.at(name), 0o6777);
    }
    // Root has the right to keep them.
    let by_root = ["by-root", "by-root-cut"];
    for name in by_root {
        fs::write(place.at(name), "program").unwrap();
        change_mode(&place.at(name), 0o6777);
    }
    let place = place.fresh();
    for (name, script) in changes {
        as_another(&place, script);
        assert_eq!(mode(&place.at(name)), 0o777, "{name}");
    }
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(place.at("by-root"));
    file.as_mut().unwrap().write_all(b"x").unwrap();
    drop(file);
    nix::unistd::truncate(&place.at("by-root-cut"), 1).unwrap();
    let check = |place: &Place| {
        for (name, _) in changes {
            assert_eq!(mode(&place.at(name)), 0o777, "{name}");
        }
        for name in by_root {
            assert_eq!(mode(&place.at(name)), 0o6777, "{name}");
        }
    };
    check(&place);
    check(&place.check_fresh());
}

#[test]
fn another_owner_takes_the_rights_of_the_first_from_a_program() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let files = [("user", 0o4755), ("both", 0o6755), ("locks", 0o2745)];
    for (name, mode) in files {
        fs::write(place.at(name), "program").unwrap();
        change_mode(&place.at(name), mode);
        chown(place.at(name), Some(1234), None).unwrap();
    }
    fs::write(place.at("group"), "program").unwrap();
    change_mode(&place.at("group"), 0o6755);
    chown(place.at("group"), None, Some(4321)).unwrap();
    fs::create_dir(place.at("folder")).unwrap();
    change_mode(&place.at("folder"), 0o2775);
    chown(place.at("folder"), Some(1234), Some(4321)).unwrap();
    let check = |place: &Place| {
        let names = ["user", "both", "locks", "group", "folder"];
        let modes = names.map(|name| mode(&place.at(name)));
        assert_eq!(modes, [0o755, 0o755, 0o2745, 0o755, 0o2775]);
    };
    check(&place);
    check(&place.check_fresh());
}
