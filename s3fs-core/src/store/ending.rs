//! A store whose requests race against the end of the mount.

use std::fs::File;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{
    Body, Capabilities, Condition, CopySource, Described, GetResponse, ListPage, ListRequest,
    PartNumber, PartTag, Precondition, Store, StoreError, StoreErrorKind, UploadId,
};
use crate::end::End;
use crate::object::{ByteRange, ETag, Headers, Key};

/// Time that aborting an upload may take once requests have ended: it changes no object, and what
/// is left unfinished costs money.
const ABORT_LIMIT: Duration = Duration::from_secs(3);

/// A store that carries out nothing once its mount has ended.
#[derive(Debug)]
pub(crate) struct Ending {
    store: Arc<dyn Store>,
    end: End,
}

impl Ending {
    /// Has the requests to `store` race against `end`.
    pub(crate) fn new(store: Arc<dyn Store>, end: End) -> Self {
        Self { store, end }
    }

    /// Carries out a request unless the mount ends first. One that was under way then may have been
    /// carried out.
    async fn race<T: Send>(
        &self,
        operation: &'static str,
        object: &str,
        request: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let ended = || {
            let object = self.store.uri(&Key::new(object));
            StoreError::new(operation, object, StoreErrorKind::Ended)
        };
        if self.end.requests_ended() {
            return Err(ended());
        }
        let answered = tokio::select! {
            biased;
            answered = request => answered,
            () = self.end.no_more_requests() => Err(ended().after_unknown()),
        };
        if answered.is_ok() {
            self.end.note_answer();
        }
        answered
    }
}

#[async_trait]
impl Store for Ending {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        let asked = self.store.list(request);
        self.race("ListObjectsV2", request.prefix, asked).await
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        let asked = self.store.head(key);
        self.race("HeadObject", key.as_str(), asked).await
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let asked = self.store.get(key, range, condition);
        let answer = self.race("GetObject", key.as_str(), asked).await?;
        let (end, object) = (self.end.clone(), self.store.uri(key));
        let ended = async move {
            end.no_more_requests().await;
            StoreError::new("GetObject", object, StoreErrorKind::Ended)
        };
        Ok(GetResponse {
            body: answer.body.until(ended),
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
        self.race("PutObject", key.as_str(), asked).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let asked = self.store.delete(key);
        self.race("DeleteObject", key.as_str(), asked).await
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: Option<&Headers>,
    ) -> Result<ETag, StoreError> {
        let asked = self.store.copy(source, etag, key, headers);
        self.race("CopyObject", source.as_str(), asked).await
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        let asked = self.store.create_upload(key, headers);
        self.race("CreateMultipartUpload", key.as_str(), asked)
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
        self.race("UploadPart", key.as_str(), asked).await
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        let asked = self.store.upload_part_copy(key, upload, number, source);
        self.race("UploadPartCopy", key.as_str(), asked).await
    }

    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let asked = self.store.complete_upload(key, upload, parts, precondition);
        self.race("CompleteMultipartUpload", key.as_str(), asked)
            .await
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        let late = async {
            self.end.no_more_requests().await;
            tokio::time::sleep(ABORT_LIMIT).await;
        };
        tokio::select! {
            biased;
            aborted = self.store.abort_upload(key, upload) => aborted,
            () = late => {
                let object = self.store.uri(key);
                let error = StoreError::new("AbortMultipartUpload", object, StoreErrorKind::Ended);
                Err(error.after_unknown())
            }
        }
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
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::store::disturbed::Operation;
    use crate::store::memory::MemoryStore;
    use crate::store::slow::{Delays, Point};

    async fn put(store: &Ending, key: &str) -> Result<ETag, StoreError> {
        let body = Body::Memory(Bytes::from_static(b"bytes"));
        let headers = Headers::default();
        let key = Key::new(key);
        store.put(&key, body, &headers, &Precondition::None).await
    }

    #[tokio::test]
    async fn after_the_end_nothing_reaches_the_store_but_the_abort_of_an_upload() {
        let (memory, end) = (MemoryStore::with_min_part(1), End::default());
        let store = Ending::new(Arc::new(memory.clone()), end.clone());
        let key = Key::new("k");
        let upload = store.create_upload(&key, &Headers::default()).await;
        put(&store, "before").await.unwrap();
        let head = store.get(&Key::new("before"), None, Condition::Any).await;
        end.end_requests();
        let error = put(&store, "after").await.unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::Ended), "{error}");
        assert!(!error.is_unknown(), "it has not begun");
        assert!(store.delete(&Key::new("before")).await.is_err());
        assert_eq!(memory.objects().len(), 1);
        // A body whose head came before still ends.
        let mut body = head.unwrap().body;
        while let Ok(Some(_)) = body.next().await {}
        store.abort_upload(&key, &upload.unwrap()).await.unwrap();
        assert_eq!(memory.open_uploads(), 0);
    }

    #[tokio::test]
    async fn a_request_on_its_way_ends_with_an_unknown_outcome() {
        let (slow, delays) = Delays::over(MemoryStore::with_min_part(1), 0);
        let _gate = delays.hold(Operation::Put, Point::Before);
        let end = End::default();
        let store = Ending::new(slow, end.clone());
        let mut putting = Box::pin(put(&store, "k"));
        assert!(futures_util::poll!(&mut putting).is_pending());
        end.end_requests();
        let error = putting.await.unwrap_err();
        assert!(matches!(error.kind, StoreErrorKind::Ended), "{error}");
        assert!(error.is_unknown());
    }
}
