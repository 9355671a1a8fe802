//! Refusals of directory buckets: what other buckets have and these don't.

use http::{HeaderMap, Response, StatusCode, Uri};

use super::call::Call;
use super::refusal;
use crate::Operation;
use crate::query::{has_parameter, query_parameter};

/// Beginnings of the names of headers about what there is not: ACLs, object locks, redirects of
/// websites, keys of customers, requesters that pay, and MD5.
const UNKNOWN: [&str; 8] = [
    "x-amz-acl",
    "x-amz-grant-",
    "x-amz-object-lock-",
    "x-amz-bypass-governance-retention",
    "x-amz-website-redirect-location",
    "x-amz-server-side-encryption-customer-",
    "x-amz-request-payer",
    "content-md5",
];

/// Storage class of all objects.
const CLASS: &str = "EXPRESS_ONEZONE";

/// Returns the refusal of a request about a directory bucket.
pub(super) fn refusal(call: &Call, uri: &Uri, headers: &HeaderMap) -> Option<Response<s3s::Body>> {
    use Operation as O;
    let query = uri.query().unwrap_or_default();
    let unknown = headers
        .keys()
        .find(|name| UNKNOWN.iter().any(|it| name.as_str().starts_with(it)));
    if let Some(header) = unknown {
        return Some(not_implemented(header.as_str()));
    }
    if headers
        .get("x-amz-tagging")
        .is_some_and(|tags| !tags.is_empty())
    {
        return Some(not_implemented("x-amz-tagging"));
    }
    match call.operation {
        O::ListObjects
        | O::GetObjectTagging
        | O::PutObjectTagging
        | O::DeleteObjectTagging
        | O::GetBucketLocation => return Some(not_implemented(call.operation.name())),
        O::ListObjectsV2 if has_parameter(query, "start-after") => {
            return Some(not_implemented("start-after"));
        }
        O::ListMultipartUploads if has_parameter(query, "upload-id-marker") => {
            return Some(not_implemented("upload-id-marker"));
        }
        _ if query_parameter(query, "versionId").is_some_and(|id| id != "null") => {
            return Some(not_implemented("versionId"));
        }
        _ => {}
    }
    if matches!(call.operation, O::ListObjectsV2 | O::ListMultipartUploads) {
        return of_listing(query);
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("x-amz-storage-class").is_some_and(|class| class != CLASS) {
        let message = "The storage class you specified is not valid.";
        return Some(bad_request("InvalidStorageClass", message));
    }
    if header("x-amz-server-side-encryption").is_some_and(|it| it == "aws:kms:dsse") {
        let message = "Dual-layer encryption is not supported for this bucket.";
        return Some(bad_request("InvalidRequest", message));
    }
    None
}

fn of_listing(query: &str) -> Option<Response<s3s::Body>> {
    let parameter = |name| query_parameter(query, name).filter(|text| !text.is_empty());
    if parameter("prefix").is_some_and(|prefix| !prefix.ends_with('/')) {
        let message = "This bucket does not support a prefix that does not end in a delimiter. \
                       Specify a prefix path ending with a delimiter and try again.";
        return Some(bad_request("InvalidRequest", message));
    }
    if parameter("delimiter").is_some_and(|delimiter| delimiter != "/") {
        let message = "This bucket does not support a delimiter other than '/'.";
        return Some(bad_request("InvalidRequest", message));
    }
    None
}

fn not_implemented(name: &str) -> Response<s3s::Body> {
    let message = "A header you provided implies functionality that is not implemented.";
    let status = StatusCode::NOT_IMPLEMENTED;
    refusal::response(status, "NotImplemented", message, &[("Header", name)])
}

fn bad_request(code: &str, message: &str) -> Response<s3s::Body> {
    refusal::response(StatusCode::BAD_REQUEST, code, message, &[])
}
