//! Mount point of a bucket.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::errno::Errno;
use s3fs_core::MountEntry;

use crate::exit;

/// Resolves a folder. Unmounts a dead mount of a `stub mount` that was killed.
pub(super) fn resolve(folder: &Path) -> anyhow::Result<PathBuf> {
    let words = || format!("failed to mount at `{}`", folder.display());
    let resolved = match folder.canonicalize() {
        Err(error) if error.raw_os_error() == Some(Errno::ENOTCONN as i32) => {
            below_resolved_parent(folder)
        }
        resolved => resolved,
    }
    .with_context(words)?;
    if let Some(mount) = MountEntry::at(&resolved).filter(MountEntry::is_dead) {
        mount.detach().with_context(words)?;
        exit::say(&format!(
            "took a dead mount away from `{}`",
            resolved.display()
        ));
    }
    if !resolved.is_dir() {
        bail!("{}: it is not a folder", words());
    }
    Ok(resolved)
}

/// Resolves a folder that can't be accessed itself, through its parent.
fn below_resolved_parent(folder: &Path) -> io::Result<PathBuf> {
    let Some(name) = folder.file_name() else {
        return Err(Errno::ENOTCONN.into());
    };
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    Ok(parent.canonicalize()?.join(name))
}
