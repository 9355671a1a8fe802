//! `GetObject` and `HeadObject`.

use std::ops::Range;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use s3s::auth::Credentials;
use s3s::dto::{
    self, ChecksumMode, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ServerSideEncryption, StorageClass, StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::Api;
use super::convert::{checksum_headers, length, read_condition, timestamp};
use crate::Quirk;
use crate::access::access_denied;
use crate::catalog::{Object, ReadCondition, Refusal};
use crate::content::ObjectBody;

/// Bytes that a request asks for.
struct Selection {
    range: Range<u64>,
    /// Value of the header `Content-Range`, for a request with a range.
    content_range: Option<String>,
}

fn select(range: Option<&dto::Range>, size: u64) -> S3Result<Selection> {
    let Some(range) = range else {
        return Ok(Selection {
            range: 0..size,
            content_range: None,
        });
    };
    // A suffix longer than the object means all of it; only an empty one can't be satisfied.
    let checked = match range {
        dto::Range::Suffix { length: 0 } => None,
        dto::Range::Suffix { length } if size > 0 => Some(size.saturating_sub(*length)..size),
        dto::Range::Suffix { .. } => None,
        dto::Range::Int { .. } => range.check(size).ok(),
    };
    let Some(range) = checked else {
        let message = "The requested range is not satisfiable";
        let mut error = S3Error::with_message(S3ErrorCode::InvalidRange, message);
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
            headers.insert(http::header::CONTENT_RANGE, value);
        }
        error.set_headers(headers);
        return Err(error);
    };
    let content_range = Some(format!("bytes {}-{}/{size}", range.start, range.end - 1));
    Ok(Selection {
        range,
        content_range,
    })
}

/// Fills the fields that the two answers have in common.
macro_rules! describe {
    ($Output:ident, $object:expr, $selection:expr, {$($field:ident: $value:expr),*}) => {{
        let headers = $object.headers.clone();
        $Output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: headers.cache_control,
            content_disposition: headers.content_disposition,
            content_encoding: headers.content_encoding,
            content_language: headers.content_language,
            content_length: Some(length($selection.range.end - $selection.range.start)),
            content_range: $selection.content_range,
            content_type: Some(
                headers.content_type.unwrap_or_else(|| "binary/octet-stream".to_owned()),
            ),
            e_tag: Some(ETag::Strong($object.etag.clone())),
            expires: headers.expires.map(timestamp),
            last_modified: Some(timestamp($object.modified)),
            metadata: Some(headers.metadata.into_iter().collect()),
            // S3 does not name the standard class.
            storage_class: headers
                .storage_class
                .filter(|class| class != StorageClass::STANDARD)
                .map(StorageClass::from),
            website_redirect_location: headers.website_redirect,
            bucket_key_enabled: headers.encryption.as_ref().and_then(|it| it.bucket_key),
            ssekms_key_id: headers.encryption.as_ref().and_then(|it| it.key_id.clone()),
            server_side_encryption: headers
                .encryption
                .map(|encryption| ServerSideEncryption::from(encryption.algorithm)),
            $($field: $value,)*
            ..Default::default()
        }
    }};
}

impl Api {
    pub(super) fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let S3Request {
            input, credentials, ..
        } = request;
        let condition = read_condition(
            input.if_match,
            input.if_none_match,
            input.if_modified_since,
            input.if_unmodified_since,
        );
        let object = self.find(&input.bucket, &input.key, credentials.as_ref(), &condition)?;
        let selection = select(input.range.as_ref(), object.size)?;
        let mut headers = told_checksum(&object, &selection, input.checksum_mode.as_ref());
        if self
            .access
            .may_read_tags(credentials.as_ref(), &input.bucket, &input.key)
        {
            count_tags(&object, &mut headers);
        }
        let body = StreamingBlob::new(ObjectBody::new(
            object.content.slice(selection.range.clone()),
        ));
        let output = describe!(GetObjectOutput, object, selection, { body: Some(body) });
        Ok(S3Response::with_headers(output, headers))
    }

    pub(super) fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let S3Request {
            input, credentials, ..
        } = request;
        let condition = read_condition(
            input.if_match,
            input.if_none_match,
            input.if_modified_since,
            input.if_unmodified_since,
        );
        let object = self.find(&input.bucket, &input.key, credentials.as_ref(), &condition)?;
        let selection = select(input.range.as_ref(), object.size)?;
        let mut headers = told_checksum(&object, &selection, input.checksum_mode.as_ref());
        let is_hidden = self.knobs.has_quirk(Quirk::HiddenTags);
        let may_read = |key| {
            self.access
                .may_read_tags(credentials.as_ref(), &input.bucket, key)
        };
        if !is_hidden && may_read(&input.key) {
            count_tags(&object, &mut headers);
        }
        let output = describe!(HeadObjectOutput, object, selection, {});
        Ok(S3Response::with_headers(output, headers))
    }

    fn find(
        &self,
        bucket: &str,
        key: &str,
        credentials: Option<&Credentials>,
        condition: &ReadCondition,
    ) -> S3Result<Arc<Object>> {
        match self.catalog.object(bucket, key) {
            // Whether a key exists is for those to know who may list the bucket.
            Err(Refusal::NoSuchKey) if !self.access.may_list(credentials, bucket) => {
                Err(access_denied())
            }
            Err(refusal) => Err(refusal.into()),
            Ok(object) => {
                condition.check(&object)?;
                Ok(object)
            }
        }
    }
}

/// Adds the number of tags, if there are any.
fn count_tags(object: &Object, headers: &mut HeaderMap) {
    let count = object.headers.tags.len();
    if count > 0 {
        headers.insert("x-amz-tagging-count", HeaderValue::from(count));
    }
}

/// Returns the checksum headers. A checksum covers the whole object, so a response to a range has none.
fn told_checksum(object: &Object, selection: &Selection, mode: Option<&ChecksumMode>) -> HeaderMap {
    let wanted = mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
    let whole = selection.content_range.is_none();
    checksum_headers(object.checksum.as_ref().filter(|_| wanted && whole))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn selected(header: &str, size: u64) -> Option<(Range<u64>, String)> {
        let range = dto::Range::parse(header).unwrap();
        let selection = select(Some(&range), size).ok()?;
        Some((selection.range, selection.content_range.unwrap()))
    }

    #[test]
    fn ranges_are_cut_to_the_object() {
        assert_eq!(
            selected("bytes=0-0", 10),
            Some((0..1, "bytes 0-0/10".to_owned()))
        );
        assert_eq!(
            selected("bytes=4-", 10),
            Some((4..10, "bytes 4-9/10".to_owned()))
        );
        assert_eq!(
            selected("bytes=8-99", 10),
            Some((8..10, "bytes 8-9/10".to_owned()))
        );
        assert_eq!(
            selected("bytes=-3", 10),
            Some((7..10, "bytes 7-9/10".to_owned()))
        );
        assert_eq!(
            selected("bytes=-99", 10),
            Some((0..10, "bytes 0-9/10".to_owned()))
        );
    }

    #[test]
    fn ranges_outside_the_object_are_refused() {
        for (header, size) in [
            ("bytes=10-", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=-1", 0),
        ] {
            assert_eq!(selected(header, size), None, "{header} of {size}");
        }
    }
}
