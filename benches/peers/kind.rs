//! Programs that can be compared.

use clap::ValueEnum;

/// Program with a known command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Stub,
    #[value(name = "mount-s3")]
    Mountpoint,
    S3fs,
    Rclone,
    Geesefs,
    Goofys,
    Juicefs,
}
