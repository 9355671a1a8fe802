//! The options of the attribute, each with its type.

use std::path::PathBuf;
use std::time::Duration;

use crate::options::{Options, Retries};
use crate::schedule::{Cron, Period, Schedule, ScheduleError};
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

/// What `retries` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't say how often to retry",
    label = "expected a number or a `Retries`",
    note = "write `3`, or `Retries::new(3).initial_delay(Duration::from_secs(5))`"
)]
pub trait IntoRetries {
    /// The retries.
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

/// What `schedule` may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a schedule",
    label = "expected a `Cron` or a `Period`",
    note = "write `Cron(\"0 3 * * *\")` or `Period(Duration::from_secs(3600))`"
)]
pub trait IntoSchedule {
    /// The schedule.
    ///
    /// # Errors
    /// It is none.
    fn into_schedule(self) -> Result<Schedule, ScheduleError>;
}

impl IntoSchedule for Cron<'_> {
    fn into_schedule(self) -> Result<Schedule, ScheduleError> {
        self.try_into()
    }
}

impl IntoSchedule for Period {
    fn into_schedule(self) -> Result<Schedule, ScheduleError> {
        self.try_into()
    }
}

/// What the value of a variable may be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the value of a variable",
    label = "expected a text",
    note = "write a `&str` or a `String`, such as `format!(\"{{}}\", value)`"
)]
pub trait Text {
    /// The text.
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
    /// As it is without any option.
    pub fn new() -> Self {
        Self::default()
    }

    /// `timeout = …`.
    pub fn timeout(mut self, timeout: impl Timeout) -> Self {
        self.timeout = timeout.limit();
        self
    }

    /// `retries = …`.
    pub fn retries(mut self, retries: impl IntoRetries) -> Self {
        self.retries = retries.into_retries();
        self
    }

    /// One of `env = <"NAME" => value, …>`.
    pub fn env(mut self, name: &str, value: impl Text) -> Self {
        self.env.push((name.to_owned(), value.text()));
        self
    }

    /// `max_containers = …`.
    pub fn max_containers(mut self, most: usize) -> Self {
        self.max_containers = Some(most);
        self
    }

    /// `max_inputs = …`.
    pub fn max_inputs(mut self, most: u64) -> Self {
        self.max_inputs = Some(most);
        self
    }

    /// `workdir = …`.
    pub fn workdir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.workdir = Some(folder.into());
        self
    }

    /// `cpu = …`: processors.
    pub fn cpu(mut self, processors: impl Into<f64>) -> Self {
        self.limits.cpu = Some(processors.into());
        self
    }

    /// `memory = …`: MiB.
    pub fn memory(mut self, mebibytes: u64) -> Self {
        self.limits.memory = Some(mebibytes.saturating_mul(1 << 20));
        self
    }

    /// `lenient_limits = …`.
    pub fn lenient_limits(mut self, lenient: bool) -> Self {
        self.limits.lenient = lenient;
        self
    }

    /// `schedule = …`.
    pub fn schedule(mut self, schedule: impl IntoSchedule) -> Self {
        self.schedule = Some(schedule.into_schedule());
        self
    }

    /// `network = …`.
    pub fn network(mut self, network: bool) -> Self {
        self.network = network;
        self
    }

    /// `isolate = …`.
    pub fn isolate(mut self, isolate: bool) -> Self {
        self.isolate = isolate;
        self
    }
}
