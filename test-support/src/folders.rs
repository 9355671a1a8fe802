//! Temporary folders.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

/// Prefix of the names of all folders, files and mount points that [`Clean`](crate::Clean) checks.
pub const MARK: &str = "stub-it";

/// Creates a folder that every user may enter.
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix(MARK).tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Creates a folder in which every user may write.
pub fn shared() -> TempDir {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
    folder
}
