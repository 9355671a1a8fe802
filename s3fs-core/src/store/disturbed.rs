//! A store whose requests are disturbed on their way: delayed, refused, cut short.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::object::{ByteRange, ETag, Headers, Key};
use crate::store::{
    Body, Capabilities, Condition, CopySource, Described, GetBody, GetResponse, ListPage,
    ListRequest, PartNumber, PartTag, Precondition, Store, StoreError, StoreErrorKind, UploadId,
};

/// The methods of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    List,
    Head,
    Get,
    Put,
    Delete,
    Copy,
    CreateUpload,
    UploadPart,
    CopyPart,
    Complete,
    Abort,
}

/// What happens to requests on their way there and back.
#[async_trait]
pub(crate) trait Disturbance: Debug + Send + Sync + 'static {
    /// Before the store sees the request; an error keeps it from seeing it.
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind>;

    /// After the store has done what it was asked; an error is a lost answer.
    async fn after(&self, operation: Operation) -> Result<(), StoreErrorKind>;

    /// What becomes of a body that was asked for.
    fn body(&self, body: GetBody) -> GetBody {
        body
    }
}

/// The store with the disturbance.
#[derive(Debug)]
pub(crate) struct Disturbed<S, D> {
    pub(crate) store: S,
    pub(crate) disturbance: Arc<D>,
}

impl<S: Store, D: Disturbance> Disturbed<S, D> {
    async fn pass<T>(
        &self,
        operation: Operation,
        key: &str,
        request: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let failed = |kind| StoreError::new("disturbed", self.store.uri(&Key::new(key)), kind);
        self.disturbance.before(operation).await.map_err(failed)?;
        let answer = request.await?;
        self.disturbance.after(operation).await.map_err(failed)?;
        Ok(answer)
    }
}

#[async_trait]
impl<S: Store, D: Disturbance> Store for Disturbed<S, D> {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        let asked = self.store.list(request);
        self.pass(Operation::List, request.prefix, asked).await
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        let asked = self.store.head(key);
        self.pass(Operation::Head, key.as_str(), asked).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let asked = self.store.get(key, range, condition);
        let answer = self.pass(Operation::Get, key.as_str(), asked).await?;
        Ok(GetResponse {
            body: self.disturbance.body(answer.body),
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
        let asked = self.store.put(key, body, headers, precondition);
        self.pass(Operation::Put, key.as_str(), asked).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let asked = self.store.delete(key);
        self.pass(Operation::Delete, key.as_str(), asked).await
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError> {
        let asked = self.store.copy(source, etag, key, headers);
        self.pass(Operation::Copy, source.as_str(), asked).await
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        let asked = self.store.create_upload(key, headers);
        self.pass(Operation::CreateUpload, key.as_str(), asked)
            .await
    }

    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError> {
        let asked = self.store.upload_part(key, upload, number, body);
        self.pass(Operation::UploadPart, key.as_str(), asked).await
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        let asked = self.store.upload_part_copy(key, upload, number, source);
        self.pass(Operation::CopyPart, key.as_str(), asked).await
    }

    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let asked = self.store.complete_upload(key, upload, parts, precondition);
        self.pass(Operation::Complete, key.as_str(), asked).await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        let asked = self.store.abort_upload(key, upload);
        self.pass(Operation::Abort, key.as_str(), asked).await
    }

    fn capabilities(&self) -> &Capabilities {
        self.store.capabilities()
    }

    fn uri(&self, key: &Key) -> String {
        self.store.uri(key)
    }
}
