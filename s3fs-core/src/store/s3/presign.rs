//! Presigned URLs.

use std::time::Duration;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::presigning::PresigningConfig;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

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
            .set_request_payer(self.payer.clone())
            .customize()
            .mutate_request(move_headers);
        let presigned = request.presigned(config).await;
        presigned
            .map(|request| request.uri().to_owned())
            .map_err(self.error("GetObject", key))
    }
}

/// Moves the headers `x-amz-*` of a request into its query, such as the expected owner of the
/// bucket: a holder of the URL sends no headers, and the server demands all that are signed.
fn move_headers(request: &mut HttpRequest) {
    let is_moved = |(name, _): &(&str, &str)| name.starts_with("x-amz-");
    let headers = request.headers().iter().filter(is_moved);
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut uri = request.uri().to_owned();
    for (name, value) in headers {
        let separator = if uri.contains('?') { '&' } else { '?' };
        let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
        uri = format!("{uri}{separator}{name}={value}");
        request.headers_mut().remove(name);
    }
    // It stays a URI: the values are encoded.
    let is_set = request.set_uri(uri);
    debug_assert!(is_set.is_ok(), "{is_set:?}");
}
