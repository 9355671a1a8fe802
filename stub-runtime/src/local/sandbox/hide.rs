//! Isolation of a job from everything that lets it speak to the host, or as its user. Runs in the
//! job's first process.

use std::fs;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::protocol::Hide;
use crate::sys::{self, Errno, MountFlags, SysError};

use super::believed;
use super::hidden::{self, CREDENTIALS, KEPT_OF_RUN, SHARED};
use super::mirror::{self, change_folder};

/// Names servers of the network.
const RESOLVER: &str = "/etc/resolv.conf";

/// A file that has nothing and takes nothing.
const NOTHING: &str = "/dev/null";

/// Control groups.
const GROUPS: &str = "/sys/fs/cgroup";

/// List of the sockets of this network namespace.
const SOCKETS: &str = "/proc/net/unix";

/// Hides the host's sockets, temporary files and terminals, and the credentials in the user's
/// homes. Other entries of a home that begin with a dot become read-only, and so does the home
/// itself.
pub(super) fn hide(wanted: &Hide) -> Result<(), SysError> {
    // Before anything is covered. Names in the list have any bytes.
    let list = fs::read(SOCKETS).map_err(mirror::failed("read", Path::new(SOCKETS)))?;
    let sockets = hidden::sockets(&list);
    let work = real(&wanted.workdir).zip(sys::open_folder(&wanted.workdir).ok());
    let mut homes: Vec<PathBuf> = wanted.homes.iter().filter_map(|home| real(home)).collect();
    homes.sort();
    homes.dedup();
    // What this user can't look into, its job can't either.
    homes.retain(|home| home.parent().is_some() && fs::read_dir(home).is_ok());
    let shared = SHARED.iter().map(Path::new);
    let temporary = wanted.temporary.iter().map(PathBuf::as_path);
    let folders = shared.chain(temporary).filter_map(real);
    let folders = folders
        .filter(|folder| fs::read_dir(folder).is_ok())
        .collect();
    let folders = hidden::replaced(folders, &homes);
    let mut seen = homes.clone();
    seen.retain(|home| !folders.iter().any(|folder| home.starts_with(folder)));
    let believed = believed::entries(&seen, &wanted.programs);
    for home in &seen {
        protect(home)?;
    }
    for entry in &believed {
        unless_gone(sys::make_read_only(entry))?;
    }
    let resolver = real(Path::new(RESOLVER));
    for folder in &folders {
        replace(folder, resolver.as_deref())?;
    }
    own_terminals()?;
    protect_groups()?;
    match work {
        Some((path, folder)) if hidden::shows_again(&path, &folders, &homes, &believed) => {
            show(&path, &folder)?;
        }
        _ => {}
    }
    // Last, as the working folder comes back with its sockets.
    cover_sockets(sockets, &wanted.workdir)
}

/// Covers listed sockets, and those in the working folder, which may be listed under a relative path.
fn cover_sockets(listed: Vec<PathBuf>, workdir: &Path) -> Result<(), SysError> {
    let entries = fs::read_dir(workdir).into_iter().flatten().flatten();
    let around = entries.map(|entry| entry.path());
    for socket in listed.into_iter().chain(around) {
        let is_seen =
            fs::symlink_metadata(&socket).is_ok_and(|found| found.file_type().is_socket());
        if is_seen {
            unless_gone(sys::bind(Path::new(NOTHING), &socket))?;
        }
    }
    Ok(())
}

/// Takes the disappearance of a file since it was seen for success: nothing is left to hide.
fn unless_gone(result: Result<(), SysError>) -> Result<(), SysError> {
    match result {
        Err(error) if error.errno == Errno::ENOENT => Ok(()),
        other => other,
    }
}

fn real(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// Puts an empty folder in the place of one.
fn replace(folder: &Path, resolver: Option<&Path>) -> Result<(), SysError> {
    // The working folder keeps the original reachable.
    change_folder(folder)?;
    mirror::mount_tmpfs(folder, folder)?;
    if folder == Path::new("/run") {
        for name in KEPT_OF_RUN {
            mirror::copy_named(Path::new(name), folder)?;
        }
    }
    if let Some(file) = resolver.and_then(|path| path.strip_prefix(folder).ok()) {
        mirror::copy_named(file, folder)?;
    }
    change_folder(Path::new("/"))
}

/// Hides credentials in a home, and makes read-only what programs outside trust: entries that begin
/// with a dot, and the list of entries.
fn protect(home: &Path) -> Result<(), SysError> {
    mirror::mirror(home, &[])?;
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    for entry in entries {
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        match real(&entry.path()) {
            // What it leads to is not a mount of its own yet.
            Some(target) if is_link => {
                unless_gone(
                    sys::bind(&target, &target).and_then(|()| sys::make_read_only(&target)),
                )?;
            }
            Some(target) => unless_gone(sys::make_read_only(&target))?,
            // It leads nowhere.
            None => {}
        }
    }
    for name in CREDENTIALS {
        if let Some(path) = real(&home.join(name)) {
            unless_gone(cover(&path))?;
        }
    }
    Ok(())
}

/// Makes a file or folder look empty.
fn cover(path: &Path) -> Result<(), SysError> {
    if path.is_dir() {
        let flags = MountFlags::MS_NOSUID | MountFlags::MS_NODEV | MountFlags::MS_RDONLY;
        return sys::mount("stub", path, "tmpfs", flags, "mode=0555");
    }
    sys::bind(Path::new(NOTHING), path)
}

/// Terminals that were open before stay usable; others of the user can't be opened.
fn own_terminals() -> Result<(), SysError> {
    let folder = Path::new("/dev/pts");
    if !folder.is_dir() {
        return Ok(());
    }
    let flags = MountFlags::MS_NOSUID | MountFlags::MS_NOEXEC;
    sys::mount(
        "devpts",
        folder,
        "devpts",
        flags,
        "newinstance,ptmxmode=0666,mode=620",
    )
}

/// Makes control groups read-only: by them, processes outside of the sandbox are stopped and killed.
fn protect_groups() -> Result<(), SysError> {
    let folder = Path::new(GROUPS);
    if !folder.is_dir() {
        return Ok(());
    }
    sys::bind(folder, folder)?;
    sys::make_read_only(folder)
}

/// Shows a folder under its path again, as it is outside.
fn show(path: &Path, folder: &OwnedFd) -> Result<(), SysError> {
    let made = fs::create_dir_all(path);
    made.or_else(|error| match error.kind() {
        ErrorKind::AlreadyExists => Ok(()),
        _ => Err(mirror::failed("mkdir", path)(error)),
    })?;
    let source = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    sys::bind(&source, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_vanishes_before_it_is_hidden_refuses_no_call() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        assert_eq!(
            sys::make_read_only(&gone).unwrap_err().errno,
            Errno::ENOENT,
            "as the kernel says it"
        );
        assert!(unless_gone(sys::make_read_only(&gone)).is_ok());
        let refused = SysError {
            call: "mount".to_owned(),
            errno: Errno::EPERM,
        };
        assert!(unless_gone(Err(refused)).is_err());
    }
}
