//! What is mounted and how: plain data, with no knowledge of where it came from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::object::{BucketName, Prefix};

/// Everything needed to serve one bucket, or one prefix of it, as a file system.
///
/// Serialisable because the process that declares a mount is not the one that serves it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MountConfig {
    /// The bucket's name.
    pub bucket: BucketName,
    /// Only keys under this prefix are visible; the empty prefix is the whole bucket.
    pub prefix: Prefix,
    /// The bucket's region; found by asking the bucket when absent.
    pub region: Option<String>,
    /// An S3-compatible server's URL; AWS when absent.
    pub endpoint_url: Option<String>,
    /// Address the bucket as `endpoint/bucket` instead of `bucket.endpoint`.
    pub force_path_style: bool,
    /// Accept the charges of a requester-pays bucket.
    pub requester_pays: bool,
    /// Who asks.
    pub credentials: Credentials,
    /// What may be changed.
    pub access: Access,
    /// How entries look to `stat`.
    pub ownership: Ownership,
    /// Folders, as paths below the root, that exist whether or not the bucket holds them: the mount
    /// points of volumes that lie under this one.
    pub folders: Vec<String>,
    /// Where objects are kept on the local disk; nowhere when absent.
    pub cache: Option<CacheConfig>,
    /// The last `close` of a file waits until it is stored, and says if it could not be.
    pub waits_on_close: bool,
    /// Where files are that are being changed and don't fit into memory; without a limit in the
    /// temporary folder when absent.
    pub stage: Option<StageConfig>,
    /// A folder for the bytes of files that could not be stored; they are lost when absent.
    pub rescue: Option<PathBuf>,
    /// Maximum time for which a failing request is repeated; zero for a single attempt.
    #[serde(default = "default_retry_timeout")]
    pub retry_timeout: Duration,
}

/// Time for which a failing request is repeated unless told otherwise: S3 refuses requests for
/// minutes while it divides a bucket among more of its servers.
pub const DEFAULT_RETRY_TIMEOUT: Duration = Duration::from_mins(5);

fn default_retry_timeout() -> Duration {
    DEFAULT_RETRY_TIMEOUT
}

/// A folder of the local disk for files that are being changed. They are nameless there: nothing is
/// left when the process ends, however it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageConfig {
    /// The folder, which must exist.
    pub dir: PathBuf,
    /// How many bytes of the disk they may take together.
    pub size: u64,
}

/// A folder of the local disk in which objects are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CacheConfig {
    /// The folder: made if it is missing, else it must belong to the user who mounts and to nobody
    /// else.
    pub dir: PathBuf,
    /// How many bytes of the disk it may take.
    pub size: u64,
}

impl MountConfig {
    /// A read-write mount of a whole bucket on AWS with the standard credential chain.
    pub fn new(bucket: BucketName) -> Self {
        Self {
            bucket,
            prefix: Prefix::root(),
            region: None,
            endpoint_url: None,
            force_path_style: false,
            requester_pays: false,
            credentials: Credentials::Chain { profile: None },
            access: Access::default(),
            ownership: Ownership::default(),
            folders: Vec::new(),
            cache: None,
            waits_on_close: false,
            stage: None,
            rescue: None,
            retry_timeout: DEFAULT_RETRY_TIMEOUT,
        }
    }
}

/// Where the credentials come from.
#[derive(Clone, Serialize, Deserialize)]
pub enum Credentials {
    /// The standard AWS chain: environment, profile files, SSO, web identity, instance role.
    Chain {
        /// The profile to use instead of what the environment says and the default one.
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
    /// Unsigned requests, for public buckets.
    Anonymous,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain { profile } => f.debug_struct("Chain").field("profile", profile).finish(),
            Self::Static { .. } => f.write_str("Static { .. }"),
            Self::Anonymous => f.write_str("Anonymous"),
        }
    }
}

/// What a mount may change in its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// No request that writes is ever sent.
    ReadOnly,
    /// New objects may be written.
    ReadWrite {
        /// Objects may be deleted.
        delete: bool,
        /// Existing objects may be replaced.
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
