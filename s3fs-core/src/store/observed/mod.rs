//! Store whose requests are counted and traced in spans, and whose uploads are reported. Uploads
//! that a killed process leaves unfinished cost money. They are reported because this program lacks
//! the permission to list them.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tracing::{Instrument, Span};

use super::{Condition, GetResponse, Layer, Operation, Request, Store, StoreError, UploadId};
use crate::object::{ByteRange, Headers, Key};
use crate::usage::Meter;

/// Multipart upload that is neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnfinishedUpload {
    /// Key of the object to upload.
    pub key: String,
    /// Upload ID.
    pub id: String,
}

impl UnfinishedUpload {
    fn new(key: &str, upload: &UploadId) -> Self {
        Self {
            key: key.to_owned(),
            id: upload.0.clone(),
        }
    }
}

/// Observer of uploads. The uploading tasks wait for it, so it should return quickly.
pub trait UploadObserver: Debug + Send + Sync + 'static {
    /// Reports an upload that the store has created, before its first part is sent.
    fn begun(&self, upload: UnfinishedUpload);

    /// Reports an upload that the store has completed or aborted.
    fn ended(&self, upload: UnfinishedUpload);
}

/// Store whose requests are counted and run inside spans, and whose uploads are reported.
///
/// Each request has a span `request` of the level `DEBUG` with the fields `operation`, `object` (the
/// key) and `number` (of the requests of this mount, from 1). The span of a GET stays open until its
/// body is complete or dropped.
#[derive(Debug)]
pub(crate) struct Observed<S> {
    store: S,
    /// Parent span of all requests, because their tasks and threads have no span of their own.
    mount: Span,
    requests: AtomicU64,
    meter: Meter,
    uploads: Option<Arc<dyn UploadObserver>>,
}

impl<S> Observed<S> {
    /// Wraps `store`: requests run in the span `mount` and are counted by `meter`; uploads are
    /// reported to `uploads`.
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

    /// Counts a request, and starts its span.
    fn begin(&self, request: &Request<'_>) -> Span {
        let operation = match request.operation {
            Operation::List => "LIST",
            Operation::Head => "HEAD",
            Operation::GetTags => "GET TAGS",
            Operation::Get => "GET",
            Operation::Put => "PUT",
            Operation::Delete => "DELETE",
            Operation::Copy => "COPY",
            Operation::Rename => "RENAME",
            Operation::CreateUpload => "CREATE UPLOAD",
            Operation::UploadPart => "PUT PART",
            Operation::CopyPart => "COPY PART",
            Operation::Complete => "COMPLETE UPLOAD",
            Operation::Abort => "ABORT UPLOAD",
            Operation::ListUploads => "LIST UPLOADS",
        };
        match request.operation {
            Operation::List | Operation::ListUploads => self.meter.list(),
            Operation::Head | Operation::GetTags => self.meter.head(),
            Operation::Get => self.meter.get(),
            Operation::Delete | Operation::Abort => self.meter.delete(),
            Operation::Put
            | Operation::Copy
            | Operation::Rename
            | Operation::CreateUpload
            | Operation::UploadPart
            | Operation::CopyPart
            | Operation::Complete => self.meter.put(request.length),
        }
        let (object, number) = (
            request.key,
            self.requests.fetch_add(1, Ordering::Relaxed) + 1,
        );
        tracing::debug_span!(parent: &self.mount, "request", operation, object, number)
    }
}

impl<S: Store> Layer for Observed<S> {
    type Below = S;

    fn below(&self) -> &S {
        &self.store
    }

    async fn around<T, F>(
        &self,
        request: Request<'_>,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let span = self.begin(&request);
        let answer = send().instrument(span).await?;
        if let Operation::Complete | Operation::Abort = request.operation
            && let (Some(uploads), Some(upload)) = (&self.uploads, request.upload)
        {
            uploads.ended(UnfinishedUpload::new(request.key, upload));
        }
        Ok(answer)
    }

    async fn forward_get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let span = self.begin(&Request::new(Operation::Get, key));
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

    async fn forward_create_upload(
        &self,
        key: &Key,
        headers: &Headers,
    ) -> Result<UploadId, StoreError> {
        let request = Request::new(Operation::CreateUpload, key);
        let upload = self.around(request, || self.store.create_upload(key, headers));
        let upload = upload.await?;
        if let Some(uploads) = &self.uploads {
            uploads.begun(UnfinishedUpload::new(key.as_str(), &upload));
        }
        Ok(upload)
    }
}

#[cfg(test)]
mod tests;
