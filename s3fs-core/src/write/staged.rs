//! File whose bytes have several sources: the stage, stored objects and holes.

use std::ops::Range;
use std::sync::Arc;

use crate::object::{ETag, ObjectRef};
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::{ExtentSource, Extents};
use crate::write::part_body::{Assembly, PartBody};
use crate::write::plan::{Plan, PlannedPart};
use crate::write::plan_upload::{HoleSource, plan_upload};
use crate::write::reading::{Piece, Reading};
use crate::write::stage::StageFile;
use crate::write::target::{Destination, Target};
use crate::write::upload::Upload;

/// File whose bytes have several sources.
#[derive(Debug)]
pub(super) struct Staged {
    target: Arc<Target>,
    extents: Extents,
    /// Stage with the bytes held here, at the same offsets as in the file. Zeros elsewhere.
    stage: Option<Arc<StageFile>>,
    /// Upload that a failed attempt to store the present content has left, to continue from.
    upload: Option<Upload>,
}

/// State of a file after it was stored.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Object whose bytes are no longer held here.
    Object(ETag),
    /// Object whose bytes are still held in a buffer.
    Whole(ETag, PartBuffer),
}

impl Staged {
    /// Creates a file of which no bytes are held here.
    pub(super) fn new(target: &Arc<Target>, extents: Extents) -> Self {
        Self {
            target: Arc::clone(target),
            extents,
            stage: None,
            upload: None,
        }
    }

    /// Returns the sources of the file's bytes.
    pub(super) fn extents(&self) -> &Extents {
        &self.extents
    }

    /// Returns whether some bytes have a stored object as their source.
    pub(super) fn needs_objects(&self) -> bool {
        self.extents.has_objects()
    }

    /// Returns the object whose content the whole file is, if there is one.
    pub(super) fn whole_object(&self) -> Option<&Arc<ObjectRef>> {
        self.extents.whole_object()
    }

    /// Returns whether a write at `offset` appends to an object that can be copied as the first
    /// parts.
    pub(super) fn grows_at(&self, offset: u64, first_part: u64) -> bool {
        let object = self.whole_object();
        object.is_some_and(|object| object.size == offset && object.size >= first_part)
    }

    /// Returns whether the next change must abort an upload first.
    pub(super) fn has_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// Returns the approximate number of bytes still to be sent.
    pub(super) fn unsent_bytes(&self) -> u64 {
        match (&self.upload, &self.stage) {
            (Some(upload), _) => upload.unsent_bytes(),
            (None, Some(stage)) => stage.held(),
            (None, None) => 0,
        }
    }

    /// Aborts the upload that an attempt to store the file has left. Must precede any change.
    pub(super) async fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort().await;
        }
    }

    /// Writes the bytes of a buffer.
    ///
    /// # Errors
    /// Fails if there is no room for them.
    pub(super) fn put(&mut self, offset: u64, buffer: &PartBuffer) -> Result<(), WriteError> {
        buffer.each_piece(|at, bytes| self.write(offset + at, bytes))
    }

    /// Writes at any offset.
    ///
    /// # Errors
    /// Fails if there is no room for the bytes. The file is then unchanged.
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        let range = offset..offset + data.len() as u64;
        let new = data.len() as u64 - self.extents.staged(range.clone());
        if let Err(error) = self.stage()?.write(offset, data, new) {
            self.clear_around_stage(&range)?;
            return Err(error);
        }
        self.extents.set(range, ExtentSource::Stage);
        Ok(())
    }

    /// Clears what a failed write left in the stage's file, outside of its own extents.
    fn clear_around_stage(&self, range: &Range<u64>) -> Result<(), WriteError> {
        let Some(stage) = &self.stage else {
            return Ok(());
        };
        for extent in self.extents.within(range.clone()) {
            if extent.source != ExtentSource::Stage {
                stage.clear(extent.range, 0)?;
            }
        }
        let behind = range.start.max(self.extents.length())..range.end;
        Ok(stage.clear(behind, 0)?)
    }

    fn stage(&mut self) -> Result<&Arc<StageFile>, WriteError> {
        let stage = match self.stage.take() {
            Some(stage) => stage,
            None => Arc::new(self.target.stages.create()?),
        };
        Ok(self.stage.insert(stage))
    }

    /// Truncates the file, or extends it by a hole.
    ///
    /// # Errors
    /// Fails if the temporary file fails.
    pub(super) fn resize(&mut self, length: u64) -> Result<(), WriteError> {
        if let Some(stage) = &self.stage {
            let held = self.extents.staged(length..self.extents.length());
            stage.cut(length, held)?;
        }
        self.extents.resize(length);
        Ok(())
    }

    /// Sets another source for a range.
    ///
    /// # Errors
    /// Fails if the temporary file fails.
    pub(super) fn set(
        &mut self,
        range: Range<u64>,
        source: ExtentSource,
    ) -> Result<(), WriteError> {
        if let Some(stage) = &self.stage {
            let held = self.extents.staged(range.clone());
            if held > 0 {
                stage.clear(range.clone(), held)?;
            }
        }
        self.extents.set(range, source);
        Ok(())
    }

    /// Reads a range: bytes held here, and references to stored objects.
    ///
    /// # Errors
    /// Fails if bytes are lost, or if the temporary file fails.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Reading, WriteError> {
        let pieces = self.extents.within(range).map(|extent| {
            let (start, length) = (extent.range.start, extent.length());
            match (extent.source, &self.stage) {
                (ExtentSource::Sent, _) => Err(WriteError::Lost),
                (ExtentSource::Object { object, offset }, _) => Ok(Piece::Object {
                    object,
                    offset,
                    length,
                }),
                (ExtentSource::Stage, Some(stage)) => Ok(Piece::Bytes(stage.read(start, length)?)),
                (ExtentSource::Hole | ExtentSource::Stage, _) => Ok(Piece::Zeros(length)),
            }
        });
        Ok(Reading::Pieces(pieces.collect::<Result<_, _>>()?))
    }

    /// Stores the file.
    ///
    /// # Errors
    /// Fails if bytes are lost, or if the store fails. The next attempt does not send again what
    /// was sent.
    pub(super) async fn store(&mut self, to: &Destination) -> Result<Outcome, WriteError> {
        if self.extents.has_sent(0..self.extents.length()) {
            return Err(WriteError::Lost);
        }
        let is_other = |upload: &Upload| *upload.key() != to.key || *upload.headers() != to.headers;
        if self.upload.as_ref().is_some_and(is_other) {
            self.abort().await;
        }
        match self.attempt(to, HoleSource::Copies).await {
            Err(WriteError::NoZeros) => {
                // Its parts of zeros may be too large to be sent.
                self.abort().await;
                self.attempt(to, HoleSource::Zeros).await
            }
            attempted => attempted,
        }
    }

    async fn attempt(
        &mut self,
        to: &Destination,
        holes: HoleSource,
    ) -> Result<Outcome, WriteError> {
        let size = self.extents.length();
        let mut permit = None;
        if self.upload.is_none() {
            let planned = plan_upload(&self.target, &self.extents, (to, holes)).await?;
            permit = planned.1;
            match planned.0 {
                Plan::Put => return self.put_whole(to).await,
                Plan::Copy(object) => {
                    let outcome = self.copy(&object, to).await?;
                    self.note_zeros(to, &outcome);
                    return Ok(outcome);
                }
                Plan::Parts(parts) => self.upload = Some(self.begin(parts, to)?),
            }
        }
        let outcome = self.complete(to, size).await?;
        self.note_zeros(to, &outcome);
        // Files that waited for these zeros copy them from now on.
        drop(permit);
        Ok(outcome)
    }

    /// Records the zeros of the stored version, while other files wait for this one's.
    fn note_zeros(&self, to: &Destination, outcome: &Outcome) {
        if let Outcome::Object(etag) = outcome {
            let object = ObjectRef {
                key: to.key.clone(),
                etag: etag.clone(),
                size: self.extents.length(),
            };
            let (zeros, min) = (&self.target.zeros, self.target.sizes().first());
            zeros.stored(&object, zeros.longest_in(&self.extents), min);
        }
    }

    async fn put_whole(&self, to: &Destination) -> Result<Outcome, WriteError> {
        let all = self.assembly(0..self.extents.length());
        let buffer = all.gather(&self.target).await?;
        Ok(Outcome::Whole(buffer.store(to).await?, buffer))
    }

    async fn copy(&self, object: &ObjectRef, to: &Destination) -> Result<Outcome, WriteError> {
        let store = &self.target.store;
        let copying = store.copy(
            &object.key,
            &object.etag,
            &to.key,
            to.copied_headers(object),
        );
        Ok(Outcome::Object(copying.await?))
    }

    fn begin(&mut self, parts: Vec<PlannedPart>, to: &Destination) -> Result<Upload, WriteError> {
        let mut upload = Upload::new(&self.target, to.key.clone(), to.headers.clone());
        let mut offset = 0;
        for (part, number) in parts.into_iter().zip(1..) {
            let length = part.length();
            upload.put(number, offset, self.job(part)?);
            offset += length;
        }
        Ok(upload)
    }

    fn job(&mut self, part: PlannedPart) -> Result<PartBody, WriteError> {
        let range = match part {
            PlannedPart::Copy { object, range } => return Ok(PartBody::Copy(object, range)),
            PlannedPart::CopyZeros { from, .. } => return Ok(PartBody::CopyZeros(from)),
            PlannedPart::Send(range) => range,
        };
        let is_here =
            |source: &ExtentSource| matches!(source, ExtentSource::Stage | ExtentSource::Hole);
        if self
            .extents
            .within(range.clone())
            .all(|extent| is_here(&extent.source))
        {
            return Ok(PartBody::SendStaged(Arc::clone(self.stage()?), range));
        }
        Ok(PartBody::Assemble(Arc::new(self.assembly(range))))
    }

    fn assembly(&self, range: Range<u64>) -> Assembly {
        Assembly {
            extents: self.extents.within(range).collect(),
            stage: self.stage.clone(),
        }
    }

    async fn complete(&mut self, to: &Destination, size: u64) -> Result<Outcome, WriteError> {
        let Some(upload) = &mut self.upload else {
            return Err(WriteError::Lost);
        };
        let completed = upload.complete(&to.precondition, size).await;
        if completed.as_ref().is_err_and(WriteError::is_no_upload) {
            // All that was sent is here still: the next attempt begins anew.
            upload.leave();
            self.upload = None;
        }
        Ok(Outcome::Object(completed?))
    }

    /// Updates references to a stored object that was renamed.
    pub(super) fn replace(&mut self, from: &ObjectRef, to: &Arc<ObjectRef>) {
        self.extents.replace(from, to);
    }

    /// Passes all bytes held here to `take`, in pieces with their offsets.
    ///
    /// # Errors
    /// Fails if the temporary file or `take` fails.
    pub(super) fn each_piece<E: From<WriteError>>(
        &self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(stage) = &self.stage else {
            return Ok(());
        };
        for extent in self
            .extents
            .all()
            .filter(|e| e.source == ExtentSource::Stage)
        {
            let Range { start, end } = extent.range;
            for at in (start..end).step_by(PIECE as usize) {
                let bytes = stage
                    .read(at, PIECE.min(end - at))
                    .map_err(WriteError::from)?;
                take(at, &bytes)?;
            }
        }
        Ok(())
    }
}

/// Size of the pieces, in bytes, in which the stage is copied.
const PIECE: u64 = 1 << 20;
