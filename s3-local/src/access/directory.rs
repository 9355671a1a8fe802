//! Permission check of requests about directory buckets: most need the keys of a session.

use s3s::S3Result;

use super::access_key::{AccessKey, SessionMode};
use super::denial::{access_denied, require};
use super::policy::Permission;
use crate::Operation;

/// Action that creates a session, or copies without one.
const CREATE_SESSION: &str = "s3express:CreateSession";

/// Keys that an operation must be signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signer {
    /// Keys of a session.
    Session,
    /// Keys of IAM.
    Iam,
    /// Either.
    Any,
}

fn signer(operation: Operation) -> Signer {
    use Operation as O;
    match operation {
        O::CreateSession
        | O::CopyObject
        | O::UploadPartCopy
        | O::CreateBucket
        | O::DeleteBucket
        | O::GetBucketLocation => Signer::Iam,
        O::HeadBucket => Signer::Any,
        _ => Signer::Session,
    }
}

/// Checks that a key may be used for an operation on a directory bucket.
///
/// # Errors
/// The operation needs the keys of a session, or those of IAM, or they don't allow it.
pub(super) fn check(operation: Operation, key: &AccessKey, bucket: &str) -> S3Result<()> {
    let Some(session) = &key.session else {
        require(signer(operation) != Signer::Session)?;
        return require(may_create_session(key, bucket));
    };
    let may_write = session.mode == SessionMode::ReadWrite;
    let is_wrong = signer(operation) == Signer::Iam || session.bucket != bucket;
    if is_wrong || operation.is_write() && !may_write {
        return Err(access_denied());
    }
    Ok(())
}

/// Returns whether a key of IAM may create sessions of a bucket.
pub(super) fn may_create_session(key: &AccessKey, bucket: &str) -> bool {
    key.policy.allows(&Permission {
        action: CREATE_SESSION,
        bucket,
        key: None,
        list_prefix: None,
    })
}
