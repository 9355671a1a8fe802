//! Which programs there are.

use clap::ValueEnum;

/// The programs we know how to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Stub,
    #[value(name = "mount-s3")]
    Mountpoint,
    S3fs,
    Rclone,
    Geesefs,
    Goofys,
}
