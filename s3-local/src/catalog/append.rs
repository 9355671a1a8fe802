//! Append of bytes to an object of a directory bucket.

use std::sync::Arc;

use super::{Catalog, Object, Record, Refusal, WriteCondition, directory};
use crate::content::Content;
use crate::digest::{Checksum, ChecksumKind};

/// Maximum number of parts of an object; each append adds one.
const MAX_PARTS: u32 = 10_000;

/// Bytes to append.
#[derive(Debug)]
pub(crate) struct Appended {
    /// Offset at which the sender expects the end of the object.
    pub(crate) offset: u64,
    /// Object that is made if there is none, and whose bytes are appended otherwise.
    pub(crate) object: Object,
}

impl Catalog {
    /// Appends bytes to an object, which keeps its headers; offset 0 creates a missing one. Returns the
    /// new version.
    pub(crate) fn append_object(
        &self,
        bucket: &str,
        key: &str,
        appended: Appended,
        condition: &WriteCondition,
    ) -> Result<Arc<Object>, Refusal> {
        self.change(|locked| {
            let current = locked.state.bucket(bucket)?.objects.get(key.as_bytes());
            let current = current.map(AsRef::as_ref);
            condition.check(current)?;
            if current.map_or(0, |object| object.size) != appended.offset {
                return Err(Refusal::InvalidWriteOffset);
            }
            let object = match current {
                Some(current) => joined(current, appended.object)?,
                None => appended.object,
            };
            locked.commit(Record::PutObject {
                bucket: bucket.to_owned(),
                key: key.into(),
                object: object.clone(),
            })?;
            Ok(Arc::new(object))
        })
    }
}

fn joined(current: &Object, added: Object) -> Result<Object, Refusal> {
    if current.parts >= MAX_PARTS {
        return Err(Refusal::TooManyParts);
    }
    let checksum = match (&current.checksum, &added.checksum) {
        (Some(first), Some(second)) if first.algorithm == second.algorithm => {
            let sums = [(first, current.size), (second, added.size)];
            Checksum::of_parts(first.algorithm, ChecksumKind::FullObject, &sums)
        }
        _ => None,
    };
    let extents = current.content.extents.iter().cloned();
    Ok(Object {
        content: Content {
            extents: extents.chain(added.content.extents).collect(),
        },
        size: current.size + added.size,
        etag: directory::etag(),
        modified: added.modified,
        headers: current.headers.clone(),
        checksum,
        parts: current.parts + 1,
    })
}
