//! Classification of a request by its request line and headers.

use std::collections::BTreeMap;

use http::request::Parts;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use crate::Operation;
use crate::query::{has_parameter, query_parameter};

/// Request as the log and the knobs see it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) operation: Operation,
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
    pub(super) part_number: Option<u16>,
    pub(super) range: Option<String>,
    pub(super) body_length: Option<u64>,
    pub(super) access_key: Option<String>,
    /// Region the request is signed for.
    pub(super) region: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
}

/// Headers of every signed request.
const OF_SIGNATURES: [&str; 3] = ["x-amz-content-sha256", "x-amz-date", "x-amz-security-token"];

impl Call {
    pub(super) fn of(parts: &Parts) -> Call {
        let query = parts.uri.query().unwrap_or_default();
        let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8_lossy().into_owned();
            Some(text).filter(|text| !text.is_empty())
        };
        let (bucket, key) = (decoded(bucket), decoded(key));
        let scope = credential_scope(&parts.headers, query);
        let (access_key, region) = scope.unzip();
        let range = parts
            .headers
            .get(http::header::RANGE)
            .and_then(|value| value.to_str().ok());
        let depth = (bucket.is_some(), key.is_some());
        Call {
            operation: classify(&parts.method, depth, query, &parts.headers),
            bucket,
            key,
            part_number: query_parameter(query, "partNumber")
                .and_then(|number| number.parse().ok()),
            range: range.map(str::to_owned),
            body_length: body_length(&parts.headers),
            access_key,
            region,
            headers: own_headers(&parts.headers),
        }
    }
}

/// Returns the length of the body in bytes, without the framing of chunks.
fn body_length(headers: &HeaderMap) -> Option<u64> {
    let decoded = headers.get("x-amz-decoded-content-length");
    let length = decoded.or_else(|| headers.get(http::header::CONTENT_LENGTH))?;
    length.to_str().ok()?.parse().ok()
}

/// Returns the headers `x-amz-*`, but for those of signatures.
fn own_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let own = headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        name.starts_with("x-amz-") && !OF_SIGNATURES.contains(&name)
    });
    own.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// Returns the access key ID and the region of the request's signature, version 4.
fn credential_scope(headers: &HeaderMap, query: &str) -> Option<(String, String)> {
    let header = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let credential = match header {
        Some(header) => {
            let (_, rest) = header.split_once("Credential=")?;
            rest.split([',', ' ']).next()?.to_owned()
        }
        None => query_parameter(query, "X-Amz-Credential")?,
    };
    // The access key may contain slashes; what follows it can't.
    let mut fields = credential.rsplitn(5, '/');
    let (_terminal, _service, region, _date) = (
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    );
    Some((fields.next()?.to_owned(), region.to_owned()))
}

fn classify(
    method: &Method,
    (has_bucket, has_key): (bool, bool),
    query: &str,
    headers: &HeaderMap,
) -> Operation {
    let has = |name: &str| has_parameter(query, name);
    let is_copy = headers.contains_key("x-amz-copy-source");
    if has_key && has("tagging") {
        return match *method {
            Method::GET => Operation::GetObjectTagging,
            Method::PUT => Operation::PutObjectTagging,
            Method::DELETE => Operation::DeleteObjectTagging,
            _ => Operation::Other,
        };
    }
    if has_bucket && !has_key && method == Method::GET && has("session") {
        return Operation::CreateSession;
    }
    if has_key && method == Method::PUT && has("renameObject") {
        return Operation::RenameObject;
    }
    if has_bucket && method != Method::POST && names_subresource(query) {
        return Operation::Other;
    }
    match (method.as_str(), has_bucket, has_key) {
        ("GET", false, _) => Operation::ListBuckets,
        ("GET", true, false) if has("uploads") => Operation::ListMultipartUploads,
        ("GET", true, false) if has("location") => Operation::GetBucketLocation,
        ("GET", true, false) if has("list-type") => Operation::ListObjectsV2,
        ("GET", true, false) => Operation::ListObjects,
        ("GET", true, true) if has("uploadId") => Operation::ListParts,
        ("GET", true, true) => Operation::GetObject,
        ("HEAD", true, false) => Operation::HeadBucket,
        ("HEAD", true, true) => Operation::HeadObject,
        ("PUT", true, false) => Operation::CreateBucket,
        ("PUT", true, true) => match (has("uploadId"), is_copy) {
            (true, true) => Operation::UploadPartCopy,
            (true, false) => Operation::UploadPart,
            (false, true) => Operation::CopyObject,
            (false, false) => Operation::PutObject,
        },
        ("POST", true, false) if has("delete") => Operation::DeleteObjects,
        ("POST", true, true) if has("uploads") => Operation::CreateMultipartUpload,
        ("POST", true, true) if has("uploadId") => Operation::CompleteMultipartUpload,
        ("DELETE", true, false) => Operation::DeleteBucket,
        ("DELETE", true, true) if has("uploadId") => Operation::AbortMultipartUpload,
        ("DELETE", true, true) => Operation::DeleteObject,
        _ => Operation::Other,
    }
}

/// Returns whether the request names a subresource other than the object or the list of objects.
fn names_subresource(query: &str) -> bool {
    const SUBRESOURCES: &[&str] = &[
        "accelerate",
        "acl",
        "analytics",
        "attributes",
        "cors",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "legal-hold",
        "lifecycle",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "policy",
        "policyStatus",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "restore",
        "retention",
        "select",
        "session",
        "tagging",
        "torrent",
        "versioning",
        "versions",
        "website",
    ];
    query.split('&').any(|pair| {
        pair.split('=')
            .next()
            .is_some_and(|name| SUBRESOURCES.contains(&name))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    type Case<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)], Operation);

    fn call(method: &str, uri: &str, headers: &[(&str, &str)]) -> Call {
        let mut builder = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        Call::of(&builder.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn operations_are_told_apart() {
        let copy: &[(&str, &str)] = &[("x-amz-copy-source", "b/k")];
        let cases: &[Case<'_>] = &[
            ("GET", "/", &[], Operation::ListBuckets),
            ("GET", "/b", &[], Operation::ListObjects),
            (
                "GET",
                "/b/?list-type=2&prefix=acl",
                &[],
                Operation::ListObjectsV2,
            ),
            ("GET", "/b?uploads", &[], Operation::ListMultipartUploads),
            ("GET", "/b?policy", &[], Operation::Other),
            ("GET", "/b?session", &[], Operation::CreateSession),
            ("PUT", "/b/k?renameObject", &[], Operation::RenameObject),
            ("GET", "/b/k?x-id=GetObject", &[], Operation::GetObject),
            ("GET", "/b/k?uploadId=1", &[], Operation::ListParts),
            ("GET", "/b/k?acl", &[], Operation::Other),
            ("HEAD", "/b", &[], Operation::HeadBucket),
            ("HEAD", "/b/k", &[], Operation::HeadObject),
            ("PUT", "/b", &[], Operation::CreateBucket),
            ("PUT", "/b/k", &[], Operation::PutObject),
            ("PUT", "/b/k", copy, Operation::CopyObject),
            (
                "PUT",
                "/b/k?partNumber=3&uploadId=1",
                &[],
                Operation::UploadPart,
            ),
            (
                "PUT",
                "/b/k?partNumber=3&uploadId=1",
                copy,
                Operation::UploadPartCopy,
            ),
            ("PUT", "/b/k?tagging", &[], Operation::PutObjectTagging),
            ("POST", "/b?delete", &[], Operation::DeleteObjects),
            (
                "POST",
                "/b/k?uploads",
                &[],
                Operation::CreateMultipartUpload,
            ),
            (
                "POST",
                "/b/k?uploadId=1",
                &[],
                Operation::CompleteMultipartUpload,
            ),
            ("DELETE", "/b", &[], Operation::DeleteBucket),
            ("DELETE", "/b/k", &[], Operation::DeleteObject),
            (
                "DELETE",
                "/b/k?uploadId=1",
                &[],
                Operation::AbortMultipartUpload,
            ),
        ];
        for (method, uri, headers, operation) in cases {
            assert_eq!(
                call(method, uri, headers).operation,
                *operation,
                "{method} {uri}"
            );
        }
    }

    #[test]
    fn keys_are_decoded_and_never_normalised() {
        let call = call("GET", "/b//a/../%2e/%00%C3%A9+", &[]);
        assert_eq!(call.bucket.as_deref(), Some("b"));
        assert_eq!(call.key.as_deref(), Some("/a/.././\0\u{e9}+"));
    }

    #[test]
    fn the_signer_is_read_from_header_or_query() {
        let header =
            "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/s3/aws4_request, Signature=0";
        let signed = call("GET", "/b/k", &[("authorization", header)]);
        assert_eq!(signed.access_key.as_deref(), Some("AK"));
        assert_eq!(signed.region.as_deref(), Some("eu-west-1"));
        let presigned = "/b/k?X-Amz-Credential=AK%2F20260101%2Feu-west-1%2Fs3%2Faws4_request";
        assert_eq!(
            call("GET", presigned, &[]).region.as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(call("GET", "/b/k", &[]).access_key, None);
    }

    #[test]
    fn headers_of_s3_are_read_but_for_those_of_signatures() {
        let headers = [
            ("x-amz-storage-class", "GLACIER"),
            ("x-amz-date", "20260101T000000Z"),
            ("content-type", "text/plain"),
        ];
        let expected = [("x-amz-storage-class".to_owned(), "GLACIER".to_owned())];
        assert_eq!(call("PUT", "/b/k", &headers).headers, expected.into());
    }
}
