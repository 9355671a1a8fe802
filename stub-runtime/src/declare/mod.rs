//! Declarations of a program: functions with their options, volumes, secrets and schedules, and `stub.toml`.

mod function;
mod nearest;
mod options;
pub(crate) mod registry;
#[cfg(feature = "schedule")]
mod schedule;
#[cfg(not(feature = "schedule"))]
#[path = "no_schedule.rs"]
mod schedule;
mod secret;
mod settings;
mod volume;

pub use function::{FUNCTIONS, Function, Parameter};
pub use options::{Engine, EngineName, Kubernetes, Options, Retries, Slurm};
#[cfg(feature = "schedule")]
pub use schedule::{Cron, Period};
pub use schedule::{Schedule, ScheduleError};
pub use secret::{IntoSecret, Secret, SecretError, environment};
pub use settings::{
    Flag, Job, JobError, Mode, Settings, SettingsError, Size, Tag, Time, VolumeUrl,
};
pub(crate) use volume::SecretReader;
pub use volume::{
    CloudBucketMount, FolderOptions, MetadataTtl, PathError, RoleOptions, TagError, UploadOptions,
    VolumeError, VolumeOptions, VolumePath,
};
