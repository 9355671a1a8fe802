//! Fetching the few bytes of stored objects that go into a part or a small file.

use crate::object::{ByteRange, ObjectRef};
use crate::store::{Condition, Store, StoreError, StoreErrorKind};
use crate::write::error::WriteError;

/// Gives a range of an object to `take`, in pieces with their offsets in the object.
///
/// # Errors
/// It was replaced or deleted, the store doesn't answer, or what `take` says.
pub(super) async fn fetch(
    store: &dyn Store,
    object: &ObjectRef,
    missing: ByteRange,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut at = missing.start();
    let failed = |kind| StoreError::new("GetObject", store.uri(&object.key), kind);
    let is_all = missing.length() == object.size;
    let range = Some(missing).filter(|_| !is_all);
    let condition = Condition::Is(&object.etag);
    let mut answer = store.get(&object.key, range, condition).await?;
    if answer.meta.etag != object.etag {
        return Err(failed(StoreErrorKind::PreconditionFailed).into());
    }
    if answer.range != Some(missing) {
        let words = format!("asked for {missing}, got {:?}", answer.range);
        return Err(failed(StoreErrorKind::NotS3(words)).into());
    }
    while let Some(piece) = answer.body.next().await? {
        let left = missing.end() - at;
        let piece = &piece[..piece.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        take(at, piece)?;
        at += piece.len() as u64;
    }
    if at < missing.end() {
        let words = format!("{} of {missing} missing", missing.end() - at);
        return Err(failed(StoreErrorKind::Truncated(words)).into());
    }
    Ok(())
}
