//! Configuration of a mount: plain data, independent of its source.

mod endpoints;
mod freshness;
mod key_source;
mod role;
mod uploads;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::object::{BucketName, Prefix};

pub use endpoints::EndpointOptions;
pub use freshness::{Freshness, SHORTEST_TTL};
pub use key_source::{KeySource, ReadKeySource, ReadKeys};
pub use role::{AssumedRole, RoleArn, RoleError, SessionName};
pub use uploads::{UploadChecksum, UploadChecksumError, UploadSettings};

/// Configuration to serve a bucket, or a prefix of it, as a file system.
///
/// Serialisable because the process that declares a mount is not the one that serves it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MountConfig {
    /// Name of the bucket.
    pub bucket: BucketName,
    /// Prefix of the visible keys; the empty prefix is the whole bucket.
    pub prefix: Prefix,
    /// Region of the bucket; requested from the bucket when absent.
    pub region: Option<String>,
    /// URL of an S3-compatible server; AWS when absent.
    pub endpoint_url: Option<String>,
    /// Kinds of AWS's endpoints to use.
    #[serde(default)]
    pub endpoints: EndpointOptions,
    /// True to address the bucket as `endpoint/bucket` instead of `bucket.endpoint`.
    pub force_path_style: bool,
    /// True to accept the charges of a requester-pays bucket.
    pub requester_pays: bool,
    /// Account that must own the bucket: the requests to any other are refused.
    #[serde(default)]
    pub expected_bucket_owner: Option<String>,
    /// Settings of the objects that the mount writes.
    #[serde(default)]
    pub uploads: UploadSettings,
    /// Credentials of the requests, or to assume the role with.
    pub credentials: Credentials,
    /// Place from which static keys came, to be read again when they are refused; none if they
    /// stay as they are.
    #[serde(default)]
    pub key_source: Option<KeySource>,
    /// Time at which the static keys expire, if it is known: they are read again before that.
    #[serde(default)]
    pub keys_expire: Option<SystemTime>,
    /// Reader of that place. It is not carried to other processes.
    #[serde(skip)]
    pub key_reader: Option<Arc<dyn ReadKeySource>>,
    /// Role to assume for the requests; none when absent.
    #[serde(default)]
    pub role: Option<AssumedRole>,
    /// Permitted changes.
    pub access: Access,
    /// Owner and permission bits shown by `stat`.
    pub ownership: Ownership,
    /// Folders, as paths below the root, that exist whether or not the bucket has them: the mount
    /// points of volumes below this one.
    pub folders: Vec<String>,
    /// Validity of the store's answers about names and versions.
    #[serde(default)]
    pub freshness: Freshness,
    /// Cache of objects on the local disk; none when absent.
    pub cache: Option<CacheConfig>,
    /// Folders, as paths below the root that end in `/` or are empty, whose objects are brought into
    /// the cache before the mount serves.
    #[serde(default)]
    pub warm: Vec<String>,
    /// True if the last `close` of a file waits until it is stored, and reports a failure.
    pub waits_on_close: bool,
    /// Folder for changed files that exceed memory. When absent, the temporary folder, without a
    /// limit.
    pub stage: Option<StageConfig>,
    /// Folder for the bytes of files that could not be stored; they are lost when absent.
    pub rescue: Option<PathBuf>,
    /// Memory for the contents of files, in bytes, which the mounts of a process share: the largest of
    /// theirs. When absent, a share of the machine's.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Maximum time for which a failing request is repeated; zero for a single attempt.
    #[serde(default = "default_retry_timeout")]
    pub retry_timeout: Duration,
}

/// Default time for which a failing request is repeated: S3 refuses requests for minutes while it
/// divides a bucket among more of its servers.
pub const DEFAULT_RETRY_TIMEOUT: Duration = Duration::from_mins(5);

fn default_retry_timeout() -> Duration {
    DEFAULT_RETRY_TIMEOUT
}

/// Folder of the local disk for files that are being changed. They are unnamed: nothing is left
/// when the process ends, however it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageConfig {
    /// Path of the folder, which must exist.
    pub dir: PathBuf,
    /// Maximum disk space of all files, in bytes.
    pub size: u64,
}

/// Folder of the local disk in which objects are cached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CacheConfig {
    /// Path of the folder. It is created if it is missing; else it must belong to the user who
    /// mounts, and be private.
    pub dir: PathBuf,
    /// Maximum disk space of the cache, in bytes.
    pub size: u64,
}

impl MountConfig {
    /// Creates a read-write mount of a whole bucket on AWS with the standard credential chain.
    pub fn new(bucket: BucketName) -> Self {
        Self {
            bucket,
            prefix: Prefix::root(),
            region: None,
            endpoint_url: None,
            endpoints: EndpointOptions::default(),
            force_path_style: false,
            requester_pays: false,
            expected_bucket_owner: None,
            uploads: UploadSettings::default(),
            credentials: Credentials::Chain { profile: None },
            key_source: None,
            keys_expire: None,
            key_reader: None,
            role: None,
            access: Access::default(),
            ownership: Ownership::default(),
            folders: Vec::new(),
            freshness: Freshness::default(),
            cache: None,
            warm: Vec::new(),
            waits_on_close: false,
            stage: None,
            rescue: None,
            memory: None,
            retry_timeout: DEFAULT_RETRY_TIMEOUT,
        }
    }
}

/// Source of the credentials.
#[derive(Clone, Serialize, Deserialize)]
pub enum Credentials {
    /// Standard AWS chain: environment, profile files, SSO, web identity, instance role.
    Chain {
        /// Profile to use instead of the one from the environment or the default one.
        profile: Option<String>,
    },
    /// Keys given by the user.
    Static {
        /// `AWS_ACCESS_KEY_ID`.
        access_key_id: String,
        /// `AWS_SECRET_ACCESS_KEY`.
        secret_access_key: String,
        /// `AWS_SESSION_TOKEN`, for temporary credentials.
        session_token: Option<String>,
    },
    /// Role that is assumed with the identity token of this machine or job, which the environment
    /// names (`AWS_WEB_IDENTITY_TOKEN_FILE`) or has (`MODAL_IDENTITY_TOKEN`).
    WebIdentity {
        /// Role to assume.
        role_arn: RoleArn,
        /// Name of the session; a default one when absent.
        session_name: Option<SessionName>,
    },
    /// Unsigned requests, for public buckets.
    Anonymous,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain { profile } => f.debug_struct("Chain").field("profile", profile).finish(),
            Self::Static { .. } => f.write_str("Static { .. }"),
            Self::WebIdentity { role_arn, .. } => {
                f.debug_tuple("WebIdentity").field(role_arn).finish()
            }
            Self::Anonymous => f.write_str("Anonymous"),
        }
    }
}

/// Changes that a mount may make in its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Read-only: no request that writes is ever sent.
    ReadOnly,
    /// Read-write: new objects may be written.
    ReadWrite {
        /// True if objects may be deleted.
        delete: bool,
        /// True if existing objects may be replaced.
        overwrite: bool,
    },
}

impl Default for Access {
    fn default() -> Self {
        Self::ReadWrite {
            delete: true,
            overwrite: true,
        }
    }
}

/// Owner and permission bits shown for entries.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ownership {
    /// Owner; the user who mounts when absent.
    pub uid: Option<u32>,
    /// Group; the group of the user who mounts when absent.
    pub gid: Option<u32>,
    /// Permission bits of files, such as `0o644`.
    pub file_mode: u16,
    /// Permission bits of folders, such as `0o755`.
    pub dir_mode: u16,
}

impl Default for Ownership {
    fn default() -> Self {
        Self {
            uid: None,
            gid: None,
            file_mode: 0o644,
            dir_mode: 0o755,
        }
    }
}
