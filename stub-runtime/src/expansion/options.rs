//! The options of the attribute, each with its type.

use std::time::Duration;

use crate::secret::{IntoSecret, Secret, SecretError};
use crate::volume::CloudBucketMount;

/// `volumes = <"/path" => mount, …>`.
pub fn volumes<const N: usize>(
    entries: [(&'static str, CloudBucketMount); N],
) -> Vec<(&'static str, CloudBucketMount)> {
    entries.into()
}

/// One of `secrets = […]`.
///
/// # Errors
/// The constructor's.
pub fn secret(secret: impl IntoSecret) -> Result<Secret, SecretError> {
    secret.into_secret()
}

/// `secrets = […]`.
///
/// # Errors
/// That of the first secret that could not be made.
pub fn secrets<const N: usize>(
    entries: [Result<Secret, SecretError>; N],
) -> Result<Vec<Secret>, SecretError> {
    entries.into_iter().collect()
}

/// What `timeout` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a timeout",
    label = "expected a `Duration` or an `Option<Duration>`",
    note = "write `Duration::from_secs(60)`"
)]
pub trait Timeout {
    /// The limit, if there is one.
    fn limit(self) -> Option<Duration>;
}

impl Timeout for Duration {
    fn limit(self) -> Option<Duration> {
        Some(self)
    }
}

impl Timeout for Option<Duration> {
    fn limit(self) -> Option<Duration> {
        self
    }
}

/// `timeout = …`.
pub fn timeout(timeout: impl Timeout) -> Option<Duration> {
    timeout.limit()
}
