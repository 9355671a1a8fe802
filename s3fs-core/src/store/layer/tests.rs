//! Tests of each request through a layer.

use std::sync::Mutex;

use bytes::Bytes;

use super::*;
use crate::store::ListFrom;
use crate::store::memory::MemoryStore;

/// Layer that records requests and forwards them.
#[derive(Debug)]
struct Noting {
    below: MemoryStore,
    noted: Mutex<Vec<String>>,
}

impl Layer for Noting {
    type Below = MemoryStore;

    fn below(&self) -> &MemoryStore {
        &self.below
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
        let (name, uri) = (request.operation.name(), request.uri(self));
        let upload = request.upload.map_or("", |_| " of an upload");
        let noted = format!("{name} {} {uri} {}{upload}", request.key, request.length);
        self.noted.lock().unwrap().push(noted);
        send().await
    }
}

#[tokio::test]
async fn each_request_passes_once_by_its_own_name() {
    let store = Noting {
        below: MemoryStore::with_min_part(1),
        noted: Mutex::default(),
    };
    let (key, copy, headers) = (Key::new("k"), Key::new("copy"), Headers::default());
    let body = || Body::memory(Bytes::from_static(b"bytes"));
    let none = &Precondition::None;
    let etag = store.put(&key, body(), &headers, none).await.unwrap();
    assert_eq!(store.head(&key).await.unwrap().meta.etag, etag);
    store.get(&key, None, Condition::Any).await.unwrap();
    let root = ListRequest {
        prefix: "k",
        folded: true,
        from: ListFrom::Beginning,
        max_keys: 1000,
    };
    assert_eq!(store.list(root).await.unwrap().objects.len(), 1);
    store
        .copy(&key, &etag, &copy, CopiedHeaders::Known(None))
        .await
        .unwrap();
    let id = store.create_upload(&key, &headers).await.unwrap();
    let (first, second) = (PartNumber(1), PartNumber(2));
    let sent = store.upload_part(&key, &id, first, body()).await.unwrap();
    let source = CopySource {
        key: &copy,
        etag: &store.below.head(&copy).await.unwrap().meta.etag,
        range: ByteRange::new(0, 5).unwrap(),
    };
    let copied = store.upload_part_copy(&key, &id, second, source);
    let parts = [sent, copied.await.unwrap()];
    let completed = store.complete_upload(&key, &id, &parts, none);
    completed.await.unwrap();
    let id = store.create_upload(&key, &headers).await.unwrap();
    assert_eq!(
        store.uploads(&key).await.unwrap(),
        std::slice::from_ref(&id)
    );
    store.abort_upload(&key, &id).await.unwrap();
    store.delete(&copy).await.unwrap();
    assert_eq!(store.below.objects()["k"], "bytesbytes");
    assert_eq!(store.below.objects().len(), 1);
    assert_eq!(store.below.open_uploads(), 0);
    let noted = store.noted.into_inner().unwrap();
    let expected = [
        "PutObject k s3://memory/k 5",
        "HeadObject k s3://memory/k 0",
        "GetObject k s3://memory/k 0",
        "ListObjectsV2 k s3://memory/k 0",
        "CopyObject copy s3://memory/k 0",
        "CreateMultipartUpload k s3://memory/k 0",
        "UploadPart k s3://memory/k 5 of an upload",
        "UploadPartCopy k s3://memory/k 0 of an upload",
        "CompleteMultipartUpload k s3://memory/k 0 of an upload",
        "CreateMultipartUpload k s3://memory/k 0",
        "ListMultipartUploads k s3://memory/k 0",
        "AbortMultipartUpload k s3://memory/k 0 of an upload",
        "DeleteObject copy s3://memory/copy 0",
    ];
    assert_eq!(noted, expected);
}
