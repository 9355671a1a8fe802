//! A store whose requests are seen: counted, shown in spans, and told of where they begin or end an
//! upload. What a process that is killed leaves unfinished in its bucket costs money, and no
//! permission of ours can list it.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tracing::{Instrument, Span};

use super::{Condition, GetResponse, Layer, Operation, Request, Store, StoreError, UploadId};
use crate::object::{ByteRange, Headers, Key};
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
    fn new(key: &str, upload: &UploadId) -> Self {
        Self {
            key: key.to_owned(),
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

    /// Counts one more request, and begins its span.
    fn begin(&self, request: &Request<'_>) -> Span {
        let operation = match request.operation {
            Operation::List => "LIST",
            Operation::Head => "HEAD",
            Operation::Get => "GET",
            Operation::Put => "PUT",
            Operation::Delete => "DELETE",
            Operation::Copy => "COPY",
            Operation::CreateUpload => "CREATE UPLOAD",
            Operation::UploadPart => "PUT PART",
            Operation::CopyPart => "COPY PART",
            Operation::Complete => "COMPLETE UPLOAD",
            Operation::Abort => "ABORT UPLOAD",
        };
        match request.operation {
            Operation::List => self.meter.list(),
            Operation::Head => self.meter.head(),
            Operation::Get => self.meter.get(),
            Operation::Delete | Operation::Abort => self.meter.delete(),
            Operation::Put
            | Operation::Copy
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
