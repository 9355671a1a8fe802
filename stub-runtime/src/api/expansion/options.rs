//! Options of the attribute, each with its type.

use std::path::PathBuf;
use std::time::Duration;

use crate::declare::{CloudBucketMount, IntoSecret, Options, Retries, Secret, SecretError};

/// Option `volumes = <"/path" => mount, …>`.
pub fn volumes<const N: usize>(
    entries: [(&'static str, CloudBucketMount); N],
) -> Vec<(&'static str, CloudBucketMount)> {
    entries.into()
}

/// Entry of `secrets = […]`.
///
/// # Errors
/// The error of the constructor.
pub fn secret(secret: impl IntoSecret) -> Result<Secret, SecretError> {
    secret.into_secret()
}

/// Option `secrets = […]`.
///
/// # Errors
/// The error of the first secret that could not be made.
pub fn secrets<const N: usize>(
    entries: [Result<Secret, SecretError>; N],
) -> Result<Vec<Secret>, SecretError> {
    entries.into_iter().collect()
}

/// Type of `timeout`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a timeout",
    label = "expected a `Duration` or an `Option<Duration>`",
    note = "write `Duration::from_secs(60)`"
)]
pub trait Timeout {
    /// Returns the limit, if there is one.
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

/// Type of `retries`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't say how often to retry",
    label = "expected a number or a `Retries`",
    note = "write `3`, or `Retries::new(3).initial_delay(Duration::from_secs(5))`"
)]
pub trait IntoRetries {
    /// Converts to retries.
    fn into_retries(self) -> Retries;
}

impl IntoRetries for u32 {
    fn into_retries(self) -> Retries {
        self.into()
    }
}

impl IntoRetries for Retries {
    fn into_retries(self) -> Retries {
        self
    }
}

/// Type of a variable's value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the value of a variable",
    label = "expected a text",
    note = "write a `&str` or a `String`, such as `format!(\"{{}}\", value)`"
)]
pub trait Text {
    /// Converts to text.
    fn text(self) -> String;
}

impl Text for &str {
    fn text(self) -> String {
        self.to_owned()
    }
}

impl Text for String {
    fn text(self) -> String {
        self
    }
}

impl Text for &String {
    fn text(self) -> String {
        self.clone()
    }
}

impl Options {
    /// Creates the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Option `timeout = …`.
    pub fn timeout(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// Option `retries = …`.
    pub fn retries(mut self, retries: impl IntoRetries) -> Self {
        self.retries = retries.into_retries();
        self
    }

    /// Adds an entry of `env = <"NAME" => value, …>`.
    pub fn env(mut self, name: &str, value: impl Text) -> Self {
        self.env.push((name.to_owned(), value.text()));
        self
    }

    /// Option `max_containers = …`.
    pub fn max_containers(mut self, most: usize) -> Self {
        self.max_containers = Some(most);
        self
    }

    /// Option `max_inputs = …`.
    pub fn max_inputs(mut self, most: u64) -> Self {
        self.max_inputs = Some(most);
        self
    }

    /// Option `workdir = …`.
    pub fn workdir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.workdir = Some(folder.into());
        self
    }

    /// Option `cpu = …`, in processors.
    pub fn cpu(mut self, processors: impl Into<f64>) -> Self {
        self.limits.cpu = Some(processors.into());
        self
    }

    /// Option `memory = …`, in MiB.
    pub fn memory(mut self, mebibytes: u64) -> Self {
        self.limits.memory = Some(mebibytes.saturating_mul(1 << 20));
        self
    }

    /// Option `lenient_limits = …`.
    pub fn lenient_limits(mut self, lenient: bool) -> Self {
        self.limits.lenient = lenient;
        self
    }

    /// Option `network = …`.
    pub fn network(mut self, network: bool) -> Self {
        self.network = network;
        self
    }

    /// Option `isolate = …`.
    pub fn isolate(mut self, isolate: bool) -> Self {
        self.isolate = isolate;
        self
    }
}
