//! Errors of catalog operations.

use std::io;

/// Error of an operation, named after the S3 error code it becomes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the bucket does not exist")]
    NoSuchBucket,
    #[error("the bucket exists already")]
    BucketAlreadyOwnedByYou,
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    #[error("the key does not exist")]
    NoSuchKey,
    #[error("the multipart upload does not exist; it may have been completed or aborted")]
    NoSuchUpload,
    #[error("a condition of the request does not hold")]
    PreconditionFailed,
    #[error("the object has not changed")]
    NotModified { etag: String, modified: i64 },
    #[error("the list of parts is empty")]
    NoParts,
    #[error("part {0} was not uploaded, or its ETag or checksum is another one")]
    InvalidPart(u16),
    #[error("the list of parts is not in ascending order")]
    InvalidPartOrder,
    #[error("part {number} has {size} bytes; every part but the last needs at least 5 MiB")]
    EntityTooSmall { number: u16, size: u64 },
    #[error("the checksum of the whole object is another one")]
    BadDigest,
    #[error("the numbers of the parts are not 1, 2, 3 and so on")]
    PartNumbers,
    #[error("the write offset value that you specified does not match the current object size")]
    InvalidWriteOffset,
    #[error("the object has 10000 parts already")]
    TooManyParts,
    #[error("failed to read or write the store: {0}")]
    Storage(io::Error),
}
