//! Bucket in memory, by S3's rules: the store of tests that need no network.

mod files;
mod state;
mod walk;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;

use self::state::{MemoryState, Object, Upload, copied_headers, failed, refused};
use crate::object::{ByteRange, ETag, Headers, Key, Tags};
use crate::store::{
    Body, Capabilities, Condition, Content, CopiedHeaders, CopySource, Described, GetBody,
    GetResponse, ListFrom, ListPage, ListRequest, ListedObject, MAX_COPY, PartNumber, PartTag,
    Precondition, Store, StoreError, StoreErrorKind, UploadId, Vendor,
};

/// Minimum size of S3's parts in bytes, except for the last part.
const MIN_PART: u64 = 5 << 20;

/// Size of the pieces of a body, in bytes.
const PIECE: usize = 48 << 10;

/// Bucket in memory. A clone is another client of the same bucket.
#[derive(Clone, Debug)]
pub(crate) struct MemoryStore {
    state: Arc<Mutex<MemoryState>>,
    min_part: u64,
    page: usize,
    order: Order,
    is_on_files: bool,
    capabilities: Arc<Capabilities>,
}

/// Order in which keys are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Bytes,
    /// Order of a walk through folders: `a/…` before `a-b`.
    Tree,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_min_part(MIN_PART)
    }
}

impl MemoryStore {
    /// Creates a bucket with this minimum part size in bytes.
    pub(crate) fn with_min_part(min_part: u64) -> Self {
        Self {
            state: Arc::default(),
            min_part,
            page: 1000,
            order: Order::Bytes,
            is_on_files: false,
            capabilities: Arc::new(Capabilities::of(Vendor::Other)),
        }
    }

    /// Returns the same bucket, whose listings have pages of `page` keys.
    pub(crate) fn with_page(self, page: usize) -> Self {
        Self { page, ..self }
    }

    /// Returns the same bucket, whose keys are listed in the order of a walk through folders.
    pub(crate) fn walking(self) -> Self {
        Self {
            order: Order::Tree,
            ..self
        }
    }

    /// Returns the same bucket, on a server that keeps objects as files in folders: it keeps folders
    /// after their last key, has no metadata for them, and takes a backslash for `/`.
    pub(crate) fn on_files(self) -> Self {
        Self {
            is_on_files: true,
            ..self
        }
    }

    /// Returns the folders that were left without a key.
    pub(crate) fn folders(&self) -> Vec<String> {
        self.lock().folders.iter().cloned().collect()
    }

    /// Returns every key with its bytes.
    pub(crate) fn objects(&self) -> BTreeMap<String, Bytes> {
        let state = self.lock();
        let objects = state.objects.iter();
        objects
            .map(|(key, object)| (key.clone(), object.bytes.clone()))
            .collect()
    }

    /// Stores an object, as another client does.
    pub(crate) fn insert(&self, key: &str, bytes: impl Into<Bytes>) {
        if self.order == Order::Tree && walk::is_refused(&self.lock(), key) {
            return;
        }
        let object = Object::new(bytes.into(), &Headers::default());
        self.lock().objects.insert(key.to_owned(), object);
    }

    /// Gives an object another `ETag`.
    pub(crate) fn set_etag(&self, key: &str, etag: ETag) {
        self.lock().objects.get_mut(key).unwrap().meta.etag = etag;
    }

    /// Sets an object's time of modification back by `by`.
    pub(crate) fn age(&self, key: &str, by: Duration) {
        let mut state = self.lock();
        state.objects.get_mut(key).unwrap().meta.modified -= by;
    }

    /// Deletes an object, as another client does.
    pub(crate) fn remove(&self, key: &str) {
        let mut state = self.lock();
        state.objects.remove(key);
        if self.is_on_files {
            files::removed(&mut state, key);
        }
    }

    /// Returns the number of uploads that are neither completed nor aborted.
    pub(crate) fn open_uploads(&self) -> usize {
        self.lock().uploads.len()
    }

    /// Returns the key under which the server stores an object.
    fn stored_key(&self, key: &Key) -> Key {
        if self.is_on_files {
            Key::new(key.as_str().replace('\\', "/"))
        } else {
            key.clone()
        }
    }

    fn lock(&self) -> MutexGuard<'_, MemoryState> {
        self.state.lock().unwrap()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn list(&self, request: ListRequest<'_>) -> Result<ListPage, StoreError> {
        let state = self.lock();
        if self.order == Order::Tree {
            let room = usize::from(request.max_keys).min(self.page);
            return Ok(walk::page(&state, &request, room));
        }
        let listed = files::listed(&state, request.folded);
        let mut page = ListPage::default();
        let mut after = match request.from {
            ListFrom::Beginning => None,
            // A start before the prefix excludes nothing.
            ListFrom::After(key) if key < request.prefix => None,
            ListFrom::Continuation(key) | ListFrom::After(key) => Some(key.to_owned()),
        };
        let room = usize::from(request.max_keys).min(self.page);
        loop {
            let from = match &after {
                Some(token) => Bound::Excluded(token.clone()),
                None => Bound::Included(request.prefix.to_owned()),
            };
            let mut rest = listed.range((from, Bound::Unbounded));
            let Some((key, object)) = rest
                .next()
                .filter(|(key, _)| key.starts_with(request.prefix))
            else {
                return Ok(page);
            };
            if page.objects.len() + page.prefixes.len() == room {
                page.next = after;
                return Ok(page);
            }
            let below = &key[request.prefix.len()..];
            if let Some((folder, _)) = below.split_once('/').filter(|_| request.folded) {
                let folder = format!("{}{folder}/", request.prefix);
                // A position after every key below the folder.
                after = Some(format!("{folder}\u{10ffff}\u{10ffff}"));
                page.prefixes.push(folder);
            } else {
                after = Some(key.clone());
                page.objects.push(ListedObject {
                    key: key.clone(),
                    meta: object.meta.clone(),
                });
            }
        }
    }

    async fn head(&self, key: &Key) -> Result<Described, StoreError> {
        let state = self.lock();
        if let Some(folder) = files::folder(&state, key) {
            return Ok(folder.described());
        }
        let object = state.object("HeadObject", key)?;
        Ok(object.described())
    }

    async fn tags(&self, key: &Key, _: &Tags) -> Result<Tags, StoreError> {
        let object = self.lock().object("GetObjectTagging", key)?.clone();
        Ok(object.properties().tags.clone())
    }

    async fn get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let object = self.lock().object("GetObject", key)?.clone();
        let etag = &object.meta.etag;
        if condition.if_match().is_some_and(|wanted| wanted != etag) {
            return Err(failed("GetObject", key, StoreErrorKind::PreconditionFailed));
        }
        if condition.if_none_match() == Some(etag) {
            let modified = Some(object.meta.modified);
            let kind = StoreErrorKind::NotModified { modified };
            return Err(failed("GetObject", key, kind));
        }
        let size = object.meta.size;
        let sent = match range {
            None => ByteRange::new(0, size),
            Some(range) => match ByteRange::new(range.start(), range.end().min(size)) {
                Some(sent) => Some(sent),
                None => return Err(refused("GetObject", key, "InvalidRange")),
            },
        };
        let bytes = sent.map_or_else(Bytes::new, |sent| object.slice(sent));
        let pieces: Vec<_> = bytes
            .chunks(PIECE)
            .map(|piece| Ok(bytes.slice_ref(piece)))
            .collect();
        Ok(GetResponse {
            meta: object.meta.clone(),
            headers: object.described().headers,
            range: sent,
            wait: None,
            body: GetBody::new(stream::iter(pieces)),
        })
    }

    async fn put(
        &self,
        key: &Key,
        body: Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let (key, none) = (&self.stored_key(key), Headers::default());
        let is_bare = self.is_on_files && key.as_str().ends_with('/');
        let headers = if is_bare { &none } else { headers };
        let object = Object::new(read(&body), headers);
        self.lock().store("PutObject", key, object, precondition)
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.remove(self.stored_key(key).as_str());
        Ok(())
    }

    async fn copy(
        &self,
        source: &Key,
        etag: &ETag,
        key: &Key,
        headers: CopiedHeaders<'_>,
    ) -> Result<ETag, StoreError> {
        const OPERATION: &str = "CopyObject";
        let mut state = self.lock();
        let from = state.version(OPERATION, source, etag)?;
        if from.meta.size > MAX_COPY || (source == key && headers.replacing().is_none()) {
            return Err(refused(OPERATION, source, "InvalidRequest"));
        }
        let copy = Object::new(from.bytes.clone(), &copied_headers(from, headers));
        state.store(OPERATION, key, copy, &Precondition::None)
    }

    async fn create_upload(&self, key: &Key, headers: &Headers) -> Result<UploadId, StoreError> {
        let mut state = self.lock();
        state.begun += 1;
        let id = state.begun;
        let upload = Upload {
            key: key.as_str().to_owned(),
            headers: headers.clone(),
            parts: BTreeMap::new(),
        };
        state.uploads.insert(id, upload);
        Ok(UploadId(id.to_string()))
    }

    async fn upload_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: Body,
    ) -> Result<PartTag, StoreError> {
        let part = Object::new(read(&body), &Headers::default());
        self.lock().part("UploadPart", key, upload, number, part)
    }

    async fn upload_part_copy(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        source: CopySource<'_>,
    ) -> Result<PartTag, StoreError> {
        const OPERATION: &str = "UploadPartCopy";
        let mut state = self.lock();
        let from = state.version(OPERATION, source.key, source.etag)?;
        if source.range.end() > from.meta.size {
            return Err(refused(OPERATION, key, "InvalidRange"));
        }
        let part = Object::new(from.slice(source.range), &Headers::default());
        state.part(OPERATION, key, upload, number, part)
    }

    async fn complete_upload(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        const OPERATION: &str = "CompleteMultipartUpload";
        let mut state = self.lock();
        let id = state.upload(OPERATION, key, upload)?;
        let upload = &state.uploads[&id];
        let sent = &upload.parts;
        let mut bytes = Vec::new();
        for (index, tag) in parts.iter().enumerate() {
            let in_order = index == 0 || parts[index - 1].number < tag.number;
            let part = sent
                .get(&tag.number.0)
                .filter(|part| part.meta.etag == tag.etag && in_order)
                .ok_or_else(|| refused(OPERATION, key, "InvalidPart"))?;
            if part.meta.size < self.min_part && index + 1 < parts.len() {
                return Err(refused(OPERATION, key, "EntityTooSmall"));
            }
            bytes.extend_from_slice(&part.bytes);
        }
        if parts.is_empty() {
            return Err(refused(OPERATION, key, "MalformedXML"));
        }
        let mut object = Object::new(bytes.into(), &upload.headers);
        object.meta.etag = ETag::new(&format!("{}-{}", object.meta.etag, parts.len()));
        let etag = state.store(OPERATION, key, object, precondition)?;
        state.uploads.remove(&id);
        Ok(etag)
    }

    async fn abort_upload(&self, key: &Key, upload: &UploadId) -> Result<(), StoreError> {
        let mut state = self.lock();
        let id = state.upload("AbortMultipartUpload", key, upload)?;
        state.uploads.remove(&id);
        Ok(())
    }

    async fn uploads(&self, key: &Key) -> Result<Vec<UploadId>, StoreError> {
        let state = self.lock();
        let uploads = state.uploads.iter();
        let of_key = uploads.filter(|(_, upload)| upload.key == key.as_str());
        Ok(of_key.map(|(id, _)| UploadId(id.to_string())).collect())
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn uri(&self, key: &Key) -> String {
        format!("s3://memory/{key}")
    }
}

fn read(body: &Body) -> Bytes {
    match body.content() {
        // Copied, as over a network, so that the sender's memory is freed.
        Content::Memory(bytes) => Bytes::copy_from_slice(bytes),
        Content::File {
            file,
            offset,
            length,
        } => {
            let mut bytes = vec![0; *length as usize];
            file.read_exact_at(&mut bytes, *offset).unwrap();
            bytes.into()
        }
    }
}
