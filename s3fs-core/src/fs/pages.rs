//! The kernel's page cache, for bytes that were fetched before programs asked for them.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use crate::fs::open_files::OpenFiles;
use crate::read::Pages;
use crate::tree::Ino;

/// The kernel that a file system is served to.
pub trait PageCache: Debug + Send + Sync + 'static {
    /// Puts bytes of a file into the page cache; whether the kernel took them.
    fn store(&self, ino: Ino, offset: u64, bytes: &[u8]) -> bool;
}

/// Where the kernel is found, once it serves.
#[derive(Clone, Debug, Default)]
pub(super) struct KernelCell(Arc<OnceLock<Arc<dyn PageCache>>>);

impl KernelCell {
    pub(super) fn set(&self, kernel: Arc<dyn PageCache>) {
        // A file system is served once.
        let _ = self.0.set(kernel);
    }

    /// The page cache of a file, for the version that it has now.
    pub(super) fn pages(&self, ino: Ino, files: &Arc<OpenFiles>) -> Option<Arc<dyn Pages>> {
        let kernel = Arc::clone(self.0.get()?);
        let files = Arc::clone(files);
        let changes = files.changes();
        Some(Arc::new(FilePages {
            kernel,
            ino,
            files,
            changes,
        }))
    }
}

#[derive(Debug)]
struct FilePages {
    kernel: Arc<dyn PageCache>,
    ino: Ino,
    files: Arc<OpenFiles>,
    /// [`OpenFiles::changes`] when the version was the present one.
    changes: u64,
}

impl Pages for FilePages {
    fn store(&self, offset: u64, bytes: &[u8]) -> bool {
        // What a program writes must not be overwritten by what was there before.
        self.files
            .while_unchanged(self.changes, || self.kernel.store(self.ino, offset, bytes))
            .unwrap_or(false)
    }
}
