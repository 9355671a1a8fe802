//! File that holds a body, and its removal.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Body in a file.
///
/// Dropping this value removes the file unless the catalog refers to it. This covers a failed upload,
/// and a deleted or replaced object whose last reader is done. A catalog that is dropped at the end of
/// the process retires nothing, so its files stay.
#[derive(Debug)]
pub(crate) struct BlobFile {
    id: String,
    path: PathBuf,
    references: AtomicUsize,
}

impl BlobFile {
    pub(crate) fn new(id: String, path: PathBuf) -> BlobFile {
        BlobFile {
            id,
            path,
            references: AtomicUsize::new(0),
        }
    }

    /// Returns the file's name in its folder.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn create(&self) -> io::Result<File> {
        File::options()
            .write(true)
            .create_new(true)
            .open(&self.path)
    }

    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }

    /// Returns the length of the file in bytes, or `None` if there is no file.
    pub(crate) fn len_on_disk(&self) -> Option<u64> {
        fs::metadata(&self.path).ok().map(|metadata| metadata.len())
    }

    pub(crate) fn is_referenced(&self) -> bool {
        self.references.load(Ordering::Acquire) > 0
    }

    pub(crate) fn adopt(&self) {
        self.references.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn retire(&self) {
        self.references.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for BlobFile {
    fn drop(&mut self) {
        if *self.references.get_mut() > 0 {
            return;
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), %error, "remove a body");
            }
            _ => {}
        }
    }
}
