//! A file that was read.

use std::path::{Path, PathBuf};

use super::file::File;

/// File and its path, to which its own relative paths refer.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl Located {
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}
