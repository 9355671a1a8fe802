//! Rules of directory buckets (S3 Express One Zone) that the catalog keeps.

use super::{Completion, Headers, Refusal};
use crate::random;

/// Ending of the names of directory buckets.
const ENDING: &str = "--x-s3";

/// Returns whether a bucket is a directory bucket. Its name says so.
pub(crate) fn is_directory(bucket: &str) -> bool {
    bucket.ends_with(ENDING)
}

/// Storage class of all objects.
const CLASS: &str = "EXPRESS_ONEZONE";

/// Sets the storage class that all objects of a directory bucket have.
pub(crate) fn set_class(bucket: &str, headers: &mut Headers) {
    if is_directory(bucket) {
        headers.storage_class = Some(CLASS.to_owned());
    }
}

/// Returns a new `ETag`, which is no hash of the bytes.
pub(super) fn etag() -> String {
    random::hex_string(16)
}

/// Checks that the parts of an object have the numbers 1, 2, 3 and so on.
pub(super) fn check_numbers(completion: &Completion) -> Result<(), Refusal> {
    let numbers = completion.parts.iter().map(|part| part.number);
    if numbers.eq((1..=10_000).take(completion.parts.len())) {
        Ok(())
    } else {
        Err(Refusal::PartNumbers)
    }
}
