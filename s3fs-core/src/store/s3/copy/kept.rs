//! Properties and tags that a copy must have in the end.

use std::sync::Arc;

use crate::object::{ETag, Key, Properties, TagMap, Tags};
use crate::store::s3::S3Store;
use crate::store::{CopiedHeaders, Store, StoreError, StoreErrorKind, Vendor};

impl S3Store {
    /// Requests the properties of the source of a copy.
    ///
    /// # Errors
    /// Returns an error if the source has another version.
    pub(super) async fn properties_of(
        &self,
        source: &Key,
        tag: &ETag,
    ) -> Result<Option<Arc<Properties>>, StoreError> {
        let there = self.head(source).await?;
        if there.meta.etag != *tag {
            let kind = StoreErrorKind::PreconditionFailed;
            return Err(self.failed("CopyObject", source, kind));
        }
        Ok(there.headers.properties)
    }

    /// Returns whether the source of a copy may have tags, which another object must not get.
    pub(super) async fn may_have_tags(&self, source: &Key) -> Result<bool, StoreError> {
        if self.capabilities.vendor() == Vendor::Amazon {
            return Ok(true);
        }
        let there = self.head(source).await?;
        let properties = there.headers.properties.unwrap_or_default();
        Ok(match self.read_tags(source, &properties.tags).await? {
            Tags::Read(tags) => !tags.is_empty(),
            Tags::Unshown => false,
            Tags::Counted(_) => true,
        })
    }

    /// Returns the tags that a copy with other metadata must have in the end, where the server has
    /// yet to show that it keeps them.
    pub(super) async fn tags_to_keep(
        &self,
        source: &Key,
        headers: CopiedHeaders<'_>,
    ) -> Result<Option<TagMap>, StoreError> {
        let Some(headers) = headers
            .replacing()
            .filter(|_| self.capabilities.vendor() == Vendor::Other)
        else {
            return Ok(None);
        };
        let properties = headers.properties.as_deref();
        match properties.map(|properties| &properties.tags) {
            None => Ok(Some(self.uploads.tags.clone())),
            Some(Tags::Read(tags)) => Ok(Some(tags.clone())),
            Some(Tags::Unshown) if !self.hides_tags() => Ok(None),
            Some(seen) => match self.read_tags(source, seen).await? {
                Tags::Read(tags) => Ok(Some(tags)),
                Tags::Unshown | Tags::Counted(_) => Ok(None),
            },
        }
    }
}
