//! Catalog of the server: buckets, objects and unfinished uploads, and S3's rules for them.
//!
//! The state changes only by [`Record`]s. Each one is decided on and applied under one lock, so every
//! reader sees either all of a change or none of it. A folder store writes the record to its journal
//! first and replays the journal at the next start.

mod append;
mod assemble;
mod condition;
mod directory;
mod key;
mod listing;
mod object;
mod record;
mod refusal;
mod rename;
mod state;
mod upload;

pub(crate) use append::Appended;
use assemble::assemble;
pub(crate) use assemble::{Completion, RequestedPart};
pub(crate) use condition::{EtagCondition, ReadCondition, WriteCondition};
pub(crate) use directory::{is_directory, set_class};
pub(crate) use key::Key;
pub(crate) use listing::{After, Entry, ListQuery, Listing, Order};
pub(crate) use object::{Encryption, Headers, Object};
pub(crate) use record::{BucketSettings, Record, RecordLog};
pub(crate) use refusal::Refusal;
pub(crate) use rename::Renaming;
pub(crate) use state::{Bucket, State};
pub(crate) use upload::{Part, Upload};

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock, RwLockReadGuard};

use crate::content::Content;

/// State and, for a folder store, the log that outlives the process.
#[derive(Debug)]
pub(crate) struct Catalog {
    locked: RwLock<Locked>,
}

#[derive(Debug)]
struct Locked {
    state: State,
    log: Option<Box<dyn RecordLog>>,
}

impl Locked {
    /// Appends the record to the log, then applies it: after a crash the log never lags behind a
    /// response.
    fn commit(&mut self, record: Record<Content>) -> Result<(), Refusal> {
        if let Some(log) = &mut self.log {
            log.append(&record).map_err(Refusal::Storage)?;
        }
        self.state.apply(record);
        Ok(())
    }
}

impl Catalog {
    pub(crate) fn in_memory() -> Catalog {
        Catalog {
            locked: RwLock::new(Locked {
                state: State::default(),
                log: None,
            }),
        }
    }

    pub(crate) fn recorded(state: State, log: Box<dyn RecordLog>) -> Catalog {
        Catalog {
            locked: RwLock::new(Locked {
                state,
                log: Some(log),
            }),
        }
    }

    /// Runs `read` on a consistent view of everything.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        let locked: RwLockReadGuard<'_, Locked> = self
            .locked
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        read(&locked.state)
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut Locked) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut locked = self
            .locked
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut locked)
    }

    pub(crate) fn create_bucket(
        &self,
        bucket: &str,
        settings: BucketSettings,
        created: i64,
    ) -> Result<(), Refusal> {
        self.change(|locked| {
            if locked.state.buckets.contains_key(bucket) {
                return Err(Refusal::BucketAlreadyOwnedByYou);
            }
            locked.commit(Record::CreateBucket {
                bucket: bucket.to_owned(),
                settings,
                created,
            })
        })
    }

    pub(crate) fn delete_bucket(&self, bucket: &str) -> Result<(), Refusal> {
        self.change(|locked| {
            let found = locked.state.bucket(bucket)?;
            if !found.objects.is_empty() {
                return Err(Refusal::BucketNotEmpty);
            }
            locked.commit(Record::DeleteBucket {
                bucket: bucket.to_owned(),
            })
        })
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<Arc<Object>, Refusal> {
        self.read(|state| {
            state
                .bucket(bucket)?
                .objects
                .get(key.as_bytes())
                .cloned()
                .ok_or(Refusal::NoSuchKey)
        })
    }

    /// Changes the headers of an object, which stays the same version.
    pub(crate) fn change_headers(
        &self,
        bucket: &str,
        key: &str,
        change: impl FnOnce(&mut Headers),
    ) -> Result<(), Refusal> {
        self.change(|locked| {
            let objects = &locked.state.bucket(bucket)?.objects;
            let current = objects.get(key.as_bytes()).ok_or(Refusal::NoSuchKey)?;
            let mut object = Object::clone(current);
            change(&mut object.headers);
            locked.commit(Record::PutObject {
                bucket: bucket.to_owned(),
                key: key.into(),
                object,
            })
        })
    }

    /// Stores an object if `condition` holds for the key's current object.
    pub(crate) fn put_object(
        &self,
        bucket: &str,
        key: &str,
        object: Object,
        condition: &WriteCondition,
    ) -> Result<(), Refusal> {
        self.change(|locked| {
            let current = locked.state.bucket(bucket)?.objects.get(key.as_bytes());
            condition.check(current.map(AsRef::as_ref))?;
            locked.commit(Record::PutObject {
                bucket: bucket.to_owned(),
                key: key.into(),
                object,
            })
        })
    }

    /// Deletes an object; a missing one is a success.
    pub(crate) fn delete_object(
        &self,
        bucket: &str,
        key: &str,
        condition: &WriteCondition,
    ) -> Result<(), Refusal> {
        self.change(|locked| {
            let current = locked.state.bucket(bucket)?.objects.get(key.as_bytes());
            condition.check(current.map(AsRef::as_ref))?;
            if current.is_none() {
                return Ok(());
            }
            locked.commit(Record::DeleteObject {
                bucket: bucket.to_owned(),
                key: key.into(),
            })
        })
    }

    pub(crate) fn create_upload(
        &self,
        bucket: &str,
        upload_id: &str,
        upload: Upload,
    ) -> Result<(), Refusal> {
        self.change(|locked| {
            locked.state.bucket(bucket)?;
            let (bucket, upload_id) = (bucket.to_owned(), upload_id.to_owned());
            locked.commit(Record::CreateUpload {
                bucket,
                upload_id,
                upload,
            })
        })
    }

    /// Runs `read` on an upload, which must belong to this key.
    pub(crate) fn upload<T>(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        read: impl FnOnce(&Upload) -> T,
    ) -> Result<T, Refusal> {
        self.read(|state| Ok(read(state.bucket(bucket)?.upload(key, upload_id)?)))
    }

    pub(crate) fn put_part(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        number: u16,
        part: Part,
    ) -> Result<(), Refusal> {
        self.change(|locked| {
            locked.state.bucket(bucket)?.upload(key, upload_id)?;
            let (bucket, upload_id) = (bucket.to_owned(), upload_id.to_owned());
            locked.commit(Record::PutPart {
                bucket,
                upload_id,
                number,
                part,
            })
        })
    }

    /// Makes an object of the upload's parts. Nothing is copied: the object takes over the parts'
    /// contents.
    pub(crate) fn complete_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        completion: &Completion,
        modified: i64,
    ) -> Result<Object, Refusal> {
        self.change(|locked| {
            let found = locked.state.bucket(bucket)?;
            let mut object = assemble(found.upload(key, upload_id)?, completion, modified)?;
            if is_directory(bucket) {
                directory::check_numbers(completion)?;
                object.etag = directory::etag();
            }
            completion
                .condition
                .check(found.objects.get(key.as_bytes()).map(AsRef::as_ref))?;
            locked.commit(Record::CompleteUpload {
                bucket: bucket.to_owned(),
                upload_id: upload_id.to_owned(),
                key: key.into(),
                object: object.clone(),
            })?;
            Ok(object)
        })
    }

    pub(crate) fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<(), Refusal> {
        self.change(|locked| {
            locked.state.bucket(bucket)?.upload(key, upload_id)?;
            let (bucket, upload_id) = (bucket.to_owned(), upload_id.to_owned());
            locked.commit(Record::AbortUpload { bucket, upload_id })
        })
    }

    pub(crate) fn list(
        &self,
        bucket: &str,
        query: &ListQuery<'_>,
        order: Order,
    ) -> Result<Listing, Refusal> {
        self.read(|state| {
            let found = state.bucket(bucket)?;
            let objects = &found.objects;
            Ok(match order {
                _ if is_directory(bucket) => listing::scattered(objects, &found.uploads, query),
                Order::Bytes => listing::list(objects, query),
                Order::Tree => listing::walk(objects, query),
            })
        })
    }

    pub(crate) fn settings(&self, bucket: &str) -> Option<BucketSettings> {
        self.read(|state| {
            state
                .buckets
                .get(bucket)
                .map(|found| found.settings.clone())
        })
    }
}

/// Objects of a bucket in the byte order of their keys.
pub(crate) type Objects = BTreeMap<Key, Arc<Object>>;
