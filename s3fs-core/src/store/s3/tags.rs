//! Versions in answers to requests that write, where a server may leave them out.

use super::S3Store;
use super::values::etag;
use crate::object::{ETag, Key};
use crate::store::{Store, StoreError, StoreErrorKind};

impl S3Store {
    /// Returns the version that a request made. Where the answer has no `ETag`, or an empty one, as that of
    /// Ceph's RADOS Gateway 16 to `CompleteMultipartUpload`, it is the one that HEAD shows.
    ///
    /// # Errors
    /// Those of HEAD, with an unknown outcome: the object was stored.
    pub(super) async fn stored_tag(
        &self,
        key: &Key,
        answered: Option<&str>,
    ) -> Result<ETag, StoreError> {
        let tag = etag(answered);
        if !tag.is_empty() {
            return Ok(tag);
        }
        let there = self.head(key).await.map_err(StoreError::after_unknown)?;
        Ok(there.meta.etag)
    }

    /// Returns the version of a part, without which an upload can't be completed.
    ///
    /// # Errors
    /// Says that the answer is not S3's where it has none.
    pub(super) fn part_tag(
        &self,
        operation: &'static str,
        key: &Key,
        answered: Option<&str>,
    ) -> Result<ETag, StoreError> {
        let tag = etag(answered);
        if tag.is_empty() {
            let kind = StoreErrorKind::NotS3("no ETag of a part".into());
            return Err(self.failed(operation, key, kind));
        }
        Ok(tag)
    }
}
