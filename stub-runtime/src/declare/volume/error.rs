//! Errors of volumes that cannot be mounted as declared.

use std::path::PathBuf;

use s3fs_core::{
    BucketNameError, EncryptionAlgorithmError, PrefixError, RoleError, UploadChecksumError,
};

use super::tags::TagError;
use crate::declare::nearest::nearest;

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
    #[error("endpoint `{url}` is not usable: {reason}")]
    Endpoint {
        /// Given URL.
        url: String,
        /// Rule that it breaks.
        reason: String,
    },
    /// `bucket_endpoint_url` holds `user:password@`; it is not repeated here.
    #[error("endpoint URL holds credentials (`…@`)\ngive them as a secret")]
    CredentialsInEndpoint,
    /// The secret could not be made: `SecretError`'s text.
    #[error("failed to load the secret: {0}")]
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
    /// An entry of the secret is not the time at which its keys expire.
    #[error("`{0}` of the secret is not a time\nwrite one such as `2030-01-31T12:00:00Z`")]
    Expiry(&'static str),
    /// Two options exclude each other.
    #[error("`{0}` and `{1}` exclude each other\nleave one out")]
    Conflict(&'static str, &'static str),
    /// The option `role_arn`, `oidc_auth_role_arn` or `role_session_name` is invalid.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// An option about a role, without the role.
    #[error("`{0}` belongs to a role\ngive `role_arn` as well, or leave it out")]
    NoRole(&'static str),
    /// `region` is the empty string.
    #[error("region is empty\nleave the option out, and the bucket is asked")]
    EmptyRegion,
    /// The option `file_mode` or `dir_mode` is invalid.
    #[error("`{option}` is {mode:#o}, which is more than permission bits\nwrite 0o777 at most")]
    Mode {
        /// Name of the option.
        option: &'static str,
        /// Given mode.
        mode: u32,
    },
    /// The option `cache_size` or `stage_size`, without a folder.
    #[error("`{0}_size` needs a folder\ngive `{0}` as well, or leave the size out")]
    NoFolder(&'static str),
    /// `cache`'s folder is a relative path.
    #[error("cache folder `{}` is a relative path\nwrite an absolute one", dir.display())]
    CachePath {
        /// Given path.
        dir: PathBuf,
    },
    /// `cache`'s size is 0.
    #[error("cache `{}` has the size 0\ngive it some bytes, or leave it out", dir.display())]
    EmptyCache {
        /// Path of the folder.
        dir: PathBuf,
    },
    /// The option `warm`, without a cache.
    #[error("`warm` needs a cache\ngive `cache` as well, or leave `warm` out")]
    WarmWithoutCache,
    /// `memory` is too little for the parts of uploads.
    #[error("`memory` must be at least 16 MiB, not {bytes} bytes\nwrite more, or leave it out")]
    LittleMemory {
        /// Given memory, in bytes.
        bytes: u64,
    },
    /// `stage`'s folder is a relative path.
    #[error("stage folder `{}` is a relative path\nwrite an absolute one", dir.display())]
    StagePath {
        /// Given path.
        dir: PathBuf,
    },
    /// The option `sse` is no encryption.
    #[error(transparent)]
    Encryption(#[from] EncryptionAlgorithmError),
    /// `sse_kms_key_id` is given without encryption by AWS KMS.
    #[error(
        "`sse_kms_key_id` needs encryption with AWS KMS\n\
         set `sse` to `aws:kms` or `aws:kms:dsse`, or leave the key out"
    )]
    KeyWithoutKms,
    /// `bucket_key` is given without the encryption that has such keys.
    #[error(
        "`bucket_key` needs the encryption `aws:kms`\nset `sse` to it, or leave the bucket key out"
    )]
    BucketKeyWithoutKms,
    /// The option `sse_kms_key_id` is no key.
    #[error(
        "`{given}` is not a key of AWS KMS\nwrite its ID, ARN or alias, such as `alias/my-key`"
    )]
    Key {
        /// Given text.
        given: String,
    },
    /// The option `storage_class` has characters that no class has.
    #[error("`{given}` is not a storage class\nwrite one such as `STANDARD_IA`")]
    StorageClass {
        /// Given text.
        given: String,
    },
    /// The option `acl` is no canned ACL.
    #[error("`{given}` is not a canned ACL\n{}", known_acls(given, known))]
    Acl {
        /// Given text.
        given: String,
        /// Canned ACLs of objects.
        known: &'static [&'static str],
    },
    /// The option `tags` breaks a rule of S3.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The option `checksum` is no checksum.
    #[error(transparent)]
    Checksum(#[from] UploadChecksumError),
    /// The option `expected_bucket_owner` is no account.
    #[error("`{given}` is not the ID of an account\nwrite its 12 digits, such as `123456789012`")]
    Owner {
        /// Given text.
        given: String,
    },
}

/// Suggests the probable canned ACL, or lists all.
fn known_acls(given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write one of {}", known.join(", ")),
    }
}
