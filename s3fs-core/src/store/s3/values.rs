//! Conversion of values between the SDK and [`crate::store`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{CommonPrefix, Object};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use percent_encoding::percent_decode_str;

use crate::object::{ByteRange, ETag, Headers, ObjectMeta, Properties};
use crate::store::{Body, ListedObject, Precondition, RequestId};

/// Sets `content-length: 0`, which some servers require of requests without a body.
pub(super) fn without_body(request: &mut HttpRequest) {
    request.headers_mut().insert("content-length", "0");
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

pub(super) fn headers(
    content_type: Option<String>,
    metadata: Option<HashMap<String, String>>,
    properties: Arc<Properties>,
) -> Headers {
    Headers {
        content_type,
        metadata: metadata.unwrap_or_default().into_iter().collect(),
        properties: Some(properties),
    }
}

pub(super) fn content_length(body: &Body) -> i64 {
    i64::try_from(body.length()).unwrap_or(i64::MAX)
}

/// Returns the ID of a request that succeeded, from the headers of its response.
pub(super) fn answered_id(id: Option<&str>, extended: Option<&str>) -> Option<RequestId> {
    Some(RequestId {
        id: id?.to_owned(),
        extended: extended.map(str::to_owned),
    })
}

pub(super) fn etag(tag: Option<&str>) -> ETag {
    ETag::new(tag.unwrap_or_default())
}

pub(super) fn length(length: Option<i64>) -> u64 {
    length
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or(0)
}

pub(super) fn time(time: Option<DateTime>) -> SystemTime {
    time.and_then(|time| SystemTime::try_from(time).ok())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(super) fn listed(object: &Object, encoded: bool) -> Option<ListedObject> {
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

pub(super) fn folded(prefix: &CommonPrefix, encoded: bool) -> Option<String> {
    decode(prefix.prefix()?, encoded)
}

/// Decodes `encoding-type=url`, if the server says that it is applied. S3 encodes a space as `+`.
pub(super) fn decode(key: &str, encoded: bool) -> Option<String> {
    if !encoded {
        return Some(key.to_owned());
    }
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}

/// Parses a header such as `bytes 0-9/100`.
pub(super) fn parse_content_range(header: &str) -> Option<(ByteRange, u64)> {
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
