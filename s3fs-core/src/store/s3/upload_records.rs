//! Records of uploads in progress: what they were created with, until they end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::store::UploadId;

/// Records of uploads in progress. An upload without a record takes no space.
#[derive(Debug)]
pub(super) struct UploadRecords<T>(Mutex<HashMap<UploadId, T>>);

impl<T> Default for UploadRecords<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> UploadRecords<T> {
    /// Records what an upload was created with.
    pub(super) fn created(&self, upload: &UploadId, record: Option<T>) {
        if let Some(record) = record {
            self.with(|all| all.insert(upload.clone(), record));
        }
    }

    /// Returns the record of an upload.
    pub(super) fn get(&self, upload: &UploadId) -> Option<T> {
        self.with(|all| all.get(upload).cloned())
    }

    /// Returns the record of an upload that has ended, once.
    pub(super) fn ended(&self, upload: &UploadId) -> Option<T> {
        self.with(|all| all.remove(upload))
    }

    fn with<U>(&self, act: impl FnOnce(&mut HashMap<UploadId, T>) -> U) -> U {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
