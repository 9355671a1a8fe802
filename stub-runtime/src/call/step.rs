//! Steps that build a sandbox. Their texts follow "failed to".

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Step in building a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SandboxStep {
    /// `clone(2)` with new namespaces.
    Namespaces {
        /// True if a user namespace is one of them.
        user: bool,
    },
    /// Writing `/proc/self/{setgroups,uid_map,gid_map}`.
    Identity,
    /// Cutting mounts off from the host's.
    Isolate,
    /// Hiding the host from an isolated job.
    Hide,
    /// Keeping abstract sockets from an isolated job that has the machine's network.
    AbstractSockets,
    /// Making a missing mount point in a copy of this folder.
    Mirror(PathBuf),
    /// Opening `/dev/fuse`.
    OpenFuse,
    /// `mount(2)` of a bucket.
    MountBucket(PathBuf),
    /// Leaving the machine's network.
    Network,
    /// Limiting the job's use of the machine.
    Limits,
    /// Setting up processes: signals, limits, sockets.
    Process,
    /// Entering the job's working folder.
    WorkingFolder(PathBuf),
}

impl fmt::Display for SandboxStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespaces { user: true } => f.write_str("create a user and mount namespace"),
            Self::Namespaces { user: false } => f.write_str("create a mount namespace"),
            Self::Identity => f.write_str("keep the user's ids in a user namespace"),
            Self::Isolate => f.write_str("separate its mounts from the host's"),
            Self::Hide => f.write_str("hide the host's sockets and credentials"),
            Self::AbstractSockets => f.write_str("hide abstract sockets of the host"),
            Self::Mirror(folder) => {
                write!(f, "make a mount point in a copy of `{}`", folder.display())
            }
            Self::OpenFuse => f.write_str("open /dev/fuse"),
            Self::MountBucket(path) => write!(f, "mount at `{}`", path.display()),
            Self::Network => f.write_str("leave the machine's network"),
            Self::Limits => f.write_str("limit what it uses"),
            Self::Process => f.write_str("set up its processes"),
            Self::WorkingFolder(folder) => {
                write!(f, "enter the working folder `{}`", folder.display())
            }
        }
    }
}
