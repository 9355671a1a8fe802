//! Objects of a running server, as this process itself stores, changes and reads them.

use bytes::{Bytes, BytesMut};

use crate::api::{ReceivedPut, store};
use crate::catalog::WriteCondition;
use crate::content::read_all;
use crate::server::{Parts, with_sources};
use crate::{Error, PutOptions, Server};

/// Maximum length of a key, in bytes.
const MAX_KEY: usize = 1024;

impl Server {
    /// Stores an object, replacing any object of the key, and returns its `ETag` without the quotes.
    ///
    /// # Panics
    ///
    /// If the bucket does not exist, the key is longer than 1024 bytes or empty, or the store fails.
    #[track_caller]
    pub fn put(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> String {
        self.put_with(bucket, key, bytes, PutOptions::new())
    }

    /// Stores an object with metadata and returns its `ETag` without the quotes.
    ///
    /// # Panics
    ///
    /// If the bucket does not exist, the key is longer than 1024 bytes or empty, or the store fails.
    #[track_caller]
    pub fn put_with(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        options: PutOptions,
    ) -> String {
        match self.try_put(bucket, key, bytes, options) {
            Ok(etag) => etag,
            Err(error) => panic!("{}", with_sources(&error)),
        }
    }

    /// Stores an object with metadata and returns its `ETag` without the quotes.
    ///
    /// # Errors
    ///
    /// If the bucket does not exist, the key is longer than 1024 bytes or empty, or the store fails.
    pub fn try_put(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        options: PutOptions,
    ) -> Result<String, Error> {
        let failed = |reason| Error::Put {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            reason,
        };
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(failed("a key has 1 to 1024 bytes".to_owned()));
        }
        let Parts {
            catalog,
            storage,
            etags,
            ..
        } = &self.parts;
        let (bytes, headers) = (bytes.into(), options.into_headers());
        let put = ReceivedPut {
            bytes,
            headers,
            etags: *etags,
        };
        store(catalog, storage, bucket, key, put).map_err(|refusal| failed(refusal.to_string()))
    }

    /// Returns the bytes of an object, or `None` if there is no such object or bucket.
    ///
    /// # Panics
    ///
    /// If the store fails.
    #[track_caller]
    pub fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        match self.try_get(bucket, key) {
            Ok(found) => found,
            Err(error) => panic!("{}", with_sources(&error)),
        }
    }

    /// Returns the bytes of an object, or `None` if there is no such object or bucket.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn try_get(&self, bucket: &str, key: &str) -> Result<Option<Bytes>, Error> {
        let Ok(object) = self.parts.catalog.object(bucket, key) else {
            return Ok(None);
        };
        let mut pieces = Vec::new();
        let read = read_all(&object.content, |bytes| pieces.push(bytes));
        read.map_err(|source| {
            let (bucket, key) = (bucket.to_owned(), key.to_owned());
            Error::Get {
                bucket,
                key,
                source,
            }
        })?;
        if let [whole] = pieces.as_slice() {
            return Ok(Some(whole.clone()));
        }
        let mut joined = BytesMut::new();
        for piece in &pieces {
            joined.extend_from_slice(piece);
        }
        Ok(Some(joined.freeze()))
    }

    /// Returns the user metadata of an object, or `None` if there is no such object or bucket.
    pub fn metadata(&self, bucket: &str, key: &str) -> Option<Vec<(String, String)>> {
        let object = self.parts.catalog.object(bucket, key).ok()?;
        Some(object.headers.metadata.clone().into_iter().collect())
    }

    /// Sets the tags of an object, as another client does. Returns whether there is such an object.
    pub fn set_tags(&self, bucket: &str, key: &str, tags: &[(&str, &str)]) -> bool {
        let tags = tags.iter();
        let tags = tags.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let tags = tags.collect();
        let changed = self
            .parts
            .catalog
            .change_headers(bucket, key, |headers| headers.tags = tags);
        changed.is_ok()
    }

    /// Moves an object to a storage class, as a lifecycle rule does. Returns whether there is such an
    /// object.
    pub fn transition(&self, bucket: &str, key: &str, class: &str) -> bool {
        let class = Some(class.to_owned());
        let changed = self
            .parts
            .catalog
            .change_headers(bucket, key, |headers| headers.storage_class = class);
        changed.is_ok()
    }

    /// Returns the tags of an object, or `None` if there is no such object or bucket.
    pub fn tags(&self, bucket: &str, key: &str) -> Option<Vec<(String, String)>> {
        let object = self.parts.catalog.object(bucket, key).ok()?;
        Some(object.headers.tags.clone().into_iter().collect())
    }

    /// Returns the storage class of an object, or `None` if it has the standard one or there is no
    /// such object or bucket.
    pub fn storage_class(&self, bucket: &str, key: &str) -> Option<String> {
        let object = self.parts.catalog.object(bucket, key).ok()?;
        object.headers.storage_class.clone()
    }

    /// Returns the `ETag` of an object without its quotes, or `None` if there is no such object or
    /// bucket.
    pub fn etag(&self, bucket: &str, key: &str) -> Option<String> {
        Some(self.parts.catalog.object(bucket, key).ok()?.etag.clone())
    }

    /// Returns all keys of a bucket in byte order; none if there is no such bucket.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.parts.catalog.read(|state| {
            let objects = state.buckets.get(bucket).map(|found| found.objects.keys());
            objects
                .into_iter()
                .flatten()
                .map(|key| key.as_str().to_owned())
                .collect()
        })
    }

    /// Returns the names of all buckets.
    pub fn buckets(&self) -> Vec<String> {
        self.parts
            .catalog
            .read(|state| state.buckets.keys().cloned().collect())
    }

    /// Deletes an object and returns whether it existed.
    ///
    /// # Panics
    ///
    /// If the store fails.
    #[track_caller]
    pub fn delete(&self, bucket: &str, key: &str) -> bool {
        let existed = self.parts.catalog.object(bucket, key).is_ok();
        let deleted = self
            .parts
            .catalog
            .delete_object(bucket, key, &WriteCondition::default());
        assert!(
            deleted.is_ok() || !existed,
            "delete {bucket}/{key}: {deleted:?}"
        );
        existed
    }

    /// Returns the keys of multipart uploads that were neither completed nor aborted, in key order.
    pub fn incomplete_uploads(&self, bucket: &str) -> Vec<String> {
        let mut keys: Vec<String> = self.parts.catalog.read(|state| {
            let uploads = state
                .buckets
                .get(bucket)
                .map(|found| found.uploads.values());
            uploads
                .into_iter()
                .flatten()
                .map(|upload| upload.key.as_str().to_owned())
                .collect()
        });
        keys.sort();
        keys
    }
}
