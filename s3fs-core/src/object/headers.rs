//! What is stored with an object beside its bytes.

use std::collections::BTreeMap;

/// What is stored with an object beside its bytes. It can change though the bytes, and with them
/// the object's `ETag`, do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `Content-Type`. A store has one of its own for objects that are stored without.
    pub content_type: Option<String>,
    /// User metadata: lowercase names without `x-amz-meta-`, values as the server gave them (S3
    /// encodes those that are not ASCII as RFC 2047 has it).
    pub metadata: BTreeMap<String, String>,
}
