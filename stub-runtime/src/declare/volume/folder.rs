//! Folders on the local disk, and their sizes.

use std::path::{Path, PathBuf};

use super::VolumeError;

/// Folder of a cache or a stage, and its maximum size. Each may come from another layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderOptions {
    /// Path of the folder.
    pub dir: Option<PathBuf>,
    /// Maximum size in bytes.
    pub size: Option<u64>,
    /// Maximum size in bytes of a lower layer, which has no effect without a folder.
    lower_size: Option<u64>,
}

impl FolderOptions {
    /// Creates the options of a folder.
    pub fn new(dir: Option<PathBuf>, size: Option<u64>) -> Self {
        Self {
            dir,
            size,
            lower_size: None,
        }
    }

    /// Resolves a relative path against a folder.
    #[must_use]
    pub fn below(self, folder: &Path) -> Self {
        Self {
            dir: self.dir.map(|dir| folder.join(dir)),
            ..self
        }
    }

    /// Takes absent options from a lower layer.
    pub(super) fn or(self, lower: Self) -> Self {
        Self {
            dir: self.dir.or(lower.dir),
            size: self.size,
            lower_size: self.lower_size.or(lower.size).or(lower.lower_size),
        }
    }

    /// Returns the folder and its size; `usual` is the size that is not given.
    ///
    /// # Errors
    /// Returns an error if the volume itself has a size, and no layer has a folder.
    pub(super) fn paired(
        self,
        option: &'static str,
        usual: u64,
    ) -> Result<Option<(PathBuf, u64)>, VolumeError> {
        match (self.dir, self.size) {
            (Some(dir), size) => Ok(Some((dir, size.or(self.lower_size).unwrap_or(usual)))),
            (None, Some(_)) => Err(VolumeError::NoFolder(option)),
            (None, None) => Ok(None),
        }
    }
}
