//! Synchronisation of files and folders with the bucket.

use crate::fs::handles::Handle;
use crate::fs::{Fs, FsError, HandleId};
use crate::tree::Ino;

impl Fs {
    /// Stores the file as it is now, and waits for it.
    ///
    /// # Errors
    /// The file could not be stored.
    pub async fn fsync(&self, handle: HandleId) -> Result<(), FsError> {
        match self.handles.get(handle)? {
            Handle::Write(handle) => self.writeback.store_now(&handle.file).await,
            Handle::Read(handle) => match self.core.key_of(handle.ino) {
                Ok(key) => self.writeback.queue.settle(&key).await,
                // It was deleted.
                Err(_) => Ok(()),
            },
            Handle::Dir(_) => Ok(()),
        }
    }

    /// Stores all entries made below a folder and runs all deletions below it, and waits for them.
    ///
    /// # Errors
    /// At least one request failed.
    pub async fn fsync_dir(&self, ino: Ino) -> Result<(), FsError> {
        match self.core.tree.prefix_of(ino) {
            Some(prefix) => self.writeback.queue.settle_below(&prefix).await,
            None => Ok(()),
        }
    }
}
