//! Knowledge about the tags of a bucket, shared by all requests.

use super::kept_tags::TagEffects;
use super::tagging::TagVisibility;
use super::upload_records::UploadRecords;
use crate::object::TagMap;

/// Knowledge about the tags of a bucket.
#[derive(Debug, Default)]
pub(super) struct TagState {
    /// Use of requests for tags.
    pub(super) visibility: TagVisibility,
    /// Effect of requests that send tags, or should keep them.
    pub(super) effects: TagEffects,
    /// Tags with which uploads were created, to be compared with those of the objects.
    pub(super) uploads: UploadRecords<TagMap>,
}

impl TagState {
    /// Returns the knowledge that the bucket has no tags.
    pub(super) fn absent() -> Self {
        let state = Self::default();
        state.visibility.set_absent();
        state
    }
}
