//! Requests about objects, and files open for writing.

use std::sync::Arc;

use crate::fs::FsError;
use crate::fs::core::Core;
use crate::fs::open_files::OpenFile;
use crate::fs::place::FilePlace;
use crate::list::list_page;
use crate::object::{Key, ObjectMeta};
use crate::read::{Expected, Reader};
use crate::store::{Described, ListFrom, ListRequest, Precondition, StoreError, StoreErrorKind};
use crate::tree::{FileState, Ino};
use crate::write::{Interrupts, Target, Unsent, Writer};

impl Core {
    /// Requests the metadata of the object at a key. Returns `None` if there is no such object.
    pub(in crate::fs) async fn describe(&self, key: &Key) -> Result<Option<Described>, StoreError> {
        match self.store.head(key).await {
            Ok(described) => Ok(Some(described)),
            Err(error) => match error.kind {
                StoreErrorKind::NoSuchKey => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Returns whether any object has a key with this prefix.
    pub(in crate::fs) async fn has_keys(&self, prefix: &str) -> Result<bool, StoreError> {
        let request = ListRequest {
            prefix,
            folded: false,
            from: ListFrom::Beginning,
            max_keys: 1,
        };
        let page = list_page(&*self.store, request).await?;
        Ok(!page.objects.is_empty())
    }

    /// Opens the current version of the file.
    pub(in crate::fs) fn open_object(
        &self,
        key: Key,
        file: &FileState,
    ) -> impl Future<Output = Result<(Arc<Reader>, ObjectMeta), StoreError>> + Send + use<> {
        self.open_expecting(key, expected(file))
    }

    /// Opens the current version of the object at `key`, with `expected` as a hint about its size
    /// or version.
    pub(in crate::fs) fn open_expecting(
        &self,
        key: Key,
        expected: Expected,
    ) -> impl Future<Output = Result<(Arc<Reader>, ObjectMeta), StoreError>> + Send + use<> {
        Reader::open(Arc::clone(&self.store), key, expected, self.supply.clone())
    }

    /// Returns a reader of the version of a file that the tree knows, without a request: the first
    /// read sends one, for this version only. `None` if the store is to be asked for the version.
    pub(in crate::fs) fn open_known(&self, ino: Ino, key: &Key) -> Option<Arc<Reader>> {
        if self.freshness.is_checked() || !self.tree.is_fresh(ino) {
            return None;
        }
        let meta = version(&self.file(ino)?)?;
        let store = Arc::clone(&self.store);
        let (supply, runtime) = (self.supply.clone(), self.runtime.clone());
        Some(Reader::of_version(
            store,
            key.clone(),
            &meta,
            supply,
            runtime,
        ))
    }

    /// Returns the hint with which a file is opened before a program asks for it; `None` if that
    /// would save nothing.
    pub(in crate::fs) fn expected_ahead(&self, file: &FileState) -> Option<Expected> {
        if self.freshness.is_checked() {
            return Some(expected(file));
        }
        // A file that was read is in the page cache, and its next open asks for nothing.
        let version = version(file).filter(|_| !file.was_read);
        version.map(Expected::Version)
    }

    pub(in crate::fs) fn share(
        &self,
        ino: Ino,
        writer: Writer,
        place: Arc<FilePlace>,
    ) -> Result<Arc<OpenFile>, FsError> {
        let file = OpenFile::new(ino, writer, place);
        self.open_files
            .share(ino, Some(file))
            .ok_or(FsError::BadHandle)
    }

    pub(in crate::fs) fn place(&self, ino: Ino, precondition: Precondition) -> Arc<FilePlace> {
        let generation = self.open_files.generation();
        let place = FilePlace::new(ino, &self.tree, self.owner, precondition, generation);
        Arc::new(place)
    }

    pub(in crate::fs) fn target(&self) -> Target {
        Target {
            store: Arc::clone(&self.store),
            budget: self.shared.budget.clone(),
            pool: self.shared.parts.clone(),
            stages: self.shared.stages.clone(),
            endings: self.endings.clone(),
            zeros: self.zeros.clone(),
            interrupts: Interrupts::default(),
            unsent: Unsent::default(),
        }
    }
}

/// Returns the hint about a file that its open starts with.
pub(in crate::fs) fn expected(file: &FileState) -> Expected {
    match version(file) {
        Some(meta) if file.was_read => Expected::Here(meta),
        _ => Expected::Size(file.size),
    }
}

/// Returns the stored version of a file.
fn version(file: &FileState) -> Option<ObjectMeta> {
    Some(ObjectMeta {
        size: file.size,
        modified: file.modified,
        etag: file.etag.clone()?,
    })
}
