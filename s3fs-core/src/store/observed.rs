//! A store that tells which multipart uploads are unfinished: what a process that is killed leaves
//! in its bucket, where parts cost money and no permission of ours can list them.

use std::fmt::Debug;
use std::fs::File;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    Body, Condition, CopySource, Described, GetResponse, ListPage, ListRequest, PartNumber,
    PartTag, Precondition, Store, StoreError, UploadId,
};
use crate::object::{ByteRange, ETag, Headers, Key};

/// A multipart upload that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnfinishedUpload {
    /// The key of the object it would become.
    pub key: String,
    /// The id that the store gave it.
    pub id: String,
}

impl UnfinishedUpload {
    fn new(key: &Key, upload: &UploadId) -> Self {
        Self {
            key: key.as_str().to_owned(),
            id: upload.0.clone(),
        }
    }
}

/// Told of uploads by the tasks that make them, which wait for it: it should be quick.
pub trait UploadObserver: Debug + Send + Sync + 'static {
    /// The store has begun it; none of its parts has been sent.
    fn begun(&self, upload: UnfinishedUpload);

    /// The store has completed or aborted it.
    fn ended(&self, upload: UnfinishedUpload);
}

/// A store whose uploads are observed.
#[derive(Debug)]
pub struct Observed<S> {
    store: S,
    observer: Arc<dyn UploadObserver>,
}

impl<S> Observed<S> {
    /// Tells `observer` of the uploads of `store`.
    pub fn new(store: S, observer: Arc<dyn UploadObserver>) -> Self {
        Self { store, observer }
    }
}

#[async_trait]
impl<S: Store> Store for Observed<S> {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        self.store.list(request).await
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        self.store.head(key).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        self.store.get(key, range, condition).await
    }

    async fn put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        self.store.put(key, body, headers, precondition).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.store.delete(key).await
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError> {
        self.store.copy(source, etag, key, headers).await
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        let upload = self.store.create_upload(key, headers).await?;
        self.observer.begun(UnfinishedUpload::new(key, &upload));
        Ok(upload)
    }

    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError> {
        self.store.upload_part(key, upload, number, body).await
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        self.store
            .upload_part_copy(key, upload, number, source)
            .await
    }

    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let etag = self
            .store
            .complete_upload(key, upload, parts, precondition)
            .await?;
        self.observer.ended(UnfinishedUpload::new(key, upload));
        Ok(etag)
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        self.store.abort_upload(key, upload).await?;
        self.observer.ended(UnfinishedUpload::new(key, upload));
        Ok(())
    }

    async fn local_copy(&self, key: &Key, etag: &ETag) -> Option<File> {
        self.store.local_copy(key, etag).await
    }

    fn uri(&self, key: &Key) -> String {
        self.store.uri(key)
    }
}
