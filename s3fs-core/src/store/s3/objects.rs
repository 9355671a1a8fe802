//! Requests about whole objects, and the `Store` of S3 that sends them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime, Length};
use aws_sdk_s3::types::{CommonPrefix, EncodingType, Object};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use futures_util::stream;
use percent_encoding::percent_decode_str;
use tokio::sync::OwnedSemaphorePermit;

use super::classify::{classify, classify_head};
use super::client::transfer_timeouts;
use super::{PayloadSigning, S3Store};
use crate::object::{ByteRange, ETag, Headers, Key, ObjectMeta};
use crate::store::error::chain;
use crate::store::{
    Body, Condition, CopySource, Described, GetBody, GetResponse, ListFrom, ListPage, ListRequest,
    ListedObject, PartNumber, PartTag, Precondition, Store, StoreError, StoreErrorKind, UploadId,
};

/// A body that brings no byte for so long has been lost.
const BODY_SILENCE: Duration = Duration::from_secs(20);

#[async_trait]
impl Store for S3Store {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        let (continuation, after) = match request.from {
            ListFrom::Beginning => (None, None),
            ListFrom::Continuation(token) => (Some(token), None),
            ListFrom::After(key) => (None, Some(key)),
        };
        let answer = self
            .client
            .list_objects_v2()
            .bucket(self.bucket.as_str())
            .prefix(request.prefix)
            .set_delimiter(request.folded.then(|| "/".to_owned()))
            .set_continuation_token(continuation.map(str::to_owned))
            .set_start_after(after.map(str::to_owned))
            .max_keys(i32::from(request.max_keys))
            // XML 1.0 has no way to write most control characters, which keys may hold.
            .encoding_type(EncodingType::Url)
            .set_request_payer(self.payer.clone())
            .send()
            .await
            .map_err(|e| self.failed("ListObjectsV2", &Key::new(request.prefix), classify(&e)))?;
        let encoded = answer.encoding_type() == Some(&EncodingType::Url);
        Ok(ListPage {
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
            next: answer
                .next_continuation_token
                .filter(|_| answer.is_truncated == Some(true)),
        })
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        let request = self
            .client
            .head_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str());
        let answer = request.set_request_payer(self.payer.clone()).send().await;
        let answer =
            answer.map_err(|error| self.failed("HeadObject", key, classify_head(&error)))?;
        Ok(Described {
            meta: ObjectMeta {
                size: length(answer.content_length),
                modified: time(answer.last_modified),
                etag: etag(answer.e_tag.as_deref()),
            },
            headers: headers(answer.content_type, answer.metadata),
        })
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        // Nobody closes the semaphore.
        let place = Arc::clone(&self.bodies).acquire_owned().await.ok();
        let answer = self
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
            .map_err(self.error("GetObject", key))?;
        let (size, sent) = match answer.content_range.as_deref().map(parse_content_range) {
            Some(Some((sent, size))) => (size, Some(sent)),
            Some(None) => {
                let words = format!("Content-Range {:?}", answer.content_range);
                return Err(self.failed("GetObject", key, StoreErrorKind::NotS3(words)));
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
            headers: headers(answer.content_type, answer.metadata),
            range: sent,
            body: self.body(key, answer.body, place),
        })
    }

    async fn put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let request = self
            .client
            .put_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .content_length(content_length(&body))
            .body(self.stream("PutObject", key, &body).await?)
            .set_content_type(headers.content_type.clone())
            .set_metadata(metadata(headers))
            .set_if_none_match(if_none_match(precondition))
            .set_if_match(if_match(precondition))
            .set_request_payer(self.payer.clone())
            .customize()
            .config_override(transfer_timeouts());
        let answer = match self.payload_signing {
            PayloadSigning::Unsigned => request.disable_payload_signing().send().await,
            PayloadSigning::Signed => request.send().await,
        };
        match answer.map_err(self.error("PutObject", key)) {
            Ok(answer) => Ok(etag(answer.e_tag.as_deref())),
            Err(error) => {
                // An attempt whose answer was lost stands in the way of the next one.
                let is_own = *precondition == Precondition::Absent
                    && matches!(error.kind, StoreErrorKind::PreconditionFailed);
                let own = if is_own {
                    self.own(key, body.length(), headers).await
                } else {
                    None
                };
                own.ok_or(error)
            }
        }
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
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError> {
        self.copy_object(source, etag, key, headers).await
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

    fn uri(&self, key: &Key) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}

impl S3Store {
    /// The version under a key, if it can only be what was sent just now: what is kept with it has a time
    /// to the nanosecond.
    async fn own(&self, key: &Key, length: u64, headers: &Headers) -> Option<ETag> {
        let there = self.head(key).await.ok()?;
        let is_own = there.meta.size == length
            && !headers.metadata.is_empty()
            && there.headers.metadata == headers.metadata;
        is_own.then_some(there.meta.etag)
    }

    /// Turns the SDK's error into ours, for `map_err`.
    pub(super) fn error<E>(
        &self,
        operation: &'static str,
        key: &Key,
    ) -> impl Fn(SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        move |error| self.failed(operation, key, classify(&error))
    }

    /// A body as the SDK takes it, readable again when an attempt fails.
    pub(super) async fn stream(
        &self,
        operation: &'static str,
        key: &Key,
        body: &Body,
    ) -> Result<ByteStream, StoreError> {
        match body {
            Body::Memory(bytes) => Ok(ByteStream::from(bytes.clone())),
            Body::File {
                file,
                offset,
                length,
            } => {
                // Opened anew for each attempt, each with an offset of its own.
                let path = Body::reopenable_path(file);
                let stream = ByteStream::read_from()
                    .path(path)
                    .offset(*offset)
                    .length(Length::Exact(*length));
                stream.build().await.map_err(|error| {
                    self.failed(operation, key, StoreErrorKind::Other(chain(&error)))
                })
            }
        }
    }

    /// The bytes as they arrive; `place` is kept until the last one.
    fn body(&self, key: &Key, body: ByteStream, place: Option<OwnedSemaphorePermit>) -> GetBody {
        let object = self.uri(key);
        let failed = move |kind| StoreError {
            operation: "GetObject",
            object: object.clone(),
            kind,
        };
        GetBody::new(stream::try_unfold(
            (body, failed, place),
            |(mut body, failed, place)| async move {
                match tokio::time::timeout(BODY_SILENCE, body.next()).await {
                    Ok(None) => Ok(None),
                    Ok(Some(Ok(piece))) => {
                        Ok::<Option<(Bytes, _)>, _>(Some((piece, (body, failed, place))))
                    }
                    Ok(Some(Err(error))) => Err(failed(StoreErrorKind::Truncated(chain(&error)))),
                    Err(_silence) => Err(failed(StoreErrorKind::TimedOut)),
                }
            },
        ))
    }
}

pub(super) fn if_none_match(precondition: &Precondition) -> Option<String> {
    (*precondition == Precondition::Absent).then(|| "*".to_owned())
}

pub(super) fn if_match(precondition: &Precondition) -> Option<String> {
    match precondition {
        Precondition::Is(etag) => Some(etag.quoted()),
        Precondition::None | Precondition::Absent => None,
    }
}

/// User metadata as the SDK takes it.
pub(super) fn metadata(headers: &Headers) -> Option<HashMap<String, String>> {
    let pairs = || headers.metadata.clone().into_iter().collect();
    (!headers.metadata.is_empty()).then(pairs)
}

fn headers(content_type: Option<String>, metadata: Option<HashMap<String, String>>) -> Headers {
    Headers {
        content_type,
        metadata: metadata.unwrap_or_default().into_iter().collect(),
    }
}

pub(super) fn content_length(body: &Body) -> i64 {
    i64::try_from(body.length()).unwrap_or(i64::MAX)
}

pub(super) fn etag(tag: Option<&str>) -> ETag {
    ETag::new(tag.unwrap_or_default())
}

fn length(length: Option<i64>) -> u64 {
    length
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or(0)
}

fn time(time: Option<DateTime>) -> SystemTime {
    time.and_then(|time| SystemTime::try_from(time).ok())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn listed(object: &Object, encoded: bool) -> Option<ListedObject> {
    let meta = ObjectMeta {
        size: length(object.size),
        modified: time(object.last_modified),
        etag: etag(object.e_tag.as_deref()),
    };
    Some(ListedObject {
        key: decode(object.key()?, encoded)?,
        meta,
    })
}

fn folded(prefix: &CommonPrefix, encoded: bool) -> Option<String> {
    decode(prefix.prefix()?, encoded)
}

/// Undoes `encoding-type=url`, where the server says that it did it. S3 writes a space as `+`.
fn decode(key: &str, encoded: bool) -> Option<String> {
    if !encoded {
        return Some(key.to_owned());
    }
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}

/// `bytes 0-9/100`
fn parse_content_range(header: &str) -> Option<(ByteRange, u64)> {
    let (sent, size) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = sent.split_once('-')?;
    let range = ByteRange::new(
        first.parse().ok()?,
        last.parse::<u64>().ok()?.checked_add(1)?,
    )?;
    Some((range, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_only_where_the_server_encoded_them() {
        assert_eq!(
            decode("a+b%2Bc%2F%01", true).as_deref(),
            Some("a b+c/\u{1}")
        );
        assert_eq!(decode("a+b%2B", false).as_deref(), Some("a+b%2B"));
    }

    #[test]
    fn content_ranges_are_read() {
        let (range, size) = parse_content_range("bytes 5-9/100").unwrap();
        assert_eq!((range.start(), range.end(), size), (5, 10, 100));
        assert!(parse_content_range("bytes */100").is_none());
    }
}
