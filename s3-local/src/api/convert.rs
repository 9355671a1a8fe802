//! Conversion between the API's types and the catalog's.

use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::dto::{self, ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result};
use time::OffsetDateTime;

use crate::catalog::{EtagCondition, Headers, ReadCondition, Refusal, WriteCondition};
use crate::digest::Checksum;

/// Maximum size of an object's user metadata in bytes, names and values together.
const MAX_METADATA: usize = 2048;

pub(super) fn timestamp(seconds: i64) -> Timestamp {
    let time = OffsetDateTime::from_unix_timestamp(seconds);
    time.unwrap_or(OffsetDateTime::UNIX_EPOCH).into()
}

pub(super) fn seconds(timestamp: Timestamp) -> i64 {
    OffsetDateTime::from(timestamp).unix_timestamp()
}

/// Returns the current time in seconds since 1970.
pub(crate) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Converts a length in bytes to the type of the API's fields.
pub(super) fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Converts a count to the type of the API's fields.
pub(super) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(super) fn invalid_argument(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidArgument, message)
}

pub(super) fn storage_error(error: std::io::Error) -> S3Error {
    tracing::error!(%error, "the store failed");
    Refusal::Storage(error).into()
}

pub(super) fn etag_condition(condition: ETagCondition) -> EtagCondition {
    match condition {
        ETagCondition::Any => EtagCondition::Any,
        ETagCondition::ETag(etag) => EtagCondition::Is(etag.into_value()),
    }
}

pub(super) fn write_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> WriteCondition {
    WriteCondition {
        if_match: if_match.map(etag_condition),
        if_none_match: if_none_match.map(etag_condition),
    }
}

pub(super) fn read_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
    if_modified_since: Option<Timestamp>,
    if_unmodified_since: Option<Timestamp>,
) -> ReadCondition {
    ReadCondition {
        if_match: if_match.map(etag_condition),
        if_none_match: if_none_match.map(etag_condition),
        if_modified_since: if_modified_since.map(seconds),
        if_unmodified_since: if_unmodified_since.map(seconds),
    }
}

/// Checks that user metadata is not larger than S3 allows.
pub(super) fn checked(headers: Headers) -> S3Result<Headers> {
    let size: usize = headers
        .metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > MAX_METADATA {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(S3Error::with_message(
            S3ErrorCode::MetadataTooLarge,
            message,
        ));
    }
    Ok(headers)
}

/// Returns the encryption that any of the inputs says.
macro_rules! encryption_of {
    ($input:expr) => {
        $input
            .server_side_encryption
            .take()
            .map(|algorithm| $crate::catalog::Encryption {
                algorithm: algorithm.as_str().to_owned(),
                key_id: $input.ssekms_key_id.take(),
                bucket_key: $input.bucket_key_enabled.take(),
            })
    };
}
pub(super) use encryption_of;

/// Collects the headers to store from any of the inputs that carry them.
macro_rules! headers_of {
    ($input:expr) => {
        $crate::catalog::Headers {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            expires: $input.expires.take().map($crate::api::convert::seconds),
            storage_class: $input
                .storage_class
                .take()
                .map(|class| class.as_str().to_owned()),
            website_redirect: $input.website_redirect_location.take(),
            encryption: $crate::api::convert::encryption_of!($input),
            tags: $crate::api::tags::parse($input.tagging.take().as_deref())?,
            metadata: $input
                .metadata
                .take()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        }
    };
}
pub(super) use headers_of;

/// Returns the headers that carry a checksum.
pub(super) fn checksum_headers(checksum: Option<&Checksum>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(checksum) = checksum
        && let Ok(value) = HeaderValue::from_str(&checksum.value)
    {
        headers.insert(HeaderName::from_static(checksum.algorithm.header()), value);
        let kind = HeaderValue::from_static(checksum.kind.name());
        headers.insert(HeaderName::from_static("x-amz-checksum-type"), kind);
    }
    headers
}

/// Returns the fields that carry a checksum in the XML of a response.
pub(super) fn checksum_fields(checksum: Option<&Checksum>) -> dto::Checksum {
    use crate::digest::ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
    let value = |algorithm| {
        let found = checksum.filter(|checksum| checksum.algorithm == algorithm);
        found.map(|checksum| checksum.value.clone())
    };
    dto::Checksum {
        checksum_crc32: value(Crc32),
        checksum_crc32c: value(Crc32c),
        checksum_crc64nvme: value(Crc64Nvme),
        checksum_sha1: value(Sha1),
        checksum_sha256: value(Sha256),
        checksum_type: checksum
            .map(|checksum| dto::ChecksumType::from_static(checksum.kind.name())),
    }
}
