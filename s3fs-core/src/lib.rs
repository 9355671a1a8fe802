//! S3 bucket as a file system.
//!
//! [`FileSystem::connect`] connects to a bucket, [`FileSystem::serve`] serves it on a FUSE
//! descriptor (or [`FileSystem::mount_at`] at a folder), and [`Serving::finish`] waits until
//! everything written is in the bucket.
//!
//! Layers, each using only the ones before it: `object` and `config` (values), `store` (requests to
//! a bucket), `cache` (a store over another), `budget`, `tree`, `list`, `read` and `write`
//! (mechanisms, independent of each other), `fs` (the operations), `fuse` and `mount` (the
//! interfaces).

#![allow(
    clippy::cast_possible_truncation,
    reason = "sizes of what is in memory fit into usize, which has 64 bits: checked below"
)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("s3fs-core needs 64-bit pointers");

pub mod budget;
mod cache;
pub mod config;
mod end;
mod fs;
mod fuse;
mod journal;
mod list;
mod machine;
mod mount;
pub mod object;
mod objects;
mod ordered;
mod probe;
mod read;
mod resources;
pub mod store;
mod sweep;
mod tree;
mod trials;
mod usage;
mod warm;
mod write;

pub use cache::CacheError;
pub use config::{
    Access, AssumedRole, CacheConfig, Credentials, DEFAULT_RETRY_TIMEOUT, EndpointOptions,
    Freshness, KeySource, MountConfig, Ownership, ReadKeySource, ReadKeys, RoleArn, RoleError,
    SessionName, StageConfig, UploadChecksum, UploadChecksumError, UploadSettings,
};
pub use fs::{NotStored, Pending, PidNamespace};
pub use fuse::{MountEntry, MountPoint, MountedFolder, MountedFolderError, Unmount};
pub use mount::{FileSystem, Finisher, MountError, Mounted, Serving};
pub use object::{
    BucketKind, BucketName, BucketNameError, Encryption, EncryptionAlgorithm,
    EncryptionAlgorithmError, Prefix, PrefixError, Shown, chain, chain_in_one_line, partition,
};
pub use objects::{Objects, Unshown};
pub use probe::{Probe, probe};
pub use resources::{DEFAULT_BUDGET, LEAST_BUDGET, Resources, memory_beside, memory_of_each};
pub use store::Capability;
pub use store::s3::{ConnectError, ProfileError, ProfileKeys, profile_credentials};
pub use store::{UnfinishedUpload, UploadObserver};
pub use sweep::abort_uploads;
pub use trials::{Trial, TrialOutcome, trials};
pub use usage::Usage;
pub use warm::{Amount, WarmError, WarmProgress, WarmReport, Warming};
