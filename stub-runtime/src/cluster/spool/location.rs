//! Location of a spool.

use std::fmt;
use std::path::PathBuf;

use s3fs_core::{Credentials, MountConfig};
use serde::{Deserialize, Serialize};

/// Location of a spool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Location {
    /// A folder that the nodes have under the same path.
    Folder(PathBuf),
    /// A prefix of a bucket.
    Bucket(Box<MountConfig>),
}

impl Location {
    /// Returns the location as nodes get it: without keys, as a node reaches the bucket with its own.
    pub(crate) fn for_nodes(&self) -> Self {
        match self {
            Self::Folder(path) => Self::Folder(path.clone()),
            Self::Bucket(config) => {
                let mut config = config.clone();
                if matches!(config.credentials, Credentials::Static { .. }) {
                    config.credentials = Credentials::Chain { profile: None };
                    config.key_source = None;
                }
                Self::Bucket(config)
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket(config) => write!(f, "s3://{}/{}", config.bucket, config.prefix),
        }
    }
}
