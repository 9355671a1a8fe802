//! Whether a process that closes a descriptor has the file open all the same.
//!
//! The kernel tells of each `close`, and of the last one no sooner than when it has returned. A shell that
//! redirects the output of a program closes the file before the program begins. So where a `close` has to
//! wait for the file to be stored, `/proc` is asked whether it was the last one: of the process and of
//! those that it has started.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::fs::requesters::children;

/// A file as `/proc` names it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Inode numbers that the kernel may show: that of programs, and until it asks for the attributes its own.
    pub(super) numbers: [u64; 2],
    /// Name in its folder: inode numbers of other file systems are the same ones.
    pub(super) name: String,
}

/// Which descriptors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counting {
    All,
    /// Not those that a program which is about to begin closes by itself.
    Inherited,
}

/// Whether a process, by the id in `/proc` of one of its threads, or one that it has started can still write a file:
/// through a descriptor or through mapped memory. What can't be seen is not there.
pub(super) fn can_write(thread: u32, file: &Wanted) -> bool {
    let mut seen = HashSet::new();
    let mut left = vec![(thread, Counting::All)];
    while let Some((process, counting)) = left.pop() {
        if !seen.insert(process) {
            continue;
        }
        let folder = PathBuf::from(format!("/proc/{process}"));
        if has_descriptor(&folder, file, counting) || has_mapped(&folder, file) {
            return true;
        }
        let started = children(&folder).into_iter();
        left.extend(started.map(|child| (child, Counting::Inherited)));
    }
    false
}

fn has_descriptor(process: &Path, file: &Wanted, counting: Counting) -> bool {
    let descriptors = fs::read_dir(process.join("fdinfo")).into_iter().flatten();
    descriptors.flatten().any(|descriptor| {
        let info = fs::read_to_string(descriptor.path()).unwrap_or_default();
        is_writable(&info, file.numbers, counting)
            && fs::read_link(process.join("fd").join(descriptor.file_name()))
                .is_ok_and(|path| is_named(path.as_os_str(), &file.name))
    })
}

/// Whether `fdinfo` describes a descriptor that counts and writes the inode.
fn is_writable(shown: &str, numbers: [u64; 2], counting: Counting) -> bool {
    let value = |of: &str| {
        let mut lines = shown.lines();
        lines.find_map(|line| Some(line.strip_prefix(of)?.trim()))
    };
    let flags = value("flags:").and_then(|flags| i32::from_str_radix(flags, 8).ok());
    let is_it = value("ino:").is_some_and(|shown| {
        let shown = shown.parse::<u64>();
        shown.is_ok_and(|shown| numbers.contains(&shown))
    });
    let writes = |flags: i32| flags & libc::O_ACCMODE != libc::O_RDONLY;
    let counts = |flags: i32| counting == Counting::All || flags & libc::O_CLOEXEC == 0;
    is_it && flags.is_some_and(|flags| writes(flags) && counts(flags))
}

fn has_mapped(process: &Path, file: &Wanted) -> bool {
    let maps = fs::read(process.join("maps")).unwrap_or_default();
    let mut lines = maps.split(|byte| *byte == b'\n');
    lines.any(|line| maps_writably(line, file))
}

/// Whether a line of `maps` is of writable memory that is shared with the file.
fn maps_writably(line: &[u8], file: &Wanted) -> bool {
    let mut fields = line.split(|byte| *byte == b' ');
    let (_, permissions) = (fields.next(), fields.next());
    let (_, _, ino) = (fields.next(), fields.next(), fields.next());
    let is_shared =
        permissions.is_some_and(|shown| shown.get(1) == Some(&b'w') && shown.get(3) == Some(&b's'));
    let is_it = ino.is_some_and(|shown| {
        let shown = str::from_utf8(shown)
            .ok()
            .and_then(|shown| shown.parse().ok());
        shown.is_some_and(|shown: u64| file.numbers.contains(&shown))
    });
    is_shared && is_it && is_named(OsStr::from_bytes(line), &file.name)
}

/// Whether a path as `/proc` shows it ends in the name.
fn is_named(path: &OsStr, name: &str) -> bool {
    let shown = path.as_bytes();
    let shown = shown.strip_suffix(b" (deleted)").unwrap_or(shown);
    let before = shown.strip_suffix(name.as_bytes());
    before.is_some_and(|folder| folder.ends_with(b"/"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_descriptor_of_the_process_or_of_its_child_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a name");
        let file = fs::File::create(&path).unwrap();
        let wanted = Wanted {
            numbers: [file.metadata().unwrap().ino(); 2],
            name: "a name".into(),
        };
        let other = Wanted {
            name: "name".into(),
            ..wanted.clone()
        };
        let me = std::process::id();
        assert!(can_write(me, &wanted));
        assert!(!can_write(me, &other));
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(file)
            .spawn()
            .unwrap();
        assert!(can_write(me, &wanted), "the child has it");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!can_write(me, &wanted));
        let reader = fs::File::open(&path).unwrap();
        assert!(!can_write(me, &wanted), "one that reads is no writer");
        drop(reader);
        assert!(!can_write(0, &wanted), "a process that can't be seen");
    }

    #[test]
    fn a_descriptor_that_is_about_to_be_closed_does_not_count_in_a_child() {
        let info = |flags: &str| format!("pos:\t0\nflags:\t{flags}\nmnt_id:\t30\nino:\t42\n");
        for counting in [Counting::All, Counting::Inherited] {
            assert!(is_writable(&info("0100001"), [41, 42], counting));
            assert!(is_writable(&info("0100002"), [41, 42], counting));
            assert!(!is_writable(&info("0100000"), [41, 42], counting));
            assert!(!is_writable(&info("0100001"), [43, 43], counting));
        }
        assert!(is_writable(&info("02100001"), [41, 42], Counting::All));
        assert!(!is_writable(
            &info("02100001"),
            [41, 42],
            Counting::Inherited
        ));
        assert!(!is_writable("", [41, 42], Counting::All));
    }

    #[test]
    fn shared_memory_that_is_written_is_found() {
        let file = Wanted {
            numbers: [41, 42],
            name: "the file".into(),
        };
        let line = |permissions: &str, ino: u64, name: &str| {
            format!("7f00-7f01 {permissions} 00000000 00:2d {ino}    /mount/{name}").into_bytes()
        };
        assert!(maps_writably(&line("rw-s", 42, "the file"), &file));
        assert!(maps_writably(
            &line("rw-s", 42, "the file (deleted)"),
            &file
        ));
        assert!(!maps_writably(&line("r--s", 42, "the file"), &file));
        assert!(!maps_writably(&line("rw-p", 42, "the file"), &file));
        assert!(!maps_writably(&line("rw-s", 43, "the file"), &file));
        assert!(!maps_writably(&line("rw-s", 42, "file"), &file));
        assert!(!maps_writably(b"", &file));
    }
}
