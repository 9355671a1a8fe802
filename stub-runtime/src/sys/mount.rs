//! Mounts.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) use nix::mount::MsFlags as MountFlags;
use nix::mount::{MntFlags, umount2};

use super::error::{Errno, Result, SysError};

/// Mounts a file system of type `kind` at `target`.
pub(crate) fn mount(
    source: &str,
    target: &Path,
    kind: &str,
    flags: MountFlags,
    data: &str,
) -> Result<()> {
    nix::mount::mount(Some(source), target, Some(kind), flags, Some(data)).map_err(SysError::new(
        format!("mount({source}, {}, {kind})", target.display()),
    ))
}

/// Makes the tree at `source` appear at `target` too, with everything mounted below it.
pub(crate) fn bind(source: &Path, target: &Path) -> Result<()> {
    nix::mount::mount(
        Some(source),
        target,
        None::<&OsStr>,
        MountFlags::MS_BIND | MountFlags::MS_REC,
        None::<&OsStr>,
    )
    .map_err(SysError::new(format!(
        "mount({}, {}, bind)",
        source.display(),
        target.display()
    )))
}

/// Keeps mounts made here from showing up elsewhere.
pub(crate) fn make_slave(target: &Path) -> Result<()> {
    let none = None::<&OsStr>;
    nix::mount::mount(
        none,
        target,
        none,
        MountFlags::MS_SLAVE | MountFlags::MS_REC,
        none,
    )
    .map_err(SysError::new(format!("mount({}, slave)", target.display())))
}

/// Makes one mount read-only; mounts below it stay unchanged.
pub(crate) fn set_read_only(target: &Path) -> Result<()> {
    let flags = MountFlags::MS_REMOUNT
        | MountFlags::MS_BIND
        | MountFlags::MS_RDONLY
        | MountFlags::MS_NOSUID
        | MountFlags::MS_NODEV;
    let none = None::<&OsStr>;
    nix::mount::mount(none, target, none, flags, none).map_err(SysError::new(format!(
        "mount({}, remount read-only)",
        target.display()
    )))
}

/// Makes a mount read-only, with all that is mounted below it; their other flags stay. Linux 5.12 or newer.
pub(crate) fn make_read_only(target: &Path) -> Result<()> {
    let failed = || SysError::new(format!("mount_setattr({}, read-only)", target.display()));
    let path = CString::new(target.as_os_str().as_bytes()).map_err(|_| failed()(Errno::EINVAL))?;
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: the path and the attributes, whose size the kernel is told, live through the call,
    // which reads them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE | libc::AT_SYMLINK_NOFOLLOW,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(result).map(drop).map_err(failed())
}

/// Unmounts.
pub(crate) fn unmount(target: &Path) -> Result<()> {
    umount2(target, MntFlags::UMOUNT_NOFOLLOW)
        .map_err(SysError::new(format!("umount({})", target.display())))
}

/// Takes a mount out of the tree now; it ends when nothing uses it any more.
pub(crate) fn unmount_detached(target: &Path) -> Result<()> {
    umount2(target, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW).map_err(SysError::new(
        format!("umount({}, detach)", target.display()),
    ))
}

/// Makes the mount at `new` the root; the old one appears at `old`, inside it.
pub(crate) fn pivot_root(new: &Path, old: &Path) -> Result<()> {
    nix::unistd::pivot_root(new, old).map_err(SysError::new(format!(
        "pivot_root({}, {})",
        new.display(),
        old.display()
    )))
}
