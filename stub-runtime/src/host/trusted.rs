//! Access to files that only this user and root can change: settings, secrets, spools, programs.
//!
//! The target of a path may change a moment later. So each file is opened once, without following
//! links, and the open file is checked: its owner, its mode, its folder, and each link on its path.
//! Folders further up are not checked.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::sys::{self, Errno, FileKind, FileStatus, SysError};

/// Maximum number of links that a path may lead over, as for the kernel.
const MOST_LINKS: usize = 40;

/// Reason why a file or folder is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untrusted {
    /// The file can't be opened.
    #[error("failed to open `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The file belongs to another user.
    #[error(
        "`{}` belongs to the user {user}, not to you\nremove it, or make it yours",
        path.display()
    )]
    Owner { path: PathBuf, user: u32 },
    /// Other users may change the file.
    #[error(
        "`{}` has the mode {mode:04o}, so that other users can change it\nrun `chmod go-w` on it",
        path.display()
    )]
    Writable { path: PathBuf, mode: u32 },
    /// The file is a hard link in a folder in which other users can make links to files of this user.
    #[error(
        "`{}` is a hard link in a folder that other users can write to\nreplace it by a copy",
        path.display()
    )]
    HardLink { path: PathBuf },
    /// The file is no regular file, or no folder.
    #[error("`{}` is not a {expected}", path.display())]
    Kind {
        path: PathBuf,
        expected: &'static str,
    },
    /// Links lead in a circle.
    #[error("`{}` leads over more than {MOST_LINKS} symbolic links", path.display())]
    Links { path: PathBuf },
}

impl Untrusted {
    /// Returns whether there is nothing at the path.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == ErrorKind::NotFound)
    }

    fn io(path: &Path, error: &SysError) -> Self {
        Self::Io {
            path: path.to_owned(),
            source: io::Error::from(error.errno),
        }
    }
}

impl From<Untrusted> for io::Error {
    fn from(error: Untrusted) -> Self {
        match error {
            Untrusted::Io { source, .. } => source,
            other => Self::new(ErrorKind::PermissionDenied, other),
        }
    }
}

/// Opens a regular file for reading, if nobody but this user and root can change it.
pub(crate) fn open(path: &Path) -> Result<(File, FileStatus), Untrusted> {
    let (file, status) = open_any(path)?;
    match status.kind {
        FileKind::Regular => Ok((file, status)),
        _ => Err(Untrusted::Kind {
            path: path.to_owned(),
            expected: "regular file",
        }),
    }
}

/// Reads a file that [`open`] opens.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, FileStatus), Untrusted> {
    let (mut file, status) = open(path)?;
    let mut bytes = Vec::new();
    match file.read_to_end(&mut bytes) {
        Ok(_) => Ok((bytes, status)),
        Err(source) => Err(Untrusted::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Checks that others can change neither a folder nor this user's entries in it.
pub(crate) fn check_folder(path: &Path) -> Result<(), Untrusted> {
    let (_folder, status) = open_any(path)?;
    check_is_folder(path, status)
}

/// Checks that a folder belongs to this user, and that others can't write to it.
pub(crate) fn check_own_folder(path: &Path) -> Result<(), Untrusted> {
    let (_folder, status) = open_any(path)?;
    check_is_folder(path, status)?;
    if status.user != sys::effective_ids().user {
        return Err(Untrusted::Owner {
            path: path.to_owned(),
            user: status.user,
        });
    }
    check_mode(path, status)
}

/// Makes a folder that only this user can enter, unless it exists, and checks it as
/// [`check_own_folder`] does.
pub(crate) fn make_own_folder(path: &Path) -> Result<(), Untrusted> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => Err(Untrusted::Io {
            path: path.to_owned(),
            source,
        }),
        _ => check_own_folder(path),
    }
}

fn check_is_folder(path: &Path, status: FileStatus) -> Result<(), Untrusted> {
    match status.kind {
        FileKind::Folder => Ok(()),
        _ => Err(Untrusted::Kind {
            path: path.to_owned(),
            expected: "folder",
        }),
    }
}

/// Opens a file or folder. Follows links by itself, and checks each of them.
fn open_any(path: &Path) -> Result<(File, FileStatus), Untrusted> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match step(&path)? {
            PathStep::Opened(file, status) => return Ok((file, status)),
            PathStep::Link(target) => path = target,
        }
    }
    Err(Untrusted::Links { path })
}

enum PathStep {
    Opened(File, FileStatus),
    Link(PathBuf),
}

fn step(path: &Path) -> Result<PathStep, Untrusted> {
    let io = |error: SysError| Untrusted::io(path, &error);
    let (folder, name) = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent != Path::new("") => (parent, name),
        (Some(_), Some(name)) => (Path::new("."), name),
        // `/`, or a path that ends in `..`.
        _ => (path, OsStr::new(".")),
    };
    let opened: OwnedFd = sys::open_folder(folder).map_err(io)?;
    let around = sys::status(&opened).map_err(io)?;
    let found = sys::status_in(opened.as_fd(), name).map_err(io)?;
    // Told first: in a folder of everybody's, it is the file that is wrong.
    check_owner(path, found)?;
    check_around(folder, around)?;
    if found.kind == FileKind::Link {
        let target = sys::link_in(opened.as_fd(), name).map_err(io)?;
        return Ok(PathStep::Link(folder.join(target)));
    }
    let file = match sys::open_in(opened.as_fd(), name) {
        // It was replaced by a link just now: look again.
        Err(error) if error.errno == Errno::ELOOP => return Ok(PathStep::Link(path.to_owned())),
        opened => opened.map_err(io)?,
    };
    // Of what is open: the entry may be another one by now.
    let status = sys::status(&file).map_err(io)?;
    check_owner(path, status)?;
    match status.kind {
        FileKind::Folder => check_around(path, status)?,
        _ => check_mode(path, status)?,
    }
    let is_shared = is_writable_by_others(around);
    if status.kind == FileKind::Regular && status.links > 1 && is_shared {
        return Err(Untrusted::HardLink {
            path: path.to_owned(),
        });
    }
    Ok(PathStep::Opened(file, status))
}

fn check_owner(path: &Path, status: FileStatus) -> Result<(), Untrusted> {
    if status.user == 0 || status.user == sys::effective_ids().user {
        return Ok(());
    }
    // If root is not mapped, its folders look like those of all other unmapped users. Files in them
    // that belong to this user are checked separately.
    if status.kind == FileKind::Folder && !root_has_a_name() {
        return Ok(());
    }
    Err(Untrusted::Owner {
        path: path.to_owned(),
        user: status.user,
    })
}

/// Checks the folder around a file: in a sticky one, others can't replace what belongs to this user.
fn check_around(path: &Path, status: FileStatus) -> Result<(), Untrusted> {
    check_owner(path, status)?;
    let is_sticky = status.mode & 0o1000 != 0;
    if is_sticky {
        return Ok(());
    }
    check_mode(path, status)
}

fn check_mode(path: &Path, status: FileStatus) -> Result<(), Untrusted> {
    if is_writable_by_others(status) {
        return Err(Untrusted::Writable {
            path: path.to_owned(),
            mode: status.mode,
        });
    }
    Ok(())
}

/// Returns whether other users can write to a file. Where each user has a private group, files are
/// often writable by that group. On a read-only file system, modes don't matter: folders of
/// Kubernetes' `ConfigMaps` have 0777.
fn is_writable_by_others(status: FileStatus) -> bool {
    let is_shared = |group| !sys::is_private_group(group, status.user);
    let by_mode = status.mode & 0o002 != 0 || (status.mode & 0o020 != 0 && is_shared(status.group));
    by_mode && !status.read_only
}

/// Returns whether this process is in a user namespace in which root exists.
fn root_has_a_name() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let first = |line: &str| line.split_whitespace().next().map(|id| id == "0");
    map.is_empty() || map.lines().any(|line| first(line) == Some(true))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn modes_do_not_count_on_a_read_only_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let script = "set -e
            mount -t tmpfs none \"$1\"
            mkdir -m 777 \"$1/config\"
            echo text > \"$1/config/file\"
            chmod 666 \"$1/config/file\"
            EXPECTED=refused \"$0\" --ignored --exact host::trusted::tests::mode_act
            mount -o remount,ro \"$1\"
            EXPECTED=believed \"$0\" --ignored --exact host::trusted::tests::mode_act";
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .arg(std::env::current_exe().unwrap())
            .arg(folder.path())
            .env("FILE", folder.path().join("config/file"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.matches("1 passed").count(), 2, "{said}");
    }

    #[test]
    #[ignore = "run by another test"]
    fn mode_act() {
        let file = PathBuf::from(std::env::var_os("FILE").unwrap());
        let is_believed = std::env::var("EXPECTED").unwrap() == "believed";
        let opened = open(&file);
        assert_eq!(opened.is_ok(), is_believed, "{opened:?}");
        let folder = check_folder(file.parent().unwrap());
        assert_eq!(folder.is_ok(), is_believed, "{folder:?}");
    }
}
