//! Operations of the table, as programs do them.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::time::{Duration, SystemTime};

use rustix::fs::{XattrFlags, copy_file_range, setxattr};

use crate::scene::{File, Scene};

pub(crate) fn rename(scene: &mut Scene) {
    for file in &mut scene.files {
        let new = file.path.with_extension("renamed");
        fs::rename(&file.path, &new).unwrap();
        file.path = new;
    }
}

pub(crate) fn rename_folder(scene: &mut Scene) {
    let new = scene.root.join("renamed");
    fs::rename(scene.root.join("folder"), &new).unwrap();
    for file in &mut scene.files {
        file.path = new.join(file.path.file_name().unwrap());
    }
}

pub(crate) fn change_mode(scene: &mut Scene) {
    for file in &scene.files {
        fs::set_permissions(&file.path, Permissions::from_mode(0o751)).unwrap();
    }
}

pub(crate) fn change_times(scene: &mut Scene) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for file in &scene.files {
        let opened = OpenOptions::new().write(true).open(&file.path).unwrap();
        opened.set_modified(time).unwrap();
    }
}

pub(crate) fn set_attribute(scene: &mut Scene) {
    for file in &scene.files {
        setxattr(&file.path, "user.colour", b"red", XattrFlags::empty()).unwrap();
    }
}

pub(crate) fn append(scene: &mut Scene) {
    for file in &mut scene.files {
        let mut opened = OpenOptions::new().append(true).open(&file.path).unwrap();
        opened.write_all(b"more").unwrap();
        file.content.extend(b"more");
    }
}

pub(crate) fn change_in_the_middle(scene: &mut Scene) {
    for file in &mut scene.files {
        let middle = file.content.len() / 2;
        let opened = OpenOptions::new().write(true).open(&file.path).unwrap();
        opened.write_all_at(b"changed", middle as u64).unwrap();
        file.content[middle..][..7].copy_from_slice(b"changed");
    }
}

/// Makes files a third shorter, so that large ones are still stored in parts.
pub(crate) fn truncate(scene: &mut Scene) {
    for file in &mut scene.files {
        let length = file.content.len() / 3 * 2 + (1 << 10);
        let opened = OpenOptions::new().write(true).open(&file.path).unwrap();
        opened.set_len(length as u64).unwrap();
        file.content.truncate(length);
    }
}

/// Opens files with `O_TRUNC`, as a shell does for `>`.
pub(crate) fn rewrite(scene: &mut Scene) {
    for file in &mut scene.files {
        fs::write(&file.path, &scene.plain.content).unwrap();
        file.content.clone_from(&scene.plain.content);
    }
}

/// Replaces the bytes of files by those of another, as `cp` does.
pub(crate) fn copy_range_onto(scene: &mut Scene) {
    let plain = scene.plain.clone();
    for file in &mut scene.files {
        let mut options = OpenOptions::new();
        copy_range(&plain, options.write(true).truncate(true), file, 0);
        file.content.clone_from(&plain.content);
    }
}

/// Puts the bytes of another file behind those of files.
pub(crate) fn copy_range_into(scene: &mut Scene) {
    let plain = scene.plain.clone();
    for file in &mut scene.files {
        let end = file.content.len() as u64;
        copy_range(&plain, OpenOptions::new().write(true), file, end);
        file.content.extend(&plain.content);
    }
}

/// Copies all of a file to a place of another.
fn copy_range(from: &File, options: &OpenOptions, to: &File, at: u64) {
    let source = fs::File::open(&from.path).unwrap();
    let target = options.open(&to.path).unwrap();
    let (mut read, mut written) = (0, at);
    while (read as usize) < from.content.len() {
        let left = from.content.len() - read as usize;
        let copied =
            copy_file_range(&source, Some(&mut read), &target, Some(&mut written), left).unwrap();
        assert_ne!(copied, 0, "the source ends early");
    }
}
