//! From a configuration to a file system that is being served: the crate's front door.

use std::io;
use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

use crate::config::MountConfig;

/// What all mounts of one process share: the memory budget and the HTTP connections.
///
/// Cheap to clone. Must be created, and everything below called, inside a tokio runtime.
#[derive(Clone, Debug, Default)]
pub struct Resources {}

/// A bucket that answered: it exists, the credentials are good, and it can be listed.
#[derive(Debug)]
pub struct FileSystem {}

/// Why a bucket cannot be mounted; the text names the bucket and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("not yet")]
pub struct ConnectError;

/// An object that could not be stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotStored {
    /// `s3://bucket/key`.
    pub object: String,
    /// The cause, as a sentence fragment.
    pub reason: String,
}

/// A file system that is being served on a FUSE descriptor.
#[derive(Debug)]
pub struct Serving {}

impl FileSystem {
    /// Connects to the bucket and lists the root once.
    ///
    /// # Errors
    /// The bucket doesn't exist, the credentials are refused, the endpoint doesn't answer…
    #[expect(clippy::unused_async, reason = "the signature is the contract")]
    pub async fn connect(_config: MountConfig, _resources: &Resources) -> Result<Self, ConnectError> {
        Ok(Self {})
    }

    /// Serves on a `/dev/fuse` descriptor that has just been mounted. Does the FUSE handshake
    /// before it returns, then serves from its own threads and the current tokio runtime.
    ///
    /// # Errors
    /// The kernel refuses the handshake.
    pub fn serve(self, _fuse: OwnedFd) -> io::Result<Serving> {
        Ok(Serving {})
    }
}

impl Serving {
    /// Waits until everything written is in the bucket and returns what could not be stored.
    /// Files still open for writing are stored as they are. To be called when the programs that
    /// used the mount have ended, before it is unmounted.
    #[expect(clippy::unused_async, reason = "the signature is the contract")]
    pub async fn finish(&self) -> Vec<NotStored> {
        Vec::new()
    }

    /// Aborts what is being uploaded and refuses what comes after.
    #[expect(clippy::unused_async, reason = "the signature is the contract")]
    pub async fn abandon(&self) {}

    /// Waits for the FUSE loop to end, which it does when the file system has been unmounted.
    ///
    /// # Errors
    /// The loop ended for another reason.
    pub fn join(self) -> io::Result<()> {
        Ok(())
    }
}
