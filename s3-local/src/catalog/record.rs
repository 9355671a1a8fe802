//! Change of the catalog, as applied and as written to the journal.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use super::{Key, Object, Part, Upload};
use crate::content::Content;

/// Settings of a bucket, fixed at its creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketSettings {
    pub(crate) region: String,
    pub(crate) public_read: bool,
    pub(crate) requester_pays: bool,
}

/// Change that was checked and can't fail any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Record<C = Content> {
    CreateBucket {
        bucket: String,
        settings: BucketSettings,
        created: i64,
    },
    DeleteBucket {
        bucket: String,
    },
    PutObject {
        bucket: String,
        key: Key,
        object: Object<C>,
    },
    DeleteObject {
        bucket: String,
        key: Key,
    },
    CreateUpload {
        bucket: String,
        upload_id: String,
        upload: Upload<C>,
    },
    PutPart {
        bucket: String,
        upload_id: String,
        number: u16,
        part: Part<C>,
    },
    CompleteUpload {
        bucket: String,
        upload_id: String,
        key: Key,
        object: Object<C>,
    },
    AbortUpload {
        bucket: String,
        upload_id: String,
    },
}

impl<C> Record<C> {
    /// Returns the same change with every content replaced.
    pub(crate) fn try_map<D, E>(self, map: impl FnMut(C) -> Result<D, E>) -> Result<Record<D>, E> {
        Ok(match self {
            Record::CreateBucket {
                bucket,
                settings,
                created,
            } => Record::CreateBucket {
                bucket,
                settings,
                created,
            },
            Record::DeleteBucket { bucket } => Record::DeleteBucket { bucket },
            Record::PutObject {
                bucket,
                key,
                object,
            } => Record::PutObject {
                bucket,
                key,
                object: object.try_map(map)?,
            },
            Record::DeleteObject { bucket, key } => Record::DeleteObject { bucket, key },
            Record::CreateUpload {
                bucket,
                upload_id,
                upload,
            } => Record::CreateUpload {
                bucket,
                upload_id,
                upload: upload.try_map(map)?,
            },
            Record::PutPart {
                bucket,
                upload_id,
                number,
                part,
            } => Record::PutPart {
                bucket,
                upload_id,
                number,
                part: part.try_map(map)?,
            },
            Record::CompleteUpload {
                bucket,
                upload_id,
                key,
                object,
            } => Record::CompleteUpload {
                bucket,
                upload_id,
                key,
                object: object.try_map(map)?,
            },
            Record::AbortUpload { bucket, upload_id } => Record::AbortUpload { bucket, upload_id },
        })
    }
}

/// Log of records that outlives the process.
pub(crate) trait RecordLog: fmt::Debug + Send + Sync {
    /// Appends a record; after an error the change is not made.
    fn append(&mut self, record: &Record) -> io::Result<()>;
}
