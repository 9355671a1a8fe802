//! Presigned URLs.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use super::S3Store;
use crate::object::Key;
use crate::store::{StoreError, StoreErrorKind};

/// Maximum validity of a signature ([S3]).
///
/// [S3]: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
const LONGEST: Duration = Duration::from_hours(7 * 24);

impl S3Store {
    /// Returns a URL that lets its holder read the object.
    ///
    /// # Errors
    /// Returns an error if there are no credentials to sign with.
    pub(crate) async fn presigned_get(
        &self,
        key: &Key,
        valid: Duration,
    ) -> Result<String, StoreError> {
        let config = PresigningConfig::expires_in(valid.min(LONGEST)).map_err(|error| {
            let words = error.to_string();
            self.failed("GetObject", key, StoreErrorKind::Other(words))
        })?;
        let request = self
            .client
            .get_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .set_request_payer(self.payer.clone());
        let presigned = request.presigned(config).await;
        presigned
            .map(|request| request.uri().to_owned())
            .map_err(self.error("GetObject", key))
    }
}
