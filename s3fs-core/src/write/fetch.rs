//! Fetch of the few bytes of stored objects that go into a part or a small file.

use crate::object::{ByteRange, ObjectRef};
use crate::store::{Condition, Store, StoreError, StoreErrorKind};
use crate::write::error::WriteError;

/// Passes a range of an object to `take`, in pieces with their offsets in the object.
///
/// # Errors
/// Fails if the object was replaced or deleted, or if the store or `take` fails.
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
    let answer = store.get(&object.key, range, condition).await;
    let mut answer = answer.map_err(WriteError::on_the_way)?;
    if answer.meta.etag != object.etag {
        let changed = failed(StoreErrorKind::PreconditionFailed);
        return Err(WriteError::on_the_way(changed));
    }
    if answer.range != Some(missing) {
        let words = format!("asked for {missing}, got {:?}", answer.range);
        return Err(WriteError::on_the_way(failed(StoreErrorKind::NotS3(words))));
    }
    loop {
        let piece = answer.body.next().await;
        let Some(piece) = piece.map_err(WriteError::on_the_way)? else {
            break;
        };
        let left = missing.end() - at;
        let piece = &piece[..piece.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        take(at, piece)?;
        at += piece.len() as u64;
    }
    if at < missing.end() {
        let words = format!("{} of {missing} missing", missing.end() - at);
        return Err(WriteError::on_the_way(failed(StoreErrorKind::Truncated(
            words,
        ))));
    }
    Ok(())
}
