//! Requests on whole objects, and the implementation of `Store` for S3.

use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::{RequestId as _, RequestIdExt as _};
use aws_sdk_s3::types::EncodingType;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::classify::{classify, classify_head, request_id};
use super::properties::properties;
use super::values::{
    answered_id, etag, folded, headers, if_match, if_none_match, length, listed,
    parse_content_range, time,
};
use super::{S3Store, unasked_412};
use crate::object::{ByteRange, ETag, Headers, Key, ObjectMeta, Tags};
use crate::store::{
    Body, Capabilities, Capability, Condition, CopiedHeaders, CopySource, Described, GetResponse,
    ListFrom, ListPage, ListRequest, PartNumber, PartTag, Precondition, Store, StoreError,
    StoreErrorKind, UploadId,
};

/// Characters of a key that a header with a path encodes.
const IN_HEADER: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

#[async_trait]
impl Store for S3Store {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        let (prefix, is_whole) = self.listed_prefix(request.prefix);
        let (continuation, after) = match request.from {
            ListFrom::Beginning => (None, None),
            ListFrom::Continuation(token) => (Some(token), None),
            ListFrom::After(key) => (None, Some(key)),
        };
        let answer = self
            .client
            .list_objects_v2()
            .bucket(self.bucket.as_str())
            .prefix(prefix)
            .set_delimiter(request.folded.then(|| "/".to_owned()))
            .set_continuation_token(continuation.map(str::to_owned))
            .set_start_after(after.map(str::to_owned))
            .max_keys(i32::from(request.max_keys))
            // XML 1.0 has no way to write most control characters, which keys may hold.
            .encoding_type(EncodingType::Url)
            .set_request_payer(self.payer.clone())
            .send()
            .await
            .map_err(self.error("ListObjectsV2", &Key::new(request.prefix)))?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let mut page = ListPage {
            objects: answer
                .contents()
                .iter()
                .filter_map(|o| listed(o, encoded))
                .collect(),
            prefixes: answer
                .common_prefixes()
                .iter()
                .filter_map(|p| folded(p, encoded))
                .collect(),
            next: match (answer.is_truncated, answer.next_continuation_token) {
                (Some(true), Some(token)) => Some(token),
                (Some(true), None) => {
                    let words = "a listing is cut off, and does not say where it goes on";
                    let kind = StoreErrorKind::NotS3(words.into());
                    return Err(self.failed("ListObjectsV2", &Key::new(request.prefix), kind));
                }
                _ => None,
            },
        };
        if !self.capabilities.has(Capability::OrderedListing) {
            page.sort();
        }
        self.chains.advance(&request, &page).map_err(|words| {
            let kind = StoreErrorKind::NotS3(words.into());
            self.failed("ListObjectsV2", &Key::new(request.prefix), kind)
        })?;
        if !is_whole {
            page.retain(request.prefix);
        }
        Ok(page)
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        let request = self
            .client
            .head_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str());
        let answer = request.set_request_payer(self.payer.clone()).send().await;
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let mut kind = classify_head(&error);
                if self.is_key_refused(key, &error).await {
                    kind = StoreErrorKind::StaleCredentials(kind.to_string());
                }
                let error_id = request_id(&error);
                return Err(self
                    .failed("HeadObject", key, kind)
                    .with_request_id(error_id));
            }
        };
        let properties = self.properties.share(properties!(answer));
        let headers = headers(answer.content_type, answer.metadata, properties);
        if self.own_marker.has_lost_metadata(key, &headers) {
            self.capabilities.lacks(Capability::MarkerMetadata);
        }
        Ok(Described {
            meta: ObjectMeta {
                size: length(answer.content_length),
                modified: time(answer.last_modified),
                etag: etag(answer.e_tag.as_deref()),
            },
            headers,
        })
    }

    async fn tags(&self, key: &Key, seen: &Tags) -> Result<Tags, StoreError> {
        self.read_tags(key, seen).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let asked = Instant::now();
        let mut answer = self
            .client
            .get_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .set_range(range.map(|range| range.to_string()))
            .set_if_match(condition.if_match().map(ETag::quoted))
            .set_if_none_match(condition.if_none_match().map(ETag::quoted))
            .set_request_payer(self.payer.clone())
            .send()
            .await
            .map_err(self.error("GetObject", key))
            .map_err(|error| match error.kind {
                StoreErrorKind::PreconditionFailed if condition == Condition::Any => StoreError {
                    kind: unasked_412(),
                    ..error
                },
                _ => error,
            })?;
        let wait = asked.elapsed();
        let properties = self.properties.share(properties!(answer));
        let request_id = answered_id(answer.request_id(), answer.extended_request_id());
        let (size, sent) = match answer.content_range.as_deref().map(parse_content_range) {
            Some(Some((sent, size))) => (size, Some(sent)),
            Some(None) => {
                let kind =
                    StoreErrorKind::NotS3(format!("Content-Range {:?}", answer.content_range));
                let error = self.failed("GetObject", key, kind);
                return Err(error.with_request_id(request_id));
            }
            None => {
                let size = length(answer.content_length);
                (size, ByteRange::new(0, size))
            }
        };
        Ok(GetResponse {
            meta: ObjectMeta {
                size,
                modified: time(answer.last_modified),
                etag: etag(answer.e_tag.as_deref()),
            },
            headers: headers(answer.content_type, answer.metadata, properties),
            range: sent,
            wait: Some(wait),
            body: self.body(key, answer.body, request_id),
        })
    }

    async fn put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        self.put_if(key, &body, headers, precondition).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let request = self
            .client
            .delete_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str());
        let answer = request.set_request_payer(self.payer.clone()).send().await;
        answer.map(drop).map_err(self.error("DeleteObject", key))
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: CopiedHeaders<'_>,
    ) -> Result<ETag, StoreError> {
        self.copy_object(source, etag, key, headers).await
    }

    async fn rename(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        precondition: &Precondition,
        token: &str,
    ) -> Result<(), StoreError> {
        let encoded = utf8_percent_encode(source.as_str(), IN_HEADER);
        let request = self
            .client
            .rename_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .rename_source(encoded.to_string())
            .source_if_match(etag.quoted())
            .set_destination_if_none_match(if_none_match(precondition))
            .set_destination_if_match(if_match(precondition))
            .client_token(token);
        let answer = request.send().await;
        answer.map(drop).map_err(self.error("RenameObject", source))
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        self.create_multipart(key, headers).await
    }

    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError> {
        self.send_part(key, upload, number, &body).await
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        self.copy_part(key, upload, number, source).await
    }

    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        self.complete_multipart(key, upload, parts, precondition)
            .await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        self.abort_multipart(key, upload).await
    }

    async fn uploads(&self, key: &Key) -> Result<Vec<UploadId>, StoreError> {
        self.list_multipart(key).await
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn uri(&self, key: &Key) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}

impl S3Store {
    /// Returns the prefix to list for another one, and whether they are the same: a directory bucket
    /// lists folders alone.
    pub(super) fn listed_prefix<'a>(&self, prefix: &'a str) -> (&'a str, bool) {
        let is_folder = prefix.is_empty() || prefix.ends_with('/');
        if is_folder || self.capabilities.has(Capability::AnyPrefix) {
            return (prefix, true);
        }
        let end = prefix.rfind('/').map_or(0, |slash| slash + 1);
        (&prefix[..end], false)
    }

    /// Returns a conversion of the SDK's errors into [`StoreError`], for `map_err`.
    pub(super) fn error<E>(
        &self,
        operation: &'static str,
        key: &Key,
    ) -> impl Fn(SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        move |error| {
            self.failed(operation, key, classify(&error))
                .with_request_id(request_id(&error))
        }
    }
}
