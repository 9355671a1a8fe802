//! Tags of uploads in progress, to be compared with those of the objects that they become.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::kept_tags::TagMap;
use crate::store::UploadId;

/// Tags of uploads in progress. Uploads without tags take no space.
#[derive(Debug, Default)]
pub(super) struct UploadTags(Mutex<HashMap<UploadId, TagMap>>);

impl UploadTags {
    /// Records the tags with which an upload was created.
    pub(super) fn created(&self, upload: &UploadId, tags: Option<TagMap>) {
        if let Some(tags) = tags {
            self.with(|all| all.insert(upload.clone(), tags));
        }
    }

    /// Returns the tags of an upload that was completed or aborted, once.
    pub(super) fn ended(&self, upload: &UploadId) -> Option<TagMap> {
        self.with(|all| all.remove(upload))
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<UploadId, TagMap>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
