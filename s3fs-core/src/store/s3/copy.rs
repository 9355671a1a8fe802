//! Requests that copy what is stored already.

use aws_sdk_s3::types::MetadataDirective;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::S3Store;
use super::client::transfer_timeouts;
use super::values::{etag, metadata};
use crate::object::{ETag, Headers, Key};
use crate::store::{CopySource, PartNumber, PartTag, StoreError, UploadId};

/// What a copy source's key is written with, besides letters and digits.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl S3Store {
    pub(super) async fn copy_object(
        &self,
        source: &Key,
        tag: &ETag,
        key: &Key,
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError> {
        let directive = match headers {
            None => MetadataDirective::Copy,
            Some(_) => MetadataDirective::Replace,
        };
        let answer = self
            .client
            .copy_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .copy_source(self.copy_source(source))
            .copy_source_if_match(tag.quoted())
            .metadata_directive(directive)
            .set_content_type(headers.and_then(|headers| headers.content_type.clone()))
            .set_metadata(headers.and_then(metadata))
            .set_request_payer(self.payer.clone())
            .customize()
            .config_override(transfer_timeouts())
            .send()
            .await
            .map_err(self.error("CopyObject", source))?;
        let copied = answer.copy_object_result;
        Ok(etag(copied.and_then(|copied| copied.e_tag).as_deref()))
    }

    pub(super) async fn copy_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
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
            .copy_source_if_match(source.etag.quoted())
            .set_request_payer(self.payer.clone())
            .customize()
            .config_override(transfer_timeouts())
            .send()
            .await
            .map_err(self.error("UploadPartCopy", key))?;
        let copied = answer
            .copy_part_result
            .unwrap_or_else(|| aws_sdk_s3::types::CopyPartResult::builder().build());
        let crc32 = copied.checksum_crc32;
        Ok(PartTag {
            number,
            etag: etag(copied.e_tag.as_deref()),
            crc32,
        })
    }

    /// A key as the source of a copy.
    fn copy_source(&self, key: &Key) -> String {
        let key = utf8_percent_encode(key.as_str(), COPY_SOURCE);
        format!("{}/{key}", self.bucket)
    }
}
