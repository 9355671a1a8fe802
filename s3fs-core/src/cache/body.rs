//! Body of a range of one version, read from the disk where present and else from the store.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;

use super::Cache;
use super::entry::Entry;
use super::fill_stream::{FillStream, Intake};
use super::format::BLOCK;
use super::header::Header;
use super::missing_ranges::{common, run_to_fetch, widen};
use crate::object::{ByteRange, Key};
use crate::store::{Condition, GetBody, Store, StoreError, StoreErrorKind};

/// Maximum number of blocks per request: 256 MiB, more than any reader requests at once.
const AHEAD: u64 = 1024;

/// Body with the bytes still to be returned.
pub(super) struct Mixture<S> {
    store: Arc<S>,
    cache: Arc<Cache>,
    key: Key,
    entry: Arc<Entry>,
    left: Range<u64>,
    /// Response with absent blocks, and the offset at which it ends.
    coming: Option<(FillStream, u64)>,
}

/// Result of looking for a block on the disk.
enum CachedBlock {
    Here(Bytes),
    /// Absent block, with the number of blocks to fetch.
    Absent(u64),
}

impl<S: Store> Mixture<S> {
    /// Creates a body for a range that must lie within the entry's version.
    pub(super) fn new(
        store: Arc<S>,
        cache: Arc<Cache>,
        key: Key,
        entry: Arc<Entry>,
        range: ByteRange,
    ) -> Self {
        Self {
            store,
            cache,
            key,
            entry,
            left: range.start()..range.end(),
            coming: None,
        }
    }

    /// Requests the first bytes from the store if they are absent. A refusal is then the response
    /// to the request, and not the end of the body.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        let (entry, blocks) = (Arc::clone(&self.entry), self.blocks_ahead());
        let looked = self.cache.blocking(move || entry.presence(blocks)).await;
        match looked {
            Some(presence) if presence.first() == Some(&false) => {
                self.fetch(run_to_fetch(&presence) as u64).await
            }
            _ => Ok(()),
        }
    }

    /// Converts to a body.
    pub(super) fn into_body(self) -> GetBody {
        GetBody::new(stream::try_unfold(self, |mut mixture| async move {
            let next = mixture.next().await?;
            Ok(next.map(|bytes| (bytes, mixture)))
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while !self.left.is_empty() {
            if let Some((stream, end)) = &mut self.coming {
                if let Some(piece) = stream.next().await? {
                    self.left.start += piece.len() as u64;
                    return Ok(Some(piece));
                }
                if self.left.start < *end {
                    let words = format!("{} bytes missing", *end - self.left.start);
                    return Err(self.failed(StoreErrorKind::Truncated(words)));
                }
                self.coming = None;
                continue;
            }
            match self.look().await {
                CachedBlock::Here(bytes) => {
                    self.left.start += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                CachedBlock::Absent(blocks) => self.fetch(blocks).await?,
            }
        }
        Ok(None)
    }

    /// Returns the blocks at the start of the remaining range.
    fn blocks_ahead(&self) -> Range<u64> {
        let first = self.left.start / BLOCK;
        first..self.left.end.div_ceil(BLOCK).min(first + AHEAD)
    }

    /// Looks for the first block of the remaining range on the disk.
    async fn look(&mut self) -> CachedBlock {
        let (entry, left, ahead) = (
            Arc::clone(&self.entry),
            self.left.clone(),
            self.blocks_ahead(),
        );
        let looked = self.cache.blocking(move || {
            let block = ahead.start;
            let Some(bytes) = entry.read(block) else {
                let mut presence = entry.presence(ahead);
                // Damaged, if it claims to be here.
                presence[0] = false;
                return CachedBlock::Absent(run_to_fetch(&presence) as u64);
            };
            let start = block * BLOCK;
            let until = (left.end - start).min(bytes.len() as u64);
            CachedBlock::Here(bytes.slice((left.start - start) as usize..until as usize))
        });
        looked.await.unwrap_or(CachedBlock::Absent(1))
    }

    /// Requests blocks at the start of the remaining range.
    async fn fetch(&mut self, blocks: u64) -> Result<(), StoreError> {
        let first = self.left.start / BLOCK;
        let end = ((first + blocks) * BLOCK).min(self.left.end);
        let Some(wanted) = ByteRange::new(self.left.start, end) else {
            return Ok(());
        };
        let meta = self.entry.meta().clone();
        let whole = ByteRange::new(0, meta.size);
        let asked = whole.and_then(|whole| common(widen(wanted), whole));
        let asked = asked.unwrap_or(wanted);
        let is_this = Condition::Is(&meta.etag);
        let answer = self.store.get(&self.key, Some(asked), is_this).await?;
        if answer.meta.etag != meta.etag {
            return Err(self.failed(StoreErrorKind::PreconditionFailed));
        }
        if answer.range != Some(asked) || answer.meta.size != meta.size {
            let words = format!("asked for {asked}, got {:?}", answer.range);
            return Err(self.failed(StoreErrorKind::NotS3(words)));
        }
        let header = Header::new(self.entry.header.object, answer.meta, answer.headers);
        let intake = Intake::new(&self.cache, header, asked.start());
        self.coming = Some((FillStream::new(intake, asked, wanted, answer.body), end));
        Ok(())
    }

    fn failed(&self, kind: StoreErrorKind) -> StoreError {
        StoreError::new("GetObject", self.store.uri(&self.key), kind)
    }
}
