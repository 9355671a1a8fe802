//! Server-side copy of an object within its bucket, of any size.

use std::sync::Arc;

use crate::object::{Headers, Key, ObjectRef};
use crate::store::{MAX_COPY, Precondition};
use crate::write::error::WriteError;
use crate::write::part_body::PartBody;
use crate::write::plan::{Part, copies};
use crate::write::target::Target;
use crate::write::upload::Upload;

/// Copies an object on the server. Keeps its headers, unless `headers` replaces them. An object of
/// more than 5 GiB is copied in parts.
///
/// # Errors
/// Fails if the object was replaced or deleted, or if the store fails.
pub async fn copy_object(
    target: &Target,
    from: &ObjectRef,
    to: &Key,
    headers: Option<&Headers>,
) -> Result<ObjectRef, WriteError> {
    let store = &target.store;
    let etag = if from.size <= MAX_COPY {
        store.copy(&from.key, &from.etag, to, headers).await?
    } else {
        // Parts do not inherit the headers of the object that they are copied from.
        let headers = if let Some(headers) = headers {
            headers.clone()
        } else {
            let described = store.head(&from.key).await;
            described.map_err(WriteError::on_the_way)?.headers
        };
        let mut upload = Upload::new(&Arc::new(target.clone()), to.clone(), headers);
        let parts = copies(&Arc::new(from.clone()), target.sizes());
        let mut offset = 0;
        for (part, number) in parts.into_iter().zip(1..) {
            let length = part.length();
            if let Part::Copy { object, range } = part {
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
