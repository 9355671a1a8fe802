//! Why a write was not taken, or a file not stored.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::store::{Outcome, StoreError, StoreErrorKind};

/// Why a write was not taken, or a file not stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// Larger than any object.
    #[error("an object has at most 5 TiB")]
    TooLarge,
    /// The store failed. What was written is still here, and the next attempt goes on from here.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// No room for what is written but not stored.
    #[error("there is no room for what is not stored yet")]
    NoSpace,
    /// The folder for temporary files failed.
    #[error("the temporary folder cannot hold what memory cannot: {0}")]
    Stage(Arc<io::Error>),
    /// The bytes were with an upload that ended without becoming an object.
    #[error("the bytes were with an upload that has ended")]
    Lost,
    /// The file was deleted.
    #[error("the file was deleted")]
    Deleted,
    /// The file lacks bytes that a program has written to its mapped pages.
    #[error("bytes {} to {} of its mapped pages were not taken: {cause}", .range.start, .range.end)]
    Missed {
        /// Which bytes.
        range: Range<u64>,
        /// Why they were refused when the kernel handed them over.
        cause: Box<WriteError>,
    },
}

impl WriteError {
    /// A request that makes no object failed: of a part, or for bytes. Whatever became of it, the key is
    /// as it was.
    pub(super) fn on_the_way(error: StoreError) -> Self {
        let outcome = Outcome::Refused;
        StoreError { outcome, ..error }.into()
    }

    /// Returns the error of a request that is known not to have been carried out, for an object that is
    /// in its way.
    pub(super) fn refused(self) -> Self {
        let Self::Store(error) = &self else {
            return self;
        };
        let object = error.object.clone();
        StoreError::new(error.operation, object, StoreErrorKind::PreconditionFailed).into()
    }

    /// Whether the file may be in the bucket in spite of the failure.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_unknown())
    }

    /// Whether another object is where none must be, or another version.
    pub fn is_precondition(&self) -> bool {
        matches!(self, Self::Store(error) if matches!(error.kind, StoreErrorKind::PreconditionFailed))
    }

    /// Whether the store knows the upload no more.
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
