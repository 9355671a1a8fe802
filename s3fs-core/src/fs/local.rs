//! Open files whose bytes are on the local disk.

use std::fs::File;

use crate::fs::handles::Handle;
use crate::fs::{Fs, HandleId};

impl Fs {
    /// Returns whether programs may read a local copy without this file system.
    pub fn may_be_read_locally(&self) -> bool {
        self.core.may_be_read_locally()
    }

    /// Returns the version that a handle reads as a local file, if the whole of it is cached.
    pub async fn local_copy(&self, handle: HandleId) -> Option<File> {
        let Handle::Read(file) = self.handles.get(handle).ok()? else {
            return None;
        };
        let (key, etag, _) = file.reader.lock().await.clone()?;
        self.core.store.local_copy(&key, &etag).await
    }
}
