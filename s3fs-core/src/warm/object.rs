//! Fetch of one object into the cache.

use std::io;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::budget::Budget;
use crate::cache::Filler;
use crate::object::{ByteRange, Key, ObjectMeta};
use crate::store::{Condition, GetResponse, Store, StoreError, StoreErrorKind};

/// Maximum length of one request, in bytes: a whole number of the cache's blocks.
const PART: u64 = 8 << 20;

/// Maximum number of parts of one object in flight.
const PARTS: usize = 8;

/// Outcome of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// Object that is in the cache.
    Stored,
    /// Object that was replaced or deleted, or that the cache does not admit.
    Skipped,
}

/// Error of a fetch.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("failed to write to the cache: {0}")]
    Disk(io::Error),
}

/// Fetches the listed version of an object, and stores it.
///
/// # Errors
/// Fails if the store or the disk fails.
pub(super) async fn fetch(
    store: &dyn Store,
    filler: &Filler,
    budget: &Budget,
    key: &Key,
    meta: &ObjectMeta,
) -> Result<Fetched, FetchError> {
    if meta.size <= PART {
        return fetch_part(store, filler, budget, key, meta, 0).await;
    }
    // A warming that was ended may have left some.
    let held = filler.parts_held(key, meta, PART).await;
    let mut missing = (0..).zip(held).filter(|(_, is_held)| !is_held);
    let Some((first, _)) = missing.next() else {
        return Ok(Fetched::Stored);
    };
    // Alone, because it may create the files.
    let first = fetch_part(store, filler, budget, key, meta, first * PART).await?;
    if first == Fetched::Skipped {
        return Ok(first);
    }
    let rest = missing.map(|(part, _)| part * PART);
    let rest = stream::iter(rest).map(|start| fetch_part(store, filler, budget, key, meta, start));
    let mut rest = rest.buffer_unordered(PARTS);
    while let Some(part) = rest.try_next().await? {
        if part == Fetched::Skipped {
            return Ok(Fetched::Skipped);
        }
    }
    Ok(Fetched::Stored)
}

async fn fetch_part(
    store: &dyn Store,
    filler: &Filler,
    budget: &Budget,
    key: &Key,
    meta: &ObjectMeta,
    start: u64,
) -> Result<Fetched, FetchError> {
    let end = meta.size.min(start + PART);
    let _memory = budget.take(end - start).await;
    let asked = ByteRange::new(start, end);
    let range = asked.filter(|_| meta.size > PART);
    let answer = match store.get(key, range, Condition::Is(&meta.etag)).await {
        Ok(answer) => answer,
        Err(error) if is_gone(&error) => return Ok(Fetched::Skipped),
        Err(error) => return Err(error.into()),
    };
    // Not every server honours `If-Match` and `Range`: other bytes must not slip in.
    if answer.meta.etag != meta.etag || answer.meta.size != meta.size {
        return Ok(Fetched::Skipped);
    }
    let failed = |kind| StoreError::new("GetObject", store.uri(key), kind);
    if answer.range != asked {
        let words = format!("asked for {asked:?}, got {:?}", answer.range);
        return Err(failed(StoreErrorKind::NotS3(words)).into());
    }
    let (headers, meta) = (answer.headers.clone(), answer.meta.clone());
    let bytes = match whole(answer, (end - start) as usize).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(kind)) => return Err(failed(kind).into()),
        Err(error) if is_gone(&error) => return Ok(Fetched::Skipped),
        Err(error) => return Err(error.into()),
    };
    let stored = filler.store(key, meta, headers, start, bytes).await;
    Ok(if stored.map_err(FetchError::Disk)? {
        Fetched::Stored
    } else {
        Fetched::Skipped
    })
}

/// Returns a body of this length, or the fault of one that has another length.
async fn whole(
    mut answer: GetResponse,
    length: usize,
) -> Result<Result<Vec<u8>, StoreErrorKind>, StoreError> {
    let mut bytes = Vec::with_capacity(length);
    while let Some(piece) = answer.body.next().await? {
        if piece.len() > length - bytes.len() {
            let words = format!("body is longer than {length} bytes");
            return Ok(Err(StoreErrorKind::NotS3(words)));
        }
        bytes.extend_from_slice(&piece);
    }
    if bytes.len() < length {
        let words = format!("{} of {length} bytes missing", length - bytes.len());
        return Ok(Err(StoreErrorKind::Truncated(words)));
    }
    Ok(Ok(bytes))
}

/// Returns whether the store has another version of the object, or none, or none whose bytes it gives.
fn is_gone(error: &StoreError) -> bool {
    matches!(
        error.kind,
        StoreErrorKind::PreconditionFailed
            | StoreErrorKind::NoSuchKey
            | StoreErrorKind::Archived { .. }
    )
}
