//! Declarations of a program: functions with their options, volumes, secrets and schedules, and `stub.toml`.

mod function;
mod options;
pub(crate) mod registry;
mod schedule;
mod secret;
mod settings;
mod volume;

pub use function::{FUNCTIONS, Function, Parameter};
pub use options::{Engine, EngineName, Kubernetes, Options, Retries, Slurm};
pub use schedule::{Cron, Period, Schedule, ScheduleError};
pub use secret::{IntoSecret, Secret, SecretError, environment};
pub use settings::{Job, JobError, Settings, SettingsError, Size, Time, VolumeUrl};
pub use volume::{CloudBucketMount, PathError, VolumeError, VolumePath};
