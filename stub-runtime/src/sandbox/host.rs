//! What this machine allows: read only when it matters.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::sys;

/// The facts that explain a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state"
)]
pub(crate) struct Host {
    /// `user.max_user_namespaces`.
    pub(crate) max_user_namespaces: Option<u64>,
    /// `user.max_mnt_namespaces`.
    pub(crate) max_mount_namespaces: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`.
    pub(crate) apparmor_restricts: bool,
    /// `kernel.unprivileged_userns_clone`, on kernels that have it.
    pub(crate) userns_clone: Option<bool>,
    /// `/dev/fuse`.
    pub(crate) fuse: FuseDevice,
    /// `fuse` is among `/proc/filesystems`.
    pub(crate) fuse_loaded: bool,
    /// This is a container, as Docker and Podman mark it.
    pub(crate) container: bool,
    /// A seccomp filter applies.
    pub(crate) seccomp: bool,
    /// The effective user is root.
    pub(crate) root: bool,
}

/// What `/dev/fuse` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FuseDevice {
    #[default]
    Missing,
    NotADevice,
    Device {
        mode: u32,
    },
}

impl Host {
    pub(crate) fn look() -> Self {
        Self {
            max_user_namespaces: number("/proc/sys/user/max_user_namespaces"),
            max_mount_namespaces: number("/proc/sys/user/max_mnt_namespaces"),
            apparmor_restricts: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
                == Some(1),
            userns_clone: number("/proc/sys/kernel/unprivileged_userns_clone").map(|n| n != 0),
            fuse: fuse_device(),
            fuse_loaded: text("/proc/filesystems")
                .lines()
                .any(|line| line.ends_with("\tfuse")),
            container: Path::new("/.dockerenv").exists()
                || Path::new("/run/.containerenv").exists(),
            seccomp: status("Seccomp:").is_some_and(|mode| mode == "2"),
            root: sys::effective_ids().user == 0,
        }
    }
}

/// Whether mounting takes a user namespace of our own: true but for root with its powers.
pub(crate) fn needs_user_namespace() -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    let capabilities = status("CapEff:")
        .and_then(|hex| u64::from_str_radix(&hex, 16).ok())
        .unwrap_or(0);
    sys::effective_ids().user != 0 || capabilities & CAP_SYS_ADMIN == 0
}

/// The number of threads of this process, if `/proc` tells.
pub(crate) fn threads() -> Option<usize> {
    status("Threads:")?.parse().ok()
}

fn status(field: &str) -> Option<String> {
    let status = text("/proc/self/status");
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(value.trim().to_owned())
}

fn number(path: &str) -> Option<u64> {
    text(path).trim().parse().ok()
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn fuse_device() -> FuseDevice {
    match fs::metadata("/dev/fuse") {
        Ok(metadata) if metadata.file_type().is_char_device() => FuseDevice::Device {
            mode: metadata.mode() & 0o777,
        },
        Ok(_) => FuseDevice::NotADevice,
        Err(_) => FuseDevice::Missing,
    }
}
