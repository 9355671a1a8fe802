//! ETags in responses to writes, which some servers omit.

use super::S3Store;
use super::values::etag;
use crate::object::{ETag, Key};
use crate::store::{Store, StoreError, StoreErrorKind};

impl S3Store {
    /// Returns the ETag of the version that a request created. If the response has no `ETag` or an
    /// empty one, as from Ceph's RADOS Gateway 16 on `CompleteMultipartUpload`, HEAD returns it.
    ///
    /// # Errors
    /// Returns an error of HEAD, with an unknown outcome: the object was stored.
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

    /// Returns the ETag of a part, which is required to complete the upload.
    ///
    /// # Errors
    /// Returns [`StoreErrorKind::NotS3`] if the response has no ETag.
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
