//! Body of one part of an upload, and the request that sends it.

use std::ops::Range;
use std::sync::Arc;

use crate::object::{ByteRange, Key, ObjectRef};
use crate::store::{CopySource, PartNumber, PartTag, StoreError, StoreErrorKind, UploadId};
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::{Extent, ExtentSource};
use crate::write::fetch::fetch;
use crate::write::stage::StageFile;
use crate::write::target::Target;
use crate::write::zeros::ZeroRun;

/// Content of a part. Cheap to clone, and can be sent again after a failure.
#[derive(Clone, Debug)]
pub(super) enum PartBody {
    /// Bytes held in a buffer.
    Send(PartBuffer),
    /// Range of the stage, holes included.
    SendStaged(Arc<StageFile>, Range<u64>),
    /// Bytes from several sources, some of which must be fetched.
    Assemble(Arc<Assembly>),
    /// Range of an object, copied by the server.
    Copy(Arc<ObjectRef>, Range<u64>),
    /// Zeros that the server copies.
    CopyZeros(ZeroRun),
}

impl PartBody {
    /// Returns the number of bytes to send.
    pub(super) fn sends(&self) -> u64 {
        match self {
            Self::Send(buffer) => buffer.length(),
            Self::SendStaged(_, range) => range.end - range.start,
            Self::Assemble(assembly) => assembly.extents.iter().map(Extent::length).sum(),
            Self::Copy(..) | Self::CopyZeros(_) => 0,
        }
    }

    /// Uploads the content as a part.
    ///
    /// # Errors
    /// Fails if the store fails, if there is no room to assemble the bytes, or with
    /// [`WriteError::NoZeros`].
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
            Self::CopyZeros(zeros) => {
                return copy_zeros(target, zeros, (key, upload, number)).await;
            }
        };
        let sent = store.upload_part(key, upload, number, body).await;
        sent.map_err(WriteError::on_the_way)
    }
}

/// Copies zeros as a part, from another run if their object has vanished.
async fn copy_zeros(
    target: &Target,
    zeros: &ZeroRun,
    (key, upload, number): (&Key, &UploadId, PartNumber),
) -> Result<PartTag, WriteError> {
    let length = zeros.length();
    let another = || Some(target.zeros.longest(length)?.first(length));
    let mut next = Some(zeros.clone())
        .filter(|run| target.zeros.knows(run))
        .or_else(another);
    while let Some(ZeroRun { object, range }) = next {
        let source = copy_source(&object, &range).ok_or_else(|| no_bytes(target, key))?;
        let copying = target.store.upload_part_copy(key, upload, number, source);
        match copying.await {
            Err(error) if refuses_source(&error.kind) => {
                tracing::debug!(%error, "zeros could not be copied");
                if matches!(error.kind, StoreErrorKind::Unsupported(_)) {
                    target.zeros.turn_off();
                } else {
                    target.zeros.forget(&object);
                }
            }
            copied => return copied.map_err(WriteError::on_the_way),
        }
        next = another();
    }
    Err(WriteError::NoZeros)
}

/// Returns whether the same copy will be refused again. `Other` has answers of servers that know no
/// such request: the file has to be stored there too.
fn refuses_source(kind: &StoreErrorKind) -> bool {
    matches!(
        kind,
        StoreErrorKind::NoSuchKey
            | StoreErrorKind::PreconditionFailed
            | StoreErrorKind::Archived { .. }
            | StoreErrorKind::AccessDenied(_)
            | StoreErrorKind::Unsupported(_)
            | StoreErrorKind::Other(_)
    )
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

/// Range of a file whose bytes have several sources.
#[derive(Debug)]
pub(super) struct Assembly {
    /// Sources of the bytes; in order, without gaps.
    pub(super) extents: Vec<Extent>,
    /// Stage that holds the staged bytes.
    pub(super) stage: Option<Arc<StageFile>>,
}

/// Size of the pieces, in bytes, in which the stage is copied.
const PIECE: u64 = 1 << 20;

impl Assembly {
    /// Gathers all bytes in a buffer. Fetches one range after the other, since other parts fetch
    /// too.
    ///
    /// # Errors
    /// Fails if an object was replaced or deleted, if the store fails, or if there is no room.
    pub(super) async fn gather(&self, target: &Arc<Target>) -> Result<PartBuffer, WriteError> {
        let mut buffer = PartBuffer::new(target);
        let begin = self.extents.first().map_or(0, |extent| extent.range.start);
        for extent in &self.extents {
            let Range { start, end } = extent.range;
            match (&extent.source, &self.stage) {
                (ExtentSource::Object { object, offset }, _) => {
                    let Some(range) = ByteRange::new(*offset, offset + (end - start)) else {
                        continue;
                    };
                    let take =
                        |at, bytes: &[u8]| buffer.write_at(start - begin + at - offset, bytes);
                    fetch(&*target.store, object, range, take).await?;
                }
                (ExtentSource::Stage, Some(stage)) => {
                    for at in (start..end).step_by(PIECE as usize) {
                        let bytes = stage.read(at, PIECE.min(end - at))?;
                        buffer.write_at(at - begin, &bytes)?;
                    }
                }
                (ExtentSource::Hole | ExtentSource::Stage, _) => buffer.resize(end - begin)?,
                (ExtentSource::Sent, _) => return Err(WriteError::Lost),
            }
        }
        Ok(buffer)
    }
}
