//! Store whose requests fail when the mount ends.

use std::sync::Arc;
use std::time::Duration;

use super::{Body, GetResponse, Layer, Operation, Request, Store, StoreError, StoreErrorKind};
use crate::end::End;
use crate::object::Key;

/// Maximum time to abort an upload, or to look for one, after the end of the mount. Neither changes
/// an object, and unfinished uploads cost money.
const ABORT_LIMIT: Duration = Duration::from_secs(3);

/// Store that sends no requests after its mount has ended.
#[derive(Debug)]
pub(crate) struct Ending {
    store: Arc<dyn Store>,
    end: End,
}

impl Ending {
    /// Wraps `store`, whose requests fail when `end` comes.
    pub(crate) fn new(store: Arc<dyn Store>, end: End) -> Self {
        Self { store, end }
    }
}

impl Layer for Ending {
    type Below = dyn Store;

    fn below(&self) -> &dyn Store {
        &*self.store
    }

    /// Carries out a request unless the mount ends first. A request in progress at that time may
    /// have been carried out.
    async fn around<T, F>(
        &self,
        request: Request<'_>,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let ended = || {
            let object = request.uri(self.below());
            StoreError::new(request.operation.name(), object, StoreErrorKind::Ended)
        };
        let cleans_up = matches!(request.operation, Operation::Abort | Operation::ListUploads);
        if self.end.requests_ended() && !cleans_up {
            return Err(ended());
        }
        let late = async {
            self.end.no_more_requests().await;
            if cleans_up {
                tokio::time::sleep(ABORT_LIMIT).await;
            }
        };
        let answered = tokio::select! {
            biased;
            answered = send() => answered,
            () = late => Err(ended().after_unknown()),
        };
        if answered.is_ok() && !cleans_up {
            self.end.note_progress();
        }
        answered
    }

    fn sending(&self, body: Body) -> Body {
        body.counted(self.end.sending())
    }

    fn received(&self, key: &Key, answer: GetResponse) -> GetResponse {
        let (end, object) = (self.end.clone(), self.store.uri(key));
        let came = self.end.clone();
        let ended = async move {
            end.no_more_requests().await;
            StoreError::new(Operation::Get.name(), object, StoreErrorKind::Ended)
        };
        GetResponse {
            body: answer.body.seen(move || came.note_progress()).until(ended),
            ..answer
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::object::{ETag, Headers};
    use crate::store::memory::MemoryStore;
    use crate::store::slow::{Delays, Point};
    use crate::store::{Condition, Precondition};

    async fn put(store: &Ending, key: &str) -> Result<ETag, StoreError> {
        let body = Body::memory(Bytes::from_static(b"bytes"));
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
        // A body whose response arrived before the end terminates, too.
        let mut body = head.unwrap().body;
        while let Ok(Some(_)) = body.next().await {}
        assert_eq!(store.uploads(&key).await.unwrap().len(), 1);
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
