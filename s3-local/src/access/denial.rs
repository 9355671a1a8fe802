//! Denial of a request.

use s3s::{S3Error, S3ErrorCode, S3Result};

pub(crate) fn access_denied() -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied")
}

/// Denies a request that is not allowed.
pub(super) fn require(allowed: bool) -> S3Result<()> {
    if allowed {
        Ok(())
    } else {
        Err(access_denied())
    }
}
