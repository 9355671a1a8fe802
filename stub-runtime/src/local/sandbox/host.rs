//! Facts about this machine that explain a refusal, read only then.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::sys;

/// Facts that explain a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state"
)]
pub(crate) struct Host {
    /// Value of `user.max_user_namespaces`.
    pub(crate) max_user_namespaces: Option<u64>,
    /// Value of `user.max_mnt_namespaces`.
    pub(crate) max_mount_namespaces: Option<u64>,
    /// True if `kernel.apparmor_restrict_unprivileged_userns` is set.
    pub(crate) apparmor_restricts: bool,
    /// Value of `kernel.unprivileged_userns_clone`, on kernels that have it.
    pub(crate) userns_clone: Option<bool>,
    /// State of `/dev/fuse`.
    pub(crate) fuse: FuseDevice,
    /// True if `fuse` is in `/proc/filesystems`.
    pub(crate) fuse_loaded: bool,
    /// True if this is a container, as Docker and Podman mark it.
    pub(crate) container: bool,
    /// True if a seccomp filter applies.
    pub(crate) seccomp: bool,
    /// True if the effective user is root.
    pub(crate) root: bool,
}

/// State of `/dev/fuse`.
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

/// Returns whether mounting requires a user namespace of our own: true except for root with its capabilities.
pub(crate) fn needs_user_namespace() -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    let capabilities = status("CapEff:")
        .and_then(|hex| u64::from_str_radix(&hex, 16).ok())
        .unwrap_or(0);
    sys::effective_ids().user != 0 || capabilities & CAP_SYS_ADMIN == 0
}

/// Returns the number of threads of this process, if `/proc` shows it.
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
