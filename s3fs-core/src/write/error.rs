//! Errors of writing to a file and of storing it.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::store::{Outcome, StoreError, StoreErrorKind};

/// Error of a write to a file, or of storing the file.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// File larger than the largest object.
    #[error("an object has at most 5 TiB")]
    TooLarge,
    /// Failure of the store. The written bytes are kept, and the next attempt continues from them.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// Lack of space for bytes that are written but not stored.
    #[error("no space is left for bytes that are not stored yet")]
    NoSpace,
    /// Failure of the folder for temporary files.
    #[error("failed to write to the temporary folder: {0}")]
    Stage(Arc<io::Error>),
    /// Loss of bytes that an upload had which ended without becoming an object.
    #[error("the bytes were with an upload that has ended")]
    Lost,
    /// Interruption of a flush that no operation waits for. The file is stored later, if at all.
    #[error("the file changes while it is being stored")]
    Interrupted,
    /// Lack of a stored object with zeros to copy: the upload is planned anew without copies.
    #[error("no object is left to copy zeros from")]
    NoZeros,
    /// Deletion of the file.
    #[error("the file was deleted")]
    Deleted,
    /// Loss of bytes that a program wrote to mapped pages of the file.
    #[error("failed to write bytes {} to {} of its mapped pages: {cause}", .range.start, .range.end)]
    Missed {
        /// Range of the lost bytes.
        range: Range<u64>,
        /// Error with which they were refused when the kernel wrote them back.
        cause: Box<WriteError>,
    },
}

impl WriteError {
    /// Returns the error of a failed request that creates no object: a part upload or a fetch.
    /// The object at the key is unchanged, whatever the outcome.
    pub(super) fn on_the_way(error: StoreError) -> Self {
        let outcome = Outcome::Refused;
        StoreError { outcome, ..error }.into()
    }

    /// Returns the same error as a failed precondition with a known outcome: another object is in
    /// the way.
    pub(super) fn refused(self) -> Self {
        let Self::Store(error) = &self else {
            return self;
        };
        let object = error.object.clone();
        StoreError::new(error.operation, object, StoreErrorKind::PreconditionFailed).into()
    }

    /// Returns the failed request, if a request was the cause.
    pub(crate) fn request(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Missed { cause, .. } => cause.request(),
            _ => None,
        }
    }

    /// Returns whether the file may be in the bucket in spite of the failure.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_unknown())
    }

    /// Returns whether a precondition failed: an unexpected object, or another version.
    pub fn is_precondition(&self) -> bool {
        matches!(self, Self::Store(error) if matches!(error.kind, StoreErrorKind::PreconditionFailed))
    }

    /// Returns whether the upload no longer exists.
    pub(super) fn is_no_upload(&self) -> bool {
        matches!(self, Self::Store(error) if matches!(error.kind, StoreErrorKind::NoSuchUpload))
    }
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Stage(Arc::new(error)),
        }
    }
}
