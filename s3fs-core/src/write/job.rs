//! What one part of an upload is made of, and how it gets there.

use std::ops::Range;
use std::sync::Arc;

use crate::object::{ByteRange, Key, ObjectRef};
use crate::store::{CopySource, PartNumber, PartTag, StoreError, StoreErrorKind, UploadId};
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::{Extent, Source};
use crate::write::fetch::fetch;
use crate::write::stage::StageFile;
use crate::write::target::Target;

/// What a part is made of. Cheap to clone, and can be done again after a failure.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// Bytes that are here.
    Send(PartBuffer),
    /// A range of the stage, holes included.
    SendStaged(Arc<StageFile>, Range<u64>),
    /// Bytes that are here and bytes that are fetched.
    Assemble(Arc<Assembly>),
    /// A range of an object, copied by the server.
    Copy(Arc<ObjectRef>, Range<u64>),
}

impl Job {
    /// How many bytes it sends.
    pub(super) fn sends(&self) -> u64 {
        match self {
            Self::Send(buffer) => buffer.length(),
            Self::SendStaged(_, range) => range.end - range.start,
            Self::Assemble(assembly) => assembly.extents.iter().map(Extent::length).sum(),
            Self::Copy(..) => 0,
        }
    }

    /// Makes it a part.
    ///
    /// # Errors
    /// The store failed, or there is no room to put the bytes together.
    pub(super) async fn run(
        &self,
        target: &Arc<Target>,
        (key, upload, number): (&Key, &UploadId, PartNumber),
    ) -> Result<PartTag, WriteError> {
        let store = &target.store;
        let body = match self {
            Self::Send(buffer) => buffer.body()?,
            Self::SendStaged(file, range) => file.body(range.clone())?,
            Self::Assemble(assembly) => assembly.gather(target).await?.body()?,
            Self::Copy(object, range) => {
                let source = copy_source(object, range).ok_or_else(|| no_bytes(target, key))?;
                let copied = store.upload_part_copy(key, upload, number, source).await;
                return copied.map_err(WriteError::on_the_way);
            }
        };
        let sent = store.upload_part(key, upload, number, body).await;
        sent.map_err(WriteError::on_the_way)
    }
}

fn copy_source<'a>(object: &'a ObjectRef, range: &Range<u64>) -> Option<CopySource<'a>> {
    Some(CopySource {
        key: &object.key,
        etag: &object.etag,
        range: ByteRange::new(range.start, range.end)?,
    })
}

fn no_bytes(target: &Target, key: &Key) -> StoreError {
    StoreError::new(
        "UploadPartCopy",
        target.store.uri(key),
        StoreErrorKind::Other("no bytes to copy".into()),
    )
}

/// A stretch of a file with bytes in different places.
#[derive(Debug)]
pub(super) struct Assembly {
    /// Where they are; in order, without gaps.
    pub(super) extents: Vec<Extent>,
    /// What is here.
    pub(super) stage: Option<Arc<StageFile>>,
}

/// The stage is copied in pieces of this.
const PIECE: u64 = 1 << 20;

impl Assembly {
    /// All bytes together. What is fetched is asked for one after the other: there are other parts.
    ///
    /// # Errors
    /// An object was replaced or deleted, the store doesn't answer, or there is no room.
    pub(super) async fn gather(&self, target: &Arc<Target>) -> Result<PartBuffer, WriteError> {
        let mut buffer = PartBuffer::new(target);
        let begin = self.extents.first().map_or(0, |extent| extent.range.start);
        for extent in &self.extents {
            let Range { start, end } = extent.range;
            match (&extent.source, &self.stage) {
                (Source::Object { object, offset }, _) => {
                    let Some(range) = ByteRange::new(*offset, offset + (end - start)) else {
                        continue;
                    };
                    let take =
                        |at, bytes: &[u8]| buffer.write_at(start - begin + at - offset, bytes);
                    fetch(&*target.store, object, range, take).await?;
                }
                (Source::Stage, Some(stage)) => {
                    for at in (start..end).step_by(PIECE as usize) {
                        let bytes = stage.read(at, PIECE.min(end - at))?;
                        buffer.write_at(at - begin, &bytes)?;
                    }
                }
                (Source::Hole | Source::Stage, _) => buffer.resize(end - begin)?,
                (Source::Sent, _) => return Err(WriteError::Lost),
            }
        }
        Ok(buffer)
    }
}
