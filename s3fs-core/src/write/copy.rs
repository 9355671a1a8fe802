//! Server-side copy of an object within its bucket, of any size.

use std::sync::Arc;

use crate::object::{Headers, Key, ObjectRef};
use crate::store::{CopiedHeaders, Precondition, headers_with_tags};
use crate::write::error::WriteError;
use crate::write::part_body::PartBody;
use crate::write::plan::{PlannedPart, copies};
use crate::write::target::Target;
use crate::write::upload::Upload;

/// Copies an object on the server, with these headers. An object of more than 5 GiB is copied in
/// parts.
///
/// # Errors
/// Fails if the object was replaced or deleted, or if the store fails.
pub async fn copy_object(
    target: &Target,
    from: &ObjectRef,
    to: &Key,
    headers: CopiedHeaders<'_>,
) -> Result<ObjectRef, WriteError> {
    let store = &target.store;
    let etag = if from.size <= target.sizes().max() {
        store.copy(&from.key, &from.etag, to, headers).await?
    } else {
        // Parts do not inherit the headers of the object that they are copied from.
        let headers = headers_of_parts(target, from, headers).await?;
        let mut upload = Upload::new(&Arc::new(target.clone()), to.clone(), headers);
        let parts = copies(&Arc::new(from.clone()), target.sizes());
        let mut offset = 0;
        for (part, number) in parts.into_iter().zip(1..) {
            let length = part.length();
            if let PlannedPart::Copy { object, range } = part {
                upload.put(number, offset, PartBody::Copy(object, range));
            }
            offset += length;
        }
        let completed = upload.complete(&Precondition::None, from.size).await;
        if completed.is_err() {
            upload.abort().await;
        }
        completed?
    };
    Ok(ObjectRef {
        key: to.clone(),
        etag,
        size: from.size,
    })
}

/// Returns the headers of a copy in parts, which inherit none.
///
/// # Errors
/// The source can't be described, or has tags that can't be read.
async fn headers_of_parts(
    target: &Target,
    from: &ObjectRef,
    headers: CopiedHeaders<'_>,
) -> Result<Headers, WriteError> {
    let headers = match headers {
        CopiedHeaders::Other(headers) => return Ok(headers.clone()),
        CopiedHeaders::Changed(headers) => headers.clone(),
        CopiedHeaders::Source | CopiedHeaders::Known(_) => {
            let described = target.store.head(&from.key).await;
            described.map_err(WriteError::on_the_way)?.headers
        }
    };
    let read = headers_with_tags(&*target.store, &from.key, headers).await;
    read.map_err(WriteError::on_the_way)
}
