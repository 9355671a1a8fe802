//! Permission check of each request, after signature verification and before the operation runs.

use std::sync::Arc;

use http::HeaderMap;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::Credentials;
use s3s::dto::CopySource;
use s3s::path::S3Path;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::access_key::AccessKey;
use super::denial::{access_denied, require};
use super::policy::Permission;
use super::{KeyRing, directory};
use crate::Operation;
use crate::catalog::{Catalog, is_directory};
use crate::query::query_parameter;

/// The access keys and the buckets' own rules, together.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    keys: Arc<KeyRing>,
    catalog: Arc<Catalog>,
}

/// Operations that anyone may use on a public bucket.
const PUBLIC: &[Operation] = &[
    Operation::HeadBucket,
    Operation::GetBucketLocation,
    Operation::ListObjects,
    Operation::ListObjectsV2,
    Operation::HeadObject,
    Operation::GetObject,
];

impl Access {
    pub(crate) fn new(keys: Arc<KeyRing>, catalog: Arc<Catalog>) -> Access {
        Access { keys, catalog }
    }

    fn key(&self, credentials: Option<&Credentials>) -> Option<Arc<AccessKey>> {
        self.keys.find(&credentials?.access_key)
    }

    /// Checks that the caller may carry out an operation on a directory bucket that the S3 service does
    /// not know.
    ///
    /// # Errors
    /// The request is not signed with the keys of a session, or they don't allow it.
    pub(crate) fn check_directory(
        &self,
        operation: Operation,
        credentials: Option<&Credentials>,
        bucket: &str,
        headers: &HeaderMap,
    ) -> S3Result<()> {
        let key = self.key(credentials).ok_or_else(access_denied)?;
        check_session_token(&key, headers, "")?;
        directory::check(operation, &key, bucket)
    }

    /// Returns whether the caller may delete an object. `DeleteObjects` is checked key by key.
    pub(crate) fn may_delete(
        &self,
        credentials: Option<&Credentials>,
        bucket: &str,
        key: &str,
    ) -> bool {
        let permission = Permission {
            action: "s3:DeleteObject",
            bucket,
            key: Some(key),
            list_prefix: None,
        };
        self.key(credentials)
            .is_some_and(|found| found.session.is_some() || found.policy.allows(&permission))
    }

    /// Returns whether the caller may learn that a key does not exist; others get "access denied".
    pub(crate) fn may_list(&self, credentials: Option<&Credentials>, bucket: &str) -> bool {
        let list_prefix = None;
        let permission = Permission {
            action: "s3:ListBucket",
            bucket,
            key: None,
            list_prefix,
        };
        match self.key(credentials) {
            Some(found) if found.session.is_some() => true,
            Some(found) => found.policy.allows(&permission),
            None => self
                .catalog
                .settings(bucket)
                .is_some_and(|settings| settings.public_read),
        }
    }

    /// Returns whether the caller may read the tags of an object.
    pub(crate) fn may_read_tags(
        &self,
        credentials: Option<&Credentials>,
        bucket: &str,
        key: &str,
    ) -> bool {
        let found = self.key(credentials);
        found.is_some_and(|found| may(&found, "s3:GetObjectTagging", bucket, key))
    }

    fn check_bucket_rules(
        &self,
        operation: Operation,
        bucket: &str,
        credentials: Option<&Credentials>,
        (headers, query): (&HeaderMap, &str),
    ) -> S3Result<()> {
        let Some(settings) = self.catalog.settings(bucket) else {
            // The operation itself says that the bucket is missing; only creating one needs a caller.
            return require(credentials.is_some() || PUBLIC.contains(&operation));
        };
        let payer = headers
            .get("x-amz-request-payer")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
            .or_else(|| query_parameter(query, "x-amz-request-payer"));
        require(!settings.requester_pays || payer.as_deref() == Some("requester"))?;
        let public = settings.public_read && PUBLIC.contains(&operation);
        require(credentials.is_some() || public)
    }

    fn check_copy_source(
        &self,
        key: &AccessKey,
        operation: Operation,
        target: Option<(&str, &str)>,
        headers: &HeaderMap,
    ) -> S3Result<()> {
        let source = headers
            .get("x-amz-copy-source")
            .and_then(|value| value.to_str().ok());
        let source = source.and_then(|value| CopySource::parse(value).ok());
        let Some(CopySource::Bucket {
            bucket,
            key: source_key,
            ..
        }) = source
        else {
            return Ok(()); // the operation says what is wrong with it
        };
        let public = self
            .catalog
            .settings(&bucket)
            .is_some_and(|settings| settings.public_read);
        if is_directory(&bucket) {
            return require(directory::may_create_session(key, &bucket));
        }
        require(public || may(key, "s3:GetObject", &bucket, &source_key))?;
        let source = self.catalog.object(&bucket, &source_key);
        let has_tags = source.is_ok_and(|source| !source.headers.tags.is_empty());
        let directive = headers.get("x-amz-tagging-directive");
        if has_tags && operation == Operation::CopyObject && directive.is_none() {
            require(may(key, "s3:GetObjectTagging", &bucket, &source_key))?;
            require(
                target.is_some_and(|(bucket, target)| {
                    may(key, "s3:PutObjectTagging", bucket, target)
                }),
            )?;
        }
        Ok(())
    }
}

fn may(key: &AccessKey, action: &'static str, bucket: &str, object: &str) -> bool {
    key.policy.allows(&Permission {
        action,
        bucket,
        key: Some(object),
        list_prefix: None,
    })
}

fn check_session_token(key: &AccessKey, headers: &HeaderMap, query: &str) -> S3Result<()> {
    let header = match key.session {
        Some(_) => "x-amz-s3session-token",
        None => "x-amz-security-token",
    };
    let sent = headers.get(header).and_then(|value| value.to_str().ok());
    let sent = sent
        .map(str::to_owned)
        .or_else(|| query_parameter(query, "X-Amz-Security-Token"));
    let expected = key.session_token.as_ref().map(s3s::auth::SecretKey::expose);
    if sent.as_deref() == expected {
        return Ok(());
    }
    let message = "The provided token is malformed or otherwise invalid.";
    Err(S3Error::with_message(S3ErrorCode::InvalidToken, message))
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = Operation::from_name(cx.s3_op().name());
        let query = cx.uri().query().unwrap_or_default();
        let key = self.key(cx.credentials());
        if let Some(key) = &key {
            check_session_token(key, cx.headers(), query)?;
        }
        let (bucket, object_key) = match cx.s3_path() {
            S3Path::Root => ("*", None),
            S3Path::Bucket { bucket } => (bucket.as_ref(), None),
            S3Path::Object { bucket, key } => (bucket.as_ref(), Some(key.as_ref())),
        };
        if !cx.s3_path().is_root() {
            let sent = (cx.headers(), query);
            self.check_bucket_rules(operation, bucket, cx.credentials(), sent)?;
        }
        let Some(key) = key else {
            return require(!cx.s3_path().is_root());
        };
        if is_directory(bucket) {
            directory::check(operation, &key, bucket)?;
            let target = object_key.map(|object_key| (bucket, object_key));
            return self.check_copy_source(&key, operation, target, cx.headers());
        }
        require(key.session.is_none())?;
        if operation == Operation::DeleteObjects {
            return Ok(()); // checked for each key
        }
        let action = operation.action().unwrap_or("s3:*");
        let listing = matches!(operation, Operation::ListObjects | Operation::ListObjectsV2);
        let prefix = listing.then(|| query_parameter(query, "prefix")).flatten();
        let list_prefix = prefix.as_deref();
        require(key.policy.allows(&Permission {
            action,
            bucket,
            key: object_key,
            list_prefix,
        }))?;
        if let Some(object_key) = object_key
            && cx.headers().contains_key("x-amz-tagging")
        {
            require(may(&key, "s3:PutObjectTagging", bucket, object_key))?;
        }
        if matches!(operation, Operation::CopyObject | Operation::UploadPartCopy) {
            let target = object_key.map(|object_key| (bucket, object_key));
            self.check_copy_source(&key, operation, target, cx.headers())?;
        }
        Ok(())
    }
}
