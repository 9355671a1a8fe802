//! A store whose requests are seen: counted, shown in spans, and told of where they begin or end an
//! upload. What a process that is killed leaves unfinished in its bucket costs money, and no
//! permission of ours can list it.

use std::fmt::Debug;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tracing::{Instrument, Span};

use super::{
    Body, Capabilities, Condition, CopySource, Described, GetResponse, ListPage, ListRequest,
    PartNumber, PartTag, Precondition, Store, StoreError, UploadId,
};
use crate::object::{ByteRange, ETag, Headers, Key};
use crate::usage::Meter;

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

/// A store whose requests are counted, run inside spans and whose uploads are observed.
///
/// Each request has a span `request` of the level `DEBUG` with the fields `operation`, `object` (the
/// key) and `number` (of the requests of this mount, from 1). That of a GET stays open until its body
/// has come or is dropped.
#[derive(Debug)]
pub(crate) struct Observed<S> {
    store: S,
    /// What all its requests belong to: those who ask are tasks and threads that know no span.
    mount: Span,
    requests: AtomicU64,
    meter: Meter,
    uploads: Option<Arc<dyn UploadObserver>>,
}

impl<S> Observed<S> {
    /// Sees the requests to `store`: in the span `mount`, counted by `meter`, its uploads told to
    /// `uploads`.
    pub(crate) fn new(
        store: S,
        mount: Span,
        meter: Meter,
        uploads: Option<Arc<dyn UploadObserver>>,
    ) -> Self {
        Self {
            store,
            mount,
            requests: AtomicU64::new(0),
            meter,
            uploads,
        }
    }

    /// The span of one more request.
    fn request(&self, operation: &'static str, object: &str) -> Span {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::debug_span!(parent: &self.mount, "request", operation, object, number)
    }

    fn ended(&self, key: &Key, upload: &UploadId) {
        if let Some(uploads) = &self.uploads {
            uploads.ended(UnfinishedUpload::new(key, upload));
        }
    }
}

#[async_trait]
impl<S: Store> Store for Observed<S> {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        self.meter.list();
        let span = self.request("LIST", request.prefix);
        self.store.list(request).instrument(span).await
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        self.meter.head();
        let span = self.request("HEAD", key.as_str());
        self.store.head(key).instrument(span).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        self.meter.get();
        let span = self.request("GET", key.as_str());
        let asked = self.store.get(key, range, condition);
        let answer = asked.instrument(span.clone()).await?;
        let meter = self.meter.clone();
        Ok(GetResponse {
            body: answer
                .body
                .observed(span, move |piece| meter.came(piece.len() as u64)),
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
        let span = self.request("PUT", key.as_str());
        let asked = self.store.put(key, body, headers, precondition);
        asked.instrument(span).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.meter.delete();
        let span = self.request("DELETE", key.as_str());
        self.store.delete(key).instrument(span).await
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError> {
        self.meter.put(0);
        let span = self.request("COPY", key.as_str());
        let asked = self.store.copy(source, etag, key, headers);
        asked.instrument(span).await
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        self.meter.put(0);
        let span = self.request("CREATE UPLOAD", key.as_str());
        let asked = self.store.create_upload(key, headers);
        let upload = asked.instrument(span).await?;
        if let Some(uploads) = &self.uploads {
            uploads.begun(UnfinishedUpload::new(key, &upload));
        }
        Ok(upload)
    }

    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError> {
        self.meter.put(body.length());
        let span = self.request("PUT PART", key.as_str());
        let asked = self.store.upload_part(key, upload, number, body);
        asked.instrument(span).await
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        self.meter.put(0);
        let span = self.request("COPY PART", key.as_str());
        let asked = self.store.upload_part_copy(key, upload, number, source);
        asked.instrument(span).await
    }

    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        self.meter.put(0);
        let span = self.request("COMPLETE UPLOAD", key.as_str());
        let asked = self.store.complete_upload(key, upload, parts, precondition);
        let etag = asked.instrument(span).await?;
        self.ended(key, upload);
        Ok(etag)
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        self.meter.delete();
        let span = self.request("ABORT UPLOAD", key.as_str());
        self.store
            .abort_upload(key, upload)
            .instrument(span)
            .await?;
        self.ended(key, upload);
        Ok(())
    }

    async fn local_copy(&self, key: &Key, etag: &ETag) -> Option<File> {
        self.store.local_copy(key, etag).await
    }

    fn capabilities(&self) -> &Capabilities {
        self.store.capabilities()
    }

    fn uri(&self, key: &Key) -> String {
        self.store.uri(key)
    }
}

#[cfg(test)]
mod tests;
