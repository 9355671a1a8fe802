//! Access key, also of a session.

use s3s::auth::SecretKey;

use super::Policy;
use crate::catalog::Encryption;

/// Access key with its policy. Its secrets show in no output.
#[derive(Clone, Debug)]
pub(crate) struct AccessKey {
    pub(crate) secret: SecretKey,
    /// Session token of temporary credentials, which are refused without it.
    pub(crate) session_token: Option<SecretKey>,
    pub(crate) policy: Policy,
    /// Scope of the keys of a session of a directory bucket.
    pub(crate) session: Option<SessionScope>,
}

/// Requests that the keys of a session may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionMode {
    ReadWrite,
    ReadOnly,
}

/// Bucket, mode and encryption of a session.
#[derive(Clone, Debug)]
pub(crate) struct SessionScope {
    pub(crate) bucket: String,
    pub(crate) mode: SessionMode,
    /// Encryption of new objects; that of the bucket when absent.
    pub(crate) encryption: Option<Encryption>,
}
