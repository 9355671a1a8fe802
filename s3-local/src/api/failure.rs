//! Mapping from refusals to S3 error codes.

use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::dto::{ETag, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode};

use super::convert::timestamp;
use crate::catalog::Refusal;

impl From<Refusal> for S3Error {
    fn from(refusal: Refusal) -> S3Error {
        let code = match &refusal {
            Refusal::NoSuchBucket => S3ErrorCode::NoSuchBucket,
            Refusal::BucketAlreadyOwnedByYou => S3ErrorCode::BucketAlreadyOwnedByYou,
            Refusal::BucketNotEmpty => S3ErrorCode::BucketNotEmpty,
            Refusal::NoSuchKey => S3ErrorCode::NoSuchKey,
            Refusal::NoSuchUpload => S3ErrorCode::NoSuchUpload,
            Refusal::PreconditionFailed => S3ErrorCode::PreconditionFailed,
            Refusal::NotModified { .. } => S3ErrorCode::NotModified,
            Refusal::NoParts => S3ErrorCode::MalformedXML,
            Refusal::InvalidPart(_) | Refusal::PartNumbers => S3ErrorCode::InvalidPart,
            Refusal::InvalidPartOrder => S3ErrorCode::InvalidPartOrder,
            Refusal::EntityTooSmall { .. } => S3ErrorCode::EntityTooSmall,
            Refusal::BadDigest => S3ErrorCode::BadDigest,
            Refusal::InvalidWriteOffset => S3ErrorCode::Custom("InvalidWriteOffset".into()),
            Refusal::TooManyParts => S3ErrorCode::Custom("TooManyParts".into()),
            Refusal::Storage(_) => S3ErrorCode::InternalError,
        };
        let mut error = S3Error::with_message(code, refusal.to_string());
        if matches!(refusal, Refusal::InvalidWriteOffset | Refusal::TooManyParts) {
            error.set_status_code(StatusCode::BAD_REQUEST);
        }
        if let Refusal::NotModified { etag, modified } = refusal {
            error.set_headers(validators(etag, &timestamp(modified)));
        }
        error
    }
}

/// Returns the headers that let a client keep its cached copy.
fn validators(etag: String, modified: &Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(etag) = ETag::Strong(etag).to_http_header() {
        headers.insert(http::header::ETAG, etag);
    }
    let mut date = Vec::new();
    if modified
        .format(TimestampFormat::HttpDate, &mut date)
        .is_ok()
        && let Ok(date) = HeaderValue::from_bytes(&date)
    {
        headers.insert(http::header::LAST_MODIFIED, date);
    }
    headers
}
