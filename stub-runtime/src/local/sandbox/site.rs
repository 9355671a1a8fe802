//! State of a mount path before anything is mounted.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::plan::{Anchor, Site};

/// Inspects a path: its existing part, with symbolic links resolved, and its missing part.
pub(super) fn look(path: &Path) -> Site {
    let mut missing: Vec<OsString> = Vec::new();
    let mut existing = path;
    loop {
        match fs::canonicalize(existing) {
            Ok(anchor) => {
                missing.reverse();
                let found = kind(&anchor, existing);
                return Site {
                    path: path.to_owned(),
                    anchor,
                    missing,
                    found,
                };
            }
            // A symbolic link that leads nowhere exists itself, so nothing can be made there.
            Err(_) if existing.is_symlink() => return broken(path, existing, Anchor::DanglingLink),
            Err(error) => match (error.kind(), existing.parent(), existing.file_name()) {
                (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Some(up), Some(name)) => {
                    missing.push(name.to_owned());
                    existing = up;
                }
                _ => return broken(path, existing, Anchor::Unreachable(error.to_string())),
            },
        }
    }
}

fn kind(anchor: &Path, existing: &Path) -> Anchor {
    match fs::metadata(anchor) {
        Ok(metadata) if metadata.is_dir() => Anchor::Folder,
        Ok(_) => Anchor::NoFolder(existing.to_owned()),
        Err(error) => Anchor::Unreachable(error.to_string()),
    }
}

fn broken(path: &Path, at: &Path, found: Anchor) -> Site {
    Site {
        path: path.to_owned(),
        anchor: PathBuf::from(at),
        missing: Vec::new(),
        found,
    }
}
