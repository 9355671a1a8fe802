//! Store with a cache of objects on the local disk.

use std::fs::File;
use std::sync::Arc;

use super::Cache;
use super::body::Mixture;
use super::entry::Entry;
use super::fill_stream::{FillStream, Intake};
use super::header::Header;
use super::missing_ranges::{common, touched, widen};
use super::name::{ObjectId, Space};
use crate::object::{ByteRange, ETag, Key, ObjectMeta};
use crate::store::{Condition, GetResponse, Layer, Store, StoreError, StoreErrorKind};

/// Store over another, with a cache. Only GETs differ.
#[derive(Debug)]
pub struct Cached<S> {
    store: Arc<S>,
    cache: Arc<Cache>,
    space: Space,
}

impl<S: Store> Cached<S> {
    /// Creates a store with a cache that others may use at the same time.
    pub fn new(store: S, cache: Arc<Cache>, space: Space) -> Self {
        Self {
            store: Arc::new(store),
            cache,
            space,
        }
    }

    /// Returns the present version. If the start of the range is in the cache, only asks the store
    /// whether the version and its headers are still the same.
    async fn get_any(
        &self,
        key: &Key,
        range: Option<ByteRange>,
    ) -> Result<GetResponse, StoreError> {
        let object = self.space.object(key);
        if let Some(entry) = self.cache.find(object).await
            && let Some(here) = within(range, entry.meta())
            && let Some(entry) = self.starts_here(entry, here).await
        {
            if entry.header.is_settled {
                let not_this = Condition::IsNot(&entry.meta().etag);
                match self.fetch(key, object, range, not_this).await {
                    Err(StoreError {
                        kind: StoreErrorKind::NotModified { modified },
                        ..
                    }) => {
                        if modified == Some(entry.meta().modified) {
                            return self.serve(key, entry, here).await;
                        }
                    }
                    answer => return answer,
                }
            }
            if let Some(entry) = self.described(key, entry).await? {
                return self.serve(key, entry, here).await;
            }
        }
        self.fetch(key, object, range, Condition::Any).await
    }

    /// Returns the entry with the object's present headers; `None` if the object has another
    /// version.
    async fn described(&self, key: &Key, mut entry: Entry) -> Result<Option<Entry>, StoreError> {
        let now = self.store.head(key).await?;
        let header = Header::new(entry.header.object, now.meta, now.headers);
        if !header.is_of_same_bytes(&entry.header) {
            return Ok(None);
        }
        let described = move || {
            entry.describe(header);
            entry
        };
        Ok(self.cache.blocking(described).await)
    }

    /// Returns a version that the store confirmed before, when the file was opened.
    async fn get_version(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        etag: &ETag,
    ) -> Result<GetResponse, StoreError> {
        let object = self.space.object(key);
        let entry = self.cache.find(object).await;
        if let Some(entry) = entry.filter(|entry| entry.meta().etag == *etag)
            && let Some(range) = within(range, entry.meta())
        {
            return self.serve(key, entry, range).await;
        }
        self.fetch(key, object, range, Condition::Is(etag)).await
    }

    /// Returns the entry, if it has the first byte of the range.
    async fn starts_here(&self, entry: Entry, range: ByteRange) -> Option<Entry> {
        let first = touched(range).start;
        let looked = move || entry.word(first).is_some().then_some(entry);
        self.cache.blocking(looked).await.flatten()
    }

    async fn serve(
        &self,
        key: &Key,
        entry: Entry,
        range: ByteRange,
    ) -> Result<GetResponse, StoreError> {
        let Header { meta, headers, .. } = entry.header.clone();
        let entry = Arc::new(entry);
        let (store, cache) = (Arc::clone(&self.store), Arc::clone(&self.cache));
        let mut mixture = Mixture::new(store, cache, key.clone(), entry, range);
        mixture.begin().await?;
        Ok(GetResponse {
            meta,
            headers,
            range: Some(range),
            wait: None,
            body: mixture.into_body(),
        })
    }

    /// Fetches from the store, and fills the cache on the way.
    async fn fetch(
        &self,
        key: &Key,
        object: ObjectId,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        let asked = if self.cache.is_willing() {
            range.map(widen)
        } else {
            range
        };
        let answer = self.store.get(key, asked, condition).await?;
        let wanted = match (answer.range, range) {
            (Some(sent), Some(range)) => common(sent, range),
            (sent, None) => sent,
            (None, _) => None,
        };
        let Some(sent) = answer.range else {
            return Ok(answer);
        };
        let Some(wanted) = wanted else {
            // The object ends before the range; the store has words for that.
            return self.store.get(key, range, condition).await;
        };
        let header = Header::new(object, answer.meta.clone(), answer.headers.clone());
        let intake = Intake::new(&self.cache, header, sent.start());
        Ok(GetResponse {
            meta: answer.meta,
            headers: answer.headers,
            range: Some(wanted),
            wait: answer.wait,
            body: FillStream::new(intake, sent, wanted, answer.body).into_body(),
        })
    }
}

/// Returns the part of a range that an object has; `None` if the store should report the error.
fn within(range: Option<ByteRange>, meta: &ObjectMeta) -> Option<ByteRange> {
    let whole = ByteRange::new(0, meta.size)?;
    range.map_or(Some(whole), |range| common(range, whole))
}

impl<S: Store> Layer for Cached<S> {
    type Below = S;

    fn below(&self) -> &S {
        &self.store
    }

    async fn forward_get(
        &self,
        key: &Key,
        range: Option<ByteRange>,
        condition: Condition<'_>,
    ) -> Result<GetResponse, StoreError> {
        match condition {
            Condition::Any => self.get_any(key, range).await,
            Condition::Is(etag) => self.get_version(key, range, etag).await,
            Condition::IsNot(_) => {
                let object = self.space.object(key);
                self.fetch(key, object, range, condition).await
            }
        }
    }

    async fn forward_local_copy(&self, key: &Key, etag: &ETag) -> Option<File> {
        self.cache.whole(self.space.object(key), etag).await
    }
}
