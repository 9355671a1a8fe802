//! Refusal of requests that need the bytes of an archived object.

use http::{HeaderMap, Response, StatusCode};

use super::call::Call;
use super::quirks::copy_source;
use super::refusal;
use crate::Operation;
use crate::catalog::Catalog;

/// Storage classes of objects without bytes at hand.
const ARCHIVED: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// Returns the refusal of a request that reads or copies an archived object.
pub(super) fn refusal(
    catalog: &Catalog,
    call: &Call,
    headers: &HeaderMap,
) -> Option<Response<s3s::Body>> {
    let (bucket, key) = match call.operation {
        Operation::GetObject => (call.bucket.clone()?, call.key.clone()?),
        Operation::CopyObject | Operation::UploadPartCopy => copy_source(headers)?,
        _ => return None,
    };
    let object = catalog.object(&bucket, &key).ok()?;
    let class = object.headers.storage_class.as_deref()?;
    if !ARCHIVED.contains(&class) {
        return None;
    }
    let message = "The operation is not valid for the object's storage class";
    Some(refusal::response(
        StatusCode::FORBIDDEN,
        "InvalidObjectState",
        message,
        &[("StorageClass", class)],
    ))
}
