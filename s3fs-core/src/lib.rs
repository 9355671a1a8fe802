//! An S3 bucket as a file system.

pub mod config;
pub mod object;
mod mount;

pub use config::{Access, Credentials, MountConfig, Ownership};
pub use mount::{ConnectError, FileSystem, NotStored, Resources, Serving};
pub use object::{BucketName, BucketNameError, Prefix, PrefixError};
