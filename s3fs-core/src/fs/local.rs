//! Open files whose bytes are on the local disk.

use std::fs::File;

use crate::config::Access;
use crate::fs::handles::Handle;
use crate::fs::{Fs, HandleId};

impl Fs {
    /// Whether an open file may be read behind our back: only where no program of this mount can
    /// change it meanwhile, and where there is a cache to have it.
    pub fn may_be_read_locally(&self) -> bool {
        self.has_cache && self.access == Access::ReadOnly
    }

    /// All of the version that a handle reads as a local file, if it is here.
    pub async fn local_copy(&self, handle: HandleId) -> Option<File> {
        let Handle::Read(file) = self.handles.get(handle).ok()? else {
            return None;
        };
        let (key, etag, _) = file.reader.lock().await.clone()?;
        self.store.local_copy(&key, &etag).await
    }
}
