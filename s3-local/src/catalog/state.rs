//! State of the catalog and its changes by records.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{BucketSettings, Key, Object, Objects, Record, Refusal, Upload};

/// State of the server: all buckets.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) buckets: BTreeMap<String, Bucket>,
}

/// Bucket with its objects and unfinished uploads.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) settings: BucketSettings,
    /// Seconds since 1970.
    pub(crate) created: i64,
    pub(crate) objects: Objects,
    /// Unfinished uploads by ID.
    pub(crate) uploads: BTreeMap<String, Upload>,
}

impl Bucket {
    /// Returns the upload with this ID if it belongs to this key.
    pub(crate) fn upload(&self, key: &str, upload_id: &str) -> Result<&Upload, Refusal> {
        let found = self
            .uploads
            .get(upload_id)
            .filter(|upload| upload.key.as_str() == key);
        found.ok_or(Refusal::NoSuchUpload)
    }

    fn insert(&mut self, key: Key, object: Object) {
        object.content.adopt();
        if let Some(replaced) = self.objects.insert(key, Arc::new(object)) {
            replaced.content.retire();
        }
    }

    fn end_upload(&mut self, upload_id: &str) {
        let ended = self.uploads.remove(upload_id);
        for part in ended.iter().flat_map(|upload| upload.parts.values()) {
            part.content.retire();
        }
    }
}

impl State {
    pub(crate) fn bucket(&self, bucket: &str) -> Result<&Bucket, Refusal> {
        self.buckets.get(bucket).ok_or(Refusal::NoSuchBucket)
    }

    /// Applies a change. The bucket and the upload it names exist: the catalog checked them before it
    /// made the record.
    pub(crate) fn apply(&mut self, record: Record) {
        match record {
            Record::CreateBucket {
                bucket,
                settings,
                created,
            } => {
                let (objects, uploads) = (Objects::new(), BTreeMap::new());
                self.buckets.insert(
                    bucket,
                    Bucket {
                        settings,
                        created,
                        objects,
                        uploads,
                    },
                );
            }
            Record::DeleteBucket { bucket } => self.remove_bucket(&bucket),
            Record::PutObject {
                bucket,
                key,
                object,
            } => {
                self.change(&bucket, |found| found.insert(key, object));
            }
            Record::DeleteObject { bucket, key } => self.change(&bucket, |found| {
                if let Some(deleted) = found.objects.remove(&key) {
                    deleted.content.retire();
                }
            }),
            Record::CreateUpload {
                bucket,
                upload_id,
                upload,
            } => self.change(&bucket, |found| {
                upload.parts.values().for_each(|part| part.content.adopt());
                found.uploads.insert(upload_id, upload);
            }),
            Record::PutPart {
                bucket,
                upload_id,
                number,
                part,
            } => self.change(&bucket, |found| {
                let Some(upload) = found.uploads.get_mut(&upload_id) else {
                    return;
                };
                part.content.adopt();
                if let Some(replaced) = upload.parts.insert(number, part) {
                    replaced.content.retire();
                }
            }),
            // The object adopts the parts' contents before the upload gives them up.
            Record::CompleteUpload {
                bucket,
                upload_id,
                key,
                object,
            } => {
                self.change(&bucket, |found| {
                    found.insert(key, object);
                    found.end_upload(&upload_id);
                });
            }
            Record::AbortUpload { bucket, upload_id } => {
                self.change(&bucket, |found| found.end_upload(&upload_id));
            }
        }
    }

    fn change(&mut self, bucket: &str, change: impl FnOnce(&mut Bucket)) {
        if let Some(found) = self.buckets.get_mut(bucket) {
            change(found);
        }
    }

    fn remove_bucket(&mut self, bucket: &str) {
        let Some(removed) = self.buckets.remove(bucket) else {
            return;
        };
        for object in removed.objects.values() {
            object.content.retire();
        }
        for part in removed
            .uploads
            .values()
            .flat_map(|upload| upload.parts.values())
        {
            part.content.retire();
        }
    }

    /// Returns the shortest list of records that creates this state from nothing.
    pub(crate) fn snapshot(&self) -> impl Iterator<Item = Record> + '_ {
        self.buckets.iter().flat_map(|(name, bucket)| {
            let create = Record::CreateBucket {
                bucket: name.clone(),
                settings: bucket.settings.clone(),
                created: bucket.created,
            };
            let objects = bucket
                .objects
                .iter()
                .map(|(key, object)| Record::PutObject {
                    bucket: name.clone(),
                    key: key.clone(),
                    object: Object::clone(object),
                });
            let uploads = bucket
                .uploads
                .iter()
                .map(|(upload_id, upload)| Record::CreateUpload {
                    bucket: name.clone(),
                    upload_id: upload_id.clone(),
                    upload: upload.clone(),
                });
            std::iter::once(create).chain(objects).chain(uploads)
        })
    }
}
