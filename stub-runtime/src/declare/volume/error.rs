//! Errors of volumes that cannot be mounted as declared.

use std::path::PathBuf;

use s3fs_core::{BucketNameError, PrefixError, RoleError};

/// Reason for which a volume cannot be mounted as declared; the text has the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VolumeError {
    /// The bucket's name is invalid.
    #[error(transparent)]
    Bucket(#[from] BucketNameError),
    /// The option `key_prefix` is invalid.
    #[error(transparent)]
    Prefix(#[from] PrefixError),
    /// The option `bucket_endpoint_url` is invalid.
    #[error("the endpoint `{url}` is not usable: {reason}")]
    Endpoint {
        /// Given URL.
        url: String,
        /// Rule that it breaks.
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
    /// Two options exclude each other.
    #[error("`{0}` and `{1}` exclude each other: leave one out")]
    Conflict(&'static str, &'static str),
    /// The option `role_arn`, `oidc_auth_role_arn` or `role_session_name` is invalid.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// An option about a role, without the role.
    #[error("`{0}` belongs to a role: give `role_arn` as well, or leave it out")]
    NoRole(&'static str),
    /// `region` is the empty string.
    #[error("the region is empty: leave the option out, and the bucket is asked")]
    EmptyRegion,
    /// The option `file_mode` or `dir_mode` is invalid.
    #[error("`{option}` is {mode:#o}, which is more than permission bits: write 0o777 at most")]
    Mode {
        /// Name of the option.
        option: &'static str,
        /// Given mode.
        mode: u32,
    },
    /// `cache`'s folder is a relative path.
    #[error("the cache folder `{}` is a relative path: write an absolute one", dir.display())]
    CachePath {
        /// Given path.
        dir: PathBuf,
    },
    /// `cache`'s size is 0.
    #[error("the cache `{}` has the size 0: give it some bytes, or leave it out", dir.display())]
    EmptyCache {
        /// Path of the folder.
        dir: PathBuf,
    },
    /// `stage`'s folder is a relative path.
    #[error("the stage folder `{}` is a relative path: write an absolute one", dir.display())]
    StagePath {
        /// Given path.
        dir: PathBuf,
    },
}
