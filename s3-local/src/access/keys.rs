//! Access keys of a server.

use std::collections::HashMap;

use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::Policy;

/// Access key with its policy. Its secrets show in no output.
#[derive(Clone, Debug)]
pub(crate) struct AccessKey {
    pub(crate) secret: SecretKey,
    /// Session token of temporary credentials, which are refused without it.
    pub(crate) session_token: Option<SecretKey>,
    pub(crate) policy: Policy,
}

/// Access keys by ID.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRing {
    pub(crate) keys: HashMap<String, AccessKey>,
}

#[async_trait::async_trait]
impl S3Auth for KeyRing {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let found = self.keys.get(access_key).map(|key| key.secret.clone());
        found.ok_or_else(|| {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            S3Error::with_message(S3ErrorCode::InvalidAccessKeyId, message)
        })
    }
}
