//! Search in `/proc` for processes that can still write a file when one of them closes it.
//!
//! The kernel reports each `close`, and reports the last one only after it has returned. A shell
//! that redirects the output of a program closes the file before the program starts. So where a
//! `close` must wait for the file to be stored, `/proc` shows whether it was the last one. The
//! search covers the process and its children.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::fs::requesters::children;

/// File as `/proc` shows it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Inode numbers that `/proc` may show: the number that programs see, and the kernel's own
    /// number until it has asked for the attributes.
    pub(super) numbers: [u64; 2],
    /// Name in its folder, since other file systems have the same inode numbers.
    pub(super) name: String,
}

/// Descriptors to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counting {
    All,
    /// Only descriptors without close-on-exec: a program that is about to start closes the others.
    Inherited,
}

/// Returns whether a process or one of its children can write a file, through a descriptor or
/// mapped memory. `thread` is the ID in `/proc` of one of its threads. A process that is not
/// visible counts as a writer, such as another user's process to a user without privileges. The
/// thread waits for its answer, so it has not ended.
pub(super) fn may_write(thread: u32, file: &Wanted) -> bool {
    let mut seen = HashSet::new();
    let mut left = vec![(thread, Counting::All)];
    while let Some((process, counting)) = left.pop() {
        if !seen.insert(process) {
            continue;
        }
        let folder = PathBuf::from(format!("/proc/{process}"));
        match writes(&folder, file, counting) {
            Ok(false) => {}
            Err(error) if is_gone(&error) && process != thread => continue,
            Ok(true) | Err(_) => return true,
        }
        let started = children(&folder).into_iter();
        left.extend(started.map(|child| (child, Counting::Inherited)));
    }
    false
}

/// Returns whether a process writes the file.
///
/// # Errors
/// The process is not visible, or has ended.
fn writes(process: &Path, file: &Wanted, counting: Counting) -> io::Result<bool> {
    Ok(has_descriptor(process, file, counting)? || has_mapped(process, file)?)
}

fn has_descriptor(process: &Path, file: &Wanted, counting: Counting) -> io::Result<bool> {
    for descriptor in fs::read_dir(process.join("fdinfo"))? {
        let descriptor = descriptor?;
        let info = unless_gone(fs::read_to_string(descriptor.path()))?;
        if !info.is_some_and(|info| is_writable(&info, file.numbers, counting)) {
            continue;
        }
        let path = fs::read_link(process.join("fd").join(descriptor.file_name()));
        let path = unless_gone(path)?;
        if path.is_some_and(|path| is_named(path.as_os_str(), &file.name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns `None` if the descriptor was closed or the process has ended meanwhile.
fn unless_gone<T>(shown: io::Result<T>) -> io::Result<Option<T>> {
    match shown {
        Err(error) if is_gone(&error) => Ok(None),
        shown => shown.map(Some),
    }
}

/// Returns whether `/proc` has no such process or descriptor.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

/// Returns whether `fdinfo` describes a writable descriptor of the inode that counts.
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

fn has_mapped(process: &Path, file: &Wanted) -> io::Result<bool> {
    // A process that is ending has no memory.
    let maps = unless_gone(fs::read(process.join("maps")))?.unwrap_or_default();
    let mut lines = maps.split(|byte| *byte == b'\n');
    Ok(lines.any(|line| maps_writably(line, file)))
}

/// Returns whether a line of `maps` describes a writable shared mapping of the file.
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

/// Returns whether a path, as `/proc` shows it, ends in the name.
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
        assert!(may_write(me, &wanted));
        assert!(!may_write(me, &other));
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(file)
            .spawn()
            .unwrap();
        assert!(may_write(me, &wanted), "the child has it");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!may_write(me, &wanted));
        let reader = fs::File::open(&path).unwrap();
        assert!(!may_write(me, &wanted), "one that reads is no writer");
        drop(reader);
        assert!(may_write(0, &wanted), "a process that is not shown");
    }

    #[test]
    fn a_process_that_must_not_be_seen_may_have_it() {
        let name = "fs::holders::tests::of_a_parent_outside";
        // In a user namespace, a process may not look at those outside.
        let apart = Command::new("unshare")
            .arg("--user")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&apart.stdout);
        assert!(said.contains("1 passed"), "{apart:?}");
    }

    #[test]
    #[ignore = "looks at its parent from a user namespace"]
    fn of_a_parent_outside() {
        let parent = std::os::unix::process::parent_id();
        let denied = fs::read_dir(format!("/proc/{parent}/fdinfo")).unwrap_err();
        assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
        let file = Wanted {
            numbers: [1, 1],
            name: "a name".into(),
        };
        assert!(may_write(parent, &file));
        assert!(!may_write(std::process::id(), &file));
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
