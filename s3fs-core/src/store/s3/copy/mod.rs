//! Requests that copy stored objects.

mod directives;
mod kept;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use self::directives::Directives;
use super::S3Store;
use super::classify::classify;
use super::client::transfer_timeouts;
use super::integrity::part_checksum;
use super::kept_tags::Tagged;
use super::put::is_marker;
use super::values::without_body;
use super::written::with_headers;
use crate::object::{BucketKind, ETag, Key};
use crate::store::{
    Body, Capability, CopiedHeaders, CopySource, PartNumber, PartTag, Precondition, Store,
    StoreError, StoreErrorKind, UploadId, headers_with_tags,
};

/// Bytes of a copy source's key to percent-encode: all but letters, digits and `/-._~`.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Content of a key before a copy without a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replaced {
    Nothing,
    Something,
}

impl S3Store {
    /// Copies this version of an object. If the server cannot compare versions, they are compared
    /// here, before and after.
    pub(super) async fn copy_object(
        &self,
        source: &Key,
        tag: &ETag,
        key: &Key,
        headers: CopiedHeaders<'_>,
    ) -> Result<ETag, StoreError> {
        if is_marker(source) && !self.capabilities.has(Capability::MarkerCopy) {
            return self.store_marker_anew(source, key, headers).await;
        }
        let asked;
        let kept = match headers {
            CopiedHeaders::Known(known) => known,
            CopiedHeaders::Source => {
                asked = self.properties_of(source, tag).await?;
                asked.as_deref()
            }
            CopiedHeaders::Changed(_) | CopiedHeaders::Other(_) => None,
        };
        let tags = self.tags_to_keep(source, headers).await?;
        let mut directives = Directives::new(&self.uploads, headers, kept);
        if directives.only_drops_tags() && !self.may_have_tags(source).await? {
            // Servers without tags refuse the directive.
            directives = directives.without_tags();
        }
        let send = |written| {
            let directives = Directives {
                written,
                ..directives.clone()
            };
            Box::pin(async move { self.copy_version(source, tag, key, &directives).await })
        };
        let copied = self.send_written(directives.written.clone(), send).await;
        if copied.is_ok() {
            let kind = match headers {
                CopiedHeaders::Other(_) => Tagged::NewCopy,
                _ => Tagged::Copy,
            };
            self.keep_tags(kind, key, tags.as_ref()).await;
        }
        match copied {
            Err(error) if is_marker(source) && matches!(error.kind, StoreErrorKind::NoSuchKey) => {
                let anew = self.store_marker_anew(source, key, headers).await;
                if anew.is_ok() {
                    self.capabilities.lacks(Capability::MarkerCopy);
                }
                anew
            }
            copied => copied,
        }
    }

    async fn copy_version(
        &self,
        source: &Key,
        tag: &ETag,
        key: &Key,
        directives: &Directives,
    ) -> Result<ETag, StoreError> {
        if self.must_prove_conditions() {
            // A server that ignores conditions carries out this copy.
            let replaced = self.check_before(source, tag, key).await?;
            let none = impossible();
            let copied = self.send_copy(source, Some(&none), key, directives);
            if let Some(copied) = self.proof(copied.await)? {
                return self.checked(copied, replaced, (source, tag), key).await;
            }
        }
        if self.capabilities.has(Capability::ConditionalCopy) {
            match self.send_copy(source, Some(tag), key, directives).await {
                Err(error)
                    if matches!(error.kind, StoreErrorKind::PreconditionFailed)
                        && self.has_version(source, tag).await? =>
                {
                    self.capabilities.lacks(Capability::ConditionalCopy);
                }
                copied => return copied,
            }
        }
        let replaced = self.check_before(source, tag, key).await?;
        let copied = self.send_copy(source, None, key, directives).await?;
        self.checked(copied, replaced, (source, tag), key).await
    }

    /// Compares the source's version before a copy without a condition. Returns the content to be
    /// replaced.
    ///
    /// # Errors
    /// Returns an error if the source has another version.
    async fn check_before(
        &self,
        source: &Key,
        tag: &ETag,
        key: &Key,
    ) -> Result<Replaced, StoreError> {
        self.check_version("CopyObject", source, tag).await?;
        if source == key {
            return Ok(Replaced::Something);
        }
        match self.head(key).await {
            Ok(_) => Ok(Replaced::Something),
            Err(error) if matches!(error.kind, StoreErrorKind::NoSuchKey) => Ok(Replaced::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Returns the ETag of a copy made without a condition, if it copied this version. Otherwise
    /// the copy is deleted, unless it replaced another object.
    ///
    /// # Errors
    /// Returns an error if the copy may be of another version. Unless the copy was deleted, its outcome
    /// is unknown and the replaced object is lost.
    async fn checked(
        &self,
        copied: ETag,
        replaced: Replaced,
        (source, tag): (&Key, &ETag),
        key: &Key,
    ) -> Result<ETag, StoreError> {
        // A copy onto itself may change the ETag.
        let expected = if source == key { &copied } else { tag };
        let Err(error) = self.check_version("CopyObject", source, expected).await else {
            return Ok(copied);
        };
        let is_of_another = matches!(
            error.kind,
            StoreErrorKind::PreconditionFailed | StoreErrorKind::NoSuchKey
        );
        if is_of_another && replaced == Replaced::Nothing && self.delete_copy(key, &copied).await {
            return Err(error);
        }
        Err(error.after_unknown())
    }

    /// Deletes a copy if the key still has it. Returns whether it was deleted.
    async fn delete_copy(&self, key: &Key, copied: &ETag) -> bool {
        let deleted = match self.has_version(key, copied).await {
            Ok(true) => self.delete(key).await,
            Ok(false) => return false,
            Err(error) => Err(error),
        };
        if let Err(error) = &deleted {
            tracing::warn!(%error, "failed to delete a copy of another version");
        }
        deleted.is_ok()
    }

    /// Returns whether the server has yet to prove that it honours conditions of copies. A server
    /// that ignores them gives no sign.
    fn must_prove_conditions(&self) -> bool {
        let capability = Capability::ConditionalCopy;
        self.capabilities.has(capability) && !self.capabilities.is_proven(capability)
    }

    /// Evaluates the response to a copy on a condition that cannot hold. A server that ignores the
    /// condition has made the copy, which is returned.
    fn proof<T>(&self, answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match answer {
            Ok(copied) => {
                self.capabilities.lacks(Capability::ConditionalCopy);
                Ok(Some(copied))
            }
            Err(error) if matches!(error.kind, StoreErrorKind::PreconditionFailed) => {
                self.capabilities.prove(Capability::ConditionalCopy);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Stores a folder's marker under another key, if the server cannot copy it.
    async fn store_marker_anew(
        &self,
        source: &Key,
        key: &Key,
        headers: CopiedHeaders<'_>,
    ) -> Result<ETag, StoreError> {
        let there = self.head(source).await?;
        if there.meta.size > 0 {
            let words = "the server does not copy keys that end in `/`";
            let kind = StoreErrorKind::Unsupported(words.into());
            return Err(self.failed("CopyObject", source, kind));
        }
        let headers = if let CopiedHeaders::Other(headers) = headers {
            headers.clone()
        } else {
            let headers = headers.replacing().unwrap_or(&there.headers);
            headers_with_tags(self, source, headers.clone()).await?
        };
        let body = Body::memory(Bytes::new());
        self.put_if(key, &body, &headers, &Precondition::None).await
    }

    async fn has_version(&self, key: &Key, tag: &ETag) -> Result<bool, StoreError> {
        match self.head(key).await {
            Ok(there) => Ok(there.meta.etag == *tag),
            Err(error) if matches!(error.kind, StoreErrorKind::NoSuchKey) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn check_version(
        &self,
        operation: &'static str,
        source: &Key,
        tag: &ETag,
    ) -> Result<(), StoreError> {
        let version = Precondition::Is(tag.clone());
        self.check(operation, source, &version).await
    }

    async fn send_copy(
        &self,
        source: &Key,
        tag: Option<&ETag>,
        key: &Key,
        directives: &Directives,
    ) -> Result<ETag, StoreError> {
        let written = directives.written.clone();
        let answer = with_headers!(self.client.copy_object(), written)
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .copy_source(self.copy_source(source))
            .set_copy_source_if_match(tag.map(ETag::quoted))
            .metadata_directive(directives.metadata.clone())
            .set_tagging_directive(directives.tagging.clone())
            .set_request_payer(self.payer.clone())
            .customize()
            .config_override(transfer_timeouts())
            .mutate_request(move |request| {
                without_body(request);
                written.add_expires(request);
            })
            .send()
            .await
            .map_err(self.error("CopyObject", source))
            .map_err(|error| directives.written.naming_permission(error))?;
        let copied = answer.copy_object_result;
        let tag = copied.and_then(|copied| copied.e_tag);
        self.stored_tag(key, tag.as_deref()).await
    }

    /// Copies a range of this version of an object into a part, with the checks of
    /// [`copy_object`](Self::copy_object).
    pub(super) async fn copy_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        let to = (key, upload, number);
        let check = || self.check_version("UploadPartCopy", source.key, source.etag);
        if self.must_prove_conditions() {
            let none = impossible();
            let copied = self.send_part_copy(to, source, Some(&none));
            if let Some(copied) = self.proof(copied.await)? {
                check().await?;
                return Ok(copied);
            }
        }
        if self.capabilities.has(Capability::ConditionalCopy) {
            match self.send_part_copy(to, source, Some(source.etag)).await {
                Err(error)
                    if matches!(error.kind, StoreErrorKind::PreconditionFailed)
                        && self.has_version(source.key, source.etag).await? =>
                {
                    self.capabilities.lacks(Capability::ConditionalCopy);
                }
                copied => return copied,
            }
        }
        check().await?;
        let copied = self.send_part_copy(to, source, None).await?;
        check().await?;
        Ok(copied)
    }

    async fn send_part_copy(
        &self,
        (key, upload, number): (&Key, &UploadId, PartNumber),
        source: CopySource<'_>,
        tag: Option<&ETag>,
    ) -> Result<PartTag, StoreError> {
        let answer = self
            .client
            .upload_part_copy()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .upload_id(&upload.0)
            .part_number(i32::from(number.0))
            .copy_source(self.copy_source(source.key))
            .copy_source_range(source.range.to_string())
            .set_copy_source_if_match(tag.map(ETag::quoted))
            .set_request_payer(self.payer.clone())
            .customize()
            .config_override(transfer_timeouts())
            .mutate_request(without_body)
            .send()
            .await
            .map_err(|error| {
                let kind = classify(&error);
                let is_archived = matches!(kind, StoreErrorKind::Archived { .. });
                let about = if is_archived { source.key } else { key };
                self.error("UploadPartCopy", about)(error)
            })?;
        let mut copied = answer
            .copy_part_result
            .unwrap_or_else(|| aws_sdk_s3::types::CopyPartResult::builder().build());
        Ok(PartTag {
            number,
            etag: self.part_tag("UploadPartCopy", key, copied.e_tag.as_deref())?,
            checksum: part_checksum!(copied, self.integrity.plan()),
        })
    }

    /// Returns a key in the form of a copy source.
    fn copy_source(&self, key: &Key) -> String {
        let key = utf8_percent_encode(key.as_str(), COPY_SOURCE);
        let bucket = &self.bucket;
        match bucket.kind() {
            BucketKind::AccessPoint | BucketKind::OutpostsAccessPoint | BucketKind::MultiRegion => {
                format!("{bucket}/object/{key}")
            }
            BucketKind::General
            | BucketKind::Directory
            | BucketKind::Alias
            | BucketKind::OutpostsAlias => format!("{bucket}/{key}"),
        }
    }
}

/// Returns an ETag that no version has.
fn impossible() -> ETag {
    ETag::new("00000000000000000000000000000000")
}

#[cfg(test)]
mod tests;
