//! Copies of folders that can take a mount point: a tmpfs with every entry bound into it.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use crate::sys::{self, Errno, MountFlags, SysError};

/// Replaces `folder`, in this mount namespace, by a copy that has the folders `create` as well.
///
/// Changes the working folder of this process.
pub(super) fn mirror(folder: &Path, create: &[PathBuf]) -> Result<(), SysError> {
    // The working folder keeps the original reachable once the copy covers it.
    change_folder(folder)?;
    mount_tmpfs(folder, folder)?;
    copy_entries(Path::new("."), folder)?;
    create_folders(folder, create)?;
    seal(folder)?;
    change_folder(Path::new("/"))
}

/// Replaces `/` by a copy that has the folders `create` as well.
///
/// Changes the working folder of this process.
pub(super) fn new_root(create: &[PathBuf]) -> Result<(), SysError> {
    let root = Path::new("/");
    let stage = stage()?;
    mount_tmpfs(root, &stage)?;
    change_folder(&stage)?;
    let old = free_name(root);
    create_folders(Path::new("."), std::slice::from_ref(&old))?;
    sys::pivot_root(Path::new("."), &old)?;
    change_folder(root)?;
    let old = root.join(old);
    copy_entries(&old, root)?;
    sys::unmount_detached(&old)?;
    fs::remove_dir(&old).map_err(failed("rmdir", &old))?;
    create_folders(root, create)?;
    seal(root)
}

/// Makes a copy read-only, so that a file written beside a mount point fails instead of vanishing
/// with the sandbox. A folder for temporary files (sticky, as `/tmp` is) stays writable: most
/// programs need it, and its files are not meant to last.
fn seal(folder: &Path) -> Result<(), SysError> {
    const STICKY: u32 = 0o1000;
    let metadata = fs::metadata(folder).map_err(failed("stat", folder))?;
    if metadata.mode() & STICKY == 0 {
        sys::set_read_only(folder)
    } else {
        Ok(())
    }
}

/// Returns a folder of `/` on which the new root can be mounted for a moment.
fn stage() -> Result<PathBuf, SysError> {
    let usable = |path: &PathBuf| path.is_dir() && !path.is_symlink();
    ["/tmp", "/run", "/usr", "/etc"]
        .map(PathBuf::from)
        .into_iter()
        .find(usable)
        .ok_or_else(|| SysError {
            call: "find a folder to build a new root on".to_owned(),
            errno: Errno::ENOENT,
        })
}

fn free_name(folder: &Path) -> PathBuf {
    let taken = |name: &String| folder.join(name).symlink_metadata().is_ok();
    let mut names = (0_u32..).map(|n| format!(".old-root-{n}"));
    names
        .find(|name| !taken(name))
        .map(PathBuf::from)
        .unwrap_or_default()
}

/// Mounts a tmpfs with the permissions of `like`, and with its owner if this process may set it.
pub(super) fn mount_tmpfs(like: &Path, target: &Path) -> Result<(), SysError> {
    let metadata = fs::metadata(like).map_err(failed("stat", like))?;
    let data = format!("mode={:o}", metadata.mode() & 0o7777);
    sys::mount(
        "stub",
        target,
        "tmpfs",
        MountFlags::MS_NOSUID | MountFlags::MS_NODEV,
        &data,
    )?;
    // In a user namespace most owners have no name; the copy then belongs to the user.
    let _ = std::os::unix::fs::chown(target, Some(metadata.uid()), Some(metadata.gid()));
    Ok(())
}

fn copy_entries(from: &Path, to: &Path) -> Result<(), SysError> {
    let entries = fs::read_dir(from).map_err(failed("readdir", from))?;
    for entry in entries {
        let entry = entry.map_err(failed("readdir", from))?;
        let kind = entry.file_type().map_err(failed("stat", &entry.path()))?;
        let (source, target) = (from.join(entry.file_name()), to.join(entry.file_name()));
        if target == source || target.symlink_metadata().is_ok() {
            continue;
        }
        match copy_entry(&source, &target, kind) {
            // It was removed while we looked.
            Err(error) if error.errno == Errno::ENOENT => {}
            other => other?,
        }
    }
    Ok(())
}

/// Binds one entry of the working folder, as far as it exists, under the same name in another folder.
pub(super) fn copy_named(name: &Path, to: &Path) -> Result<(), SysError> {
    let Ok(metadata) = name.symlink_metadata() else {
        return Ok(());
    };
    if let Some(folder) = name.parent().filter(|folder| *folder != Path::new("")) {
        create_folders(to, &[folder.to_owned()])?;
    }
    copy_entry(name, &to.join(name), metadata.file_type())
}

fn copy_entry(source: &Path, target: &Path, kind: fs::FileType) -> Result<(), SysError> {
    if kind.is_symlink() {
        let points_to = fs::read_link(source).map_err(failed("readlink", source))?;
        return symlink(points_to, target).map_err(failed("symlink", target));
    }
    if kind.is_dir() {
        fs::create_dir(target).map_err(failed("mkdir", target))?;
    } else {
        File::create_new(target).map_err(failed("create", target))?;
    }
    sys::bind(source, target)
}

fn create_folders(root: &Path, folders: &[PathBuf]) -> Result<(), SysError> {
    for folder in folders {
        let path = root.join(folder);
        let mut builder = DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o755)
            .create(&path)
            .map_err(failed("mkdir", &path))?;
    }
    Ok(())
}

pub(super) fn change_folder(to: &Path) -> Result<(), SysError> {
    std::env::set_current_dir(to).map_err(failed("chdir", to))
}

pub(super) fn failed(call: &str, path: &Path) -> impl Fn(io::Error) -> SysError {
    let call = format!("{call}({})", path.display());
    move |error| SysError {
        call: call.clone(),
        errno: Errno::from_raw(error.raw_os_error().unwrap_or(0)),
    }
}
