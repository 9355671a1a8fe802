//! Errors of starting a server and of storing objects in it from its own process.

use std::io;
use std::path::PathBuf;

/// An error of [`Builder::try_start`](crate::Builder::try_start) or of the functions that create buckets
/// and objects in a running server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The port is taken, or there is no loopback interface.
    #[error("listen on 127.0.0.1:{port}")]
    Listen {
        /// Requested port; 0 for any.
        port: u16,
        /// Error from the operating system.
        source: io::Error,
    },
    /// The server's threads could not be started.
    #[error("start the server's threads")]
    Threads(#[source] io::Error),
    /// No certificate for HTTPS could be made.
    #[error("failed to make a certificate: {reason}")]
    Certificate {
        /// Reason for the failure.
        reason: String,
    },
    /// The folder for the objects can't be read or written, or is damaged.
    #[error("open the store in {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Cause of the failure.
        source: io::Error,
    },
    /// Another server, in this process or another one, uses the folder.
    #[error("the store in {} is in use by another server", path.display())]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A policy allows an action that does not exist, usually a typing mistake.
    #[error("the policy of access key {access_key} allows {action}, which is no action of S3")]
    UnknownAction {
        /// The access key with the policy.
        access_key: String,
        /// The action, in lowercase.
        action: String,
    },
    /// The bucket could not be created.
    #[error("create bucket {bucket}: {reason}")]
    CreateBucket {
        /// The bucket's name.
        bucket: String,
        /// Reason for the failure.
        reason: String,
    },
    /// The object could not be stored.
    #[error("put {bucket}/{key}: {reason}")]
    Put {
        /// The bucket's name.
        bucket: String,
        /// The object's key.
        key: String,
        /// Reason for the failure.
        reason: String,
    },
    /// The object could not be read from the store.
    #[error("get {bucket}/{key}")]
    Get {
        /// The bucket's name.
        bucket: String,
        /// The object's key.
        key: String,
        /// Error from the operating system.
        source: io::Error,
    },
}
