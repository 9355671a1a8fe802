//! A store whose requests are counted.

use std::fs::File;

use async_trait::async_trait;

use super::{
    Body, Condition, CopySource, Described, GetResponse, ListPage, ListRequest, PartNumber,
    PartTag, Precondition, Store, StoreError, UploadId,
};
use crate::object::{ByteRange, ETag, Headers, Key};
use crate::usage::Meter;

/// A store whose requests are counted.
#[derive(Debug)]
pub(crate) struct Counted<S> {
    store: S,
    meter: Meter,
}

impl<S> Counted<S> {
    /// Counts the requests to `store`.
    pub(crate) fn new(store: S, meter: Meter) -> Self {
        Self { store, meter }
    }
}

#[async_trait]
impl<S: Store> Store for Counted<S> {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        self.meter.list();
        self.store.list(request).await
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        self.meter.head();
        self.store.head(key).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        self.meter.get();
        let answer = self.store.get(key, range, condition).await?;
        let meter = self.meter.clone();
        Ok(GetResponse {
            body: answer
                .body
                .inspect(move |piece| meter.came(piece.len() as u64)),
            ..answer
        })
    }

    async fn put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        self.meter.put(body.length());
        self.store.put(key, body, headers, precondition).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.meter.delete();
        self.store.delete(key).await
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError> {
        self.meter.put(0);
        self.store.copy(source, etag, key, headers).await
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        self.meter.put(0);
        self.store.create_upload(key, headers).await
    }

    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError> {
        self.meter.put(body.length());
        self.store.upload_part(key, upload, number, body).await
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        self.meter.put(0);
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
        self.meter.put(0);
        self.store
            .complete_upload(key, upload, parts, precondition)
            .await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        self.meter.delete();
        self.store.abort_upload(key, upload).await
    }

    async fn local_copy(&self, key: &Key, etag: &ETag) -> Option<File> {
        self.store.local_copy(key, etag).await
    }

    fn uri(&self, key: &Key) -> String {
        self.store.uri(key)
    }
}
