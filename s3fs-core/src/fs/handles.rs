//! Open handles.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::fs::FsError;
use crate::fs::handle_id::HandleId;
use crate::fs::listing::DirHandle;
use crate::fs::open_files::{ReadHandle, WriteHandle};

/// Result of opening a file.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// Handle of the file.
    pub handle: HandleId,
}

/// Open file or folder behind a handle.
#[derive(Clone, Debug)]
pub(super) enum Handle {
    Read(Arc<ReadHandle>),
    Write(Arc<WriteHandle>),
    Dir(Arc<DirHandle>),
}

#[derive(Debug, Default)]
pub(super) struct Handles {
    open: RwLock<HashMap<HandleId, Handle>>,
    next: AtomicU64,
}

impl Handles {
    pub(super) fn insert(&self, handle: Handle) -> HandleId {
        let id = HandleId(self.next.fetch_add(1, Ordering::Relaxed) + 1);
        self.open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, handle);
        id
    }

    pub(super) fn get(&self, id: HandleId) -> Result<Handle, FsError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&id).cloned().ok_or(FsError::BadHandle)
    }

    pub(super) fn remove(&self, id: HandleId) -> Option<Handle> {
        self.open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id)
    }

    pub(super) fn dir(&self, id: HandleId) -> Result<Arc<DirHandle>, FsError> {
        match self.get(id)? {
            Handle::Dir(dir) => Ok(dir),
            Handle::Read(_) | Handle::Write(_) => Err(FsError::BadHandle),
        }
    }

    pub(super) fn write(&self, id: HandleId) -> Result<Arc<WriteHandle>, FsError> {
        match self.get(id)? {
            Handle::Write(file) => Ok(file),
            Handle::Read(_) | Handle::Dir(_) => Err(FsError::BadHandle),
        }
    }
}
