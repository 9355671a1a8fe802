//! What the kernel is told unasked: bytes that were fetched before programs asked for them, and names
//! to forget.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use crate::fs::open_files::OpenFiles;
use crate::read::Pages;
use crate::tree::Ino;

/// The kernel that a file system is served to.
pub trait KernelEdge: Debug + Send + Sync + 'static {
    /// Puts bytes of a file into the page cache; whether the kernel took them.
    fn store(&self, ino: Ino, offset: u64, bytes: &[u8]) -> bool;

    /// Makes it forget what a name stands for. May wait for operations on the folder.
    fn forget_name(&self, dir: Ino, name: &OsStr);
}

/// Where the kernel is found, once it serves.
#[derive(Clone, Debug, Default)]
pub(super) struct KernelCell(Arc<OnceLock<Arc<dyn KernelEdge>>>);

impl KernelCell {
    pub(super) fn set(&self, kernel: Arc<dyn KernelEdge>) {
        // A file system is served once.
        let _ = self.0.set(kernel);
    }

    pub(super) fn get(&self) -> Option<Arc<dyn KernelEdge>> {
        self.0.get().map(Arc::clone)
    }

    /// The page cache of a file, for the version that it had at `changes`, as
    /// [`OpenFiles::changes`] counted before the file was known not to be open for writing.
    pub(super) fn pages(
        &self,
        ino: Ino,
        files: &Arc<OpenFiles>,
        changes: u64,
    ) -> Option<Arc<dyn Pages>> {
        let kernel = self.get()?;
        let files = Arc::clone(files);
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
    kernel: Arc<dyn KernelEdge>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct TakesAll;

    impl KernelEdge for TakesAll {
        fn store(&self, _ino: Ino, _offset: u64, _bytes: &[u8]) -> bool {
            true
        }
        fn forget_name(&self, _dir: Ino, _name: &OsStr) {}
    }

    #[test]
    fn nothing_is_put_into_the_page_cache_of_a_file_that_may_have_changed() {
        let cell = KernelCell::default();
        cell.set(Arc::new(TakesAll));
        let files = Arc::new(OpenFiles::default());
        let pages = cell.pages(Ino::ROOT, &files, files.changes()).unwrap();
        assert!(pages.store(0, b"bytes"));
        files.changed();
        assert!(!pages.store(0, b"bytes"));
    }
}
