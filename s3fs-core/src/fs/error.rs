//! Errors of file system operations, and the table of their errnos.

use std::sync::Arc;

use nix::errno::Errno;

use crate::store::{StoreError, StoreErrorKind};
use crate::write::WriteError;

/// Error of a file system operation.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FsError {
    /// The name or inode does not exist.
    #[error("no such file or folder")]
    NotFound,
    /// The name exists already.
    #[error("the name exists already")]
    Exists,
    /// A folder was needed.
    #[error("not a folder")]
    NotDirectory,
    /// A file was needed.
    #[error("a folder")]
    IsDirectory,
    /// The folder has entries, visible or not.
    #[error("the folder is not empty")]
    NotEmpty,
    /// The mount is read-only.
    #[error("the mount is read-only")]
    ReadOnly,
    /// The mount is ending.
    #[error("the mount is ending")]
    Ending,
    /// The operation still waited for the bucket when waiting ended.
    #[error("interrupted while it waited for the bucket")]
    Interrupted,
    /// The mount's options forbid it.
    #[error("the mount does not allow this ({0})")]
    NotPermitted(&'static str),
    /// No key can have this name.
    #[error("no key can have this name: keys are UTF-8")]
    NoKeyName,
    /// The key would be longer than S3 allows.
    #[error("the key would be longer than 1024 bytes")]
    KeyTooLong,
    /// The name is longer than 255 bytes.
    #[error("a new name has at most 255 bytes")]
    NameTooLong,
    /// The handle is not open, or not for this.
    #[error("the handle is not open for this")]
    BadHandle,
    /// The object was replaced by another client; looking the name up again finds the new one.
    #[error("the object was replaced meanwhile")]
    Stale,
    /// The object was replaced or deleted by another client, though the volume is declared as immutable.
    #[error(
        "the object was replaced or deleted: the bucket is not immutable\nmount it without `immutable`"
    )]
    NotImmutable,
    /// The operation makes no sense with these arguments.
    #[error("{0}")]
    Invalid(&'static str),
    /// The operation has no equivalent in a bucket.
    #[error("not supported: {0}")]
    NotSupported(&'static str),
    /// There is no such extended attribute.
    #[error("no such attribute")]
    NoAttribute,
    /// The object's metadata would exceed the limit of S3.
    #[error("S3 keeps at most 2 KiB with an object beside its bytes")]
    NoRoom,
    /// The store failed.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The write failed.
    #[error(transparent)]
    Write(WriteError),
}

impl FsError {
    /// Returns whether the object has another version than the expected one.
    pub(super) fn is_stale(&self) -> bool {
        self.errno() == Errno::ESTALE
    }

    /// Returns whether the store has no such object.
    pub(super) fn is_missing(&self) -> bool {
        let request = self.request();
        request.is_some_and(|request| matches!(request.kind, StoreErrorKind::NoSuchKey))
    }

    /// Returns whether the object of a version is not at its key any more.
    pub(super) fn is_outdated(&self) -> bool {
        self.is_stale() || self.is_missing()
    }

    /// Returns whether the bucket may have been changed in spite of the failure.
    pub(super) fn is_unknown(&self) -> bool {
        match self {
            Self::Store(error) => error.is_unknown(),
            Self::Write(error) => error.is_unknown(),
            _ => false,
        }
    }

    /// Returns the failed request, if a request was the cause.
    pub(crate) fn request(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Write(error) => error.request(),
            _ => None,
        }
    }

    /// Returns the errno that the program sees.
    pub fn errno(&self) -> Errno {
        match self {
            Self::NotFound | Self::Write(WriteError::Deleted) => Errno::ENOENT,
            Self::Exists => Errno::EEXIST,
            Self::NotDirectory => Errno::ENOTDIR,
            Self::IsDirectory => Errno::EISDIR,
            Self::NotEmpty => Errno::ENOTEMPTY,
            Self::ReadOnly | Self::Ending => Errno::EROFS,
            Self::Interrupted => Errno::EINTR,
            Self::NotPermitted(_) => Errno::EPERM,
            Self::NoKeyName => Errno::EILSEQ,
            Self::KeyTooLong | Self::NameTooLong => Errno::ENAMETOOLONG,
            Self::BadHandle => Errno::EBADF,
            Self::Stale | Self::NotImmutable => Errno::ESTALE,
            Self::Invalid(_) => Errno::EINVAL,
            Self::NotSupported(_) => Errno::EOPNOTSUPP,
            Self::NoAttribute => Errno::ENODATA,
            Self::Store(error) | Self::Write(WriteError::Store(error)) => store_errno(&error.kind),
            Self::NoRoom | Self::Write(WriteError::NoSpace) => Errno::ENOSPC,
            Self::Write(WriteError::Lost | WriteError::Interrupted | WriteError::NoZeros) => {
                Errno::EIO
            }
            Self::Write(WriteError::TooLarge) => Errno::EFBIG,
            Self::Write(WriteError::Missed { cause, .. }) => Self::Write((**cause).clone()).errno(),
            Self::Write(WriteError::Stage(error)) => {
                error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
            }
        }
    }
}

fn store_errno(kind: &StoreErrorKind) -> Errno {
    match kind {
        StoreErrorKind::NoSuchKey => Errno::ENOENT,
        StoreErrorKind::AccessDenied(_) | StoreErrorKind::BadCredentials(_) => Errno::EACCES,
        StoreErrorKind::PreconditionFailed => Errno::ESTALE,
        StoreErrorKind::Unsupported(_) => Errno::EOPNOTSUPP,
        StoreErrorKind::Ended => Errno::ENOTCONN,
        StoreErrorKind::QuotaExceeded(_) => Errno::EDQUOT,
        // As file systems with tapes do: the object is there, its bytes are not. `EACCES` would
        // send its reader to look for a permission.
        StoreErrorKind::Archived { .. } => Errno::ENODATA,
        StoreErrorKind::NoSuchBucket
        | StoreErrorKind::WrongRegion { .. }
        // They worked when the bucket was mounted.
        | StoreErrorKind::NoCredentials(_)
        | StoreErrorKind::StaleCredentials(_)
        | StoreErrorKind::Throttled(_)
        | StoreErrorKind::Overloaded(_)
        | StoreErrorKind::Unreachable(_)
        | StoreErrorKind::Proxy(_)
        | StoreErrorKind::Certificate(_)
        | StoreErrorKind::TimedOut
        | StoreErrorKind::NotS3(_)
        | StoreErrorKind::Truncated(_)
        | StoreErrorKind::Corrupted(_)
        | StoreErrorKind::NoSuchUpload
        | StoreErrorKind::NotModified { .. }
        | StoreErrorKind::Other(_) => Errno::EIO,
    }
}

impl From<StoreError> for FsError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<Arc<StoreError>> for FsError {
    fn from(error: Arc<StoreError>) -> Self {
        Self::Store(error)
    }
}

impl From<WriteError> for FsError {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}
