//! Why a volume, as it is declared, cannot be mounted.

use std::path::PathBuf;

use s3fs_core::{BucketNameError, PrefixError};

/// Why a volume, as it is declared, cannot be mounted; the text says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// The bucket's name.
    #[error(transparent)]
    Bucket(#[from] BucketNameError),
    /// `key_prefix`.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// `bucket_endpoint_url`.
    #[error("the endpoint `{url}` is not usable: {reason}")]
    Endpoint {
        /// What was given.
        url: String,
        /// The rule it breaks.
        reason: String,
    },
    /// `bucket_endpoint_url` holds `user:password@`; it is not repeated here.
    #[error("the endpoint's URL holds credentials (`…@`): give them as a secret")]
    CredentialsInEndpoint,
    /// The secret could not be made: `SecretError`'s text.
    #[error("no secret: {0}")]
    Secret(String),
    /// The secret lacks a key, or its value is empty.
    #[error(
        "the secret has no {}; it has {}",
        missing.join(" and no "),
        if present.is_empty() { "nothing".to_owned() } else { present.join(", ") }
    )]
    MissingKeys {
        /// Names of the keys.
        missing: Vec<&'static str>,
        /// Names that the secret has.
        present: Vec<String>,
    },
    /// Two options that exclude each other.
    #[error("`{0}` and `{1}` exclude each other: leave one out")]
    Conflict(&'static str, &'static str),
    /// `region` is the empty string.
    #[error("the region is empty: leave the option out, and the bucket is asked")]
    EmptyRegion,
    /// `file_mode` or `dir_mode`.
    #[error("`{option}` is {mode:#o}, which is more than permission bits: write 0o777 at most")]
    Mode {
        /// Which of them.
        option: &'static str,
        /// What was given.
        mode: u32,
    },
    /// `cache`'s folder is a relative path.
    #[error("the cache folder `{}` is a relative path: write an absolute one", dir.display())]
    CachePath {
        /// What was given.
        dir: PathBuf,
    },
    /// `cache`'s size is 0.
    #[error("the cache `{}` has the size 0: give it some bytes, or leave it out", dir.display())]
    EmptyCache {
        /// Its folder.
        dir: PathBuf,
    },
    /// `stage`'s folder is a relative path.
    #[error("the stage folder `{}` is a relative path: write an absolute one", dir.display())]
    StagePath {
        /// What was given.
        dir: PathBuf,
    },
}
