//! Refusals of servers other than S3, given before the S3 service sees the request.

use http::header::{CONTENT_LENGTH, IF_MATCH, IF_NONE_MATCH, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode};
use percent_encoding::percent_decode_str;

use super::call::Call;
use super::refusal;
use crate::catalog::Catalog;
use crate::{Knobs, Operation, Quirk};

/// Largest part number of a server with few parts.
const FEW_PARTS: u16 = 1000;

/// Returns the refusal of this request by the first quirk in force that applies.
pub(super) fn refusal(
    knobs: &Knobs,
    catalog: &Catalog,
    call: &Call,
    headers: &HeaderMap,
) -> Option<Response<s3s::Body>> {
    let has = |quirk| knobs.has_quirk(quirk);
    let source = copy_source(headers);
    if has(Quirk::UnsignedIsNotS3) && call.access_key.is_none() {
        let mut response = Response::new(s3s::Body::from("Bad URL".to_owned()));
        *response.status_mut() = StatusCode::PRECONDITION_FAILED;
        return Some(response);
    }
    if has(Quirk::LengthRequired) && lacks_length(call.operation, headers) {
        return Some(refused(
            StatusCode::LENGTH_REQUIRED,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        ));
    }
    if has(Quirk::NoConditionalWrites) && is_conditional_write(call.operation, headers) {
        let message = "A header you provided implies functionality that is not implemented.";
        return Some(refused(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            message,
        ));
    }
    if has(Quirk::UnknownConditions) && is_conditional_write(call.operation, headers) {
        let message = "The header If-None-Match is not supported for this request.";
        return Some(refused(StatusCode::BAD_REQUEST, "InvalidArgument", message));
    }
    if has(Quirk::DigestRequired) && uploads(call.operation) && !has_digest(headers) {
        let message = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object \
                       requests with Object Lock parameters";
        return Some(refused(StatusCode::BAD_REQUEST, "InvalidRequest", message));
    }
    if has(Quirk::NoChecksums)
        && let Some(header) = checksum_header(headers)
    {
        let message = "A header you provided implies functionality that is not implemented.";
        return Some(refusal::response(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            message,
            &[("Header", header)],
        ));
    }
    if has(Quirk::CopyConditionOfParts)
        && headers.contains_key("x-amz-copy-source-if-match")
        && source.as_ref().is_some_and(|it| is_of_parts(catalog, it))
    {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Some(refused(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            message,
        ));
    }
    if has(Quirk::FewParts) && call.part_number.is_some_and(|number| number > FEW_PARTS) {
        let message = "Part number must be an integer between 1 and 1000, inclusive";
        return Some(refused(StatusCode::BAD_REQUEST, "InvalidArgument", message));
    }
    if has(Quirk::NoMarkerCopies) && source.is_some_and(|(_, key)| key.ends_with('/')) {
        let message = "The specified key does not exist.";
        return Some(refused(StatusCode::NOT_FOUND, "NoSuchKey", message));
    }
    if has(Quirk::NoMarkers) && call.operation.is_write() && names_marker(call) {
        let message = "The key ends in a slash.";
        return Some(refused(StatusCode::BAD_REQUEST, "InvalidArgument", message));
    }
    if has(Quirk::QuotaExceeded) && stores(call.operation) {
        let message = "The quota of the bucket or of the user is exceeded.";
        return Some(refused(StatusCode::FORBIDDEN, "QuotaExceeded", message));
    }
    of_properties(knobs, headers)
}

/// Returns the refusal of tags, or of a storage class.
fn of_properties(knobs: &Knobs, headers: &HeaderMap) -> Option<Response<s3s::Body>> {
    let has = |quirk| knobs.has_quirk(quirk);
    let header = |name: &str| headers.get(name);
    if has(Quirk::NoTags)
        && (header("x-amz-tagging").is_some() || header("x-amz-tagging-directive").is_some())
    {
        let message = "Unsupported header 'x-amz-tagging' received for this API call.";
        return Some(refused(StatusCode::BAD_REQUEST, "InvalidArgument", message));
    }
    if has(Quirk::OneClass)
        && header("x-amz-storage-class").is_some_and(|class| class != "STANDARD")
    {
        let message = "The storage class you specified is not valid.";
        let code = "InvalidStorageClass";
        return Some(refused(StatusCode::BAD_REQUEST, code, message));
    }
    None
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response<s3s::Body> {
    refusal::response(status, code, message, &[])
}

fn uploads(operation: Operation) -> bool {
    matches!(operation, Operation::PutObject | Operation::UploadPart)
}

fn has_digest(headers: &HeaderMap) -> bool {
    headers.contains_key("content-md5") || checksum_header(headers).is_some()
}

/// Returns the name of the first header about a checksum.
fn checksum_header(headers: &HeaderMap) -> Option<&str> {
    let is_checksum =
        |name: &&str| name.starts_with("x-amz-checksum-") && *name != "x-amz-checksum-mode";
    let mut names = headers.keys().map(http::HeaderName::as_str);
    names.find(|name| is_checksum(name) || *name == "x-amz-trailer")
}

fn stores(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::PutObject | Operation::CopyObject | Operation::UploadPart
    )
}

fn lacks_length(operation: Operation, headers: &HeaderMap) -> bool {
    use Operation as O;
    let has_body = matches!(
        operation,
        O::PutObject
            | O::CopyObject
            | O::UploadPart
            | O::UploadPartCopy
            | O::CreateMultipartUpload
            | O::CompleteMultipartUpload
    );
    has_body && !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING)
}

fn is_conditional_write(operation: Operation, headers: &HeaderMap) -> bool {
    let is_write = matches!(
        operation,
        Operation::PutObject | Operation::CompleteMultipartUpload
    );
    is_write && (headers.contains_key(IF_MATCH) || headers.contains_key(IF_NONE_MATCH))
}

fn names_marker(call: &Call) -> bool {
    call.key.as_deref().is_some_and(|key| key.ends_with('/'))
}

/// Returns bucket and key of the source of a copy.
pub(super) fn copy_source(headers: &HeaderMap) -> Option<(String, String)> {
    let source = headers.get("x-amz-copy-source")?.to_str().ok()?;
    let source = percent_decode_str(source).decode_utf8().ok()?;
    let (bucket, key) = source.trim_start_matches('/').split_once('/')?;
    Some((bucket.to_owned(), key.to_owned()))
}

fn is_of_parts(catalog: &Catalog, (bucket, key): &(String, String)) -> bool {
    let object = catalog.object(bucket, key);
    object.is_ok_and(|object| object.etag.contains('-'))
}
